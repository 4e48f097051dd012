"""The server's side of `voiced.v1`, small and strict: it holds a scripted conversation, notes what it heard, and writes
down every sentence of the protocol that the page breaks. It lets the page be tested without the daemon."""

import asyncio
import http
import json
import os
import random
import struct
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self' ws: wss: http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
LEAD = 0.06


def serial(a, b, bits):
    """How far `a` lies ahead of `b` as a serial number."""
    half = 1 << (bits - 1)
    return ((a - b + half) % (1 << bits)) - half


class Utterance:
    """Something the agent says: packets of 20 ms in both formats, and its words."""

    def __init__(self, item, text, opus, pcm):
        self.item, self.text, self.packets = item, text, {1: opus, 2: pcm}
        self.milliseconds = len(opus) * 20
        self.played = 0
        self.sent = 0
        self.is_flushed = False


class FakeSession:
    """One interview: what outlives its connections."""

    def __init__(self, name="s-fake", study="Neighbourhood study", language="en"):
        self.name, self.study, self.language = name, study, language
        self.state = "scheduled"
        self.violations = []
        self.frames = {}
        self.doubled = 0
        self.order = []
        self.messages = []
        self.connections = []
        self.current = None
        self.client = None
        self.newest = None
        self.limits = {"ends_in_ms": 2_700_000, "rejoin_ms": 120_000}
        self.speaking = None
        self.said = {}
        self.refuse = None
        self.accepts = True
        self.moving = None
        self.acks = True
        self.url = None
        self.left = asyncio.Event()
        self.joined = asyncio.Event()
        self.drop_next = None

    def violated(self, text):
        self.violations.append(text)

    def of(self, kind):
        return [message for message in self.messages if message["type"] == kind]

    async def say(self, utterance):
        """Speaks, paced like the daemon; goes on at what was heard after a rejoin. Ends when said or flushed."""
        self.speaking = utterance
        self.said[utterance.item] = utterance
        frame = 0
        owner = None
        while frame < len(utterance.packets[1]) and not utterance.is_flushed:
            line = self.current
            if line is None:
                await asyncio.sleep(0.02)
                continue
            if line is not owner:
                owner = line
                frame = min(frame, utterance.played // 20)
                began, first = time.monotonic(), frame
                start = (line.stamp(began) - frame * 960) % 2**32
                await line.send({"type": "item", "item": utterance.item, "start_timestamp": start})
                await line.send({"type": "state", "state": "talking"})
            due = began + (frame - first) * 0.02 - LEAD
            if due > time.monotonic():
                await asyncio.sleep(due - time.monotonic())
            if utterance.is_flushed or line is not self.current:
                continue
            await line.frame((start + frame * 960) % 2**32, utterance.packets[line.down][frame])
            frame += 1
            utterance.sent = max(utterance.sent, frame * 20)
            said = len(utterance.text) * frame // len(utterance.packets[1])
            if frame % 15 == 0:
                await line.send(self._words("agent", utterance.item, utterance.text[:said], False))
        await self.tell(self._words("agent", utterance.item, utterance.text, True))

    async def flush(self, utterance):
        utterance.is_flushed = True
        await self.tell({"type": "flush", "item": utterance.item})

    async def state_is(self, name):
        await self.tell({"type": "state", "state": name})

    async def words(self, role, item, text, final=True):
        await self.tell(self._words(role, item, text, final))

    async def end(self, reason, code=1000):
        await self.tell({"type": "bye", "reason": reason})
        if self.current:
            await self.current.socket.close(code)

    async def tell(self, message):
        if self.current:
            await self.current.send(message)

    @staticmethod
    def _words(role, item, text, final):
        return {"type": "transcript", "role": role, "item": item, "text": text, "final": final}


class Line:
    """One connection of a session."""

    def __init__(self, session, socket, token):
        self.session, self.socket, self.token = session, socket, token
        self.sequence = random.randrange(1 << 16)
        self.base = random.randrange(1 << 32)
        self.opened = time.monotonic()
        self.sent = self.heard = self.opened
        self.down = self.up = None
        self.hello = None
        self.expected = None
        self.last_stamp = None
        self.received = []
        self.allowance = None
        self.is_welcomed = False

    def stamp(self, at):
        """The downlink clock of this connection."""
        return (self.base + int((at - self.opened) * 50) * 960) % 2**32

    async def send(self, message):
        await self._write(json.dumps(message))

    async def frame(self, timestamp, payload):
        await self._write(struct.pack(">BHI", self.down, self.sequence, timestamp) + payload)
        self.sequence = (self.sequence + 1) % 65536

    async def _write(self, data):
        self.sent = time.monotonic()
        try:
            await self.socket.send(data)
        except ConnectionClosed:
            pass

    async def run(self):
        session = self.session
        beats = asyncio.create_task(self._beats())
        try:
            async for data in self.socket:
                now = time.monotonic()
                if now - self.heard > 1.25:
                    session.violated(f"nothing for {now - self.heard:.2f} s")
                self.heard = now
                if isinstance(data, str):
                    await self._message(json.loads(data), now)
                else:
                    self._sound(data, now)
        except ConnectionClosed:
            pass
        finally:
            beats.cancel()
            if session.current is self:
                session.current = None

    async def _beats(self):
        acked = time.monotonic()
        while True:
            await asyncio.sleep(0.1)
            now = time.monotonic()
            if now - self.heard > 3:
                return await self.socket.close(1001)
            if now - self.sent > 0.8:
                await self.send({"type": "beat"})
            if self.is_welcomed and self.session.acks and now - acked > 1 and self.session.newest is not None:
                acked = now
                await self.send({"type": "ack", "timestamp": (self.session.newest - 96000) % 2**32})

    async def _message(self, message, now):
        session = self.session
        session.messages.append({**message, "at": now})
        if self.hello is None:
            if message["type"] != "hello" or message.get("protocol") != 1 or now - self.opened > 5:
                session.violated(f"no hello: {message['type']}")
            self.hello = message
            self.up = {"opus": 1, "pcm": 2}[message["audio"]["up"]]
            self.down = {"opus": 1, "pcm": 2}[message["audio"]["down"]]
            await self._greet(message)
        elif message["type"] == "hello":
            session.violated("hello twice")
        elif message["type"] == "played":
            self._played(message)
        elif message["type"] == "leave":
            session.left.set()
            session.state = "ended"
            await session.end("participant_left")
        elif message["type"] not in ("beat", "mute", "stats"):
            session.violated(f"unknown {message['type']}")

    async def _greet(self, hello):
        session = self.session
        if self.token == "move":
            return await session.moving(self)
        same = session.client == hello["client"]
        if self.token.startswith("rejoin") and not same:
            return await self.socket.close(4001)
        old, session.current = session.current, None
        if old:
            await old.socket.close(1000 if same else 4001)
        session.client = hello["client"]
        resumed = session.state != "scheduled"
        session.state = "active"
        resume = hello.get("resume")
        if resume and session.speaking and resume["item"] == session.speaking.item:
            session.speaking.played = resume["played_ms"]
        await self.welcome(resumed, same)

    async def welcome(self, resumed, same=True):
        session = self.session
        message = {
            "type": "welcome", "session": session.name, "resumed": resumed, "rejoin_token": f"rejoin-{len(session.connections)}",
            "phase": "interview", "language": session.language, "limits": session.limits, "something_new": {"a": 1}}
        if session.url:
            message["url"] = session.url
        if resumed:
            message["resend_from"] = (session.newest + 960) % 2**32 if session.newest is not None and same else 0
            self.allowance = time.monotonic()
        self.is_welcomed = True
        session.current = self
        await self.send(message)
        await self.send({"type": "a_type_of_tomorrow", "x": []})
        await self.send({"type": "state", "state": "listening"})
        session.joined.set()

    def _played(self, message):
        utterance = self.session.said.get(message["item"])
        if utterance is None:
            self.session.violated(f"played {message['item']}, which nobody said")
        else:
            if not utterance.played <= message["ms"] <= utterance.sent:
                self.session.violated(f"played {message['ms']} after {utterance.played}, {utterance.sent} sent")
            utterance.played = message["ms"]

    def _sound(self, data, now):
        session = self.session
        kind, sequence, timestamp = struct.unpack_from(">BHI", data)
        payload = data[7:]
        if not self.is_welcomed or kind != self.up or not payload or len(data) > 8007:
            session.violated(f"bad frame of kind {kind}, {len(data)} bytes")
        if kind == 2 and len(payload) != 960:
            session.violated(f"PCM of {len(payload)} bytes")
        if self.expected is not None and sequence != self.expected:
            session.violated(f"sequence {sequence} instead of {self.expected}")
        self.expected = (sequence + 1) % 65536
        if self.last_stamp is not None and serial(timestamp, self.last_stamp, 32) <= 0:
            session.violated("timestamp does not advance")
        self.last_stamp = timestamp
        if session.current is not self:
            return  # What an old owner hears after its last message counts for nothing.
        if session.newest is None or serial(timestamp, session.newest, 32) > 0:
            session.newest = timestamp
        if timestamp in session.frames:
            session.doubled += 1
        self.received.append((now, timestamp))
        self._check_speed(now)
        session.frames[timestamp] = payload
        session.order.append(timestamp)

    def _check_speed(self, now):
        first_at, first = self.received[0]
        speed = 8 if self.allowance else 1
        ahead = serial(self.received[-1][1], first, 32) / 48000 - (now - first_at) * speed
        if ahead > 2:
            self.session.violated(f"too fast: {ahead:.1f} s ahead")


class FakeVoiced:
    """Web and media port for some sessions; everything on 127.0.0.1."""

    def __init__(self, page_folder):
        self.folder = page_folder
        self.sessions = {}
        self.asked = []
        self.media_port = None

    async def __aenter__(self):
        self._media = await serve(
            self._connected, "127.0.0.1", 0, process_request=self._decide, subprotocols=["voiced.v1"], compression=None,
            ping_interval=None, close_timeout=1)
        self._inner = self._media.sockets[0].getsockname()[1]
        self._front = await asyncio.start_server(self._arrived, "127.0.0.1", 0)
        self.media_port = self._front.sockets[0].getsockname()[1]
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, self))
        self.web_port = self._web.server_address[1]
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        return self

    async def __aexit__(self, *_):
        self._web.shutdown()
        self._web.server_close()
        self._front.close()
        self._media.close(close_connections=True)
        await self._media.wait_closed()

    def add(self, **values):
        session = FakeSession(f"s-{len(self.sessions) + 1}", **values)
        self.sessions[session.name] = session
        return session

    def link(self, session, query=""):
        return f"http://127.0.0.1:{self.web_port}/join/{session.name}{query}#join-token"

    async def _arrived(self, reader, writer):
        """Answers the browser's preflight, which the WebSocket library does not know, and splices everything else."""
        back = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"OPTIONS "):
                writer.write(
                    b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET\r\n"
                    b"Access-Control-Allow-Headers: Authorization\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._inner)
            back.write(head)
            await asyncio.gather(pump(reader, back), pump(there, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in (writer, back):
                if end:
                    end.close()

    def _decide(self, socket, request):
        """The same decision for an opening and for a plain GET."""
        name = urlsplit(request.path).path.split("/")[3]
        session = self.sessions.get(name)
        is_opening = "upgrade" in request.headers.get("Connection", "").lower()
        if not is_opening:
            self.asked.append(name)
        status, body, extra = 200, {"join": True}, {}
        if session is None:
            status, body = 404, {"code": "unknown_session", "message": "no"}
        elif session.refuse:
            status, extra = session.refuse
            body = {"code": "refused", "message": "no"}
        elif is_opening:
            return None
        response = socket.respond(http.HTTPStatus(status), json.dumps(body))
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        for key, value in extra.items():
            response.headers[key] = value
        return response

    async def _connected(self, socket):
        session = self.sessions[urlsplit(socket.request.path).path.split("/")[3]]
        offered = [entry.strip() for entry in socket.request.headers["Sec-WebSocket-Protocol"].split(",")]
        if offered[0] != "voiced.v1" or not offered[1].startswith("bearer."):
            session.violated(f"subprotocols {offered}")
        line = Line(session, socket, offered[1].removeprefix("bearer."))
        session.connections.append(line)
        await line.run()


async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


class Pages(BaseHTTPRequestHandler):
    """Page, assets and `GET /v1/join/{session}`."""

    def __init__(self, voiced, *arguments):
        self.voiced = voiced
        super().__init__(*arguments)

    def do_GET(self):
        path = urlsplit(self.path).path
        if path.startswith("/v1/join/"):
            return self._info(unquote(path.rsplit("/", 1)[1]))
        name = "join.html" if path.startswith("/join/") else os.path.basename(path)
        file = os.path.join(self.voiced.folder, name)
        if not os.path.exists(file):
            return self._answer(404, b"", "text/plain")
        self._answer(200, open(file, "rb").read(), TYPES[os.path.splitext(name)[1]])

    def _info(self, name):
        session = self.voiced.sessions.get(name)
        if self.headers.get("Authorization") != "Bearer join-token":
            return self._json(401, {"code": "token", "message": "no"})
        if session is None:
            return self._json(404, {"code": "unknown_session", "message": "no"})
        self._json(200, {
            "session": name, "media_url": f"ws://127.0.0.1:{self.voiced.media_port}", "study_name": session.study,
            "language": session.language, "state": session.state, "limit_seconds": 2700})

    def _json(self, status, body):
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
