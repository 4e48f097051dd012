"""Checks of the page's modules that need no conversation: numbers, memory, clock, pacing, rejoin decisions, messages.
Each is a piece of JavaScript that runs in the page and throws when something is not so."""

PRELUDE = """
const same = (got, wanted, what) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`);
  }
};
"""

PARTS = {
    "serial numbers are compared across their wrap": """
        const { ahead16, ahead32, unwrap32 } = await import("/assets/serial.js");
        same(ahead16(2, 65535), 3, "16 bits ahead");
        same(ahead16(65535, 2), -3, "16 bits behind");
        same(ahead32(5, 4294967290), 11, "32 bits ahead");
        same(unwrap32(4, 4294967290), 4294967300, "unwrapped forward");
        same(unwrap32(4294967290, 4294967300), 4294967290, "unwrapped backward");
        same(unwrap32(1, 3 * 2 ** 32 - 5), 3 * 2 ** 32 + 1, "unwrapped after several wraps");
    """,
    "a frame survives coding, and nonsense is no frame": """
        const { encodeFrame, decodeFrame } = await import("/assets/protocol.js");
        const bytes = encodeFrame(1, 70000, 2 ** 32 + 7, new Uint8Array([9, 8]));
        same([...bytes], [1, 17, 112, 0, 0, 0, 7, 9, 8], "bytes");
        const frame = decodeFrame(bytes.buffer);
        same([frame.kind, frame.sequence, frame.timestamp, [...frame.payload]], [1, 4464, 7, [9, 8]], "frame");
        same(decodeFrame(new ArrayBuffer(7)), null, "empty payload");
        same(decodeFrame(encodeFrame(3, 0, 0, new Uint8Array(4)).buffer), null, "unknown kind");
        same(decodeFrame(encodeFrame(2, 0, 0, new Uint8Array(5)).buffer), null, "odd PCM");
        same(decodeFrame(encodeFrame(1, 0, 0, new Uint8Array(8001)).buffer), null, "too long");
    """,
    "messages of tomorrow and messages that are wrong are left alone": """
        const { parseMessage } = await import("/assets/protocol.js");
        same(parseMessage('{"type":"ack","timestamp":7,"new":1}').timestamp, 7, "unknown field");
        for (const text of ["", "[]", "null", "7", '{"type":"tomorrow"}', '{"type":"ack","timestamp":"7"}',
            '{"type":"ack","timestamp":-1}', '{"type":"toString"}', '{"type":"welcome","session":"s"}']) {
          same(parseMessage(text), null, text);
        }
    """,
    "the memory forgets what is acknowledged and what is too old": """
        const { Memory, framesMaximum } = await import("/assets/memory.js");
        const memory = new Memory();
        for (let index = 0; index < 2000; index += 1) memory.add(index * 960, 1, null);
        same(memory.after(-Infinity).clock, 0, "all of it");
        same(memory.after(959).clock, 0, "a frame that reaches beyond");
        same(memory.after(960).clock, 960, "the next frame");
        memory.forgetBefore(960 * 1500 + 10);
        same([memory.count, memory.after(0).clock], [500, 960 * 1500], "acknowledged");
        for (let index = 2000; index < 2000 + framesMaximum; index += 1) memory.add(index * 960, 1, null);
        same([memory.count, memory.after(0).clock], [framesMaximum, 960 * 2000], "ten minutes");
        same(memory.after(960 * 99999), null, "nothing beyond the end");
    """,
    "what was missed goes first, in order, at eight times real time, live frames behind it": """
        const { Memory } = await import("/assets/memory.js");
        const { Uplink } = await import("/assets/uplink.js");
        const uplink = new Uplink(new Memory());
        const sent = [];
        const line = { bufferedAmount: 0, sendFrame: (kind, clock) => sent.push(clock / 960) };
        for (let index = 0; index < 100; index += 1) uplink.add(index * 960, 1, null, index * 20);
        uplink.attach(line, 10 * 960, 2000);
        same(sent, [], "nothing at once");
        let now = 2000;
        let next = 100;
        while (sent.at(-1) !== next - 1 && next < 200) {
          now += 20;
          uplink.add(next * 960, 1, null, now);
          next += 1;
          if (sent.length > ((now - 2000) / 20) * 8 + 1) throw new Error(`too fast: ${sent.length} after ${now - 2000} ms`);
        }
        same(sent, Array.from({ length: next - 10 }, (_, index) => index + 10), "order");
        same(next, 113, "caught up in an eighth of the time");
        uplink.add(next * 960, 1, null, now + 20);
        same(sent.at(-1), next, "live again");
        line.bufferedAmount = 1e6;
        uplink.add((next + 1) * 960, 1, null, now + 40);
        same(sent.at(-1), next, "a stuck network is not fed");
        uplink.acknowledge((next + 1) * 960);
        same(uplink.waiting, 1, "acknowledged");
    """,
    "the capture clock runs on through a standstill and does not mind bursts": """
        const { CaptureClock } = await import("/assets/clock.js");
        const clock = new CaptureClock();
        const first = clock.frame(0);
        let now = 0;
        for (let index = 1; index < 500; index += 1) clock.frame((now = index * 20));
        same(clock.next - first, 500 * 960, "steady");
        for (let index = 0; index < 50; index += 1) clock.frame(now + 1000);
        now += 1000;
        for (let index = 0; index < 200; index += 1) clock.frame((now += 20));
        same(clock.next - first, 750 * 960, "a burst is only late");
        now += 3000;
        for (let index = 0; index < 200; index += 1) clock.frame((now += 20));
        same(Math.abs(clock.next - first - (950 + 150) * 960) <= 960, true, "three seconds are missing");
    """,
    "after each close and each refusal the page does what the protocol says": """
        const { RejoinPolicy } = await import("/assets/rejoin.js");
        const policy = () => new RejoinPolicy(() => 0.5);
        const close = (code, more = {}) => policy().afterClose({ code, lived: 9000, ...more });
        same(close(1000), { then: "end", why: "ended" }, "1000");
        same(close(4001), { then: "end", why: "elsewhere" }, "4001");
        for (const code of [1001, 1006, 1012, 1013, 4003, 1005, 4000, 1009]) {
          same(close(code), { then: "rejoin", delay: 250 }, code);
        }
        same(close(1012, { announced: 700 }).delay, 950, "jitter is added to the announced time");
        const odd = policy();
        const ends = [1, 2, 3, 4].map(() => odd.afterClose({ code: 4000, lived: 100 }).then);
        same(ends, ["rejoin", "rejoin", "rejoin", "end"], "4000 at most three times");
        const waits = policy();
        waits.welcomed(null);
        const delays = Array.from({ length: 6 }, () => waits.afterRefusal({ status: 0 }).delay);
        same(delays, [250, 650, 1050, 1850, 3000, 3000], "backoff");
        same(waits.afterRefusal({ status: 503, retryAfter: 60000 }).delay, 3000, "Retry-After on a rejoin");
        same(policy().afterRefusal({ status: 503, retryAfter: 9000 }), { then: "rejoin", busy: true, delay: 9000 }, "first");
        same(policy().afterRefusal({ status: 200 }).then, "rejoin", "the reason has gone");
        for (const [status, why] of [[401, "token"], [403, "forbidden"], [404, "unknown"], [410, "ended"]]) {
          same(policy().afterRefusal({ status }), { then: "end", why }, status);
        }
        const instance = policy();
        instance.welcomed("ws://here");
        same(instance.takeTarget("ws://all"), { base: "ws://here", openingLimit: 3000, isInstance: true }, "instance");
        same(instance.afterRefusal({ status: 401, wasInstance: true }), { then: "rejoin", delay: 0 }, "at once");
        same(instance.takeTarget("ws://all").base, "ws://all", "once only");
    """,
    "only loopback may take the place of the media address, and only in a test": """
        const { readAddress } = await import("/assets/options.js");
        const read = (text) => readAddress(new URL(text));
        same(read("http://h/join/a%20b#tok").session, "a b", "session");
        same(read("http://h/join/a#tok").token, "tok", "token");
        same(read("http://h/join/a").token, null, "no token");
        same(read("http://h/join/a?media=ws://127.0.0.1:9#t").media, null, "without test");
        same(read("http://h/join/a?test=1&media=ws://127.0.0.1:9/x#t").media, "ws://127.0.0.1:9", "with test");
        for (const host of ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example"]) {
          same(read(`http://h/join/a?test=1&media=ws://${host}:9#t`).media, null, host);
        }
    """,
    "every language says everything": """
        const all = await Promise.all(["en", "de", "es", "fr"].map((code) => import(`/assets/words-${code}.js`)));
        const [english, ...others] = all.map((module) => module.default);
        for (const other of others) {
          same(Object.keys(other).sort(), Object.keys(english).sort(), "names");
          for (const [name, text] of Object.entries(other)) {
            const places = (words) => (words.match(/\\{\\w+\\}/g) ?? []).sort();
            same(places(text), places(english[name]), name);
          }
        }
        const used = await (await fetch("/assets/room.js")).text();
        for (const [, name] of used.matchAll(/words\\("(\\w+)"/g)) if (!(name in english)) throw new Error(name);
    """,
}


async def check_parts(page):
    """`{name: None or error}`."""
    results = {}
    for name, script in PARTS.items():
        try:
            await page.evaluate(f"(async () => {{ {PRELUDE} {script} }})()")
            results[name] = None
        except Exception as error:
            results[name] = str(error).splitlines()[0]
    return results
