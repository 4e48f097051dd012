// The document: which screen is shown, what is announced, and small parts that several screens use.

import { words } from "./words.js";

export const element = (id) => document.getElementById(id);

/** Shows one screen and moves the focus to its heading, so that a screen reader starts there. */
export function show(screen) {
  if (document.body.dataset.screen === screen) return;
  document.body.dataset.screen = screen;
  for (const section of document.querySelectorAll("main > .screen")) section.hidden = section.id !== screen;
  if (screen !== "room") element("times").hidden = true;
  element(screen).querySelector("h1")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/** Said by a screen reader when it has finished its sentence. The same text twice is said once. */
export function announce(text) {
  element("announcer").textContent = text;
}

export function setText(id, text) {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

export function setHidden(id, isHidden) {
  const target = element(id);
  if (target.hidden !== isHidden) target.hidden = isHidden;
}

/** `m:ss`, or `h:mm:ss` from an hour on. */
export function clockText(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Loudness of speech as the eye expects it: 0 below -60 dBFS, 1 from -12 dBFS on. */
export function visibleLevel(level) {
  if (level <= 0.001) return 0;
  return Math.max(0, Math.min(1, (20 * Math.log10(level) + 60) / 48));
}

/** Something went wrong before the conversation; `again` is offered as a button. */
export function showProblem(name, again = null, text = null) {
  setText("problem-title", words(`${name}Title`));
  setText("problem-text", text ?? words(`${name}Text`));
  const button = element("problem-again");
  button.hidden = again === null;
  button.onclick = again;
  document.title = words(`${name}Title`);
  show("problem");
}

/** Bars that show a microphone's level. */
export class Meter {
  #bars;
  #held = 0;

  constructor(id, count) {
    const place = element(id);
    place.setAttribute("aria-label", words("meterLabel"));
    place.replaceChildren(...Array.from({ length: count }, () => document.createElement("i")));
    this.#bars = [...place.children];
  }

  /** Rises at once, falls slowly. */
  draw(level) {
    this.#held = Math.max(visibleLevel(level), this.#held - 0.03);
    const lit = Math.round(this.#held * this.#bars.length);
    for (const [index, bar] of this.#bars.entries()) {
      bar.className = index >= lit ? "" : index >= this.#bars.length * 0.85 ? "on loud" : "on";
    }
  }
}

/** Fills a choice of microphones with those that there are. */
export async function fillDevices(select, microphone) {
  const devices = await microphone.devices();
  const options = devices.map(({ id, label, isCurrent }, index) => {
    const option = document.createElement("option");
    option.value = id;
    option.textContent = label || words("microphoneNumber", { number: index + 1 });
    option.selected = isCurrent;
    return option;
  });
  select.replaceChildren(...options);
}

/** Calls `draw` before each frame that is painted, until the returned function is called. */
export function animate(draw) {
  let request = requestAnimationFrame(function next() {
    draw();
    request = requestAnimationFrame(next);
  });
  return () => cancelAnimationFrame(request);
}
