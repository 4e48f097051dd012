#!/usr/bin/env python3
"""Meets one fault of voice-sim as a client does: faults.py PORT NAME. Exit 0 when it looked as it should.

The simulator must stream at once, speak with the tone and have an answer of several deltas.
"""

import asyncio
import json
import struct
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode

import websockets
from websockets.asyncio.client import connect

TIMEOUT = 10
RATE = 24_000


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def control(port, method, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/sim/faults", data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def arm(port, **fault):
    status, body = control(port, "POST", fault)
    check(status == 200, f"POST: {status} {body}")


async def opened(port):
    socket = await connect(
        f"ws://127.0.0.1:{port}/v1/realtime?model=m", additional_headers={"Authorization": "Bearer any"},
        max_size=None, ping_interval=None)
    check((await event(socket))["type"] == "session.created", "no session")
    return socket


async def event(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT))


async def until(socket, kind):
    while True:
        one = await event(socket)
        if one["type"] == kind:
            return one


async def answer(socket):
    await socket.send('{"type":"response.create"}')
    return await until(socket, "response.done")


async def deltas_until_closed(socket):
    await socket.send('{"type":"response.create"}')
    count = 0
    try:
        while True:
            count += (await event(socket))["type"] == "response.output_audio.delta"
    except websockets.exceptions.ConnectionClosed as closed:
        return count, closed.rcvd


async def refused(port, fault, status, arms=True):
    if arms:
        arm(port, fault=fault, times=2)
    for _ in range(2):
        try:
            await opened(port)
        except websockets.exceptions.InvalidStatus as error:
            check(error.response.status_code == status, f"refused with {error.response.status_code}")
        else:
            raise Failure("let in")
    await (await opened(port)).close()


async def outage(port):
    socket = await opened(port)
    arm(port, fault="outage", ms=400)
    began = time.monotonic()
    try:
        await asyncio.wait_for(socket.recv(), TIMEOUT)
        raise Failure("still connected")
    except websockets.exceptions.ConnectionClosed as closed:
        check(closed.rcvd is None, f"closed with {closed.rcvd}")
    attempts = 0
    while True:
        try:
            socket = await opened(port)
            break
        except (OSError, EOFError, websockets.exceptions.InvalidMessage):
            attempts += 1
            check(time.monotonic() - began < TIMEOUT, "the outage does not end")
            await asyncio.sleep(0.02)
    check(attempts > 0, "nobody was turned away")
    await socket.close()


async def close_mid_response(port):
    arm(port, fault="close_mid_response", deltas=2, close=1011)
    count, code = await deltas_until_closed(await opened(port))
    check(count == 2 and code.code == 1011, f"{count} deltas, {code}")
    arm(port, fault="close_mid_response", deltas=3)
    count, code = await deltas_until_closed(await opened(port))
    check(count <= 3 and code is None, f"{count} deltas, {code}")
    socket = await opened(port)
    check((await answer(socket))["response"]["status"] == "completed", "struck a third time")
    await socket.close()


async def silence(socket, length=0.5):
    try:
        while True:
            await asyncio.wait_for(socket.recv(), length)
    except TimeoutError:
        return


async def half_open(port):
    arm(port, fault="half_open", deltas=1)
    socket = await opened(port)
    await socket.send('{"type":"response.create"}')
    await until(socket, "response.output_audio.delta")
    await silence(socket)
    pong = await socket.ping()
    await socket.send('{"type":"response.cancel"}')
    await silence(socket)
    check(not pong.done(), "a ping was answered")
    socket.transport.abort()


