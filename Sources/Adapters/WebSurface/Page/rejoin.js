// When and where to come back: close codes, refusals, waiting times. Decisions only; `call.js` carries them out.

import { close } from "./protocol.js";

const jitterMilliseconds = 500;
const backoffMaximum = 3000;
const backoffFirst = 400;

/** A connection that lived this long was a good one: the next attempt begins at once again. */
const settledMilliseconds = 5000;
const soundMilliseconds = 30000;

/** So often in a row may a line end in a way that makes no sense. */
const oddClosesMaximum = 3;

const instanceLimit = 3000;
const openingLimit = 5000;

/** The first opening has nobody waiting in mid-sentence: it may wait as long as the server asks. */
const firstWaitMaximum = 30000;

const permanent = new Set([close.ended, close.joinedElsewhere]);
const rejoinable = new Set([close.goingAway, close.lost, close.restart, close.tryAgainLater, close.tooSlow]);

export class RejoinPolicy {
  #random;
  #attempt = 0;
  #oddCloses = 0;
  #instance = null;
  #everWelcomed = false;

  constructor(random = Math.random) {
    this.#random = random;
  }

  /** `instance`: the address that reaches the very process we talk to, where the server has one. */
  welcomed(instance) {
    this.#everWelcomed = true;
    this.#instance = instance ?? null;
  }

  /** Where to open next: the instance once, else the general address. */
  takeTarget(general) {
    const instance = this.#instance;
    this.#instance = null;
    return instance ? { base: instance, openingLimit: instanceLimit, isInstance: true }
      : { base: general, openingLimit, isInstance: false };
  }

  /** The instance is no longer the right place (a move has failed). */
  forgetInstance() {
    this.#instance = null;
  }

  /** A line that had opened is gone. `announced`: the `rejoin_in_ms` of its `bye`. */
  afterClose({ code, lived, announced = 0 }) {
    if (permanent.has(code)) return { then: "end", why: code === close.ended ? "ended" : "elsewhere" };
    if (lived >= settledMilliseconds) this.#attempt = 0;
    if (lived >= soundMilliseconds) this.#oddCloses = 0;
    if (!rejoinable.has(code)) {
      this.#oddCloses += 1;
      if (this.#oddCloses > oddClosesMaximum) return { then: "end", why: "failed" };
    }
    return { then: "rejoin", delay: Math.max(0, announced) + this.#backoff(0) };
  }

  /**
   * An opening was refused. `status` 0: nobody answered. A browser cannot see why a WebSocket was refused, so the
   * status is that of the same address asked without `Upgrade`.
   */
  afterRefusal({ status, retryAfter = 0, wasInstance = false }) {
    const why = { 400: "failed", 401: "token", 403: "forbidden", 404: "unknown", 410: "ended" }[status];
    if (wasInstance) return { then: "rejoin", delay: 0 };
    if (why) return { then: "end", why };
    if (status === 503 && !this.#everWelcomed) {
      return { then: "rejoin", busy: true, delay: Math.min(firstWaitMaximum, this.#backoff(retryAfter)) };
    }
    return { then: "rejoin", delay: Math.min(backoffMaximum, this.#backoff(retryAfter)) };
  }

  #backoff(least) {
    const jitter = this.#random() * jitterMilliseconds;
    const wait = this.#attempt === 0 ? 0 : Math.min(backoffMaximum, backoffFirst * 2 ** (this.#attempt - 1));
    this.#attempt = Math.min(this.#attempt + 1, 10);
    return Math.max(least, Math.min(backoffMaximum, wait + jitter));
  }
}
