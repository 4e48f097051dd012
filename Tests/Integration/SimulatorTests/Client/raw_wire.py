#!/usr/bin/env python3
"""Says to voice-sim what no well-behaved client says, and looks at what it answers.

The simulator must run with the key sk-test, sessions of 9 s, the tone as voice, streaming at once and the script that
RawWireTests gives it. Prints one JSON line; exit 0 only when every answer was the expected one.
"""

import asyncio
import base64
import json
import os
import struct
import sys
import urllib.error
import urllib.request

import websockets
from websockets.asyncio.client import connect

from sound import RATE, silence

HEADERS = {"Authorization": "Bearer sk-test"}
TIMEOUT = 10


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


class Session:
    def __init__(self, port, **options):
        self.port = port
        self.options = options

    async def __aenter__(self):
        self.socket = await connect(
            f"ws://127.0.0.1:{self.port}/v1/realtime?model=gpt-realtime", additional_headers=HEADERS,
            max_size=None, **self.options)
        await self.until("session.created")
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def send(self, kind, **members):
        await self.socket.send(json.dumps({"type": kind, **members}))

    async def next(self):
        return json.loads(await asyncio.wait_for(self.socket.recv(), TIMEOUT))

    async def until(self, kind):
        while True:
            event = await self.next()
            if event["type"] == kind:
                return event
            check(event["type"] != "error", f"instead of {kind}: {event}")

    async def error(self, code, param=None):
        while True:
            event = await self.next()
            if event["type"] == "error":
                error = event["error"]
                check(error["code"] == code, f"{code} was expected, not {error}")
                check(param is None or error["param"] == param, f"{param} was expected, not {error}")
                return error

    async def update(self, **session):
        await self.send("session.update", session={"type": "realtime", **session})
        return (await self.until("session.updated"))["session"]

    async def append(self, pcm):
        for offset in range(0, len(pcm), 4800):
            await self.send("input_audio_buffer.append", audio=base64.b64encode(pcm[offset:offset + 4800]).decode())

    async def closed(self):
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), TIMEOUT)
        except websockets.exceptions.ConnectionClosed as closed:
            return closed.rcvd


