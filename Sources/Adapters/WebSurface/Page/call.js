// The participant's line: one conversation over as many connections as it takes. It opens, rejoins, follows a move,
// leaves; what is said and heard goes through `uplink` and `speaker`. Time comes in by `tick`, so nothing here waits.

import { Connection } from "./connection.js";
import { close, mediaAddress, probeAddress } from "./protocol.js";
import { RejoinPolicy } from "./rejoin.js";
import { unwrap32 } from "./serial.js";

const leaveAnswerMilliseconds = 2500;
const leaveOfflineMilliseconds = 8000;
const byeMilliseconds = 2000;
const moveRetryMilliseconds = 300;
const moveOpeningMilliseconds = 3000;
const statsMilliseconds = 10000;
const probeMilliseconds = 3000;

/** Beyond the server's own rejoin window by this much, nobody is waiting for us any more. */
const rejoinGraceMilliseconds = 15000;

export class Call {
  counts = { connections: 0, rejoins: 0, moves: 0, lastClose: null, lastError: null };
  #options;
  #on;
  #policy = new RejoinPolicy();
  #token;
  #current = null;
  /** The second connection of a move: `{connection, token, base, deadline, retryAt, isPrepared}`. */
  #move = null;
  #openAt = null;
  #lostAt = null;
  #rejoinWindow = 120000;
  #bye = null;
  #endReason = null;
  #leaveBy = null;
  #isMuted = false;
  #statsAt = 0;
  #isOver = false;
  #first = true;
  #wasInstance = false;

  /**
   * `options`: `session`, `token`, `mediaURL`, `client`, `agent`, `formats {up, down}`, `uplink`, `speaker`, `now()`,
   * `stats()`. `on`: `phase(name)` with connecting, busy, live, away; `state`, `transcript`, `limits`, `over({why, reason})`.
   */
  constructor(options, on) {
    this.#options = options;
    this.#token = options.token;
    this.#on = on;
  }

  get isLive() {
    return this.#current?.isLive ?? false;
  }

  /** The connection of the moment, for counters. */
  get connection() {
    return this.#current;
  }

  start() {
    this.#on.phase("connecting");
    this.#connect();
  }

