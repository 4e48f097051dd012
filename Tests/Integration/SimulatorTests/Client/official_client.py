#!/usr/bin/env python3
"""Holds a spoken conversation with voice-sim through the vendor's own client.

Every event that arrives is parsed strictly by the client's own types: an event of an unknown type, a wrong value, or a
member that the types do not know is a failure (three members of the session object excepted, which the vendor sends and
its types, shared with requests, do not list). Prints one JSON line; exit 0 only when everything was as it should be.

    official_client.py --base-url ws://127.0.0.1:8090/v1 [--api-key KEY]
"""

import argparse
import asyncio
import base64
import json
import sys

from openai import AsyncOpenAI
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

from sound import RATE, loudness, silence, speech

APPEND_MS = 20
# The detector counts sound, not time, so the microphone may run faster than life.
MICROPHONE_SPEED = 8
EVENT_TIMEOUT = 15
SESSION_EXTRAS = {"id", "object", "expires_at"}
ADAPTER = TypeAdapter(RealtimeServerEvent)


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def extras(value, path=""):
    """Members that the client's types do not know."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            yield f"{path}.{name}"
        for name in type(value).model_fields:
            yield from extras(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from extras(element, f"{path}[{index}]")


def accept(raw):
    """The event, or an exception where the client's types do not fit it exactly."""
    event = ADAPTER.validate_json(raw, strict=True)
    allowed = {f".session.{name}" for name in SESSION_EXTRAS}
    unknown = [path for path in extras(event) if path not in allowed]
    check(not unknown, f"{event.type} has members the client does not know: {unknown}")
    return event


def strictness():
    """The judge must be able to say no."""
    good = {"type": "response.output_item.added", "event_id": "e", "response_id": "r", "output_index": 0,
            "item": {"type": "message", "role": "assistant", "content": [], "id": "i"}}
    accept(json.dumps(good))
    bad = [
        good | {"type": "response.audio.delta"}, good | {"output_index": "0"}, good | {"surprise": 1},
        good | {"item": good["item"] | {"content": [{"type": "output_audio", "surprise": 1}]}},
        {name: value for name, value in good.items() if name != "response_id"},
    ]
    for event in bad:
        try:
            accept(json.dumps(event))
        except (ValidationError, Failure):
            continue
        raise Failure(f"a wrong event was accepted: {event}")


class Conversation:
    def __init__(self, connection):
        self.connection = connection
        self.events = []
        self.arrived = asyncio.Condition()
        self.problem = None
        self.sent_audio = 0

    async def listen(self):
        try:
            while True:
                raw = await self.connection.recv_bytes()
                event = accept(raw)
                parsed = self.connection.parse_event(raw)
                check(type(parsed) is type(event), f"the client takes {event.type} for a {type(parsed).__name__}")
                async with self.arrived:
                    self.events.append(event)
                    self.arrived.notify_all()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            async with self.arrived:
                self.problem = error
                self.arrived.notify_all()

    async def wait(self, what, since, matches):
        """The first event after `since` that matches; answers with it and the position after it."""
        async def search():
            position = since
            async with self.arrived:
                while True:
                    for index in range(position, len(self.events)):
                        if matches(self.events[index]):
                            return self.events[index], index + 1
                    position = len(self.events)
                    if self.problem is not None:
                        raise Failure(f"while waiting for {what}: {self.problem!r}")
                    await self.arrived.wait()

        try:
            return await asyncio.wait_for(search(), EVENT_TIMEOUT)
        except asyncio.TimeoutError:
            last = [event.type for event in self.events[-8:]]
            raise Failure(f"no {what} within {EVENT_TIMEOUT} s; last events: {last}") from None

    async def type(self, name, since=0):
        return await self.wait(name, since, lambda event: event.type == name)

    def between(self, first, last):
        return [event.type for event in self.events[first:last]]

    async def say(self, pcm):
        """Appends sound in frames of 20 ms, at the pace of the microphone."""
        step = 2 * RATE * APPEND_MS // 1000
        for offset in range(0, len(pcm), step):
            frame = pcm[offset:offset + step]
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())
            self.sent_audio += len(frame)
            await asyncio.sleep(APPEND_MS / 1000 / MICROPHONE_SPEED)

    def sound_of(self, item):
        return b"".join(
            base64.b64decode(event.delta) for event in self.events
            if event.type == "response.output_audio.delta" and event.item_id == item)


def ordered(types, *names):
    """Each name occurs, in this order, whatever stands between."""
    position = 0
    for name in names:
        check(name in types[position:], f"{name} is missing or out of order in {types}")
        position = types.index(name, position) + 1


