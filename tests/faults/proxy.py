"""A link between a process and a server that the rig can spoil: cut without a word, slow it down, tear its connections.

In user space and on loopback, so it needs no rights. What is on its way when a link is cut is held, and goes on when the
link heals, as TCP would send it again; nobody is told by a reset that anything is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time

CHUNK = 64 * 1024
MOST_WAITING = 64
"""Chunks on their way in one direction of a connection; beyond it the sender is held up, as by a full window."""
_RESET = struct.pack("ii", 1, 0)


class Torn(ConnectionError):
    """The link has torn this connection on purpose."""


class Link:
    """Passes bytes between `port`, which it listens on, and `target`, both on loopback.

    `delay` is the shortest and longest time in seconds that a message is on its way in one direction, `resets` the chance
    of each message to have its connection torn, at both ends, by a reset.
    """

    def __init__(self, port: int, target: int, seed: int = 0) -> None:
        self.port, self.target = port, target
        self.delay: tuple[float, float] = (0.0, 0.0)
        self.resets = 0.0
        self.torn = 0
        """Connections torn so far."""
        self._dice = random.Random(f"{seed}/{port}")
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def close(self) -> None:
        """Take no more connections and drop those there are."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()

    # --- weather ---

    def cut(self) -> None:
        """A black hole: connections stay open, new ones are taken, and nothing passes."""
        self._whole.clear()

    def heal(self) -> None:
        self._whole.set()

    def spoil(self, delay: tuple[float, float], resets: float) -> None:
        self.delay, self.resets = delay, resets

    def calm(self) -> None:
        self.spoil((0.0, 0.0), 0.0)

    # --- connections ---

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            await self._whole.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            writers.append(back)
            ways = [asyncio.ensure_future(self._pass(reader, back)), asyncio.ensure_future(self._pass(there, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                outcomes = await asyncio.gather(*ways, return_exceptions=True)
            if any(isinstance(outcome, Torn) for outcome in outcomes):
                self.torn += 1
                for one in writers:
                    _tear(one)
        except (OSError, asyncio.CancelledError):  # the server is not there, an end has gone, the link is taken down
            pass
        finally:
            for one in writers:
                one.close()
            self._tasks.discard(task)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Bytes of one direction, in order, each when its time has come; ends with the source, raises `Torn` by chance."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST_WAITING)

        async def take() -> None:
            while data := await source.read(CHUNK):
                await waiting.put((time.monotonic() + self._dice.uniform(*self.delay), data))
            await waiting.put((0.0, b""))

        taking = asyncio.ensure_future(take())
        try:
            while True:
                due, data = await waiting.get()
                if (early := due - time.monotonic()) > 0:
                    await asyncio.sleep(early)
                await self._whole.wait()
                if not data:
                    return
                if self._dice.random() < self.resets:
                    raise Torn
                sink.write(data)
                await sink.drain()
        finally:
            taking.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await taking


def _tear(writer: asyncio.StreamWriter) -> None:
    """Close at once with a reset instead of an orderly end."""
    with contextlib.suppress(OSError):
        held: socket.socket = writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
