// Serial numbers (RFC 1982): the wire carries 16 and 32 bits that wrap in the middle of an interview, the page counts
// without a bound. Only differences mean anything, so every comparison goes through here.

/** How far `a` lies ahead of `b`, both modulo 2^16: -32768 to 32767. */
export function ahead16(a, b) {
  return ((a - b) << 16) >> 16;
}

/** How far `a` lies ahead of `b`, both modulo 2^32: -2^31 to 2^31 - 1. */
export function ahead32(a, b) {
  return (a - b) | 0;
}

/** The unbounded number nearest to `near` that reads `value` modulo 2^32. */
export function unwrap32(value, near) {
  return near + ahead32(value, near);
}

/** A random start, so that nobody comes to rely on zero. */
export function random32() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
