"""What a long run shows of leaks: samples of processes and counts of collections, judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from tests.faults.checker import Damage, Finding

MOST_GROWTH = 0.05
MOST_MORE = 3
"""Descriptors, threads or tasks that the end may have more than the beginning, beside a twentieth: pools breathe."""
FEW_ROWS = 20
"""Rows by which a collection may grow that nothing else bounds."""
SHORTEST = 30.0
"""Minutes below which nothing is said about growth: a process is still warming up."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one process: seconds since the start, memory in KiB, and what its own metrics say of its tasks."""

    at: float
    process: str
    pid: int
    rss: int
    descriptors: int
    threads: int
    tasks: int | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """Medians of one process at the beginning and at the end."""

    process: str
    rss: tuple[float, float]
    descriptors: tuple[float, float]
    threads: tuple[float, float]
    tasks: tuple[float, float]

    @property
    def growth(self) -> float:
        """Of the memory, as a share of what it was."""
        return self.rss[1] / self.rss[0] - 1 if self.rss[0] else 0.0


@dataclass(frozen=True, slots=True)
class HeldRows:
    """An internal collection: rows at the beginning and at the end, and what keeps them from growing for ever.

    `ttl` is the life of a row in seconds, when the server ends it; `most` a number that it cannot exceed, such as that of
    the streams there are, and `of` what that number counts.
    """

    place: str
    before: int
    after: int
    ttl: int | None = None
    most: int | None = None
    of: str = ""

    @property
    def bounded_by(self) -> str:
        """The bound in words; empty when it is found to have none."""
        if self.ttl is not None:
            return f"TTL of {self.ttl / 86400:g} days"
        if self.after <= self.before + FEW_ROWS:
            return "level"
        if self.most is not None and self.after <= self.most:
            return f"one for each of {self.most} {self.of}"
        return ""


def windows(minutes: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where the beginning and the end are, in seconds: minutes 10 to 15 and the last 5 of an hour, in proportion else."""
    whole = minutes * 60
    return (whole / 6, whole / 4), (whole * 11 / 12, whole + 30)


def levels(samples: Iterable[Sample], minutes: float) -> list[Level]:
    """Each process at the beginning and at the end. One that has no sample in either window is left out."""
    by_process: dict[str, list[Sample]] = {}
    for sample in samples:
        by_process.setdefault(sample.process, []).append(sample)
    found = []
    for process, own in by_process.items():
        parts = [[one for one in own if start <= one.at <= end] for start, end in windows(minutes)]
        if all(parts):
            before, after = parts
            found.append(
                Level(
                    process,
                    (median(one.rss for one in before), median(one.rss for one in after)),
                    (median(one.descriptors for one in before), median(one.descriptors for one in after)),
                    (median(one.threads for one in before), median(one.threads for one in after)),
                    (median(one.tasks or 0 for one in before), median(one.tasks or 0 for one in after)),
                )
            )
    return found


def judge(
    samples: Sequence[Sample], held: Iterable[HeldRows], minutes: float, cursors: tuple[float, float] = (0, 0)
) -> list[Finding]:
    """What leaks. A run shorter than `SHORTEST` is judged by its collections and by who ended, not by growth.

    `cursors`: how many were open on the server at the beginning and at the end.
    """
    growths = (*_growths(samples, minutes), *_more("open cursors", cursors)) if minutes >= SHORTEST else ()
    return [*_restarts(samples), *growths, *_rows(held)]


def _restarts(samples: Iterable[Sample]) -> Iterator[Finding]:
    """A process that was started anew has thrown its leaks away: nothing can be said of it."""
    lives: dict[str, set[int]] = {}
    for sample in samples:
        lives.setdefault(sample.process, set()).add(sample.pid)
    for process, pids in lives.items():
        if len(pids) > 1:
            yield Finding(Damage.WRONG, f"{process} was started {len(pids)} times in a run without faults")


def _growths(samples: Sequence[Sample], minutes: float) -> Iterator[Finding]:
    found = levels(samples, minutes)
    for process in sorted({one.process for one in samples} - {one.process for one in found}):
        yield Finding(Damage.WRONG, f"{process} was not looked at at the beginning and at the end")
    for one in found:
        if one.growth > MOST_GROWTH:
            yield Finding(Damage.LEAKED, f"memory of {one.process}: {one.rss[0]:.0f} to {one.rss[1]:.0f} KiB")
        for what, level in (("descriptors", one.descriptors), ("threads", one.threads)):
            yield from _more(f"{what} of {one.process}", level)
        if not one.tasks[1]:
            yield Finding(Damage.WRONG, f"{one.process} says nothing of its tasks")
    for deployable, replicas in groupby(sorted(found, key=_deployable), _deployable):
        tasks = [one.tasks for one in replicas]
        yield from _more(f"tasks of {deployable}", (sum(before for before, _ in tasks), sum(after for _, after in tasks)))


def _deployable(level: Level) -> str:
    """Its replicas are counted together where a lease, and the tasks that go with it, may move from one to another."""
    return level.process.rpartition("-")[0] or level.process


def _more(what: str, level: tuple[float, float]) -> Iterator[Finding]:
    before, after = level
    if after > before * (1 + MOST_GROWTH) + MOST_MORE:
        yield Finding(Damage.LEAKED, f"{what}: {before:g} to {after:g}")


def _rows(held: Iterable[HeldRows]) -> Iterator[Finding]:
    for rows in held:
        if not rows.bounded_by:
            yield Finding(Damage.LEAKED, f"{rows.place} has grown from {rows.before} to {rows.after} rows and has no bound")
