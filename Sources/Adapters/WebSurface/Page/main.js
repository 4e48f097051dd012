// The participant's page from beginning to end: link, microphone check, conversation, goodbye. Every part is a module of
// its own; this one only joins them.

import { keepScreenOn, unsupportedReason } from "./audio.js";
import { Call } from "./call.js";
import { checkMicrophone } from "./check.js";
import { CaptureClock } from "./clock.js";
import { decodesOpus } from "./decoder.js";
import { encodesOpus, OpusUplinkEncoder, PCMUplinkEncoder } from "./encoder.js";
import { showEnding } from "./ending.js";
import { Memory } from "./memory.js";
import { Microphone } from "./microphone.js";
import { forgetToken, readAddress, rememberedToken } from "./options.js";
import { Room } from "./room.js";
import { Speaker } from "./speaker.js";
import { Uplink } from "./uplink.js";
import { showProblem } from "./view.js";
import { Witness } from "./witness.js";
import { speak } from "./words.js";

const version = "voiced-page/1";
const tickMilliseconds = 250;
const now = () => performance.now();

const address = readAddress(window.location);
speak(navigator.languages);
void begin();

async function begin() {
  const reason = unsupportedReason();
  if (reason) return showProblem(reason);
  const token = address.session && rememberedToken(address.session, address.token);
  if (!token) return showProblem("link");
  const info = await fetchInfo(token);
  if (!info) return;
  speak([info.language, ...navigator.languages]);
  const [up, down] = address.avoidsWebCodecs ? [false, false] : await Promise.all([encodesOpus(), decodesOpus()]);
  const formats = { up: up ? "opus" : "pcm", down: down ? "opus" : "pcm" };
  const relay = { frame: () => {}, trouble: () => {}, devices: () => {} };
  const { context, microphone } = await checkMicrophone({
    study: info.study_name,
    isReturning: info.state !== "scheduled",
    minutes: Number.isFinite(info.limit_seconds) ? Math.ceil(info.limit_seconds / 60) : null,
    makeMicrophone: (audio, on) => {
      Object.assign(relay, on);
      return new Microphone(audio, {
        isRaw: address.isRaw,
        rate: formats.up === "opus" ? 48000 : 24000,
        on: {
          frame: (samples) => relay.frame(samples),
          trouble: (kind) => relay.trouble(kind),
          devices: () => relay.devices(),
        },
      });
    },
  });
  converse({ info, token, formats, context, microphone, relay });
}

/** What the page is told of the session before the microphone is asked for; null when a problem is shown instead. */
async function fetchInfo(token) {
  try {
    const answer = await fetch(`/v1/join/${encodeURIComponent(address.session)}`, {
      headers: { Authorization: `Bearer ${token}` }, cache: "no-store",
    });
    if (answer.ok) {
      const info = await answer.json();
      if (info.state !== "ended") return info;
      showEnding({ why: "ended", reason: null }, null);
    } else if (answer.status === 410) {
      showEnding({ why: "ended", reason: null }, null);
    } else if ([400, 401, 403, 404].includes(answer.status)) {
      const { code } = await answer.json().catch(() => ({}));
      forgetToken(address.session);
      showProblem(code === "token_expired" ? "expired" : "link");
    } else {
      showProblem("unreachable", () => window.location.reload());
    }
  } catch {
    showProblem("unreachable", () => window.location.reload());
  }
  return null;
}

/** From the click on “join” to the last screen. */
function converse({ info, token, formats, context, microphone, relay }) {
  const clock = new CaptureClock();
  const uplink = new Uplink(new Memory());
  const releaseScreen = keepScreenOn();
  let isRecording = false;
  let isMuted = false;

  const speaker = new Speaker(context, {
    now, witness: address.isTest, report: (item, milliseconds) => call.played(item, milliseconds),
  });
  const deliver = (at, kind, payload) => uplink.add(at, kind, payload, now());
  let encoder = formats.up === "opus" ? new OpusUplinkEncoder(deliver, () => void fallBack()) : new PCMUplinkEncoder(deliver);

  const call = new Call({
    session: info.session ?? address.session,
    token,
    mediaURL: address.media ?? info.media_url,
    client: randomName(),
    agent: version,
    formats,
    uplink,
    speaker,
    now,
    stats: () => ({
      ...(call.connection?.openingTook ? { rtt_ms: Math.round(call.connection.openingTook / 2) } : {}),
      mic_dbfs: Math.round(microphone.takeLoudness() * 10) / 10,
      underruns: speaker.counts.underruns,
      codec: formats.up,
      device: microphone.deviceKind,
    }),
  }, {
    phase: (name) => {
      witness?.note("phase", name);
      if (name === "live") isRecording = true;
      room.phase(name);
    },
    state: (name) => {
      witness?.note("state", name);
      room.state(name);
    },
    transcript: (message) => room.transcript(message),
    limits: (limits) => room.limits(limits),
    over: (end) => finish(end),
  });

  const room = new Room({
    context, microphone, speaker, language: info.language, now,
    on: {
      mute: (on) => {
        isMuted = on;
        microphone.mute(on);
        call.mute(on);
      },
      leave: () => call.leave(),
    },
  });

  const witness = address.isTest ? watch({ call, uplink, speaker, formats, clock, microphone }) : null;

  /** Every captured frame is also the clock of the line: nothing slows it down in a background tab. */
  relay.frame = (samples) => {
    const at = now();
    const captured = clock.frame(at);
    if (isRecording && !isMuted) encoder.encode(captured, samples);
    call.tick(at);
  };
  relay.trouble = (kind) => room.trouble(kind);
  relay.devices = () => room.devicesChanged();
  const timer = setInterval(() => call.tick(now()), tickMilliseconds);
  const online = () => call.networkReturned();
  window.addEventListener("online", online);
  call.start();

  /** Opus broke down for good. Packets that are waiting cannot be told in PCM, so they are given up. */
  async function fallBack() {
    formats.up = "pcm";
    encoder = new PCMUplinkEncoder(deliver);
    uplink.restart();
    await microphone.changeRate(encoder.rate);
    call.reopen();
  }

  function finish(end) {
    clearInterval(timer);
    window.removeEventListener("online", online);
    relay.frame = () => {};
    releaseScreen();
    room.close();
    encoder.close();
    microphone.close();
    speaker.close();
    void context.close();
    const name = showEnding(end, () => window.location.reload());
    if (name !== "elsewhere" && name !== "interrupted") forgetToken(info.session);
    witness?.note("over", end);
  }
}

function watch({ call, uplink, speaker, formats, clock, microphone }) {
  const witness = new Witness(() => ({
    isLive: call.isLive,
    call: { ...call.counts },
    connection: call.connection ? { ...call.connection.counts } : null,
    uplink: { sent: uplink.sent, resent: uplink.resent, unacknowledged: uplink.waiting },
    speaker: { ...speaker.counts, position: speaker.position, isPlaying: speaker.isPlaying },
    formats: { ...formats },
    clock: clock.next,
    level: microphone.level,
  }));
  speaker.onHeard = (run) => witness.heard(run);
  return witness;
}

/** The random id of this page load. */
function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
