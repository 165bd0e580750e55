"""Sides in turn, A B A B, so that a machine whose speed drifts drifts for all; medians with minimum and maximum.

A side runs once and gives a `Sample`. The ratio is taken round by round, from what ran next to each other.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import psutil


class Missing(Exception):
    """A peer or a tool that this machine has not got: shown in the table with this reason, and no error."""


@dataclass(frozen=True)
class Sample:
    """What one run of one side gave: things a second (or milliseconds each), and microseconds of processor time a thing."""

    value: float
    cpu: float | None = None
    again: int = 0
    """How many runs before this one counted for nothing."""


Side = Callable[[], Awaitable[Sample]]


@dataclass(frozen=True)
class Pace:
    """How long and how often: `seconds` a run of a load, `rounds` of all sides, `scale` on numbers of things."""

    seconds: float = 3.0
    rounds: int = 5
    scale: float = 1.0

    def many(self, number: int) -> int:
        return max(20, int(number * self.scale))


QUICK = Pace(seconds=0.5, rounds=1, scale=0.1)


@dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Goal:
    """Bounds of a ratio, the first to be kept now, the next ones later; `at_most` when less is better."""

    bounds: tuple[float, ...]
    at_most: bool = False

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        return ", then ".join(f"{sign} {bound:g}" if bound != 1 else "ahead" for bound in self.bounds)

    def kept(self, ratio: float) -> int:
        """How many of the bounds this ratio keeps."""
        return sum(ratio <= bound if self.at_most else ratio >= bound for bound in self.bounds)


@dataclass(frozen=True)
class Comparison:
    """One row. `ratio` is ours over the other's, round by round; None, with the reason, where the peer is missing."""

    measure: str
    peer: str
    unit: str
    goal: Goal | None = None
    note: str = ""
    ratio: Spread | None = None
    ours: Spread | None = None
    other: Spread | None = None
    cpu_ours: Spread | None = None
    cpu_other: Spread | None = None
    missing: str = ""

    def public(self) -> dict[str, object]:
        return {**asdict(self), "verdict": verdict(self)}


def verdict(one: Comparison) -> str:
    """Whether the median keeps the goal, in the table's words."""
    if one.ratio is None:
        return "not taken"
    if one.goal is None:
        return "no goal"
    kept, bounds = one.goal.kept(one.ratio.median), one.goal.bounds
    if kept == 0:
        return "**missed**"
    return "met" if kept == len(bounds) else "met, **next missed**"


Rounds = Mapping[str, Sequence[Sample]]


async def contest(sides: Mapping[str, Side], pace: Pace) -> Rounds:
    """Run all sides in turn, `rounds` times after one that does not count; each round begins one side further on."""

    async def run(name: str) -> Sample:
        try:
            return await sides[name]()
        except Exception as error:
            error.add_note(f"on the side of: {name}")
            raise

    for name in sides:
        await run(name)
    taken: dict[str, list[Sample]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(pace.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            taken[name].append(await run(name))
    return taken


def compared(
    rounds: Rounds, ours: str, other: str, *, measure: str, peer: str, unit: str, goal: Goal | None = None, note: str = ""
) -> Comparison:
    """The row of two sides of a contest."""
    mine, theirs = rounds[ours], rounds[other]
    for side, samples in ((ours, mine), (other, theirs)):
        if again := sum(sample.again for sample in samples):
            said = f"{side}: {again} runs in which not every answer was good were taken again"
            note = f"{note}; {said}" if note else said
    return Comparison(
        measure,
        peer,
        unit,
        goal,
        note,
        Spread.of([a.value / b.value for a, b in zip(mine, theirs, strict=True)]),
        Spread.of([a.value for a in mine]),
        Spread.of([b.value for b in theirs]),
        _cpu_of(mine),
        _cpu_of(theirs),
    )


def _cpu_of(samples: Sequence[Sample]) -> Spread | None:
    spent = [one.cpu for one in samples if one.cpu is not None]
    return Spread.of(spent) if spent else None


class Meter:
    """Rate and processor time of a piece of work; `processes` are those that do it, with their children."""

    def __init__(self, *processes: int) -> None:
        self._processes = [psutil.Process(pid) for pid in processes or (os.getpid(),)]
        self._own = not processes

    def __enter__(self) -> Meter:
        self._before, self._started = self._cpu(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._started, self._cpu() - self._before

    def sample(self, things: int) -> Sample:
        return Sample(things / self.seconds, self.cpu / things * 1e6)

    def _cpu(self) -> float:
        """Seconds of user and system time. Of this process without children: those are other parts of the bench."""
        spent = 0.0
        for process in self._processes:
            family = [process] if self._own else [process, *process.children(recursive=True)]
            spent += sum(sum(one.cpu_times()[:2]) for one in family)
        return spent
