// The agent's voice on this side: packets in, sound out, and the account of what has really been heard of each
// utterance, without which an interruption would make the agent believe it had said more than it did.

import { OpusDownlinkDecoder, PCMDownlinkDecoder } from "./decoder.js";
import { kind } from "./protocol.js";
import { ahead16, unwrap32 } from "./serial.js";

const playedMilliseconds = 200;
const unitsPerMillisecond = 48;

/** So long may the audio thread take to answer, before its last report has to do. */
const cutMilliseconds = 120;

/** Utterances remembered as interrupted; frames of theirs may still be in the decoder. */
const flushedMaximum = 16;

export class Speaker {
  counts = { frames: 0, lost: 0, late: 0, flushes: 0, underruns: 0, dropped: 0, unclaimed: 0 };
  /** Loudness of the last 50 ms, 0 to 1. */
  level = 0;
  isPlaying = false;
  /** For tests: called with `{item, offset, samples}` for what has been played. */
  onHeard = null;
  #context;
  #node;
  #decoders = {};
  #report;
  #now;
  #items = [];
  #flushed = [];
  #sequence = null;
  #clock = 0;
  #place = null;
  /** What the server knows of the utterance; it never goes back. */
  #told = { item: null, ms: 0 };
  #reportedAt = 0;
  #cuts = new Map();
  #cutCount = 0;

  /** `report(item, ms)` tells the server; the context runs at 48 kHz and has the playout module loaded. */
  constructor(context, { report, now, witness = false }) {
    this.#context = context;
    this.#report = report;
    this.#now = now;
    this.#node = new AudioWorkletNode(context, "voiced-playout", {
      numberOfInputs: 0, outputChannelCount: [1], processorOptions: { witness },
    });
    this.#node.port.onmessage = ({ data }) => this.#heardFromThread(data);
    this.#node.connect(context.destination);
  }

  /** Where the listener is: `{item, ms}`, or null before the first utterance. */
  get position() {
    return this.#place?.item ? { item: this.#place.item, ms: Math.floor(this.#place.offset / unitsPerMillisecond) } : null;
  }

  /** A new connection: its numbers have nothing to do with the last one's. */
  begin() {
    this.#items = [];
    this.#sequence = null;
    for (const decoder of Object.values(this.#decoders)) decoder.reset();
  }

  /** An utterance begins, or is announced again on a new connection; its beginning may lie before that. */
  item(id, startTimestamp) {
    const start = unwrap32(startTimestamp, this.#clock);
    // The first of a connection also says where in the 32 bits its frames will be.
    if (this.#items.length === 0) this.#clock = start;
    this.#items = this.#items.filter((item) => item.id !== id).slice(-7);
    this.#items.push({ id, start });
  }

  frame({ kind: frameKind, sequence, timestamp, payload }) {
    if (this.#sequence !== null) {
      const ahead = ahead16(sequence, this.#sequence);
      if (ahead <= 0) return void (this.counts.late += 1);
      this.counts.lost += ahead - 1;
    }
    this.#sequence = sequence;
    this.counts.frames += 1;
    this.#clock = unwrap32(timestamp, this.#clock);
    const item = this.#items.findLast(({ start }) => start <= this.#clock);
    if (!item) this.counts.unclaimed += 1;
    const place = { item: item?.id ?? null, offset: item ? this.#clock - item.start : 0, timestamp: this.#clock };
    this.#decoder(frameKind).decode(place, payload);
  }

  /** The participant has interrupted: nothing more of this utterance is to be heard. */
  flush(id) {
    this.counts.flushes += 1;
    this.#flushed = [...this.#flushed.filter((other) => other !== id), id].slice(-flushedMaximum);
    this.#node.port.postMessage({ type: "flush", item: id });
  }

  /** Drops all that waits to be played and answers with the exact place that was reached, or null. */
  cut() {
    const id = (this.#cutCount += 1);
    return new Promise((resolve) => {
      const answer = () => {
        if (!this.#cuts.delete(id)) return;
        const reached = this.position;
        if (reached) this.#told = reached;
        resolve(reached);
      };
      this.#cuts.set(id, answer);
      setTimeout(answer, cutMilliseconds);
      for (const decoder of Object.values(this.#decoders)) decoder.reset();
      this.#node.port.postMessage({ type: "cut", id });
    });
  }

  close() {
    for (const decoder of Object.values(this.#decoders)) decoder.close();
    this.#node.disconnect();
  }

  #decoder(frameKind) {
    this.#decoders[frameKind] ??= frameKind === kind.opus
      ? new OpusDownlinkDecoder((place, samples) => this.#decoded(place, samples))
      : new PCMDownlinkDecoder((place, samples) => this.#decoded(place, samples));
    return this.#decoders[frameKind];
  }

  #decoded(place, samples) {
    if (this.#flushed.includes(place.item)) return;
    this.#node.port.postMessage({ type: "samples", ...place, samples }, [samples.buffer]);
  }

  #heardFromThread(message) {
    switch (message.type) {
      case "progress": return this.#progressed(message);
      case "ended": return this.#ended(message);
      case "flushed": return this.#wasFlushed(message);
      case "cut":
        if (message.item) this.#place = { item: message.item, offset: message.offset };
        this.#cuts.get(message.id)?.();
        return;
      case "heard": this.onHeard?.(message);
    }
  }

  /** What the loudspeaker has really given off: the device holds the last few milliseconds back. */
  #progressed({ item, offset, isPlaying, level, underruns, dropped }) {
    Object.assign(this.counts, { underruns, dropped });
    this.level = level;
    this.isPlaying = isPlaying;
    if (!isPlaying || item === null) return;
    this.#place = { item, offset };
    const now = this.#now();
    if (now - this.#reportedAt < playedMilliseconds) return;
    this.#reportedAt = now;
    const heard = Math.max(0, offset - this.#latency * 1000 * unitsPerMillisecond);
    this.#tell(item, heard);
  }

  #ended({ item, offset }) {
    if (item === null) return;
    this.#place = { item, offset };
    // Told once the device has given off the rest as well.
    setTimeout(() => this.#tell(item, offset), this.#latency * 1000);
  }

  #wasFlushed({ item, offset }) {
    if (this.#place?.item === item) this.#place = { item, offset };
    this.#reportedAt = this.#now();
    this.#tell(item, offset);
  }

  #tell(item, offset) {
    const least = item === this.#told.item ? this.#told.ms : 0;
    const told = { item, ms: Math.max(least, Math.floor(offset / unitsPerMillisecond)) };
    this.#told = told;
    this.#report(told.item, told.ms);
  }

  /** Seconds between the audio thread and the ear. */
  get #latency() {
    const latency = this.#context.outputLatency || this.#context.baseLatency || 0;
    return Math.min(0.5, Number.isFinite(latency) ? latency : 0);
  }
}
