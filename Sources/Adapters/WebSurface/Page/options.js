// What the address says: the session in the path, the token in the fragment (which no server and no log ever sees), and
// the hooks that tests use.

const loopback = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * `?raw=1` takes the microphone as it is, `?codec=pcm` avoids WebCodecs, `?test=1` exposes `window.voicedTest`, and
 * with it `?media=ws://127.0.0.1:PORT` replaces the media address. Only loopback is taken there: a forged link must
 * not be able to send a voice elsewhere.
 */
export function readAddress(location) {
  const query = new URLSearchParams(location.search);
  const session = segment(location.pathname.match(/\/join\/([^/]+)\/?$/)?.[1]);
  const isTest = query.get("test") === "1";
  return {
    session,
    token: location.hash.length > 1 ? segment(location.hash.slice(1)) : null,
    isRaw: query.get("raw") === "1",
    avoidsWebCodecs: query.get("codec") === "pcm",
    isTest,
    media: isTest ? loopbackMedia(query.get("media")) : null,
  };
}

function segment(text) {
  try {
    return text === undefined ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}

function loopbackMedia(text) {
  if (!text || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === "ws:" && loopback.has(url.hostname) ? `ws://${url.host}` : null;
}

const storageKey = (session) => `voiced.join.${session}`;

/** The join token survives a reload also where the fragment has gone; nothing else is kept. */
export function rememberedToken(session, token) {
  try {
    if (token) sessionStorage.setItem(storageKey(session), token);
    return token ?? sessionStorage.getItem(storageKey(session));
  } catch {
    return token;
  }
}

export function forgetToken(session) {
  try {
    sessionStorage.removeItem(storageKey(session));
  } catch {
    // No storage: nothing was kept.
  }
}
