// The agent's packets to samples at 48 kHz: Opus where the browser has a decoder, 16-bit PCM at 24 kHz otherwise.

const opus = { codec: "opus", sampleRate: 48000, numberOfChannels: 1 };

const restartsMaximum = 50;

/** Whether this browser can decode Opus packets. */
export async function decodesOpus() {
  if (typeof AudioDecoder === "undefined" || typeof EncodedAudioChunk === "undefined") return false;
  try {
    return (await AudioDecoder.isConfigSupported(opus)).supported === true;
  } catch {
    return false;
  }
}

/** `deliver(place, samples)` is called for each packet with what came with it. */
export class OpusDownlinkDecoder {
  /** Packets that could not be decoded. */
  errors = 0;
  #decoder = null;
  #places = [];
  #time = 0;
  #deliver;

  constructor(deliver) {
    this.#deliver = deliver;
    this.#start();
  }

  decode(place, payload) {
    if (this.#decoder?.state !== "configured") return;
    this.#places.push(place);
    this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: this.#time, data: payload }));
    this.#time += 20000;
  }

  /** Forgets what it has in hand. */
  reset() {
    this.close();
    this.#start();
  }

  close() {
    if (this.#decoder?.state === "configured") this.#decoder.close();
    this.#decoder = null;
  }

  #start() {
    this.#places = [];
    this.#time = 0;
    const decoder = new AudioDecoder({
      output: (data) => this.#decoded(decoder, data),
      error: () => this.#broke(decoder),
    });
    decoder.configure(opus);
    this.#decoder = decoder;
  }

  #decoded(decoder, data) {
    const place = decoder === this.#decoder ? this.#places.shift() : undefined;
    if (place !== undefined) {
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      this.#deliver(place, samples);
    }
    data.close();
  }

  /** A packet that does not decode closes the decoder; the next one gets a new decoder. */
  #broke(decoder) {
    if (decoder !== this.#decoder) return;
    this.errors += 1;
    if (this.errors <= restartsMaximum) this.#start();
  }
}

/** Taps of a half-band low-pass (windowed sinc) for doubling the rate: only the odd places differ from zero. */
const taps = Float32Array.from({ length: 16 }, (_, index) => {
  const t = index - 7.5;
  const turn = (2 * Math.PI * (index + 0.5)) / 16;
  return (Math.sin(Math.PI * t) / (Math.PI * t)) * (0.42 - 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn));
});
const tapSum = taps.reduce((sum, tap) => sum + tap, 0);

export class PCMDownlinkDecoder {
  errors = 0;
  #history = new Float32Array(taps.length);
  #deliver;

  constructor(deliver) {
    this.#deliver = deliver;
  }

  /** Doubles the rate; the low-pass delays by 8 samples, a third of a millisecond. */
  decode(place, payload) {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const count = payload.byteLength >> 1;
    const line = new Float32Array(taps.length + count);
    line.set(this.#history);
    for (let index = 0; index < count; index += 1) line[taps.length + index] = view.getInt16(index * 2, true) / 32768;
    const samples = new Float32Array(count * 2);
    for (let index = 0; index < count; index += 1) {
      let between = 0;
      for (let tap = 0; tap < taps.length; tap += 1) between += taps[tap] * line[index + 1 + tap];
      samples[index * 2] = line[index + 8];
      samples[index * 2 + 1] = between / tapSum;
    }
    this.#history = line.slice(count);
    this.#deliver(place, samples);
  }

  reset() {
    this.#history = new Float32Array(taps.length);
  }

  close() {}
}
