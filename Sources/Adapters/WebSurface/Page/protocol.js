// `voiced.v1` as values and bytes: audio frames, text messages, close codes, and the limits of each. No socket here.

export const subprotocol = "voiced.v1";

/** Byte 0 of an audio frame. */
export const kind = { opus: 1, pcm: 2 };

export const headerBytes = 7;
export const payloadBytesMaximum = 8000;
export const messageBytesMaximum = 16 * 1024;

/** Units of every timestamp. */
export const clockRate = 48000;
export const frameUnits = 960;

export const close = {
  ended: 1000,
  goingAway: 1001,
  noCode: 1005,
  lost: 1006,
  tooBig: 1009,
  restart: 1012,
  tryAgainLater: 1013,
  protocolError: 4000,
  joinedElsewhere: 4001,
  tooSlow: 4003,
};

/** One audio packet with its header: kind, sequence and timestamp in network order. */
export function encodeFrame(frameKind, sequence, timestamp, payload) {
  const bytes = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, frameKind);
  view.setUint16(1, sequence & 0xffff);
  view.setUint32(3, timestamp >>> 0);
  bytes.set(payload, headerBytes);
  return bytes;
}

/** The packet in `buffer`, or null where it is none. */
export function decodeFrame(buffer) {
  const size = buffer.byteLength - headerBytes;
  if (size < 1 || size > payloadBytesMaximum) return null;
  const view = new DataView(buffer);
  const frameKind = view.getUint8(0);
  if (frameKind !== kind.opus && frameKind !== kind.pcm) return null;
  if (frameKind === kind.pcm && size % 2 !== 0) return null;
  return {
    kind: frameKind,
    sequence: view.getUint16(1),
    timestamp: view.getUint32(3),
    payload: new Uint8Array(buffer, headerBytes),
  };
}

const text = (value) => typeof value === "string";
const flag = (value) => typeof value === "boolean";
const number = (value) => typeof value === "number" && Number.isFinite(value);
const stamp = (value) => Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
const optional = (check) => (value) => value === undefined || value === null || check(value);
const limits = (value) =>
  typeof value === "object" && value !== null && number(value.ends_in_ms) && number(value.rejoin_ms);

/** The fields that the page relies on, by message. What else a message carries is ignored. */
const fields = {
  welcome: {
    session: text, resumed: flag, rejoin_token: text, url: optional(text), phase: optional(text),
    language: optional(text), limits, resend_from: optional(stamp),
  },
  prepared: {},
  state: { state: text },
  item: { item: text, start_timestamp: stamp },
  flush: { item: text },
  transcript: { role: text, item: text, text, final: flag },
  ack: { timestamp: stamp },
  beat: {},
  move: { token: text, url: optional(text), deadline_ms: number },
  bye: { reason: text, rejoin_in_ms: optional(number) },
  error: { code: text, message: optional(text) },
};

/** A message that the page knows, or null: unknown types are ignored, so are known ones with fields of a wrong type. */
export function parseMessage(data) {
  if (data.length > messageBytesMaximum) return null;
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof message !== "object" || message === null || !Object.hasOwn(fields, message.type)) return null;
  const checks = Object.entries(fields[message.type]);
  return checks.every(([name, check]) => check(message[name])) ? message : null;
}

/** The address of a session's media below `base` (`ws(s)://host[:port]`). */
export function mediaAddress(base, session) {
  return `${base.replace(/\/+$/, "")}/v1/sessions/${encodeURIComponent(session)}/media`;
}

/** The same address for a plain GET, which tells why an opening was refused. */
export function probeAddress(media) {
  return media.replace(/^ws/, "http");
}
