"""What was looked up a moment ago: short-lived answers, each asked for once at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Fresh(Generic[V]):
    """Remembers what `load` found, or that it found nothing, for so many seconds counted from the question."""

    def __init__(
        self,
        load: Callable[[str], Awaitable[V | None]],
        seconds: float,
        size: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._seconds, self._size, self._clock = load, seconds, size, clock
        self._found: dict[str, tuple[float, V | None]] = {}
        self._asking: dict[str, asyncio.Task[V | None]] = {}

    async def get(self, key: str) -> V | None:
        """What is stored under the key, at most so many seconds old. Raises what `load` raises, and remembers no failure."""
        found = self._found.get(key)
        if found is not None and found[0] > self._clock():
            return found[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(key))
            asking.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(asking)  # one caller who leaves does not take the answer from the others

    async def _ask(self, key: str) -> V | None:
        until = self._clock() + self._seconds
        value = await self._load(key)
        if len(self._found) >= self._size:
            now = self._clock()
            self._found = {old: entry for old, entry in self._found.items() if entry[0] > now}
            if len(self._found) >= self._size:
                self._found.clear()
        self._found[key] = (until, value)
        return value

    def _asked(self, key: str, done: asyncio.Task[V | None]) -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # seen, should nobody have waited for it
