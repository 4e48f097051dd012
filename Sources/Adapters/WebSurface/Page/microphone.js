// The participant's microphone: permission, choice of device, and frames of 20 ms for as long as the page lives, with
// silence where the device has gone and the next device as soon as there is one.

const reacquireMilliseconds = 3000;

/** `denied`, `none`, `busy` or `failed`: what went wrong with getting a microphone. */
export class MicrophoneError extends Error {
  constructor(kind) {
    super(kind);
    this.kind = kind;
  }
}

const kinds = {
  NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "none",
  NotReadableError: "busy", AbortError: "busy",
};

export class Microphone {
  /** Loudness of the last 20 ms, 0 to 1. */
  level = 0;
  /** For statistics: energy and number of frames since they were last taken. */
  #energy = 0;
  #frames = 0;
  #context;
  #isRaw;
  #rate;
  #on;
  #stream = null;
  #track = null;
  #source = null;
  #node = null;
  #own = null;
  #wanted = null;
  #isMuted = false;
  #isClosed = false;
  #reacquiring = null;

  /** `on`: `frame(samples)`, `trouble(kind or null)` with lost and silenced, `devices()` when the list has changed. */
  constructor(context, { isRaw, rate, on }) {
    this.#context = context;
    this.#isRaw = isRaw;
    this.#rate = rate;
    this.#on = on;
    navigator.mediaDevices.addEventListener("devicechange", this.#devicesChanged);
  }

  /** Asks for permission where it is not given, and listens to that device, or to the system's choice. */
  async open(deviceId = null) {
    const stream = await this.#ask(deviceId);
    if (this.#isClosed) return stop(stream);
    this.#release();
    this.#wanted = deviceId;
    this.#stream = stream;
    const track = stream.getAudioTracks()[0];
    this.#track = track;
    track.enabled = !this.#isMuted;
    track.onended = () => this.#lost(track);
    track.onmute = () => this.#on.trouble("silenced");
    track.onunmute = () => this.#on.trouble(null);
    await this.#connect(stream);
    this.#on.trouble(null);
    this.#on.devices();
  }

  /** `[{id, label, isCurrent}]`; labels are there once permission is given. */
  async devices() {
    const current = this.#track?.getSettings().deviceId;
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId)
      .map(({ deviceId, label }) => ({ id: deviceId, label, isCurrent: deviceId === current }));
  }

  /** The kind of device, for statistics. Its name stays here. */
  get deviceKind() {
    const label = this.#track?.label.toLowerCase() ?? "";
    if (!label) return "unknown";
    if (/bluetooth|airpods|buds|hands-free/.test(label)) return "bluetooth";
    if (/headset|headphone|earpods/.test(label)) return "headset";
    if (/usb/.test(label)) return "usb";
    return /built-in|internal|array|default|integrated/.test(label) ? "built_in" : "other";
  }

  /** While muted the device itself delivers silence. */
  mute(isMuted) {
    this.#isMuted = isMuted;
    if (this.#track) this.#track.enabled = !isMuted;
  }

  /** Mean loudness since the last call, in dBFS, -100 for silence. */
  takeLoudness() {
    const mean = this.#frames > 0 ? this.#energy / this.#frames : 0;
    this.#energy = 0;
    this.#frames = 0;
    return mean > 1e-10 ? 10 * Math.log10(mean) : -100;
  }

  /** The encoder wants another rate. */
  async changeRate(rate) {
    this.#rate = rate;
    this.#node?.disconnect();
    this.#node = null;
    if (this.#stream) await this.#connect(this.#stream);
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#reacquiring);
    navigator.mediaDevices.removeEventListener("devicechange", this.#devicesChanged);
    this.#release();
    this.#node?.disconnect();
    void this.#own?.close();
  }

  async #ask(deviceId) {
    const processing = !this.#isRaw;
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: {
          echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing,
          channelCount: { ideal: 1 }, ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
        },
      });
    } catch (error) {
      throw new MicrophoneError(kinds[error.name] ?? "failed");
    }
  }

  /** One capture node lives on; sources come and go in front of it. */
  async #connect(stream) {
    const context = this.#own ?? this.#context;
    try {
      this.#source = context.createMediaStreamSource(stream);
    } catch {
      // Some browsers connect a microphone only to a context of its own rate. It gets one, and is resampled.
      this.#node = null;
      this.#own = new AudioContext({ latencyHint: "interactive" });
      await this.#own.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url));
      this.#source = this.#own.createMediaStreamSource(stream);
    }
    this.#node ??= this.#makeNode(this.#own ?? this.#context);
    this.#source.connect(this.#node);
  }

  #makeNode(context) {
    const node = new AudioWorkletNode(context, "voiced-capture", {
      numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1], channelCount: 1, channelCountMode: "explicit",
      processorOptions: { rate: this.#rate },
    });
    node.port.onmessage = ({ data }) => {
      if (node !== this.#node) return;
      this.level = data.level;
      this.#energy += data.level * data.level;
      this.#frames += 1;
      this.#on.frame(data.samples);
    };
    // The node gives off silence; connected it is sure to be run.
    node.connect(context.destination);
    return node;
  }

  #release() {
    this.#source?.disconnect();
    if (this.#track) this.#track.onended = this.#track.onmute = this.#track.onunmute = null;
    if (this.#stream) stop(this.#stream);
    this.#source = this.#stream = this.#track = null;
  }

  #lost(track) {
    if (track !== this.#track || this.#isClosed) return;
    this.#on.trouble("lost");
    void this.#reacquire();
  }

  /** The device that was chosen, else whichever there is; again and again until one is there. */
  async #reacquire() {
    clearTimeout(this.#reacquiring);
    for (const deviceId of this.#wanted ? [this.#wanted, null] : [null]) {
      try {
        return await this.open(deviceId);
      } catch {
        // The next one, or later.
      }
    }
    if (!this.#isClosed) this.#reacquiring = setTimeout(() => void this.#reacquire(), reacquireMilliseconds);
  }

  #devicesChanged = () => {
    this.#on.devices();
    if (this.#track?.readyState === "ended") void this.#reacquire();
  };
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}
