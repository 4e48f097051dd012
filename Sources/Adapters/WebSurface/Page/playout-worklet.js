// On the audio thread: plays the agent's samples from a queue, a little behind their arrival, and counts what has
// really been played of each utterance. Rates are the page's 48 kHz throughout.

const rate = 48000;

/** Sound is held back until this much has come, so that a late packet is not heard; grows with each underrun. */
const targetFirst = 0.08 * rate;
const targetMaximum = 0.16 * rate;
const targetStep = 0.02 * rate;

/** A beginning shorter than the target is not held back for ever. */
const waitMaximum = 0.12 * rate;

/** Nothing for this long behind the last sample: the utterance has played out, it was not a late packet. */
const drainedAfter = 0.1 * rate;

/** The audio thread has stood still while sound came in: what is this old is of no use in a conversation. */
const queueMaximum = 10 * rate;
const queueKept = 0.2 * rate;

/** A longer jump inside an utterance is not silence but another time. */
const gapMaximum = 2 * rate;

/** Samples over which sound that is cut off fades, because a sudden end clicks. */
const fadeLength = 192;

const progressEvery = 0.05 * rate;

class PlayoutProcessor extends AudioWorkletProcessor {
  #queue = [];
  #queued = 0;
  #isPlaying = false;
  #waited = 0;
  #target = targetFirst;
  /** What is being played, the place in it behind the last sample played, and that sample's successor in time. */
  #item = null;
  #offset = 0;
  #expected = null;
  #silentFor = 0;
  #isDrained = true;
  #sinceProgress = 0;
  #energy = 0;
  #underruns = 0;
  #dropped = 0;
  #tail = null;
  #witness;

  constructor({ processorOptions: { witness } }) {
    super();
    this.#witness = witness;
    this.port.onmessage = ({ data }) => this.#told(data);
  }

  process(_, [[out]]) {
    if (this.#tail) this.#playTail(out);
    else this.#play(out);
    this.#measure(out);
    return true;
  }

  // MARK: From the page

  #told(message) {
    if (message.type === "samples") this.#add(message);
    if (message.type === "flush") {
      this.#drop((chunk) => chunk.item === message.item, this.#item === message.item);
      const offset = this.#item === message.item ? this.#offset : 0;
      this.port.postMessage({ type: "flushed", item: message.item, offset });
    }
    if (message.type === "cut") {
      this.#drop(() => true, true);
      this.port.postMessage({ type: "cut", id: message.id, item: this.#item, offset: this.#offset });
    }
  }

  #add({ item, offset, timestamp, samples }) {
    const continues = item === this.#item && this.#expected !== null && timestamp - this.#expected < drainedAfter;
    const isLate = !this.#isPlaying && this.#queue.length === 0 && continues && !this.#isDrained;
    if (isLate) {
      this.#underruns += 1;
      this.#target = Math.min(targetMaximum, this.#target + targetStep);
    }
    this.#queue.push({ item, offset, timestamp, samples, played: 0 });
    this.#queued += samples.length;
    if (this.#queued > queueMaximum) {
      while (this.#queued > queueKept) {
        const chunk = this.#queue.shift();
        this.#queued -= chunk.samples.length - chunk.played;
        this.#dropped += 1;
      }
    }
  }

  #drop(matches, isCurrent) {
    const head = this.#queue[0];
    if (this.#isPlaying && isCurrent && head && matches(head)) this.#fade(head);
    this.#queue = this.#queue.filter((chunk) => !matches(chunk));
    this.#queued = this.#queue.reduce((sum, chunk) => sum + chunk.samples.length - chunk.played, 0);
    if (!isCurrent) return;
    this.#isPlaying = false;
    this.#waited = 0;
    this.#expected = null;
    this.#isDrained = true;
  }

  #fade(chunk) {
    const samples = chunk.samples.slice(chunk.played, chunk.played + fadeLength);
    for (let index = 0; index < samples.length; index += 1) samples[index] *= 1 - (index + 1) / samples.length;
    this.#tail = { samples, played: 0 };
    if (this.#witness) this.#heard(chunk);
  }

  // MARK: To the loudspeaker

  #playTail(out) {
    const { samples, played } = this.#tail;
    const part = samples.subarray(played, played + out.length);
    out.set(part);
    this.#tail.played += part.length;
    if (this.#tail.played >= samples.length) this.#tail = null;
  }

  #play(out) {
    if (!this.#isPlaying) this.#consider(out.length);
    let filled = 0;
    while (this.#isPlaying && filled < out.length) {
      const chunk = this.#queue[0];
      if (!chunk) {
        this.#isPlaying = false;
        this.#waited = 0;
        break;
      }
      filled += this.#silenceBefore(chunk, out.length - filled);
      if (filled < out.length) filled += this.#copy(chunk, out, filled);
    }
    this.#watchEnd(filled, out.length);
  }

  /** Begins when enough has come, or has waited long enough. */
  #consider(block) {
    if (this.#queue.length === 0) return;
    this.#waited += block;
    this.#isPlaying = this.#queued >= this.#target || this.#waited >= waitMaximum;
  }

  /** A gap in time inside an utterance is silence of that length. */
  #silenceBefore(chunk, space) {
    if (chunk.item !== this.#item || this.#expected === null || chunk.played > 0) return 0;
    const gap = chunk.timestamp - this.#expected;
    if (gap <= 0 || gap > gapMaximum) return 0;
    const silence = Math.min(gap, space);
    this.#expected += silence;
    this.#offset += silence;
    return silence;
  }

  #copy(chunk, out, at) {
    const part = chunk.samples.subarray(chunk.played, chunk.played + out.length - at);
    out.set(part, at);
    chunk.played += part.length;
    this.#queued -= part.length;
    // The next utterance follows without a pause: this one has played out all the same.
    if (chunk.item !== this.#item && !this.#isDrained) this.#ended();
    this.#item = chunk.item;
    this.#offset = chunk.offset + chunk.played;
    this.#expected = chunk.timestamp + chunk.played;
    if (chunk.played >= chunk.samples.length) {
      this.#queue.shift();
      if (this.#witness) this.#heard(chunk);
    }
    return part.length;
  }

  #watchEnd(filled, block) {
    if (filled > 0) {
      this.#silentFor = 0;
      this.#isDrained = false;
      return;
    }
    if (this.#isDrained || this.#queue.length > 0) return;
    this.#silentFor += block;
    if (this.#silentFor < drainedAfter) return;
    this.#isDrained = true;
    this.#ended();
  }

  #ended() {
    this.port.postMessage({ type: "ended", item: this.#item, offset: this.#offset });
  }

  #measure(out) {
    for (const sample of out) this.#energy += sample * sample;
    this.#sinceProgress += out.length;
    if (this.#sinceProgress < progressEvery) return;
    this.port.postMessage({
      type: "progress", item: this.#item, offset: this.#offset, isPlaying: !this.#isDrained, queued: this.#queued,
      level: Math.sqrt(this.#energy / this.#sinceProgress), underruns: this.#underruns, dropped: this.#dropped,
    });
    this.#sinceProgress = 0;
    this.#energy = 0;
  }

  /** For a test that listens to what was played. */
  #heard({ item, offset, samples, played }) {
    this.port.postMessage({ type: "heard", item, offset, samples: samples.slice(0, played) });
  }
}

registerProcessor("voiced-playout", PlayoutProcessor);
