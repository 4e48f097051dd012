// What has been said, as bubbles. A participant's words may be known only after the answer has begun, so each turn of
// theirs keeps its place in the order from the moment they stopped speaking.

import { element, setHidden } from "./view.js";
import { words } from "./words.js";

/** The oldest go from the screen; the transcript itself is the server's. */
const bubblesMaximum = 400;

const nearEndPixels = 60;

/** Words that have not come by then never will, and must not leave their place to a later turn. */
const placeMilliseconds = 8000;

export class Transcript {
  #list = element("bubbles");
  #scroller = element("scroller");
  #bubbles = new Map();
  #places = [];
  #follows = true;

  constructor(language) {
    this.#list.lang = language;
    this.#scroller.onscroll = () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
      this.#follows = scrollHeight - scrollTop - clientHeight < nearEndPixels;
      if (this.#follows) setHidden("to-latest", true);
    };
    // A banner takes room away from the bottom: the last words stay in sight.
    new ResizeObserver(() => {
      if (this.#follows) this.#followEnd();
    }).observe(this.#scroller);
    element("to-latest").onclick = () => {
      this.#follows = true;
      this.#followEnd();
    };
  }

  /** The participant has finished speaking; their words will follow. */
  keepPlace() {
    if (this.#list.querySelector(".participant.partial")) return;
    const place = document.createElement("li");
    place.hidden = true;
    this.#list.append(place);
    this.#places.push({ place, until: performance.now() + placeMilliseconds });
  }

  show({ role, item, text, final }) {
    const key = `${role}:${item}`;
    const bubble = this.#bubbles.get(key) ?? this.#make(key, role);
    bubble.querySelector(".words").textContent = text;
    bubble.classList.toggle("partial", !final);
    bubble.hidden = text.trim() === "";
    setHidden("transcript-empty", true);
    if (this.#follows) this.#followEnd();
    else setHidden("to-latest", false);
  }

  #make(key, role) {
    const bubble = document.createElement("li");
    const side = role === "agent" ? "agent" : "participant";
    bubble.className = `bubble ${side}`;
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = words(side === "agent" ? "interviewer" : "you");
    const said = document.createElement("span");
    said.className = "words";
    bubble.append(name, said);
    const place = side === "participant" ? this.#takePlace() : null;
    if (place) place.replaceWith(bubble);
    else this.#list.append(bubble);
    this.#bubbles.set(key, bubble);
    if (this.#bubbles.size > bubblesMaximum) {
      const [oldest, gone] = this.#bubbles.entries().next().value;
      gone.remove();
      this.#bubbles.delete(oldest);
    }
    return bubble;
  }

  #takePlace() {
    const now = performance.now();
    for (const { place, until } of this.#places) if (now > until) place.remove();
    this.#places = this.#places.filter(({ until }) => now <= until);
    return this.#places.shift()?.place ?? null;
  }

  #followEnd() {
    setHidden("to-latest", true);
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
