// The conversation on the screen: who is speaking, how long it has been, what the line does, and the three controls.

import { playTestSound } from "./audio.js";
import { Transcript } from "./transcript.js";
import {
  animate, announce, clockText, element, fillDevices, Meter, setHidden, setText, show, visibleLevel,
} from "./view.js";
import { words } from "./words.js";

/** The remaining time is shown from here on; before that it would only press. */
const nearEndMilliseconds = 5 * 60 * 1000;

/** A participant counts as speaking from this visible level on, and a little beyond each sound. */
const voiceLevel = 0.42;
const voiceHoldMilliseconds = 500;

const stillConnectingMilliseconds = 10000;
const goodNewsMilliseconds = 3500;

const labels = {
  connecting: ["connecting", "connectingHint"],
  away: ["away", ""],
  agent: ["agentSpeaking", "agentSpeakingHint"],
  you: ["youSpeak", ""],
  listening: ["listening", "listeningHint"],
  thinking: ["thinking", ""],
  moment: ["oneMoment", "oneMomentHint"],
  muted: ["muted", "mutedHint"],
  leaving: ["leaving", ""],
};

export class Room {
  #microphone;
  #speaker;
  #on;
  #now;
  #transcript;
  #phase = "connecting";
  #phaseSince;
  #state = null;
  #isMuted = false;
  #isLeaving = false;
  #began = null;
  #endsAt = null;
  #voiceUntil = 0;
  #who = null;
  #trouble = null;
  #goodNewsUntil = 0;
  #warned = false;
  #meter = null;
  #stopDrawing;

