// Carries frames from the memory to the connection of the moment: first what the server has missed, at most eight times
// real time, and live frames queued behind it. One cursor over the memory does both.

import { clockRate, frameUnits } from "./protocol.js";

const resendSpeed = 8;

/** More than this unsent in the browser: the network is stuck, wait with further frames. */
const bufferedBytesMaximum = 64 * 1024;

export class Uplink {
  /** Frames that were sent a second time or late. */
  resent = 0;
  sent = 0;
  #memory;
  #connection = null;
  #cursor = 0;
  #allowance = 0;
  #pumpedAt = 0;
  #newest = null;

  constructor(memory) {
    this.#memory = memory;
  }

  /** A frame from the encoder. It waits in the memory until it can be sent, and there until it is acknowledged. */
  add(clock, kind, payload, now) {
    this.#memory.add(clock, kind, payload);
    this.#newest = clock;
    this.pump(now);
  }

  /** The clock behind the newest frame, or null before the first. */
  get end() {
    return this.#newest === null ? null : this.#newest + frameUnits;
  }

  /** Frames that the server has not made durable yet. */
  get waiting() {
    return this.#memory.count;
  }

  /** From now on frames go to `connection`, beginning with the first one that reaches beyond `from`. */
  attach(connection, from, now) {
    this.#connection = connection;
    this.#cursor = from;
    this.#allowance = 0;
    this.#pumpedAt = now;
    this.pump(now);
  }

  detach() {
    this.#connection = null;
  }

  /** All before `clock` is durable. */
  acknowledge(clock) {
    this.#memory.forgetBefore(clock);
    if (this.#connection && clock > this.#cursor) this.#cursor = clock;
  }

  /** Other packets from here on: the old ones would not be understood. */
  restart() {
    this.#memory.clear();
    if (this.#newest !== null) this.#cursor = this.end;
  }

  /** Sends what may be sent now. Called with every captured frame, which a background tab does not slow down. */
  pump(now) {
    const connection = this.#connection;
    if (!connection) return;
    // A long pause between two calls must not become a burst, so at most a second is credited.
    this.#allowance += Math.min(now - this.#pumpedAt, 1000) * (clockRate / 1000) * resendSpeed;
    this.#pumpedAt = now;
    for (;;) {
      const frame = this.#memory.after(this.#cursor);
      if (!frame) break;
      const live = frame.clock === this.#newest;
      if (!live && this.#allowance < frameUnits) return;
      if (connection.bufferedAmount > bufferedBytesMaximum) return;
      if (!connection.sendFrame(frame.kind, frame.clock, frame.payload)) return;
      this.#cursor = frame.clock + frameUnits;
      this.#allowance -= frameUnits;
      this.sent += 1;
      if (!live) this.resent += 1;
    }
    this.#allowance = 0;
  }
}
