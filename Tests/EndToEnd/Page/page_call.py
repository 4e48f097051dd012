#!/usr/bin/env python3
"""The participant's page in a real browser against the running daemon and its simulator.

A recorded voice is the microphone. The agent greets, a turn is held, the TCP link is cut for five seconds in the middle
of a sentence, the same session goes on, the participant leaves. Then the simulator's own recordings are compared with
what went into the microphone and with what the page played. One JSON line comes last; the exit code is not 0 when
anything falls short. `SABOTAGE=1` mutes the page after the greeting, so that the simulator hears nothing.
"""

import argparse
import asyncio
import base64
import glob
import json
import os
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import numpy

import sound
from chromium import chromium, until_page, watch_console
from link import Link

CORRELATION = 0.9
CUT_SECONDS = 5
HELLO_SECONDS = 2
TURNS = ["vm-intro", "privacy-prompt", "demo-thanks"]


def rest(base, path, body=None):
    request = urllib.request.Request(
        base + path, data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{path}: {error.code} {error.read().decode(errors='replace')}")


def microphone(path):
    """A word for the microphone check, room for the greeting, then three turns with room for answers."""
    hello = sound.participant_voice(["queue-thankyou"], 14)
    turns = sound.participant_voice(TURNS, 8)
    sound.write_wav(path, numpy.concatenate([hello, turns]))
    return turns


class Journey:
    """The participant's way through the page."""

    def __init__(self, page, link, artefacts):
        self.page, self.link, self.artefacts = page, link, artefacts
        self.shots = []

    async def shot(self, name):
        path = os.path.join(self.artefacts, f"page-{len(self.shots) + 1}-{name}.png")
        await self.page.screenshot(path=path)
        self.shots.append(os.path.basename(path))

    async def counters(self):
        return await self.page.evaluate("voicedTest.counters")

    async def until(self, what, condition, seconds):
        """Waits for a condition in the page; the error says which one did not come."""
        try:
            await until_page(self.page, condition, seconds)
        except TimeoutError as error:
            await self.shot("stuck")
            events = await self.page.evaluate("window.voicedTest?.events.slice(-12)")
            raise SystemExit(f"{what} did not come: {error}; {events}")

    async def who(self, name, seconds):
        await self.until(f"“{name}”", f"document.querySelector('#stage').dataset.who === '{name}'", seconds)

    async def check(self):
        await self.page.wait_for_selector("#check:not([hidden])", timeout=15000)
        await self.shot("check")
        await self.page.click("#check-start")
        await self.page.wait_for_selector("#check-join:not([disabled])", timeout=15000)
        await self.shot("heard")
        # The rest of the word, or it would interrupt the greeting.
        await asyncio.sleep(HELLO_SECONDS)
        await self.page.click("#check-join")

    async def greeting(self):
        await self.until("the line", "voicedTest.counters.isLive", 20)
        await self.who("agent", 20)
        await asyncio.sleep(1)
        await self.shot("greeting")
        await self.until("the end of the greeting", "!voicedTest.counters.speaker.isPlaying", 30)

    async def turn(self):
        await self.who("you", 60)
        await self.who("agent", 40)
        await asyncio.sleep(1)
        await self.shot("answer")
        await self.until("the end of the answer", "!voicedTest.counters.speaker.isPlaying", 60)

    async def cut(self):
        """In the middle of a sentence."""
        await self.who("you", 60)
        await asyncio.sleep(1)
        before = await self.counters()
        began = time.monotonic()
        cut = asyncio.create_task(self.link.cut(CUT_SECONDS))
        await self.who("away", CUT_SECONDS + 1)
        await self.shot("away")
        await cut
        await self.until("the rejoin", "voicedTest.counters.isLive", 20)
        back = time.monotonic() - began - CUT_SECONDS
        await asyncio.sleep(1)
        await self.shot("back")
        return before, await self.counters(), back

    async def leave(self):
        await self.page.click("#leave")
        await self.shot("leave")
        await self.page.click("#leave-dialog button.danger")
        await self.page.wait_for_selector("#ending:not([hidden])", timeout=10000)
        await self.shot("end")
        return await self.page.inner_text("#ending-title")


async def travel(options, sabotage):
    os.makedirs(options.artefacts, exist_ok=True)
    wav = os.path.join(options.artefacts, "microphone.wav")
    turns = microphone(wav)
    known = sounds(options.sim_audio)
    session = rest(options.web_url, "/v1/sessions", {"study": options.study})
    media = urlsplit(session["media_url"])
    link = await Link((media.hostname, media.port or 80)).start()
    problems = []
    async with chromium(wav) as browser:
        context = await browser.new_context(viewport={"width": 1180, "height": 800})
        page = await context.new_page()
        watch_console(page, problems)
        address, fragment = session["join_url"].split("#", 1)
        query = f"?raw=1&test=1&media=ws://127.0.0.1:{link.port}" + ("&codec=pcm" if options.codec == "pcm" else "")
        await page.goto(f"{address}{query}#{fragment}")
        journey = Journey(page, link, options.artefacts)
        await journey.check()
        await journey.greeting()
        if sabotage:
            await page.click("#mute")
            await asyncio.sleep(len(turns) / sound.RATE)
            figures = {"rejoined": False}
        else:
            await journey.turn()
            await journey.turn()
            figures = await watch_cut(journey, options, session)
        played = await page.evaluate("voicedTest.played()")
        counters = await journey.counters()
        figures["ending"] = await journey.leave()
    await link.stop()
    await asyncio.sleep(1)
    fresh = sorted(sounds(options.sim_audio) - known)
    figures |= compare_up(turns, fresh) | compare_down(played, fresh)
    figures |= {
        "formats": counters["formats"], "resent": counters["uplink"]["resent"],
        "underruns": counters["speaker"]["underruns"], "lost_frames": counters["speaker"]["lost"],
        "console": problems, "screenshots": journey.shots, "session": rest(options.web_url, f"/v1/sessions/{session['id']}"),
    }
    return figures


async def watch_cut(journey, options, session):
    before, after, back = await journey.cut()
    # The rest of the sentence, its answer and a little silence.
    await journey.who("agent", 60)
    await journey.until("the end of the last answer", "!voicedTest.counters.speaker.isPlaying", 60)
    await asyncio.sleep(1)
    return {
        "rejoined": after["call"]["rejoins"] == before["call"]["rejoins"] + 1,
        "back_after_seconds": round(back, 2),
        "state_after_cut": rest(options.web_url, f"/v1/sessions/{session['id']}")["state"],
        "resent_after_cut": after["uplink"]["resent"] - before["uplink"]["resent"],
    }


def sounds(folder):
    """What was heard and said so far; a connection that is kept ready has heard nothing yet."""
    return {file for file in glob.glob(os.path.join(folder, "*.pcm")) if os.path.getsize(file) > 0}


def compare_up(turns, files):
    """What the simulator heard against what the microphone said."""
    heard = [file for file in files if os.path.basename(file).startswith("heard-")]
    samples = [sound.from_s16(open(file, "rb").read()) for file in heard]
    whole = numpy.concatenate(samples) if samples else numpy.zeros(0)
    up = sound.likeness(sound.resampled(turns, sound.RATE, 24000), whole, 24000)
    return {
        "provider_sessions": len(heard), "heard_seconds": round(len(whole) / 24000, 1),
        "up_correlation": round(up["correlation"], 4), "up_worst_second": round(up["worst"], 4),
    }


def compare_down(played, files):
    """What the page played, utterance by utterance, against the one of the simulator's that it is most like."""
    said = [sound.from_s16(open(file, "rb").read()) for file in files if os.path.basename(file).startswith("said-")]
    items = {}
    for run in played:
        items.setdefault(run["item"], []).append(sound.from_s16(base64.b64decode(run["pcm"])))
    scores, seconds = [], 0.0
    for parts in items.values():
        samples = sound.resampled(numpy.concatenate(parts), sound.RATE, 24000)
        seconds += len(samples) / 24000
        results = [sound.likeness(samples, other, 24000, window=0.5) for other in said]
        # An utterance that was interrupted at its first word is too short to be compared.
        if results and results[0]["windows"] > 0:
            scores.append((max(result["correlation"] for result in results), len(samples)))
    total = sum(length for _, length in scores)
    return {
        "played_items": len(items), "played_seconds": round(seconds, 1),
        "down_correlation": round(sum(score * length for score, length in scores) / total, 4) if total else 0.0,
        "down_worst_item": round(min((score for score, _ in scores), default=0.0), 4),
    }


def shortcomings(figures):
    session = figures["session"]
    checks = {
        "up": figures["up_correlation"] > CORRELATION,
        "down": figures["down_correlation"] > CORRELATION and figures["down_worst_item"] > CORRELATION,
        "rejoined": figures["rejoined"],
        "same_provider_session": figures["provider_sessions"] == 1,
        "active_after_cut": figures.get("state_after_cut") == "active",
        "resent": figures.get("resent_after_cut", 0) > 0,
        "turns": len(session.get("turns") or []) >= 4,
        "ended": session["state"] == "ended" and session.get("reason") == "participant_left",
        "nothing_lost": figures["lost_frames"] == 0,
        "console": not figures["console"],
    }
    return [name for name, is_met in checks.items() if not is_met]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--web-url", required=True, help="where voice-web listens, http://127.0.0.1:PORT")
    parser.add_argument("--sim-audio", required=True, help="the simulator's folder of heard-N.pcm and said-N-ITEM.pcm")
    parser.add_argument("--artefacts", required=True, help="folder for screenshots and the microphone's sound")
    parser.add_argument("--study", default="demo")
    parser.add_argument("--codec", choices=["opus", "pcm"], default="opus")
    options = parser.parse_args()
    sabotage = os.environ.get("SABOTAGE") == "1"
    figures = asyncio.run(travel(options, sabotage))
    short = shortcomings(figures)
    session = figures.pop("session")
    figures |= {"turns": len(session.get("turns") or []), "state": session["state"], "reason": session.get("reason")}
    print(json.dumps({"drill": "page", "ok": not short, "short": short, **figures}))
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
