"""One arena with callers at work: where the rows of the matrix are played, and where each is brought to its end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploy.local.bootstrap import ROOT
from tests.faults.arena import Arena, Servers, Story
from tests.faults.callers import Callers
from tests.faults.checker import Damage, Finding, Observed, check, mail_repeats
from tests.faults.reading import read_databases, read_wire, settled

T = TypeVar("T")
SETTLE_SECONDS = 90.0


@dataclass
class Stage:
    """What a row is given. `findings` are what it saw itself; the checker's come on top."""

    arena: Arena
    callers: Callers
    dice: random.Random
    story: Story
    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    """Seconds and shares that the matrix has a bound for, the worst of each."""
    patience: float = 1.0
    """By how much the bounds of figures are widened: a smoke run shares its machine with whatever else is checked there."""
    planted: set[str] = field(default_factory=set)
    planted_places: set[str] = field(default_factory=set)

    def figure(self, name: str, value: float, most: float | None = None) -> None:
        """Note a figure, the worst of the row; one beyond its bound is a finding."""
        self.figures[name] = max(value, self.figures.get(name, value))
        self.story.tell(f"{name}: {value:.1f}")
        if most is not None and value > most * self.patience:
            self.findings.append(Finding(Damage.LATE, f"{name}: {value:.1f}, the bound is {most * self.patience:g}"))

    async def until(self, what: str, ask: Callable[[], Awaitable[T]], seconds: float) -> tuple[float, T | None]:
        """Ask until the answer is true; how long that took, and the answer. A finding when it never was."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if answer := await ask():
                return time.monotonic() - started, answer
            await asyncio.sleep(0.1)
        self.findings.append(Finding(Damage.STUCK, f"{what}: still not so after {seconds:.0f} s"))
        return time.monotonic() - started, None

    async def end(self, *, quiet: bool = False, seconds: float = SETTLE_SECONDS) -> list[Finding]:
        """Stop the callers, let everything come to rest, and hold what is there against what was asked."""
        await self.arena.all_ready()
        await self.callers.stop()
        turned_away = dict(self.callers.turned_away)
        self.story.tell(f"callers stopped: {self.callers.acknowledged} acknowledged, asked again after {turned_away}")
        if not await self.arena.all_ready():
            self.findings.append(Finding(Damage.STUCK, "not every process is ready again"))
        took, left = await settled(self.arena, seconds)
        self.figure("drain after the last fault, s", took)
        if left:
            self.story.tell(f"still under way: {left}")
        seen = Observed(asked=list(self.callers.asked.values()), quiet=quiet, planted=frozenset(self.planted))
        seen.answers, seen.deaths = list(self.callers.answers), list(self.arena.deaths)
        seen.mails, seen.addresses = list(self.arena.mails.mails), dict(self.callers.addresses)
        seen.mail_repeats = mail_repeats(self.story.faults)
        await asyncio.to_thread(read_databases, self.arena, seen, frozenset(self.planted_places))
        await read_wire(self.arena, seen)
        records, events = len(seen.wire), len({(one.topic, one.id) for one in seen.wire})
        self.figures["events"], self.figures["sent again"] = events, records - events
        mails = len({mail.message_id for mail in seen.mails})
        self.figures["mails"], self.figures["mails sent again"] = mails, len(seen.mails) - mails
        self.figures["acknowledged"] = self.callers.acknowledged
        self.story.tell(f"{events} events, {records - events} records that repeat one, {len(seen.ledger)} ledger entries")
        return [*self.findings, *check(seen)]


@asynccontextmanager
async def staged(
    servers: Servers, story: Story, sabotage: Mapping[str, str] | None = None, *, callers: int = 5
) -> AsyncIterator[Stage]:
    """An arena of its own databases and topics, ready, with callers that have not begun."""
    arena = Arena(servers, story, sabotage)
    try:
        await arena.start()
        story.tell("everything is ready")
        async with Callers(arena, story.seed, callers) as crowd:
            async with asyncio.timeout(180):
                await crowd.register()
            yield Stage(arena, crowd, random.Random(story.seed), story)
    finally:
        await arena.close()


async def command(arena: Arena, service: str, *arguments: str, seconds: float = 90.0) -> tuple[int, str]:
    """An operator's command in the environment of a service; its exit status and what it said.

    Raises TimeoutError with where the command was when its time was over. Beginning alone takes it a second of computing,
    which a machine that is busy with everything else here hands out slowly.
    """
    environment: dict[str, Any] = {**os.environ, **arena.settings(service), "PYTHONFAULTHANDLER": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    saying = asyncio.ensure_future(process.communicate())
    started = time.monotonic()
    done, _ = await asyncio.wait({saying}, timeout=seconds)
    if not done:
        process.send_signal(signal.SIGABRT)  # it says where each of its threads is
    said = (await saying)[0].decode(errors="replace")
    arena.story.tell(f"{arguments[0]} took {time.monotonic() - started:.1f} s")
    if not done:
        raise TimeoutError(f"{arguments[0]} did not end within {seconds:.0f} s; it was at: {said[-1500:]}")
    return process.returncode or 0, said
