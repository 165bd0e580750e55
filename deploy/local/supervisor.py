"""Keeps the processes of the local run going: started in the order of their needs, started again when one dies, ended
in the reverse order.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from deploy.local.parts import Part

Say = Callable[[str, str], None]
"""Told (name of a part, what became of it)."""


@dataclass
class BackOff:
    """How long to leave a part down before it is started again: at once after a stroke of bad luck, slower when it goes on
    dying.
    """

    first: float = 0.5
    most: float = 5.0
    forgiven_after: float = 30.0
    """Seconds of life that make up for the deaths before."""
    _next: float = 0.0

    def pause(self, lived: float) -> float:
        """Seconds to wait now that the part has died after so many seconds of life."""
        now = self.first if lived >= self.forgiven_after or not self._next else self._next
        self._next = min(now * 2, self.most)
        return now


def layers(parts: Iterable[Part]) -> list[list[Part]]:
    """The parts by what they need: each layer needs only those before it. Raises `ValueError` for a need nobody meets."""
    left = {part.name: part for part in parts}
    done: set[str] = set()
    found: list[list[Part]] = []
    while left:
        layer = [part for part in left.values() if part.needs <= done]
        if not layer:
            raise ValueError(
                f"no part can start: {', '.join(f'{p.name} needs {sorted(p.needs - done)}' for p in left.values())}"
            )
        found.append(layer)
        for part in layer:
            done.add(part.name)
            del left[part.name]
    return found


def how_it_ended(status: int | None) -> str:
    """An exit status in words."""
    if status is None:
        return "went away"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


class Supervisor:
    """Runs parts until it is told to stop. `changed` is called after each start of a part: it has a new process id."""

    def __init__(self, parts: Sequence[Part], say: Say, changed: Callable[[], None] = lambda: None) -> None:
        self.parts = list(parts)
        self._layers = layers(self.parts)
        self._say, self._changed = say, changed
        self._watching: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start every part as soon as what it needs is ready, and wait for all. Raises `Trouble` of the first that fails."""
        ready = {part.name: asyncio.Event() for part in self.parts}

        async def bring_up(part: Part) -> None:
            for name in part.needs:
                await ready[name].wait()
            self._say(part.name, "starting")
            started = time.monotonic()
            part.start()
            await part.wait_ready()
            self._say(part.name, f"ready in {time.monotonic() - started:.1f} s")
            ready[part.name].set()

        starting = [asyncio.create_task(bring_up(part)) for part in self.parts]
        try:
            await asyncio.gather(*starting)
        finally:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)

    def watch(self) -> None:
        """From now on start again what dies."""
        self._watching = [asyncio.create_task(self._keep(part)) for part in self.parts]

    async def _keep(self, part: Part) -> None:
        back_off = BackOff()
        while True:
            since = time.monotonic()
            await _ended(part)
            status = part.process.returncode if part.process is not None else None
            part.kill()  # what it had started itself
            pause = back_off.pause(time.monotonic() - since)
            await asyncio.sleep(pause)
            try:
                part.start()
            except OSError as error:
                self._say(part.name, f"{how_it_ended(status)}; cannot be started again: {error}")
                continue
            self._changed()
            self._say(part.name, f"{how_it_ended(status)}; started again after {pause:.1f} s, process {part.pid}")

    async def stop(self) -> None:
        """End every part: those that need others before what they need, side by side within a layer, by force when it
        takes longer than the part's last words.
        """
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        for layer in reversed(self._layers):
            await asyncio.gather(*(part.stop() for part in layer))

    def kill(self) -> None:
        """End everything now."""
        for part in self.parts:
            part.kill()


async def _ended(part: Part) -> None:
    while part.alive:  # noqa: ASYNC110 - a child's end is asked for, not announced
        await asyncio.sleep(0.1)