  /** `on`: `mute(isMuted)`, `leave()`. */
  constructor({ context, microphone, speaker, language, now, on }) {
    this.#microphone = microphone;
    this.#speaker = speaker;
    this.#on = on;
    this.#now = now;
    this.#phaseSince = now();
    this.#transcript = new Transcript(language);
    element("mute").onclick = () => this.#toggleMute();
    element("leave").onclick = () => element("leave-dialog").showModal();
    element("leave-dialog").onclose = (event) => this.#answered(event.target);
    element("settings").onclick = () => this.#openSettings();
    element("room-sound").onclick = () => playTestSound(context);
    element("room-device").onchange = (event) => void this.#choose(event.target.value);
    element("elapsed").setAttribute("aria-label", words("elapsedLabel"));
    this.#showMute();
    show("room");
    this.#stopDrawing = animate(() => this.#draw());
    window.addEventListener("beforeunload", this.#warnBeforeLeaving);
  }

  // MARK: What the line tells

  phase(name) {
    if (name === this.#phase) return;
    if (name === "live" && this.#phase === "away") this.#goodNewsUntil = this.#now() + goodNewsMilliseconds;
    if (name === "live") this.#began ??= this.#now();
    this.#phase = name;
    this.#phaseSince = this.#now();
    if (name === "away") announce(this.#awayText);
    if (name === "live") announce(words(this.#goodNewsUntil > 0 ? "backBanner" : "roomTitle"));
    this.#draw();
  }

  state(name) {
    if (name === "thinking" && this.#state === "listening") this.#transcript.keepPlace();
    this.#state = name;
    this.#draw();
  }

  transcript(message) {
    this.#transcript.show(message);
  }

  limits({ endsIn }) {
    this.#endsAt = this.#now() + endsIn;
  }

  /** `lost`, `silenced`, or null when the microphone is well. */
  trouble(kind) {
    this.#trouble = kind;
    if (kind) announce(words(kind === "lost" ? "microphoneLost" : "microphoneSilenced"));
    this.#draw();
  }

  devicesChanged() {
    if (element("settings-dialog").open) void fillDevices(element("room-device"), this.#microphone);
  }

  close() {
    this.#stopDrawing();
    window.removeEventListener("beforeunload", this.#warnBeforeLeaving);
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  }

  // MARK: Controls

  #toggleMute() {
    this.#isMuted = !this.#isMuted;
    this.#on.mute(this.#isMuted);
    this.#showMute();
    announce(this.#isMuted ? `${words("muted")}. ${words("mutedHint")}` : words("listening"));
  }

  #showMute() {
    element("mute").setAttribute("aria-pressed", String(this.#isMuted));
    element("mute-icon").setAttribute("href", this.#isMuted ? "#icon-mic-off" : "#icon-mic");
    setText("mute-label", words(this.#isMuted ? "unmute" : "mute"));
  }

  #answered(dialog) {
    if (dialog.returnValue !== "leave" || this.#isLeaving) return;
    this.#isLeaving = true;
    element("leave").disabled = true;
    announce(words("leaving"));
    this.#on.leave();
  }

  #openSettings() {
    this.#meter ??= new Meter("room-meter", 20);
    setHidden("room-device-error", true);
    void fillDevices(element("room-device"), this.#microphone);
    element("settings-dialog").showModal();
  }

  async #choose(deviceId) {
    try {
      await this.#microphone.open(deviceId);
      setHidden("room-device-error", true);
    } catch (error) {
      setText("room-device-error", words(`${error.kind ?? "failed"}Title`));
      setHidden("room-device-error", false);
    }
  }

  #warnBeforeLeaving = (event) => event.preventDefault();

  // MARK: Drawing

  #draw() {
    const now = this.#now();
    const who = this.#whoSpeaks(now);
    const stage = element("stage");
    if (who !== this.#who) {
      this.#who = who;
      stage.dataset.who = who;
      this.#label(who);
    }
    const level = who === "agent" ? this.#speaker.level : who === "you" ? this.#microphone.level : 0;
    stage.style.setProperty("--level", visibleLevel(level).toFixed(3));
    const own = this.#isMuted ? 0 : visibleLevel(this.#microphone.level);
    element("mute-level").style.setProperty("--level", own.toFixed(3));
    if (element("settings-dialog").open) this.#meter?.draw(this.#microphone.level);
    this.#drawTimes(now);
    this.#drawBanner(now);
  }

  /** The ear decides before the server's word: what is heard is what is going on. */
  #whoSpeaks(now) {
    if (this.#isLeaving) return "leaving";
    if (this.#phase === "away") return "away";
    if (this.#phase !== "live") return "connecting";
    if (!this.#isMuted && visibleLevel(this.#microphone.level) > voiceLevel) this.#voiceUntil = now + voiceHoldMilliseconds;
    if (this.#speaker.isPlaying) return "agent";
    if (this.#state === "reconnecting") return "moment";
    if (this.#isMuted) return "muted";
    if (now < this.#voiceUntil) return "you";
    return this.#state === "thinking" || this.#state === null ? "thinking" : "listening";
  }

  #label(who) {
    const [label, hint] = labels[who];
    setText("who", words(label));
    const isEnding = this.#state === "wrapping_up" && ["agent", "listening", "you", "thinking"].includes(who);
    setText("who-hint", isEnding ? words("wrappingUp") : hint ? words(hint) : "");
  }

  /** Nothing is recorded, and no time runs, before the line stands. */
  #drawTimes(now) {
    setHidden("times", this.#began === null);
    const left = this.#endsAt === null ? Infinity : this.#endsAt - now;
    const isNear = left <= nearEndMilliseconds && this.#began !== null;
    const elapsed = this.#began === null ? 0 : now - this.#began;
    setText("elapsed", isNear ? words("remaining", { time: clockText(left) }) : clockText(elapsed));
    element("elapsed").classList.toggle("near", isNear);
    if (isNear && !this.#warned) {
      this.#warned = true;
      announce(words("minutesLeft", { minutes: Math.max(1, Math.round(left / 60000)) }));
    }
  }

  #drawBanner(now) {
    const [kind, text] = this.#banner(now);
    setHidden("banner", kind === null);
    if (kind === null) return;
    element("banner").dataset.kind = kind;
    setText("banner-text", text);
  }

  /** What is said while the line is down is not lost; nothing is said while muted. */
  get #awayText() {
    return this.#isMuted ? words("awayBanner") : `${words("awayBanner")} ${words("awayHint")}`;
  }

  #banner(now) {
    if (this.#phase === "away") return ["busy", this.#awayText];
    if (this.#phase === "busy") return ["busy", words("busyServer")];
    if (this.#phase === "connecting" && now - this.#phaseSince > stillConnectingMilliseconds) {
      return ["busy", words("stillConnecting")];
    }
    if (this.#trouble) return ["trouble", words(this.#trouble === "lost" ? "microphoneLost" : "microphoneSilenced")];
    return now < this.#goodNewsUntil ? ["good", words("backBanner")] : [null, ""];
  }
}
