// The page's one audio context, and what keeps it and the screen awake.

/** Whether this browser can hold a conversation at all; the reason where it cannot. */
export function unsupportedReason() {
  if (!window.isSecureContext) return "insecure";
  const hasAudio = typeof AudioContext !== "undefined" && typeof AudioWorkletNode !== "undefined";
  return hasAudio && navigator.mediaDevices?.getUserMedia && typeof WebSocket !== "undefined" ? null : "browser";
}

/** To be called from a click: browsers give no sound before one. */
export async function openAudio() {
  // Tells iOS that this is a call, so that the loudspeaker and not the ear piece is used.
  if (navigator.audioSession) navigator.audioSession.type = "play-and-record";
  const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
  const modules = ["capture-worklet.js", "playout-worklet.js"].map((file) => new URL(file, import.meta.url));
  await Promise.all([context.resume(), ...modules.map((module) => context.audioWorklet.addModule(module))]);
  keepRunning(context);
  return context;
}

/** Phone calls and other pages may stop a context; it goes on when the page is looked at or the reason is over. */
function keepRunning(context) {
  const resume = () => {
    if (context.state !== "running" && context.state !== "closed") context.resume().catch(() => {});
  };
  context.addEventListener("statechange", resume);
  document.addEventListener("visibilitychange", resume);
  document.addEventListener("pointerdown", resume);
}

/** Two soft tones, so that people know that they will hear the interviewer. */
export function playTestSound(context) {
  for (const [index, frequency] of [523.25, 783.99].entries()) {
    const at = context.currentTime + index * 0.18;
    const tone = new OscillatorNode(context, { frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + 0.65);
  }
}

/** Keeps the screen on until the returned function is called; a lock is lost whenever the page is hidden. */
export function keepScreenOn() {
  let lock = null;
  let isWanted = true;
  const request = async () => {
    if (!isWanted || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      const fresh = await navigator.wakeLock.request("screen");
      if (isWanted) lock = fresh;
      else await fresh.release();
    } catch {
      // Low battery, or not allowed: the conversation goes on without.
    }
  };
  document.addEventListener("visibilitychange", request);
  void request();
  return () => {
    isWanted = false;
    document.removeEventListener("visibilitychange", request);
    lock?.release().catch(() => {});
  };
}
