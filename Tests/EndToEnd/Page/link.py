"""A TCP link between browser and media port that a test can cut."""

import asyncio


class Link:
    """Forwards 127.0.0.1:`port` to `target`. While cut nothing passes and nobody is told, as in a dead radio cell."""

    def __init__(self, target):
        self.target = target
        self.port = None
        self.opened = 0
        self._whole = asyncio.Event()
        self._whole.set()
        self._writers = set()
        self._tasks = set()
        self._server = None

    async def start(self):
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def cut(self, seconds):
        """Silence for so long; what was open before never speaks again and is reset at the end."""
        victims = list(self._writers)
        self._whole.clear()
        await asyncio.sleep(seconds)
        for writer in victims:
            writer.transport.abort()
        self._whole.set()

    async def stop(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()

    async def _accepted(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self._writers.add(writer)
        back = None
        try:
            await self._whole.wait()
            self.opened += 1
            there, back = await asyncio.open_connection(*self.target)
            self._writers.add(back)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, back):
                if end:
                    self._writers.discard(end)
                    end.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader, writer):
        while data := await reader.read(65536):
            await self._whole.wait()
            writer.write(data)
            await writer.drain()
        writer.transport.abort()