async def greeting(talk):
    since = len(talk.events)
    await talk.connection.response.create(response={"instructions": "Greet the participant."})
    done, end = await talk.type("response.done", since)
    ordered(
        talk.between(since, end), "response.created", "response.output_item.added", "conversation.item.added",
        "response.content_part.added", "response.output_audio.delta", "response.output_audio.done",
        "response.output_audio_transcript.done", "response.content_part.done", "response.output_item.done",
        "conversation.item.done", "response.done")
    check(done.response.status == "completed", f"the greeting ended {done.response.status}")
    item = done.response.output[0]
    transcript = "".join(
        event.delta for event in talk.events[since:end] if event.type == "response.output_audio_transcript.delta")
    check(item.content[0].transcript == transcript and transcript, "the greeting's deltas are not its transcript")
    sound = talk.sound_of(item.id)
    milliseconds = len(sound) * 1000 // (2 * RATE)
    check(milliseconds > 1_000, f"the greeting lasts only {milliseconds} ms")
    check(loudness(sound) > 300, "the greeting is silent")
    usage = done.response.usage
    check(usage.output_token_details.audio_tokens == -(-milliseconds // 50), "audio tokens are not 1 to 50 ms")
    check(usage.input_token_details.cached_tokens == 0, "the first response found something cached")
    check(usage.total_tokens == usage.input_tokens + usage.output_tokens, "the total is not the sum")
    return usage


async def voice_turn(talk, first_usage):
    since = len(talk.events)
    talk.turn_started = talk.sent_audio
    await talk.say(speech("I am very well, thank you. It is nice to talk to you."))
    await talk.say(silence(900))
    done, end = await talk.type("response.done", since)
    ordered(
        talk.between(since, end), "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", "response.created",
        "response.output_audio.delta", "response.done")
    started, _ = await talk.type("input_audio_buffer.speech_started", since)
    stopped, _ = await talk.type("input_audio_buffer.speech_stopped", since)
    committed, _ = await talk.type("input_audio_buffer.committed", since)
    check(started.item_id == stopped.item_id == committed.item_id, "a turn has several ids")
    length = stopped.audio_end_ms - started.audio_start_ms
    check(1_500 < length < 8_000, f"the turn lasts {length} ms")
    completed, _ = await talk.type("conversation.item.input_audio_transcription.completed", since)
    check(completed.item_id == started.item_id and "turn 1" in completed.transcript.lower(), "the transcript is wrong")
    deltas = "".join(
        event.delta for event in talk.events
        if event.type == "conversation.item.input_audio_transcription.delta" and event.item_id == started.item_id)
    check(deltas == completed.transcript, "transcript deltas do not add up")
    usage = done.response.usage
    heard = usage.input_token_details.audio_tokens - first_usage.output_token_details.audio_tokens
    check(heard == -(-length // 100), f"{length} ms of speech cost {heard} tokens")


async def barge_in(talk):
    """Interrupts an answer while it is streamed, and tells what was heard of it."""
    since = len(talk.events)
    await talk.say(speech("Let me think about an ordinary day."))
    await talk.say(silence(700))
    delta, position = await talk.type("response.output_audio.delta", since)
    await talk.say(speech("Sorry, wait a moment, please."))
    done, end = await talk.type("response.done", position)
    check(done.response.id == delta.response_id, "another response ended")
    check(done.response.status == "cancelled", f"the interrupted response ended {done.response.status}")
    check(done.response.status_details.reason == "turn_detected", "the reason is not turn_detected")
    ordered(
        talk.between(position, end), "input_audio_buffer.speech_started", "response.output_audio.done",
        "response.output_item.done", "response.done")
    sent = len(talk.sound_of(delta.item_id)) * 1000 // (2 * RATE)
    await talk.connection.conversation.item.truncate(
        item_id=delta.item_id, content_index=0, audio_end_ms=sent + 1_000, event_id="too_far")
    error, _ = await talk.type("error", end)
    check(error.error.event_id == "too_far" and "already shorter" in error.error.message, "truncating too far passed")
    await talk.connection.conversation.item.truncate(item_id=delta.item_id, content_index=0, audio_end_ms=sent // 2)
    truncated, end = await talk.type("conversation.item.truncated", end)
    check(truncated.audio_end_ms == sent // 2, "truncated elsewhere")
    await talk.connection.conversation.item.retrieve(item_id=delta.item_id)
    retrieved, end = await talk.type("conversation.item.retrieved", end)
    content = retrieved.item.content[0]
    kept = len(base64.b64decode(content.audio)) * 1000 // (2 * RATE)
    check(content.transcript is None, "the transcript survived its truncation")
    check(abs(kept - sent // 2) <= 1, f"{kept} ms were kept instead of {sent // 2}")
    await talk.say(silence(700))
    done, _ = await talk.type("response.done", end)
    check(done.response.status == "completed", "the answer after the interruption did not complete")
    cached = done.response.usage.input_token_details.cached_tokens_details
    check(cached.text_tokens > 0 and cached.audio_tokens > 0, "nothing was cached on a late response")


async def manual_turn(talk):
    since = len(talk.events)
    await talk.connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    updated, since = await talk.type("session.updated", since)
    check(updated.session.audio.input.turn_detection is None, "turn detection is still on")
    await talk.connection.input_audio_buffer.clear()
    await talk.connection.input_audio_buffer.commit()
    _, since = await talk.type("input_audio_buffer.cleared", since)
    error, since = await talk.type("error", since)
    check(error.error.code == "input_audio_buffer_commit_empty", f"an empty commit gave {error.error.code}")
    await talk.say(speech("This turn I end myself."))
    await talk.connection.input_audio_buffer.commit()
    committed, since = await talk.type("input_audio_buffer.committed", since)
    await talk.connection.response.create()
    return committed.item_id, since


async def tool_call(talk, since):
    """The script's last answer calls end_interview after its farewell."""
    call, _ = await talk.type("response.function_call_arguments.done", since)
    done, end = await talk.type("response.done", since)
    check([item.type for item in done.response.output] == ["message", "function_call"], "the call came alone")
    ordered(
        talk.between(since, end), "response.output_item.added", "conversation.item.added",
        "response.function_call_arguments.delta", "response.function_call_arguments.done",
        "response.output_item.done", "conversation.item.done", "response.done")
    check(call.name == "end_interview" and json.loads(call.arguments)["reason"] == "completed", "a strange call")
    await talk.connection.conversation.item.create(
        item={"type": "function_call_output", "call_id": call.call_id, "output": "{\"ok\":true}"})
    _, end = await talk.type("conversation.item.done", end)
    await talk.connection.response.create()
    done, _ = await talk.type("response.done", end)
    check(done.response.status == "completed", "no answer to the tool's result")


async def mistakes(talk):
    """Errors leave the session usable and name the event they answer."""
    since = len(talk.events)
    await talk.connection.response.cancel(event_id="nothing_to_cancel")
    error, since = await talk.type("error", since)
    check(
        error.error.code == "response_cancel_not_active" and error.error.event_id == "nothing_to_cancel",
        "cancelling nothing is no error")
    await talk.connection.session.update(session={"type": "realtime", "temperature": 0.8}, event_id="old_shape")
    error, since = await talk.type("error", since)
    check(
        error.error.code == "unknown_parameter" and error.error.param == "session.temperature",
        "an unknown parameter passed")
    await talk.connection.response.create(response={"output_modalities": ["text"], "conversation": "none", "input": []})
    done, since = await talk.type("response.done", since)
    check(done.response.output[0].content[0].text and done.response.conversation_id is None, "no text beside")


async def converse(base_url, api_key):
    client = AsyncOpenAI(api_key=api_key, base_url=base_url.replace("ws", "http", 1), websocket_base_url=base_url)
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Conversation(connection)
        listening = asyncio.create_task(talk.listen())
        try:
            created, end = await talk.type("session.created")
            check(end == 1, "session.created is not the first event")
            check(SESSION_EXTRAS <= set(created.session.model_extra), "the session lacks id, object or expires_at")
            await connection.session.update(session={
                "type": "realtime",
                "instructions": "You are a friendly interviewer. Ask one question at a time. " * 8,
                "audio": {
                    "input": {
                        "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
                        "noise_reduction": {"type": "near_field"},
                    },
                    "output": {"voice": "marin"},
                },
                "tools": [{
                    "type": "function", "name": "end_interview", "description": "Ends the interview.",
                    "parameters": {"type": "object", "properties": {"reason": {"type": "string"}}},
                }],
            })
            updated, _ = await talk.type("session.updated")
            check(updated.session.audio.output.voice == "marin", "the voice was not taken")
            check(updated.session.audio.input.turn_detection.threshold == 0.5, "defaults are missing")
            first_usage = await greeting(talk)
            await voice_turn(talk, first_usage)
            await barge_in(talk)
            _, since = await manual_turn(talk)
            await tool_call(talk, since)
            await mistakes(talk)
        finally:
            listening.cancel()
        check(talk.problem is None, f"at the end: {talk.problem!r}")
    return {
        "ok": True, "events": len(talk.events), "types": len({event.type for event in talk.events}),
        "appended_bytes": talk.sent_audio,
        "answered_bytes": sum(
            len(base64.b64decode(event.delta)) for event in talk.events
            if event.type == "response.output_audio.delta"),
    }


async def refused(base_url):
    """A wrong key must be refused with 401 before any event."""
    client = AsyncOpenAI(api_key="wrong", base_url=base_url.replace("ws", "http", 1), websocket_base_url=base_url)
    try:
        async with client.realtime.connect(model="gpt-realtime"):
            raise Failure("a wrong key was let in")
    except Failure:
        raise
    except Exception as error:
        check("401" in repr(error) or "401" in str(error), f"a wrong key gave {error!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--api-key", required=True)
    arguments = parser.parse_args()
    try:
        strictness()
        asyncio.run(refused(arguments.base_url))
        result = asyncio.run(asyncio.wait_for(converse(arguments.base_url, arguments.api_key), 120))
    except Exception as error:
        print(json.dumps({"ok": False, "why": f"{type(error).__name__}: {error}"}))
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
