"""Two sides in turn, A B A B, so that a machine whose speed drifts drifts for both; medians with minimum and maximum."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version

Side = Callable[[], Awaitable[float]]
"""One run of one side; returns its rate, things a second."""


@dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:,.2f} ({self.least:,.2f}-{self.most:,.2f})"


@dataclass(frozen=True)
class Comparison:
    """`ratio` is ours over the other's, pair by pair; the goal is that of the performance table, where it has one."""

    name: str
    ours: Spread
    other: Spread
    ratio: Spread
    goal: str
    note: str = ""

    def public(self) -> dict[str, object]:
        return asdict(self)


async def compare(name: str, ours: Side, other: Side, *, rounds: int = 5, goal: str = "", note: str = "") -> Comparison:
    """Run both sides in turn, `rounds` times each, after one round that does not count."""
    await ours()
    await other()
    pairs = [(await ours(), await other()) for _ in range(rounds)]
    return Comparison(
        name,
        Spread.of([a for a, _ in pairs]),
        Spread.of([b for _, b in pairs]),
        Spread.of([a / b for a, b in pairs]),
        goal,
        note,
    )


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    packages = ("aiokafka", "motor", "pymongo", "fastapi", "uvicorn", "httptools")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "system": platform.platform(terse=True),
        "processors": str(os.cpu_count()),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f} at the start",
        **{name: version(name) for name in packages},
    }
