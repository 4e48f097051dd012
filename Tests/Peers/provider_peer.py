"""A WebSocket server that is not ours, for the client side of the WebSockets binding.

Prints one line of JSON with its ports and the file of its certificate authority, then serves until its standard input
ends. What it does with a connection is named by the request's path.
"""

import asyncio
import json
import ssl
import sys
import tempfile
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import trustme
from websockets.asyncio.server import serve


async def handle(connection):
    url = urlsplit(connection.request.path)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    match url.path:
        case "/echo":
            async for message in connection:
                await connection.send(message)
        case "/head":
            headers = {name.lower(): value for name, value in connection.request.headers.raw_items()}
            await connection.send(json.dumps({"path": connection.request.path, "headers": headers}))
            await connection.wait_closed()
        case "/close":
            await connection.close(int(query["code"]), query.get("reason", ""))
        case "/close-code":
            # Tells what the client closed with, by closing over to the next connection's question.
            await connection.wait_closed()
            CLOSED[query["key"]] = [connection.close_code, connection.close_reason]
        case "/closed":
            while query["key"] not in CLOSED:
                await asyncio.sleep(0.01)
            await connection.send(json.dumps(CLOSED[query["key"]]))
            await connection.wait_closed()
        case "/text":
            await connection.send("ä" * (int(query["bytes"]) // 2))
            await connection.wait_closed()
        case "/fragments":
            # In ten pieces, with a ping in between.
            async def pieces():
                for number in range(10):
                    yield f"piece {number}, "
                    if number == 4:
                        await connection.ping()
                yield "end"

            await connection.send(pieces())
            await connection.wait_closed()
        case "/ping":
            await (await connection.ping(b"are you there"))
            await connection.send("pong came")
            await connection.wait_closed()
        case "/broken-text":
            connection.protocol.send_text(b"\xc3\x28", fin=True)
            connection.send_data()
            await connection.wait_closed()
            CLOSED[query["key"]] = [connection.close_code, connection.close_reason]
        case "/drop":
            connection.transport.abort()
        case "/deaf":
            # Never reads again: neither pongs nor close frames.
            connection.transport.pause_reading()
            await asyncio.sleep(3600)
        case "/count":
            # Reads slowly, answers with what came in all.
            total = 0
            async for message in connection:
                if message == "how many":
                    await connection.send(str(total))
                else:
                    total += len(message)
        case _:
            await connection.close(4404, "no such scenario")


CLOSED = {}


def answer(connection, request):
    url = urlsplit(request.path)
    if url.path == "/refuse":
        status = int(parse_qs(url.query)["status"][0])
        response = connection.respond(HTTPStatus(status), "no\n")
        if status in (301, 302, 307):
            response.headers["Location"] = "/echo"
        return response
    return None


async def hang(reader, writer):
    """Takes a connection and says nothing."""
    try:
        await reader.read(-1)
    finally:
        writer.close()


async def main(folder):
    authority = trustme.CA()
    stranger = trustme.CA()
    authority.cert_pem.write_to_path(f"{folder}/ca.pem")

    def context(issuer, *names):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(*names).configure_cert(made)
        return made

    settings = dict(max_size=None, ping_interval=None, process_request=answer, compression=None)
    servers = {
        "plain": await serve(handle, "127.0.0.1", 0, **settings),
        "plain6": await serve(handle, "::1", 0, **settings),
        "secure": await serve(handle, "127.0.0.1", 0, ssl=context(authority, "provider.test", "127.0.0.1"), **settings),
        "stranger": await serve(handle, "127.0.0.1", 0, ssl=context(stranger, "provider.test"), **settings),
        "hang": await asyncio.start_server(hang, "127.0.0.1", 0),
    }
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    print(json.dumps({"ports": ports, "authority": f"{folder}/ca.pem"}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


with tempfile.TemporaryDirectory(prefix="peer-") as scratch:
    asyncio.run(main(scratch))
