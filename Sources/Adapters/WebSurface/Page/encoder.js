// Samples from the microphone to packets: Opus where the browser has an encoder, 16-bit PCM otherwise.

import { kind } from "./protocol.js";

const opus = {
  codec: "opus",
  sampleRate: 48000,
  numberOfChannels: 1,
  bitrate: 32000,
  opus: { frameDuration: 20000, application: "voip", complexity: 6 },
};

const restartsMaximum = 3;

/** Whether this browser can make Opus packets. */
export async function encodesOpus() {
  if (typeof AudioEncoder === "undefined" || typeof AudioData === "undefined") return false;
  try {
    return (await AudioEncoder.isConfigSupported(opus)).supported === true;
  } catch {
    return false;
  }
}

/** Frames of 960 samples at 48 kHz in, one Opus packet for each out. */
export class OpusUplinkEncoder {
  rate = 48000;
  kind = kind.opus;
  #encoder = null;
  #clocks = [];
  #count = 0;
  #restarts = 0;
  #deliver;
  #failed;

  /** `deliver(clock, kind, payload)` for each packet, `failed()` when Opus cannot be had any more. */
  constructor(deliver, failed) {
    this.#deliver = deliver;
    this.#failed = failed;
    this.#start();
  }

  encode(clock, samples) {
    if (this.#encoder?.state !== "configured") return;
    const data = new AudioData({
      format: "f32-planar", sampleRate: this.rate, numberOfFrames: samples.length, numberOfChannels: 1,
      timestamp: this.#count * 20000, data: samples,
    });
    this.#count += 1;
    this.#clocks.push(clock);
    this.#encoder.encode(data);
    data.close();
  }

  close() {
    if (this.#encoder?.state === "configured") this.#encoder.close();
    this.#encoder = null;
  }

  #start() {
    this.#clocks = [];
    this.#count = 0;
    try {
      const encoder = new AudioEncoder({
        output: (chunk) => this.#packet(encoder, chunk),
        error: () => this.#broke(encoder),
      });
      encoder.configure(opus);
      this.#encoder = encoder;
    } catch {
      this.#failed();
    }
  }

  /** One packet leaves for each frame, in their order: the encoder's own timestamps do not know of pauses. */
  #packet(encoder, chunk) {
    if (encoder !== this.#encoder) return;
    const clock = this.#clocks.shift();
    if (clock === undefined) return;
    const payload = new Uint8Array(chunk.byteLength);
    chunk.copyTo(payload);
    this.#deliver(clock, this.kind, payload);
  }

  #broke(encoder) {
    if (encoder !== this.#encoder) return;
    this.#restarts += 1;
    if (this.#restarts > restartsMaximum) {
      this.#encoder = null;
      this.#failed();
    } else {
      this.#start();
    }
  }
}

/** Frames of 480 samples at 24 kHz in, the same as signed 16-bit little-endian out. */
export class PCMUplinkEncoder {
  rate = 24000;
  kind = kind.pcm;
  #deliver;

  constructor(deliver) {
    this.#deliver = deliver;
  }

  encode(clock, samples) {
    const payload = new Uint8Array(samples.length * 2);
    const view = new DataView(payload.buffer);
    for (let index = 0; index < samples.length; index += 1) {
      const value = Math.round(samples[index] * 32767);
      view.setInt16(index * 2, Math.max(-32768, Math.min(32767, value)), true);
    }
    this.#deliver(clock, this.kind, payload);
  }

  close() {}
}
