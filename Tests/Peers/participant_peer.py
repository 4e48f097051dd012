"""A participant on Python's `websockets`: a client that is not ours, through the door and back.

usage: participant_peer.py PORT TOKEN

Says hello in fragments, sends ten audio frames, expects as many back, and says on one line of JSON what it saw.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus


async def refused(url, **arguments):
    try:
        async with connect(url, **arguments):
            return None
    except InvalidStatus as failure:
        response = failure.response
        return {
            "status": response.status_code,
            "code": json.loads(response.body)["code"],
            "retry_after": response.headers.get("Retry-After"),
        }


async def main(port, token):
    place = f"ws://127.0.0.1:{port}/v1/sessions"
    seen = {"beats": 0, "frames": [], "texts": []}
    async with connect(
        f"{place}/known/media", subprotocols=["voiced.v1", f"bearer.{token}"], origin="https://page.test",
        compression="deflate", ping_interval=None,
    ) as connection:
        seen["subprotocol"] = connection.subprotocol
        seen["extensions"] = len(connection.protocol.extensions)
        hello = json.dumps({
            "type": "hello", "protocol": 1, "audio": {"up": "opus", "down": "opus"}, "client": "c-ü", "agent": "python",
        }, ensure_ascii=False)
        await connection.send(hello[start:start + 7] for start in range(0, len(hello), 7))
        await (await connection.ping())
        for number in range(10):
            frame = bytes([1]) + (65530 + number & 0xFFFF).to_bytes(2, "big") + (number * 960).to_bytes(4, "big")
            await connection.send(frame + bytes([number] * 20))
        try:
            while True:
                message = await connection.recv()
                if isinstance(message, bytes):
                    seen["frames"].append([message[0], int.from_bytes(message[3:7], "big"), message[7]])
                elif json.loads(message)["type"] == "beat":
                    seen["beats"] += 1
                else:
                    seen["texts"].append(json.loads(message))
        except ConnectionClosed as closed:
            seen["closed"] = [closed.rcvd.code, closed.rcvd.reason]
    headers = {"Authorization": "Bearer good.full.join"}
    seen["full"] = await refused(f"{place}/full/media", subprotocols=["voiced.v1"], additional_headers=headers)
    seen["no_token"] = await refused(f"{place}/known/media", subprotocols=["voiced.v1"])
    seen["no_subprotocol"] = await refused(f"{place}/known/media", additional_headers=headers)
    print(json.dumps(seen))


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