def tone(milliseconds):
    """Loud enough to be speech."""
    period = [8_000] * 60 + [-8_000] * 60
    return b"".join(
        struct.pack("<h", period[index % 120]) for index in range(RATE * milliseconds // 1000))


async def events(port):
    async with Session(port) as session:
        await session.socket.send("{not json")
        await session.error("invalid_event")
        await session.socket.send("[1,2]")
        await session.error("invalid_event")
        await session.socket.send(b"\xff\xfe")
        await session.error("invalid_event")
        await session.socket.send('{"event_id":"no_type"}')
        error = await session.error("missing_required_parameter", "type")
        check(error["event_id"] == "no_type", "the event_id was not echoed")
        await session.send("response.speak")
        await session.error("invalid_value", "type")
        await session.send("response.create", respond={})
        await session.error("unknown_parameter", "respond")
        await session.send("input_audio_buffer.append", audio="A*==")
        await session.error("invalid_value", "audio")
        await session.send("input_audio_buffer.append", audio=7)
        await session.error("invalid_type", "audio")
        await session.send("input_audio_buffer.append")
        await session.error("missing_required_parameter", "audio")
        await session.send("input_audio_buffer.append", audio="AAAA" * (5 << 20) + "AAAA")
        await session.error("invalid_value", "audio")
        await session.send("session.update", session={"type": "realtime", "voice": "marin"})
        await session.error("unknown_parameter", "session.voice")


async def items(port):
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
    async with Session(port) as session:
        await session.send("conversation.item.create", item=user | {"id": "first"})
        added = await session.until("conversation.item.added")
        check(added["item"]["id"] == "first" and added["previous_item_id"] is None, f"added as {added}")
        await session.send("conversation.item.create", item=user | {"id": "first"})
        await session.error("item_create_duplicate_item_id", "item.id")
        await session.send("conversation.item.create", item=user | {"id": "x" * 33})
        await session.error("string_above_max_length", "item.id")
        await session.send("conversation.item.create", item=user, previous_item_id="nobody")
        await session.error("item_create_invalid_previous_item_id", "previous_item_id")
        await session.send("conversation.item.create", item=user | {"id": "front"}, previous_item_id="root")
        check((await session.until("conversation.item.added"))["previous_item_id"] is None, "root is not the front")
        speaker = {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": "AAAA"}]}
        await session.send("conversation.item.create", item=speaker)
        await session.error("invalid_value", "item.content[0].type")
        output = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
        await session.send("conversation.item.create", item=output)
        await session.error("invalid_tool_call_id", "item.call_id")
        call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
        await session.send("conversation.item.create", item=call)
        await session.until("conversation.item.done")
        await session.send("conversation.item.create", item=output)
        await session.until("conversation.item.done")
        await session.send("conversation.item.retrieve", item_id="nobody")
        await session.error("item_retrieve_invalid_item_id", "item_id")
        await session.send("conversation.item.truncate", item_id="nobody", content_index=0, audio_end_ms=1)
        await session.error("item_truncate_invalid_item_id", "item_id")
        await session.send("conversation.item.delete", item_id="first")
        check((await session.until("conversation.item.deleted"))["item_id"] == "first", "another item was deleted")
        await session.send("conversation.item.delete", item_id="first")
        await session.error("item_delete_invalid_item_id", "item_id")


async def responses(port):
    async with Session(port) as session:
        await session.send("response.create", response={"metadata": {"key": "value"}})
        created = await session.until("response.created")
        check(created["response"]["metadata"] == {"key": "value"}, "the metadata was lost")
        await session.send("response.create")
        await session.error("conversation_already_has_active_response")
        await session.send("response.cancel", response_id="resp_other")
        await session.error("response_cancel_not_active")
        await session.send("response.cancel")
        done = await session.until("response.done")
        check(done["response"]["status_details"]["reason"] == "client_cancelled", f"ended as {done}")
        check(done["response"]["output"] == [], "something was said before the first sound")
        await session.send("response.create", response={"max_output_tokens": 10})
        done = (await session.until("response.done"))["response"]
        check(done["status"] == "incomplete" and done["status_details"]["reason"] == "max_output_tokens", f"{done}")
        check(done["usage"]["output_tokens"] <= 12, f"10 tokens were {done['usage']}")
        await session.send("response.create")
        check((await session.until("response.done"))["response"]["status"] == "completed", "the answer failed")
        await session.send("response.create")
        done = (await session.until("response.done"))["response"]
        check(done["status"] == "failed", f"the scripted failure is {done['status']}")
        check(done["status_details"]["error"]["code"] == "rate_limit_exceeded" and done["usage"] is None, f"{done}")


async def uninterrupted(port):
    """With interrupt_response false, a turn during an answer cannot be answered, and says so."""
    detection = {"type": "server_vad", "interrupt_response": False, "silence_duration_ms": 200}
    async with Session(port) as session:
        await session.update(audio={"input": {"turn_detection": detection}})
        await session.send("response.create")
        await session.until("response.created")
        await session.append(tone(400) + silence(300))
        started = await session.until("input_audio_buffer.speech_started")
        check(started["audio_start_ms"] == 0, f"speech began at {started['audio_start_ms']}")
        stopped = await session.until("input_audio_buffer.speech_stopped")
        check(stopped["audio_end_ms"] == 600, f"speech ended at {stopped['audio_end_ms']}")
        await session.error("conversation_already_has_active_response")
        done = await session.until("response.done")
        check(done["response"]["status"] == "completed", "the answer was interrupted")


async def telephone(port):
    """G.711 both ways: 8,000 bytes are a second."""
    form = {"format": {"type": "audio/pcmu"}}
    async with Session(port) as session:
        await session.update(audio={"input": form | {"turn_detection": None}, "output": form})
        await session.append(b"\xff" * 8_000)
        await session.send("input_audio_buffer.commit")
        await session.until("input_audio_buffer.committed")
        await session.send("response.create")
        count = 0
        while (event := await session.next())["type"] != "response.done":
            if event["type"] == "response.output_audio.delta":
                count += len(base64.b64decode(event["delta"]))
        usage = event["response"]["usage"]
        check(usage["input_token_details"]["audio_tokens"] == 10, f"a second cost {usage}")
        check(usage["output_token_details"]["audio_tokens"] == -(-(count // 8) // 50), f"{count} bytes: {usage}")


async def idleness(port):
    detection = {"type": "server_vad", "idle_timeout_ms": 5_000}
    async with Session(port) as session:
        await session.update(audio={"input": {"turn_detection": detection}})
        await session.append(silence(200))
        event = await session.until("input_audio_buffer.timeout_triggered")
        check(event["audio_end_ms"] == 200, f"the idle stretch is {event}")
        check((await session.until("input_audio_buffer.committed"))["item_id"] == event["item_id"], "another item")
        await session.until("response.created")


async def expiry(port):
    async with Session(port) as session:
        await session.update(instructions="Wait.")
        closing = asyncio.create_task(session.closed())
        closed = await asyncio.wait_for(closing, 15)
        check(closed.code == 1001 and "maximum duration" in closed.reason, f"the session ended with {closed}")


async def frames(port):
    async with Session(port, compression="deflate") as session:
        check(session.socket.response.headers.get("Sec-WebSocket-Extensions") is None, "an extension was agreed on")
        check(session.socket.response.headers.get("Sec-WebSocket-Protocol") is None, "a subprotocol was agreed on")
        text = json.dumps({"type": "response.cancel"})
        await session.socket.send([text[:5], text[5:9], text[9:]])
        await session.error("response_cancel_not_active")
        await (await session.socket.ping())
    async with Session(port) as session:
        try:
            await session.socket.send("x" * (25 << 20))
        except websockets.exceptions.ConnectionClosed:
            pass
        check((await session.closed()).code == 1009, "a message beyond the limit was taken")
    await unmasked(port)


async def unmasked(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write((
        f"GET /v1/realtime?model=m HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer sk-test\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    check(b" 101 " in head, f"no upgrade: {head}")
    writer.write(b"\x81\x02{}")
    rest = await asyncio.wait_for(reader.read(), TIMEOUT)
    check(rest.endswith(b"\x88\x02" + struct.pack(">H", 1002)), f"an unmasked frame was answered with {rest[-40:]}")
    writer.close()


def get(port, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def plain_requests(port):
    async def status(path, **headers):
        return await asyncio.to_thread(get, port, path, **headers)

    key = {"Authorization": "Bearer sk-test"}
    for path, headers, expected, code in [
        ("/v1/realtime?model=m", {}, 401, "missing_api_key"),
        ("/v1/realtime?model=m", {"Authorization": "Bearer other"}, 401, "invalid_api_key"),
        ("/v1/realtime", key, 400, "missing_model"),
        ("/v1/realtime?model=m", key | {"OpenAI-Beta": "realtime=v1"}, 400, "beta_api_shape_disabled"),
        ("/v1/elsewhere", key, 404, "not_found"),
    ]:
        got, body = await status(path, **headers)
        check(got == expected and body["error"]["code"] == code, f"GET {path}: {got} {body}")
    check((await status("/v1/realtime?model=m", **key))[0] == 426, "a plain GET was not told to upgrade")
    check((await status("/sim/health"))[1]["status"] == "ok", "not healthy")
    entries = (await status("/sim/log"))[1]
    check([entry["seq"] for entry in entries] == list(range(1, len(entries) + 1)), "the log has gaps")
    later = (await status(f"/sim/log?after={entries[0]['seq']}&kind=connected"))[1]
    check(all(entry["kind"] == "connected" for entry in later), "the log is not filtered")


async def everything(port):
    checks = [events, items, responses, uninterrupted, telephone, idleness, expiry, frames, plain_requests]
    results = await asyncio.gather(*(one(port) for one in checks), return_exceptions=True)
    wrong = {one.__name__: repr(result) for one, result in zip(checks, results) if result is not None}
    print(json.dumps({"ok": not wrong, "checks": len(checks), "wrong": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(everything(int(sys.argv[1]))))
