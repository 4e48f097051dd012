#!/usr/bin/env python3
"""The participant's page against a small, strict server of its own: every way a line can end, moves, refusals, both
codecs, the microphone's troubles. Needs Chromium and nothing of the daemon. One JSON line comes last."""

import argparse
import asyncio
import base64
import json
import os
import sys
import tempfile
import time

import numpy

import sound
from chromium import chromium, until_page, watch_console
from fake_voiced import FakeVoiced, Utterance, serial
from link import Link
from page_parts import check_parts

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "../../../Sources/Adapters/WebSurface/Page")
CORRELATION = 0.9
cases = []


def case(function):
    cases.append(function)
    return function


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


async def until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, f"{what} did not come in {seconds} s")
        await asyncio.sleep(0.02)


class Stage:
    """What every case needs: server, browser, voices."""

    def __init__(self, voiced, browser, folder, artefacts):
        self.voiced, self.browser, self.folder, self.artefacts = voiced, browser, folder, artefacts
        self.problems = []
        self.count = 0

    def utterance(self, name, limit=5.0):
        """A recorded prompt that the agent says."""
        self.count += 1
        samples = sound.prompt(name)[: int(limit * 48000)]
        samples = samples[: len(samples) // 960 * 960]
        item = f"item-{self.count}"
        pcm = sound.to_s16(sound.resampled(samples, 48000, 24000))
        opus = sound.opus_packets(samples, self.folder, item)[: len(samples) // 960]
        made = Utterance(item, f"This is {name}.", opus, [pcm[at : at + 960] for at in range(0, len(opus) * 960, 960)])
        made.samples = samples
        return made

    async def page(self, session, query="", **options):
        context = await self.browser.new_context(viewport={"width": 1180, "height": 800}, **options)
        page = await context.new_page()
        watch_console(page, self.problems)
        await page.goto(self.voiced.link(session, "?raw=1&test=1" + query))
        return page

    async def joined(self, session, query="", prepare=None):
        page = await self.page(session, query)
        if prepare:
            await page.evaluate(prepare)
        await self.join(page)
        await asyncio.wait_for(session.joined.wait(), 10)
        return page

    async def join(self, page):
        await page.wait_for_selector("#check:not([hidden])")
        await page.click("#check-start")
        await page.wait_for_selector("#check-join:not([disabled])")
        await page.click("#check-join")

    async def shot(self, page, name):
        await page.screenshot(path=os.path.join(self.artefacts, f"alone-{name}.png"))

    async def ending(self, page, title, seconds=10):
        await page.wait_for_selector("#ending:not([hidden])", timeout=seconds * 1000)
        got = await page.inner_text("#ending-title")
        expect(got == title, f"the end says “{got}”")


async def counters(page):
    return await page.evaluate("voicedTest.counters")


async def live_again(page, session, connections):
    await until(lambda: len(session.connections) >= connections and session.current is not None, "the rejoin")
    await until_page(page, "voicedTest.counters.isLive")


def gaps(session):
    """Capture time between neighbouring frames where it is not 20 ms."""
    stamps = sorted(session.frames, key=lambda stamp: serial(stamp, session.order[0], 32))
    return [serial(b, a, 32) for a, b in zip(stamps, stamps[1:]) if serial(b, a, 32) != 960]


def heard_by(session, folder):
    stamps = sorted(session.frames, key=lambda stamp: serial(stamp, session.order[0], 32))
    payloads = [session.frames[stamp] for stamp in stamps]
    if session.connections[0].up == 1:
        return sound.decode_opus(payloads, folder, "up"), 48000
    return sound.from_s16(b"".join(payloads)), 24000


async def played_by(page, item):
    runs = [run for run in await page.evaluate("voicedTest.played()") if run["item"] == item]
    parts = [sound.from_s16(base64.b64decode(run["pcm"])) for run in runs]
    return numpy.concatenate(parts) if parts else numpy.zeros(0)


@case
async def parts(stage):
    page = await stage.page(stage.voiced.add())
    failed = {name: error for name, error in (await check_parts(page)).items() if error}
    expect(not failed, failed)


async def conversation(stage, query):
    """Greeting, a cut of five seconds in mid-utterance, an interruption, mute, leave; sound compared both ways."""
    session = stage.voiced.add()
    link = await Link(("127.0.0.1", stage.voiced.media_port)).start()
    page = await stage.joined(session, f"{query}&media=ws://127.0.0.1:{link.port}")
    greeting, answer, cut_off = (stage.utterance(name) for name in ("demo-congrats", "demo-thanks", "demo-instruct"))
    await session.say(greeting)
    await session.state_is("listening")
    speaking = asyncio.create_task(session.say(answer))
    await asyncio.sleep(1.5)
    await link.cut(5)
    back = time.monotonic()
    await live_again(page, session, 2)
    back = time.monotonic() - back
    await speaking
    await until(lambda: answer.played == answer.milliseconds, "the last `played`")
    speaking = asyncio.create_task(session.say(cut_off))
    await asyncio.sleep(1.5)
    await session.flush(cut_off)
    await speaking
    await asyncio.sleep(0.3)
    expect(1200 < cut_off.played <= cut_off.sent, f"interrupted at {cut_off.played} ms of {cut_off.sent} sent")
    up = await asyncio.to_thread(compare_up, stage, session)
    await asyncio.sleep(0.2)
    before = len(session.frames)
    await page.click("#mute")
    await asyncio.sleep(1.5)
    expect(len(session.frames) - before < 12, "sound went up while muted")
    await page.click("#mute")
    await asyncio.sleep(1)
    expect([message["on"] for message in session.of("mute")] == [True, False], "mute was not told")
    down = await compare_down(page, [greeting, answer, cut_off])
    await page.click("#leave")
    await page.click("#leave-dialog button.danger")
    await stage.ending(page, "You have left the interview")
    await link.stop()
    expect(not session.violations, session.violations)
    expect(session.doubled == 0, f"{session.doubled} frames came twice")
    expect(len(gaps(session)) == 1, f"besides mute there are gaps: {gaps(session)}")
    hello = session.of("hello")[1]
    expect(hello.get("resume", {}).get("item") == answer.item, f"resume: {hello.get('resume')}")
    expect(session.of("stats"), "no stats")
    expect(back < 3, f"back after {back:.1f} s")
    return {"back_after_seconds": round(back, 2), "up": up, "down": down}


def compare_up(stage, session):
    """Everything heard so far is what the microphone says, again and again, without a gap."""
    samples, rate = heard_by(session, stage.folder)
    expect(not gaps(session), f"gaps {gaps(session)}")
    score = sound.likeness(samples, sound.resampled(numpy.tile(stage.voice, 3), 48000, rate), rate)
    expect(score["correlation"] > CORRELATION and score["worst"] > CORRELATION, f"up: {score}")
    return round(score["correlation"], 4)


async def compare_down(page, utterances):
    """Each utterance was played as it was said, and as much of it as the page told."""
    down = []
    for utterance in utterances:
        played = await played_by(page, utterance.item)
        likeness = await asyncio.to_thread(sound.likeness, played, utterance.samples, 48000, 0.5)
        score = likeness["correlation"]
        expect(score > CORRELATION, f"{utterance.item} was played with {score:.3f}")
        told = utterance.played * 48
        expect(abs(len(played) - told) <= 960, f"{utterance.item}: {len(played)} samples played, {told} told")
        down.append(round(score, 4))
    return down


@case
async def opus(stage):
    return await conversation(stage, "")


@case
async def pcm(stage):
    return await conversation(stage, "&codec=pcm")


@case
async def closes(stage):
    """Codes after which a page returns, with the sound of the time away, and never doubled."""
    session = stage.voiced.add()
    page = await stage.joined(session)
    for number, code in enumerate([1001, 1012, 1013, 4003, 1000 + 11], start=2):
        await asyncio.sleep(0.5)
        if code == 1012:
            await session.tell({"type": "bye", "reason": "restart", "rejoin_in_ms": 600})
        closed = time.monotonic()
        await session.current.socket.close(code)
        await live_again(page, session, number)
        if code == 1012:
            expect(time.monotonic() - closed > 0.55, "the announced time was not waited for")
    await asyncio.sleep(1)
    expect(not gaps(session) and session.doubled == 0, f"gaps {gaps(session)}, {session.doubled} doubled")
    tokens = [line.token for line in session.connections]
    expect(tokens == ["join-token", "rejoin-1", "rejoin-2", "rejoin-3", "rejoin-4", "rejoin-5"], tokens)
    expect(not session.violations, session.violations)
    await session.end("completed")
    await stage.ending(page, "Thank you")


@case
async def joined_elsewhere(stage):
    session = stage.voiced.add()
    first = await stage.joined(session)
    second = await stage.joined(session)
    await stage.ending(first, "You joined somewhere else")
    await stage.shot(first, "elsewhere")
    await asyncio.sleep(1.5)
    expect(len(session.connections) == 2, "the first page came back")
    await second.reload()
    await stage.join(second)
    await until(lambda: len(session.connections) == 3 and session.current is not None, "the reloaded page")
    expect(session.connections[2].token == "join-token", "a reload joins with the link's token")
    expect(session.connections[2].hello["client"] != session.connections[1].hello["client"], "the page load has no new name")


@case
async def refusals(stage):
    """Why an opening was refused is asked by a plain GET, and answered on the screen."""
    session = stage.voiced.add()
    session.refuse = (503, {"Retry-After": "1"})
    page = await stage.page(session)
    await stage.join(page)
    await until_page(page, "document.querySelector('#banner-text').textContent.includes('places')")
    await stage.shot(page, "busy")
    session.refuse = None
    await asyncio.wait_for(session.joined.wait(), 10)
    session.refuse = (503, {"Retry-After": "60"})
    await session.current.socket.close(1012)
    await asyncio.sleep(1.5)
    session.refuse = None
    await live_again(page, session, 2)
    asked = len(stage.voiced.asked)
    session.refuse = (410, {})
    await session.current.socket.close(1001)
    await stage.ending(page, "This interview is over")
    expect(len(stage.voiced.asked) == asked + 1, "410 was not asked for once")
    for status, title in ((401, "This link does not work"), (404, "This link does not work")):
        other = stage.voiced.add()
        other.refuse = (status, {})
        page = await stage.page(other)
        await stage.join(page)
        await stage.ending(page, title)


@case
async def odd_ends(stage):
    """4000 at most three times in a row."""
    session = stage.voiced.add()
    page = await stage.joined(session)
    for number in range(2, 5):
        await session.tell({"type": "error", "code": "bad_frame", "message": "x"})
        await session.current.socket.close(4000)
        await live_again(page, session, number)
    await session.current.socket.close(4000)
    await stage.ending(page, "The connection is gone")
    await stage.shot(page, "gone")


async def offer_move(session, lines, **more):
    async def prepare(line):
        lines.append(line)
        await line.send({"type": "prepared"})

    session.moving = prepare
    await session.tell({"type": "move", "token": "move", "deadline_ms": 20000, **more})
    await until(lambda: lines, "the second connection")
    await asyncio.sleep(0.6)


@case
async def move(stage):
    """The second connection takes over without a lost, doubled or reordered frame."""
    session = stage.voiced.add()
    page = await stage.joined(session)
    said = stage.utterance("demo-thanks", 2)
    await session.say(said)
    lines = []
    await offer_move(session, lines)
    old = session.current
    expect(lines[0].hello["resume"]["item"] == said.item, "the second hello has no resume")
    expect(old.expected is not None and session.current is old, "the old line is not in use any more")
    session.current = None
    await old.send({"type": "bye", "reason": "moved"})
    await asyncio.sleep(0.3)
    count = len(session.messages)
    await lines[0].welcome(True)
    await until(lambda: old.socket.close_code is not None, "the old connection's end")
    expect(old.socket.close_code == 1000, f"the old one was closed {old.socket.close_code}")
    await asyncio.sleep(1.5)
    after = [message for message in session.messages[count:] if message["type"] != "beat"]
    expect(after and after[0]["type"] == "played" and after[0]["ms"] == said.milliseconds, f"first came {after[:1]}")
    expect(not gaps(session) and session.doubled == 0, f"gaps {gaps(session)}, {session.doubled} doubled")
    expect((await counters(page))["call"]["moves"] == 1, "no move was counted")
    expect(not session.violations, session.violations)
    await session.end("time_limit")
    await stage.ending(page, "The time is up")


@case
async def move_that_fails(stage):
    """`bye{moved}` without `welcome`: back by the general address with the rejoin token."""
    session = stage.voiced.add()
    page = await stage.joined(session)
    lines = []
    await offer_move(session, lines)
    old, session.current = session.current, None
    began = time.monotonic()
    await old.send({"type": "bye", "reason": "moved"})
    await until(lambda: len(session.connections) == 3 and session.current is not None, "the rejoin")
    expect(1.8 < time.monotonic() - began < 4, f"rejoined after {time.monotonic() - began:.1f} s")
    expect(session.connections[2].token.startswith("rejoin"), "not by the rejoin token")
    await until_page(page, "voicedTest.counters.isLive")
    await asyncio.sleep(0.5)
    expect(session.doubled == 0 and not session.violations, session.violations)


@case
async def instance_address(stage):
    """`welcome.url` is tried once; refused there, the general address follows at once."""
    session = stage.voiced.add()
    session.url = "ws://127.0.0.1:9"
    page = await stage.joined(session)
    closed = time.monotonic()
    await session.current.socket.close(1012)
    await live_again(page, session, 2)
    expect(time.monotonic() - closed < 2, "the general address did not follow at once")
    expect((await counters(page))["call"]["connections"] == 3, "not tried once")


@case
async def late_words(stage):
    """A participant's words that come after the answer has begun stand before it; words that never come leave no place."""
    session = stage.voiced.add()
    page = await stage.joined(session)
    await session.words("agent", "a1", "Question one?")
    await session.state_is("thinking")
    await session.words("agent", "a2", "Answer", False)
    await session.words("participant", "p1", "Late words.")
    await session.words("agent", "a2", "Answer and question two?")
    for name in ("listening", "thinking"):
        await session.state_is(name)
    await session.words("agent", "a3", "Question three?")
    await until_page(page, "document.querySelectorAll('.bubble').length === 4")
    await page.evaluate("const now = performance.now.bind(performance); performance.now = () => now() + 9000; void 0")
    await session.words("participant", "p3", "Much later.")
    await until_page(page, "document.querySelectorAll('.bubble').length === 5")
    order = await page.evaluate("[...document.querySelectorAll('.bubble .words')].map((words) => words.textContent)")
    expect(order == [
        "Question one?", "Late words.", "Answer and question two?", "Question three?", "Much later."], order)
    expect(not session.violations, session.violations)


@case
async def throttled(stage):
    """A background tab's timers hardly run: beats and rejoins come from the handlers of what arrives."""
    session = stage.voiced.add()
    page = await stage.joined(session, prepare="window.setInterval = () => 0; void 0")
    await page.click("#mute")
    await asyncio.sleep(3.5)
    expect(session.of("beat"), "no beat while muted")
    await session.current.socket.close(1012)
    await live_again(page, session, 2)
    await until(lambda: len(session.of("mute")) == 2, "mute told to the new line")
    expect(not session.violations, session.violations)


@case
async def dead_line(stage):
    """Nothing for 3 s is a dead line, although the socket stands."""
    session = stage.voiced.add()
    page = await stage.joined(session)
    line = session.current
    line.sent = float("inf")
    session.acks = False
    silent = time.monotonic()
    await live_again(page, session, 2)
    expect(2.5 < time.monotonic() - silent < 5.5, f"noticed after {time.monotonic() - silent:.1f} s")


@case
async def microphone_lost(stage):
    """The device goes; another is taken, the clock runs on, the conversation too."""
    session = stage.voiced.add()
    page = await stage.joined(session, prepare="""
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.asked = [];
        navigator.mediaDevices.getUserMedia = async (wanted) => {
          if (window.isGone) throw new DOMException("", "NotFoundError");
          const stream = await ask(wanted);
          window.asked.push(stream);
          return stream;
        }; void 0""")
    await asyncio.sleep(0.5)
    await page.evaluate("""window.isGone = true; const track = window.asked.at(-1).getAudioTracks()[0];
        track.stop(); track.dispatchEvent(new Event("ended"))""")
    await until_page(page, "document.querySelector('#banner-text').textContent.includes('microphone')")
    await stage.shot(page, "microphone-lost")
    await asyncio.sleep(1)
    await page.evaluate("window.isGone = false; navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    await until_page(page, "document.querySelector('#banner').hidden")
    await asyncio.sleep(1)
    expect(await page.evaluate("window.asked.length") == 2, "no second device")
    expect(not gaps(session) and not session.violations, f"{gaps(session)} {session.violations}")


@case
async def silent_microphone(stage):
    """Nothing is heard: the way in opens all the same after a while."""
    session = stage.voiced.add()
    page = await stage.page(session)
    await page.evaluate("""navigator.mediaDevices.getUserMedia = async () => {
        const context = new AudioContext(); const end = context.createMediaStreamDestination(); return end.stream; }; void 0""")
    await page.click("#check-start")
    await page.wait_for_selector("#check-anyway:not([hidden])", timeout=9000)
    expect(await page.is_disabled("#check-join"), "a silent microphone may join")
    await stage.shot(page, "silent")
    await page.click("#check-anyway")
    await asyncio.wait_for(session.joined.wait(), 10)


@case
async def without_permission(stage):
    async with chromium(grants=False) as browser:
        context = await browser.new_context(viewport={"width": 390, "height": 780})
        page = await context.new_page()
        await page.goto(stage.voiced.link(stage.voiced.add()))
        await page.wait_for_selector("#check:not([hidden])")
        await page.click("#check-start")
        await page.wait_for_selector("#check-error:not([hidden])")
        expect(await page.inner_text("#check-error-title") == "The microphone is blocked", "another message")
        await stage.shot(page, "denied")
        for path, title in (("/join/s-none#join-token", "This link does not work"), ("/join/s-1", "This link does not work")):
            await page.goto("about:blank")
            await page.goto(f"http://127.0.0.1:{stage.voiced.web_port}{path}")
            await page.wait_for_selector("#problem:not([hidden])")
            expect(await page.inner_text("#problem-title") == title, path)
        await stage.shot(page, "link")


async def run(options):
    os.makedirs(options.artefacts, exist_ok=True)
    failures, figures = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        wav = os.path.join(folder, "microphone.wav")
        voice = sound.participant_voice(["vm-intro", "privacy-prompt", "demo-thanks"], 2)
        sound.write_wav(wav, voice)
        async with FakeVoiced(PAGE) as voiced, chromium(wav) as browser:
            stage = Stage(voiced, browser, folder, options.artefacts)
            stage.voice = voice
            for number, function in enumerate(cases, start=1):
                if options.only and function.__name__ not in options.only:
                    continue
                began = time.monotonic()
                try:
                    figures[function.__name__] = await function(stage)
                except Exception as error:
                    failures[function.__name__] = f"{type(error).__name__}: {error}"[:400]
                for context in browser.contexts:
                    await context.close()
                state = "FAILED" if function.__name__ in failures else "ok"
                print(f"[{number}/{len(cases)}] {function.__name__} {state} {time.monotonic() - began:.1f} s", flush=True)
            if stage.problems:
                failures["console"] = stage.problems[:5]
    return failures, {name: value for name, value in figures.items() if value}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artefacts", default=tempfile.gettempdir(), help="folder for screenshots")
    parser.add_argument("--only", nargs="*", help="names of cases")
    failures, figures = asyncio.run(run(parser.parse_args()))
    print(json.dumps({"drill": "page-alone", "ok": not failures, "failures": failures, **figures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