  /** The browser says that the network is back. */
  networkReturned() {
    if (this.#openAt !== null) this.#openAt = this.#options.now();
  }

  mute(isMuted) {
    this.#isMuted = isMuted;
    this.#say({ type: "mute", on: isMuted });
  }

  /** How much of an utterance has really been heard. */
  played(item, milliseconds) {
    this.#say({ type: "played", item, ms: milliseconds });
  }

  /** Ends the interview. Without a line it is said as soon as there is one, for a while. */
  leave() {
    if (this.#isOver) return;
    const isSaid = this.#say({ type: "leave" });
    this.#leaveBy = this.#options.now() + (isSaid ? leaveAnswerMilliseconds : leaveOfflineMilliseconds);
    if (!isSaid && this.#openAt !== null) this.#openAt = this.#options.now();
  }

  /** Ends this line because the page can no longer hold a conversation on it, and opens another. */
  reopen() {
    if (this.#isOver || !this.#current) return;
    const connection = this.#current;
    connection.close(close.ended);
    this.#closed(connection, { code: close.lost, opened: true, welcomed: true, lived: 0 });
  }

  tick(now) {
    if (this.#isOver) return;
    this.#current?.tick(now);
    this.#tickMove(now);
    this.#options.uplink.pump(now);
    if (this.#isOver) return;
    if (this.#leaveBy !== null && now > this.#leaveBy) return this.#finish({ why: "left", reason: "participant_left" });
    if (this.#bye && now > this.#bye.until) this.#byeExpired();
    if (this.#openAt !== null && now >= this.#openAt) this.#connect();
    const isPatient = this.#first || this.#lostAt === null;
    if (!isPatient && now - this.#lostAt > this.#rejoinWindow + rejoinGraceMilliseconds) {
      return this.#finish({ why: "away" });
    }
    if (this.isLive && now >= this.#statsAt) {
      this.#statsAt = now + statsMilliseconds;
      this.#say({ type: "stats", ...this.#options.stats() });
    }
  }

  // MARK: Opening

  #connect() {
    this.#openAt = null;
    const target = this.#policy.takeTarget(this.#options.mediaURL);
    this.#wasInstance = target.isInstance;
    this.counts.connections += 1;
    this.#current = this.#connection({
      base: target.base,
      token: this.#token,
      openingLimit: target.openingLimit,
      awaitsWelcome: true,
      resume: () => (this.#first ? null : this.#options.speaker.cut()),
    });
  }

  #connection({ base, token, openingLimit, awaitsWelcome, resume }) {
    const connection = new Connection({
      address: mediaAddress(base, this.#options.session),
      token,
      openingLimit,
      awaitsWelcome,
      now: this.#options.now,
      hello: () => this.#hello(resume),
      message: (message) => this.#message(connection, message),
      frame: (frame) => {
        if (connection === this.#current) this.#options.speaker.frame(frame);
      },
      closed: (end) => this.#closed(connection, end),
    });
    return connection;
  }

  async #hello(resume) {
    const position = await resume();
    return {
      audio: this.#options.formats,
      client: this.#options.client,
      agent: this.#options.agent,
      ...(position ? { resume: { item: position.item, played_ms: position.ms } } : {}),
    };
  }

  // MARK: What arrives

  #message(connection, message) {
    if (connection === this.#move?.connection) return this.#moveMessage(message);
    if (connection !== this.#current) return;
    switch (message.type) {
      case "welcome": return this.#welcomed(message);
      case "state": return this.#on.state(message.state);
      case "item": return this.#options.speaker.item(message.item, message.start_timestamp);
      case "flush": return this.#options.speaker.flush(message.item);
      case "transcript": return this.#on.transcript(message);
      case "ack": return this.#acknowledged(message.timestamp);
      case "move": return this.#moveOffered(message);
      case "bye": return this.#saidBye(message);
      case "error": this.counts.lastError = message.code;
    }
  }

  #welcomed(welcome) {
    const isFirst = this.#first;
    if (!isFirst) this.counts.rejoins += 1;
    this.#adopt(welcome);
    this.#options.speaker.begin();
    this.#options.uplink.attach(this.#current, this.#resendFrom(welcome, isFirst), this.#options.now());
    this.#live();
  }

  /** What every `welcome` changes, be it a join, a rejoin or the end of a move. */
  #adopt(welcome) {
    this.#first = false;
    this.#lostAt = null;
    this.#bye = null;
    this.#token = welcome.rejoin_token;
    this.#rejoinWindow = welcome.limits.rejoin_ms;
    this.#policy.welcomed(welcome.url);
    this.#on.limits({ endsIn: welcome.limits.ends_in_ms, language: welcome.language });
  }

  #live() {
    if (this.#isMuted) this.#say({ type: "mute", on: true });
    if (this.#leaveBy !== null) this.leave();
    this.#on.phase("live");
  }

  /** The capture clock from which frames go up again. A new page load sends all that it has, and so does one whose first
   *  turn the daemon's journal does not hold yet: it cannot name a time, and nothing was acknowledged. */
  #resendFrom(welcome, isFirst) {
    const end = this.#options.uplink.end;
    if (isFirst || end === null) return -Infinity;
    return Number.isInteger(welcome.resend_from) ? unwrap32(welcome.resend_from, end) : -Infinity;
  }

  #acknowledged(timestamp) {
    const end = this.#options.uplink.end;
    if (end !== null) this.#options.uplink.acknowledge(unwrap32(timestamp, end));
  }

  #saidBye({ reason, rejoin_in_ms: rejoinIn }) {
    const until = this.#options.now() + byeMilliseconds;
    // It was this connection's last message: what is said now waits in the memory for the next one.
    this.#options.uplink.detach();
    if (reason === "moved") {
      this.#bye = { reason, until };
    } else if (reason === "restart") {
      this.#bye = { reason, until, rejoinIn: rejoinIn ?? 0 };
    } else {
      this.#endReason = reason;
      this.#bye = { reason, until };
    }
  }

  /** `bye` was the last message, and neither close nor `welcome` has followed it. */
  #byeExpired() {
    const { reason } = this.#bye;
    if (this.#endReason) return this.#finish({ why: "ended", reason: this.#endReason });
    if (reason === "moved") this.#policy.forgetInstance();
    const connection = this.#current;
    connection?.close(close.ended);
    this.#dropMove();
    this.#closed(connection, { code: close.restart, opened: true, welcomed: true, lived: 0 });
  }

  // MARK: Losing the line

  #closed(connection, end) {
    if (connection === this.#move?.connection) return this.#moveClosed();
    if (connection !== this.#current || this.#isOver) return;
    this.counts.lastClose = end.code;
    this.#options.uplink.detach();
    const now = this.#options.now();
    // A move is under way and its second connection is ready: the old one has no more to say.
    if (this.#move?.isPrepared && !this.#endReason && end.code !== close.joinedElsewhere) {
      this.#bye ??= { reason: "moved", until: now + byeMilliseconds };
      return;
    }
    this.#current = null;
    this.#dropMove();
    if (this.#endReason) return this.#finish({ why: "ended", reason: this.#endReason });
    if (!end.opened) return void this.#refused(this.#wasInstance);
    const announced = this.#bye?.rejoinIn ?? 0;
    this.#bye = null;
    this.#follow(this.#policy.afterClose({ code: end.code, lived: end.lived, announced }));
  }

  /** Asks the same address without `Upgrade`, because a browser hides why a WebSocket was refused. */
  async #refused(wasInstance) {
    this.#away();
    if (wasInstance) return this.#follow(this.#policy.afterRefusal({ status: 0, wasInstance }));
    const answer = await probe(mediaAddress(this.#options.mediaURL, this.#options.session), this.#token);
    if (this.#isOver || this.#current) return;
    this.#follow(this.#policy.afterRefusal(answer));
  }

  #follow(decision) {
    if (decision.then === "end") return this.#finish({ why: decision.why });
    this.#away();
    if (decision.busy) this.#on.phase("busy");
    this.#openAt = this.#options.now() + decision.delay;
  }

  #away() {
    this.#lostAt ??= this.#options.now();
    this.#on.phase(this.#first ? "connecting" : "away");
  }

  // MARK: Moving to another process

  #moveOffered({ token, url, deadline_ms: deadline }) {
    this.#dropMove();
    const now = this.#options.now();
    this.#move = {
      connection: null, token, base: url ?? this.#options.mediaURL, deadline: now + deadline, retryAt: now,
      isPrepared: false,
    };
    this.#tickMove(now);
  }

  #tickMove(now) {
    const move = this.#move;
    if (!move) return;
    move.connection?.tick(now);
    if (move !== this.#move || move.connection) return;
    if (now > move.deadline) this.#move = null;
    else if (now >= move.retryAt) {
      move.connection = this.#connection({
        base: move.base,
        token: move.token,
        openingLimit: moveOpeningMilliseconds,
        awaitsWelcome: false,
        resume: () => this.#options.speaker.position,
      });
    }
  }

  #moveMessage(message) {
    if (message.type === "prepared") this.#move.isPrepared = true;
    if (message.type === "welcome") void this.#moveCommitted(message);
    if (message.type === "error") this.counts.lastError = message.code;
  }

  async #moveCommitted(welcome) {
    const old = this.#current;
    const fresh = this.#move.connection;
    this.#current = fresh;
    this.#move = null;
    this.counts.moves += 1;
    this.#adopt(welcome);
    this.#options.uplink.detach();
    const position = this.#options.speaker.cut();
    this.#options.speaker.begin();
    old?.close(close.ended);
    const heard = await position;
    if (this.#current !== fresh || !fresh.isLive) return;
    if (heard) this.played(heard.item, heard.ms);
    this.#options.uplink.attach(fresh, this.#resendFrom(welcome, false), this.#options.now());
    this.#live();
  }

  #moveClosed() {
    const move = this.#move;
    move.connection = null;
    // Between `bye{moved}` and `welcome` there is no way back to the old process: rejoin at once.
    if (this.#bye?.reason === "moved") {
      this.#bye.until = -Infinity;
      this.#move = null;
      return;
    }
    // A refusal leaves the token good; once prepared it is used up, and the server will offer another.
    if (move.isPrepared) this.#move = null;
    else move.retryAt = this.#options.now() + moveRetryMilliseconds;
  }

  #dropMove() {
    const move = this.#move;
    this.#move = null;
    move?.connection?.close(close.ended);
  }

  // MARK: Small parts

  #say(message) {
    return this.#current?.isLive ? this.#current.send(message) : false;
  }

  #finish(end) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#openAt = null;
    this.#options.uplink.detach();
    this.#dropMove();
    this.#current?.close(close.ended);
    this.#on.over({ reason: null, ...end });
  }
}

/** `{status, retryAfter}` of a plain GET; status 0 where nobody answers. Uses nothing up. */
async function probe(media, token) {
  try {
    const answer = await fetch(probeAddress(media), {
      headers: { Authorization: `Bearer ${token}` },
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(probeMilliseconds),
    });
    const seconds = Number(answer.headers.get("Retry-After"));
    return { status: answer.status, retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0 };
  } catch {
    return { status: 0, retryAfter: 0 };
  }
}
