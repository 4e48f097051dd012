// What the participant has said and nobody has confirmed yet. A word leaves this memory when the server has made it
// durable (`ack`), or after ten minutes.

import { frameUnits } from "./protocol.js";

/** 10 minutes of frames of 20 ms. */
export const framesMaximum = 30000;

export class Memory {
  #frames = [];
  #first = 0;

  get count() {
    return this.#frames.length - this.#first;
  }

  /** Frames come in the order of their clock. Returns how many old ones had to go. */
  add(clock, kind, payload) {
    this.#frames.push({ clock, kind, payload });
    const surplus = Math.max(0, this.count - framesMaximum);
    this.#forget(surplus);
    return surplus;
  }

  /** Forgets every frame that ends at or before `clock`. */
  forgetBefore(clock) {
    let number = 0;
    while (number < this.count && this.#frames[this.#first + number].clock + frameUnits <= clock) number += 1;
    this.#forget(number);
  }

  /** The first frame that reaches beyond `clock`, or null. */
  after(clock) {
    let low = this.#first;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#frames[middle].clock + frameUnits > clock) high = middle;
      else low = middle + 1;
    }
    return this.#frames[low] ?? null;
  }

  clear() {
    this.#frames = [];
    this.#first = 0;
  }

  #forget(number) {
    for (let index = 0; index < number; index += 1) this.#frames[this.#first + index] = null;
    this.#first += number;
    if (this.#first < 512 || this.#first * 2 < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#first);
    this.#first = 0;
  }
}
