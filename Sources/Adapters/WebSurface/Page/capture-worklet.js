// On the audio thread: cuts the microphone's blocks into frames of 20 ms at the rate that the encoder wants, and
// measures their level. Goes on with silence when there is no microphone, so that the capture clock never stops.

/** Half-width of the low-pass kernel, in samples of the slower rate. */
const lobes = 16;
const tableSteps = 256;

/** Below the slower rate's half by this much, so that nothing folds back. */
const passband = 0.94;

/** A windowed-sinc resampler between any two rates. */
class Resampler {
  #step;
  #reach;
  #table;
  #buffer;
  #length;
  #position;

  constructor(from, to) {
    this.#step = from / to;
    this.#reach = Math.ceil(lobes * Math.max(1, this.#step));
    const cutoff = Math.min(1, 1 / this.#step) * passband;
    this.#table = new Float32Array(this.#reach * tableSteps + 2);
    for (let index = 0; index < this.#table.length; index += 1) {
      const t = index / tableSteps;
      const angle = Math.PI * cutoff * t;
      const sinc = t === 0 ? 1 : Math.sin(angle) / angle;
      const turn = Math.min(1, t / this.#reach) * Math.PI;
      this.#table[index] = cutoff * sinc * (0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn));
    }
    this.#buffer = new Float32Array(4096 + 4 * this.#reach);
    this.#length = this.#reach;
    this.#position = this.#reach;
  }

  /** Calls `emit` with every sample that `block` completes. */
  push(block, emit) {
    this.#buffer.set(block, this.#length);
    this.#length += block.length;
    while (this.#position + this.#reach < this.#length) {
      emit(this.#at(this.#position));
      this.#position += this.#step;
    }
    const surplus = Math.floor(this.#position) - this.#reach;
    if (surplus <= 0) return;
    this.#buffer.copyWithin(0, surplus, this.#length);
    this.#length -= surplus;
    this.#position -= surplus;
  }

  #at(position) {
    const center = Math.floor(position);
    let sum = 0;
    for (let index = center - this.#reach + 1; index <= center + this.#reach; index += 1) {
      const place = Math.abs(position - index) * tableSteps;
      const low = Math.floor(place);
      const weight = this.#table[low] + (place - low) * (this.#table[low + 1] - this.#table[low]);
      sum += this.#buffer[index] * weight;
    }
    return sum;
  }
}

class CaptureProcessor extends AudioWorkletProcessor {
  #resampler;
  #frame;
  #filled = 0;
  #silence = new Float32Array(128);

  constructor({ processorOptions: { rate } }) {
    super();
    this.#resampler = rate === sampleRate ? null : new Resampler(sampleRate, rate);
    this.#frame = new Float32Array(rate / 50);
  }

  process([channels]) {
    const block = channels[0] ?? this.#silence;
    if (this.#resampler) this.#resampler.push(block, (sample) => this.#add(sample));
    else for (const sample of block) this.#add(sample);
    return true;
  }

  #add(sample) {
    this.#frame[this.#filled] = sample;
    this.#filled += 1;
    if (this.#filled < this.#frame.length) return;
    let energy = 0;
    for (const value of this.#frame) energy += value * value;
    const samples = this.#frame;
    this.#frame = new Float32Array(samples.length);
    this.#filled = 0;
    this.port.postMessage({ samples, level: Math.sqrt(energy / samples.length) }, [samples.buffer]);
  }
}

registerProcessor("voiced-capture", CaptureProcessor);
