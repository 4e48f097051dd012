// One WebSocket of `voiced.v1`, from its opening to its end: hello first, frames numbered, beats in time, silence
// noticed. It never decides what comes after it; `call.js` does.

import { close, decodeFrame, encodeFrame, parseMessage, subprotocol } from "./protocol.js";
import { random32 } from "./serial.js";

const silenceMilliseconds = 3000;
const welcomeMilliseconds = 10000;

/** Each side sends something at least every second; these leave room for a slow timer. */
const beatOnArrivalMilliseconds = 400;
const beatOnTimerMilliseconds = 700;

export class Connection {
  /** `opening` until the socket is open, `greeting` until `welcome`, then `live`, at last `closed`. */
  phase = "opening";
  counts = { framesIn: 0, framesOut: 0, messagesIn: 0, messagesOut: 0, ignored: 0, beatsIn: 0, beatsOut: 0 };
  /** Milliseconds that the opening took: at least two round trips. */
  openingTook = null;
  #socket;
  #options;
  #sequence = random32() & 0xffff;
  #began;
  #lastSent = 0;
  #lastHeard = 0;
  #welcomedAt = null;
  #saidHello = false;

  /**
   * `options`: `address`, `token`, `openingLimit` in ms, `awaitsWelcome`, `now()`, `hello()` which may be asynchronous,
   * and what is to be called: `message(m)`, `frame(f)`, `closed({code, opened, welcomed, lived})` exactly once.
   */
  constructor(options) {
    this.#options = options;
    this.#began = options.now();
    try {
      this.#socket = new WebSocket(options.address, [subprotocol, `bearer.${options.token}`]);
    } catch {
      // An address or token that the browser refuses. Told later, like every other end.
      queueMicrotask(() => this.#end(close.lost));
      return;
    }
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = (event) => this.#arrived(event.data);
    this.#socket.onclose = (event) => this.#end(event.code);
  }

  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  get isLive() {
    return this.phase === "live";
  }

  send(message) {
    if (this.phase === "closed" || !this.#saidHello || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    this.#lastSent = this.#options.now();
    this.counts.messagesOut += 1;
    return true;
  }

  sendFrame(kind, clock, payload) {
    if (!this.isLive || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(encodeFrame(kind, this.#sequence, clock, payload));
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#lastSent = this.#options.now();
    this.counts.framesOut += 1;
    return true;
  }

  /** Looks at the time: called by a timer, by every captured frame and by whatever arrives. */
  tick(now) {
    if (this.phase === "closed") return;
    if (this.phase === "opening") {
      if (now - this.#began > this.#options.openingLimit) this.#abandon();
      return;
    }
    if (now - this.#lastHeard > silenceMilliseconds) return this.#abandon();
    if (this.phase === "greeting" && this.#options.awaitsWelcome && now - this.#began > welcomeMilliseconds) {
      return this.#abandon();
    }
    this.#beat(now, beatOnTimerMilliseconds);
  }

  /** Closes without a further call to `closed`. */
  close(code = close.ended) {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.#release(code);
  }

  async #opened() {
    const now = this.#options.now();
    this.openingTook = now - this.#began;
    this.phase = "greeting";
    this.#lastHeard = now;
    const hello = await this.#options.hello();
    if (this.phase !== "greeting" || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#saidHello = true;
    this.send({ type: "hello", protocol: 1, ...hello });
  }

  #arrived(data) {
    if (this.phase === "closed") return;
    const now = this.#options.now();
    this.#lastHeard = now;
    if (typeof data === "string") this.#message(data, now);
    else this.#frame(data);
    this.#beat(now, beatOnArrivalMilliseconds);
  }

  #message(data, now) {
    const message = parseMessage(data);
    if (!message) {
      this.counts.ignored += 1;
      return;
    }
    this.counts.messagesIn += 1;
    if (message.type === "beat") {
      this.counts.beatsIn += 1;
      return;
    }
    if (message.type === "welcome") {
      this.phase = "live";
      this.#welcomedAt = now;
    }
    this.#options.message(message);
  }

  #frame(data) {
    const frame = decodeFrame(data);
    if (!frame) {
      this.counts.ignored += 1;
      return;
    }
    this.counts.framesIn += 1;
    this.#options.frame(frame);
  }

  #beat(now, after) {
    if (!this.#saidHello || now - this.#lastSent < after) return;
    if (this.send({ type: "beat" })) this.counts.beatsOut += 1;
  }

  /** The line is dead, or too slow to count as one. The browser's own close may take minutes, so nobody waits for it. */
  #abandon() {
    this.#end(close.lost);
    this.#release(close.ended);
  }

  #end(code) {
    if (this.phase === "closed") return;
    const opened = this.phase !== "opening";
    const lived = this.#welcomedAt === null ? 0 : this.#options.now() - this.#welcomedAt;
    this.phase = "closed";
    this.#options.closed({ code, opened, welcomed: this.#welcomedAt !== null, lived });
  }

  #release(code) {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      socket.close(code);
    } catch {
      // Not open yet: the browser drops it.
    }
  }
}
