// The capture clock: 48,000 units a second from a random start, running on for the life of this page, through
// disconnections, lost microphones and times when the browser stops the audio thread.

import { clockRate, frameUnits } from "./protocol.js";
import { random32 } from "./serial.js";

/** Over this window the most punctual frame shows how late the audio really is. */
const windowMilliseconds = 1000;

/** A pause between two frames; whether they were only held up shows in the window after it. */
const pauseMilliseconds = 200;

/** Below this the lag is drift between two crystals; beyond it the audio thread has stood still. */
const standstillMilliseconds = 250;

export class CaptureClock {
  /** The clock at the beginning of the next frame; unbounded, the wire takes it modulo 2^32. */
  next = random32();
  #origin;
  #base = null;
  #windowEnds = 0;
  #lastAt = -Infinity;
  #least = Infinity;

  constructor() {
    this.#origin = this.next;
  }

  /** The clock at the beginning of the frame of 20 ms that arrived at `now` (milliseconds of a monotonic clock). */
  frame(now) {
    this.next += this.#missing(now);
    const clock = this.next;
    this.next += frameUnits;
    return clock;
  }

  /** Units by which the clock stands behind real time, once that is certain. */
  #missing(now) {
    const lag = now - (this.next - this.#origin) / (clockRate / 1000);
    this.#base ??= lag;
    if (now - this.#lastAt > pauseMilliseconds) {
      this.#windowEnds = now + windowMilliseconds;
      this.#least = Infinity;
    }
    this.#lastAt = now;
    this.#least = Math.min(this.#least, lag);
    if (now < this.#windowEnds) return 0;
    const behind = this.#least - this.#base;
    this.#windowEnds = now + windowMilliseconds;
    this.#least = Infinity;
    if (behind < standstillMilliseconds) {
      this.#base += behind;
      return 0;
    }
    return Math.floor((behind * clockRate) / 1000 / frameUnits) * frameUnits;
  }
}