async def half_open_turn(port):
    arm(port, fault="half_open", when="turn")
    socket = await opened(port)
    wave = b"".join(struct.pack("<h", 8_000 if i // 60 % 2 else -8_000) for i in range(RATE // 2)) + bytes(RATE * 2)
    for offset in range(0, len(wave), 4_800):
        audio = b64encode(wave[offset:offset + 4_800]).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
    await until(socket, "input_audio_buffer.committed")
    await silence(socket)
    socket.transport.abort()


async def half_open_opening(port):
    arm(port, fault="half_open", when="opening")
    socket = await opened(port)
    await socket.send('{"type":"session.update","session":{"type":"realtime"}}')
    pong = await socket.ping()
    try:
        await asyncio.wait_for(socket.recv(), 0.5)
        raise Failure("it answers")
    except TimeoutError:
        check(not pong.done(), "a ping was answered")
    socket.transport.abort()


async def slow_reading(port):
    arm(port, fault="slow_reading", deltas=1, bytes=10_000)
    socket = await opened(port)
    await socket.send('{"type":"response.create"}')
    check((await until(socket, "response.done"))["response"]["status"] == "completed", "it does not speak any more")
    audio = b64encode(bytes(3_600)).decode()
    for _ in range(8):
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
    began = time.monotonic()
    await asyncio.wait_for(await socket.ping(), TIMEOUT)
    took = time.monotonic() - began
    check(took >= 1.5, f"38 kB were read within {took:.1f} s")
    socket.transport.abort()


async def garbage(port):
    arm(port, fault="garbage", deltas=1)
    socket = await opened(port)
    await socket.send('{"type":"response.create"}')
    try:
        while True:
            await event(socket)
    except json.JSONDecodeError:
        await until(socket, "response.done")
    await socket.close()


async def oversize(port):
    arm(port, fault="oversize", deltas=1)
    socket = await opened(port)
    await socket.send('{"type":"response.create"}')
    longest = 0
    while True:
        text = await asyncio.wait_for(socket.recv(), TIMEOUT)
        longest = max(longest, len(text))
        if json.loads(text)["type"] == "response.done":
            break
    check(longest == 17 << 20, f"the longest frame has {longest} bytes")
    await socket.close()


async def failed_response(port):
    arm(port, fault="failed_response", code="server_error")
    arm(port, fault="failed_response", deltas=2, code="rate_limit_exceeded")
    socket = await opened(port)
    for code, outputs in (("server_error", 0), ("rate_limit_exceeded", 1)):
        done = (await answer(socket))["response"]
        check(done["status"] == "failed" and done["status_details"]["error"]["code"] == code, f"{done}")
        check(len(done["output"]) == outputs and done["usage"] is None, f"{done}")
    check((await answer(socket))["response"]["status"] == "completed", "failed a third time")
    await socket.close()


async def error_event(port):
    arm(port, fault="error_event", code="response_cancel_not_active", deltas=1)
    socket = await opened(port)
    await socket.send('{"type":"response.create"}')
    check((await until(socket, "error"))["error"]["code"] == "response_cancel_not_active", "another error")
    check((await until(socket, "response.done"))["response"]["status"] == "completed", "it ended the answer")
    await socket.close()


async def session_expired(port):
    arm(port, fault="session_expired", deltas=1)
    socket = await opened(port)
    await socket.send('{"type":"response.create"}')
    check((await until(socket, "error"))["error"]["code"] == "session_expired", "another error")
    try:
        while True:
            await event(socket)
    except websockets.exceptions.ConnectionClosed as closed:
        check(closed.rcvd.code == 1001, f"closed with {closed.rcvd}")


async def first_audio(port):
    arm(port, fault="first_audio", ms=700)
    socket = await opened(port)
    began = time.monotonic()
    await socket.send('{"type":"response.create"}')
    await until(socket, "response.output_audio.delta")
    check(time.monotonic() - began >= 0.7, "the first sound came too soon")
    await socket.close()


async def by_connection(port):
    first, second = await opened(port), await opened(port)
    arm(port, fault="failed_response", connection=2, times=0)
    for _ in range(2):
        check((await answer(first))["response"]["status"] == "completed", "the wrong connection")
        check((await answer(second))["response"]["status"] == "failed", "not again and again")
    status, body = control(port, "DELETE")
    check(status == 200 and body["faults"] == [], f"{status} {body}")
    arm(port, fault="outage", ms=0)
    status, body = control(port, "PUT", [])
    check(status == 200 and body["faults"] == [], f"{status} {body}")
    second = await opened(port)
    check((await answer(second))["response"]["status"] == "completed", "not cleared")
    for wrong in ({"fault": "flood"}, {"fault": "outage", "ms": -1}, {"times": 1}, {"fault": "garbage", "size": 1}, 7):
        status, body = control(port, "POST", wrong)
        check(status == 400 and body["error"], f"{wrong}: {status} {body}")
    check(control(port, "GET")[1]["faults"] == [], "a wrong fault was armed")


CHECKS = {
    "refuse_429": lambda port: refused(port, "refuse_429", 429),
    "refuse_401": lambda port: refused(port, "refuse_401", 401),
    "refuse_500": lambda port: refused(port, "refuse_500", 500),
    "from_the_start": lambda port: refused(port, "refuse_500", 500, arms=False),
    "outage": outage, "close_mid_response": close_mid_response, "half_open": half_open,
    "half_open_turn": half_open_turn, "half_open_opening": half_open_opening, "slow_reading": slow_reading,
    "garbage": garbage, "oversize": oversize, "failed_response": failed_response,
    "error_event": error_event, "session_expired": session_expired, "first_audio": first_audio, "by_connection": by_connection,
}

if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(CHECKS[sys.argv[2]](int(sys.argv[1])), 60))
