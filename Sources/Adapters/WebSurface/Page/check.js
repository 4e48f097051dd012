// The microphone check: what will happen, permission, a level meter, a choice of device, and the way in.

import { openAudio, playTestSound } from "./audio.js";
import { animate, announce, element, fillDevices, Meter, setHidden, setText, show, visibleLevel } from "./view.js";
import { words } from "./words.js";

/** Visible level that counts as a voice, and how many frames of 20 ms of it are enough. */
const voiceLevel = 0.4;
const voiceFrames = 8;

/** After so long without a sound people may go in all the same. */
const escapeMilliseconds = 6000;

/**
 * Shows the check and resolves with `{context, microphone}` once the participant wants to join.
 * `makeMicrophone(context, on)` makes a microphone whose frames and troubles go to `on`.
 */
export function checkMicrophone({ study, isReturning, minutes, makeMicrophone }) {
  setText("study-name", study);
  document.title = study;
  if (isReturning) {
    setText("check-title", words("welcomeBackTitle"));
    setText("check-lead", words("welcomeBackLead"));
  }
  setText("fact-time", minutes === null ? words("factTime") : words("factTimeLimit", { minutes }));
  setText("check-join", words(isReturning ? "joinAgain" : "join"));
  show("check");
  return new Promise((resolve) => new Check(makeMicrophone, resolve));
}

class Check {
  #makeMicrophone;
  #resolve;
  #context = null;
  #microphone = null;
  #meter;
  #voiced = 0;
  #isHeard = false;
  #stopDrawing = null;
  #escape = null;

  constructor(makeMicrophone, resolve) {
    this.#makeMicrophone = makeMicrophone;
    this.#resolve = resolve;
    this.#meter = new Meter("check-meter", 24);
    for (const id of ["check-start", "check-retry"]) element(id).onclick = () => void this.#start();
    element("check-device").onchange = (event) => void this.#choose(event.target.value);
    element("check-sound").onclick = () => playTestSound(this.#context);
    element("check-join").onclick = () => this.#join();
    element("check-anyway").onclick = () => this.#join();
    void this.#watchPermission();
  }

  async #start() {
    element("check-start").disabled = true;
    try {
      this.#context ??= await openAudio();
      this.#microphone ??= this.#makeMicrophone(this.#context, {
        frame: () => this.#frame(),
        trouble: (kind) => this.#trouble(kind),
        devices: () => void fillDevices(element("check-device"), this.#microphone),
      });
      await this.#microphone.open();
      this.#live();
    } catch (error) {
      this.#failed(error.kind ?? "failed");
    }
    element("check-start").disabled = false;
  }

  async #choose(deviceId) {
    try {
      this.#forget();
      await this.#microphone.open(deviceId);
      this.#live();
    } catch (error) {
      this.#failed(error.kind ?? "failed");
    }
  }

  #live() {
    // What has been read makes room, so that the way in is in sight on a small screen too.
    for (const id of ["check-ask", "check-error", "check-facts", "check-lead"]) setHidden(id, true);
    setHidden("check-live", false);
    setText("check-title", words("checkTitle"));
    if (!this.#isHeard) this.#tell("saySomething");
    this.#stopDrawing ??= animate(() => this.#meter.draw(this.#microphone.level));
    clearTimeout(this.#escape);
    this.#escape = setTimeout(() => this.#offerEscape(), escapeMilliseconds);
  }

  #failed(kind) {
    setText("check-error-title", words(`${kind}Title`));
    setText("check-error-text", words(`${kind}Text`));
    setHidden("check-error", false);
    for (const id of ["check-ask", "check-live", "check-facts", "check-lead"]) setHidden(id, true);
    element("check-retry").focus();
  }

  /** Another device starts from nothing. */
  #forget() {
    this.#voiced = 0;
    this.#isHeard = false;
    element("check-join").disabled = true;
    element("check-heard").classList.remove("yes");
  }

  #frame() {
    if (this.#isHeard || visibleLevel(this.#microphone.level) < voiceLevel) return;
    this.#voiced += 1;
    if (this.#voiced < voiceFrames) return;
    this.#isHeard = true;
    clearTimeout(this.#escape);
    element("check-join").disabled = false;
    element("check-heard").classList.add("yes");
    setHidden("check-anyway", true);
    this.#tell("weHearYou");
  }

  #trouble(kind) {
    if (kind === "lost") this.#tell("nothingHeard");
  }

  #offerEscape() {
    if (this.#isHeard) return;
    this.#tell("nothingHeard");
    setHidden("check-anyway", false);
  }

  #tell(name) {
    setText("check-heard", words(name));
  }

  /** Permission given in the browser's own settings needs no further click. */
  async #watchPermission() {
    try {
      const status = await navigator.permissions.query({ name: "microphone" });
      status.onchange = () => {
        if (status.state === "granted" && !element("check-error").hidden) void this.#start();
      };
    } catch {
      // This browser does not tell.
    }
  }

  #join() {
    clearTimeout(this.#escape);
    this.#stopDrawing?.();
    announce("");
    this.#resolve({ context: this.#context, microphone: this.#microphone });
  }
}
