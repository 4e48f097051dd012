// What tests see of the page: counters, and the samples that were really played. Only with `?test=1`.

const base64Chunk = 0x8000;

export class Witness {
  #played = [];
  #sources;

  /** `sources()` answers an object of counters. */
  constructor(sources) {
    this.#sources = sources;
    this.events = [];
    window.voicedTest = this;
  }

  get counters() {
    return this.#sources();
  }

  note(name, detail = null) {
    this.events.push({ at: Math.round(performance.now()), name, detail });
  }

  heard({ item, offset, samples }) {
    this.#played.push({ item, offset, samples });
  }

  /** `[{item, offset, pcm}]`, one entry for each run without a gap: base64 of s16le at 48 kHz. */
  played() {
    const runs = [];
    for (const { item, offset, samples } of this.#played) {
      const last = runs.at(-1);
      if (last && last.item === item && last.offset + last.length === offset) {
        last.parts.push(samples);
        last.length += samples.length;
      } else {
        runs.push({ item, offset, length: samples.length, parts: [samples] });
      }
    }
    return runs.map(({ item, offset, length, parts }) => ({ item, offset, length, pcm: encode(parts, length) }));
  }
}

function encode(parts, length) {
  const view = new DataView(new ArrayBuffer(length * 2));
  let place = 0;
  for (const part of parts) {
    for (const sample of part) {
      view.setInt16(place, Math.max(-32768, Math.min(32767, Math.round(sample * 32767))), true);
      place += 2;
    }
  }
  const bytes = new Uint8Array(view.buffer);
  let text = "";
  for (let start = 0; start < bytes.length; start += base64Chunk) {
    text += String.fromCharCode(...bytes.subarray(start, start + base64Chunk));
  }
  return btoa(text);
}
