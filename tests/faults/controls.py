"""Negative controls: the product with one safeguard taken out. The rig must report the damage, or it proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.faults import probe
from tests.faults.checker import Damage, Finding
from tests.faults.rows import Play, duplicates
from tests.faults.stage import Stage


@dataclass(frozen=True)
class Control:
    """What is taken out where, what is done then, and the damage that must be seen."""

    name: str
    title: str
    sabotage: Mapping[str, str]
    play: Play
    damage: Damage
    what: str
    quiet: bool = False
    smoke: bool = False

    def seen(self, findings: Sequence[Finding]) -> int:
        """How often the damage was reported."""
        return sum(one.count for one in findings if one.damage is self.damage and one.what == self.what)


async def work(_stage: Stage, size: float) -> None:
    await asyncio.sleep(12 * size)


CONTROLS: tuple[Control, ...] = (
    Control(
        "no-claim", "a reader without claim and guard", {probe.NAME: "no-claim"},
        duplicates, Damage.DOUBLED, "effect of one event", smoke=True,
    ),
    Control(
        "position", "a relay that remembers a position", {"tasks": "position"},
        work, Damage.STUCK, "event that is still not on its topic",
    ),
    Control(
        "past-failed", "a reader that commits past a failed record", {probe.NAME: "past-failed"},
        work, Damage.LOST, "event without its effect",
    ),
    Control(
        "own-clock", "leases by the machine's own clock, which jumps", {"tasks": "own-clock"},
        work, Damage.DOUBLED, "event on its topic in an undisturbed run", quiet=True,
    ),
)  # fmt: skip
