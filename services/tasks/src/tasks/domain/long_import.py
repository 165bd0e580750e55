"""A table too long for one transaction: kept in parts, each of which is taken over once, in a transaction of its own.

The order of the parts of one import does not matter: each row is a task of its own, no row names another one, and which of two
rows with one id counts was marked before the table was divided (`in_parts`). So a part that fails holds up no other part. The
order of two imports of one plan does matter: the version that was handed in last has to stay. So an import waits for earlier
ones that hold rows of its plans, and for no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from common.domain import Actor, Aggregate, Document
from tasks.domain.kept import Kept
from tasks.domain.rows import Reading, unique
from tasks.domain.rows_tasks import Sample
from tasks.domain.table import Row

PART = 250
"""Rows of one part: a transaction of about a second, and all that memory holds at a time."""
MOST_TRIES = 8
"""Tries of one part, eleven minutes from the first to the last: longer than a restart, a change of the database's primary or
somebody's work on its tasks, which the next try does not meet; short enough that who handed the plan in still looks at it.
"""
FIRST_PAUSE = timedelta(seconds=5)
"""Before the second try; doubled before each further one."""
MOST_PLANS = 100
"""Plans that an import names as those of its rows, so that its document stays small; the longest real file has three."""

WhyNot = Literal["part_busy", "part_slow", "part_lost", "part_unexpected"]
"""Why a part did not come in: its tasks were changed meanwhile; it took longer than a transaction may; its rows are no longer
kept; anything else, which is a fault of ours.
"""
ImportState = Literal["running", "done", "failed"]


class ImportPart(Document):
    """Rows that are still to be taken over, or what was found on them."""

    at: datetime
    rows: list[Row]
    answer: dict[str, Any] | None = None

    @staticmethod
    def id_of(import_id: str, number: int) -> str:
        return f"{import_id}/{number:04d}"


class Failing(Kept):
    """A part that was tried and has not come in."""

    number: int
    tries: int
    why: WhyNot
    again_at: datetime

    @property
    def given_up(self) -> bool:
        return self.tries >= MOST_TRIES


class LongImport(Aggregate):
    """How far a long table has come. It goes on where it stood, whatever breaks off."""

    noun: ClassVar = ("lượt nhập", "import")
    started_at: datetime
    ended_at: datetime | None = None
    by_kind: Literal["person", "client", "system"]
    by_id: str
    language: str
    dry_run: bool
    sample: Sample | None
    rows: int
    parts: int
    plans: list[str] | None = None
    """The plans that its rows are of; None when they are too many to be named: it then keeps its turn with all imports."""
    first_rows: list[int] = Field(default_factory=list)
    """By part, the number of its first row in the file."""
    last_row: int = 0
    rows_done: int = 0
    parts_done: int = 0
    failing: list[Failing] = Field(default_factory=list)
    """Parts that were tried and have not come in; every other one up to `parts_done` and these is done."""
    counts: dict[str, int] = Field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """In whose name the rows are taken over: history says who brought the table."""
        return Actor(self.by_kind, self.by_id)

    @property
    def state(self) -> ImportState:
        if self.ended_at is None:
            return "running"
        return "failed" if self.failing else "done"

    def due(self, now: datetime) -> int | None:
        """The part to be tried now; None while there is none. Those that nobody has tried come first, in the order of the file:
        what fails again and again costs them nothing.
        """
        if self.ended_at is not None:
            return None
        if (fresh := self._tried + 1) <= self.parts:
            return fresh
        rested = [one for one in self.failing if not one.given_up and one.again_at <= now]
        return min(rested, key=lambda one: one.again_at).number if rested else None

    def waits_for(self, number: int) -> bool:
        """False for a part that another worker has taken over, or given up, meanwhile."""
        again = any(one.number == number and not one.given_up for one in self.failing)
        return self.ended_at is None and (again or number == self._tried + 1)

    def rows_of(self, number: int) -> tuple[int, int]:
        """First and last row of a part, as the file counts them."""
        if not self.first_rows:  # handed in to a version that did not note them
            return 1, self.rows
        following = self.first_rows[number : number + 1]
        return self.first_rows[number - 1], following[0] - 1 if following else self.last_row

    def take(self, number: int, rows: int, counts: Mapping[str, int], now: datetime) -> None:
        """One more part is done."""
        self.failing = [one for one in self.failing if one.number != number]
        self.rows_done, self.parts_done = self.rows_done + rows, self.parts_done + 1
        self.counts = {name: self.counts.get(name, 0) + count for name, count in counts.items()}
        self._end(now)

    def fail(self, number: int, why: WhyNot, now: datetime) -> Failing:
        """A part did not come in: it rests, each time twice as long, until it is given up."""
        tries = 1 + sum(one.tries for one in self.failing if one.number == number)
        failing = Failing(number=number, tries=tries, why=why, again_at=now + FIRST_PAUSE * 2 ** (tries - 1))
        self.failing = [*(one for one in self.failing if one.number != number), failing]
        self._end(now)
        return failing

    @property
    def _tried(self) -> int:
        return self.parts_done + len(self.failing)

    def _end(self, now: datetime) -> None:
        """Once there is nothing to be tried any more; failed when a part was given up."""
        if self.parts_done + sum(one.given_up for one in self.failing) == self.parts:
            self.ended_at = now


def due_parts(waiting: Sequence[LongImport], now: datetime) -> list[tuple[LongImport, int]]:
    """The next part of each import that has one, of those that `waiting` lists in the order in which they were handed in."""
    in_turn = [one for place, one in enumerate(waiting) if not any(_same_plan(one, before) for before in waiting[:place])]
    return [(one, number) for one in in_turn if (number := one.due(now)) is not None]


def _same_plan(one: LongImport, other: LongImport) -> bool:
    return one.plans is None or other.plans is None or not set(one.plans).isdisjoint(other.plans)


def plans_of(rows: Sequence[Row], column: str) -> list[str] | None:
    """The plans that rows are of, each once; None for more than are named."""
    found = sorted({Reading(row).text(column) for row in rows})
    return found if len(found) <= MOST_PLANS else None


def in_parts(rows: Sequence[Row], column: str) -> list[list[Row]]:
    """Rows by part. One whose id an earlier row has is marked so here, since a part does not know of the others."""
    readings = [Reading(row) for row in rows]
    for reading in readings:
        reading.id = reading.key(column) or None
        del reading.findings[len(reading.row.findings) :]  # each part says for itself what there is to say of the id
    unique(readings, column)
    marked = [reading.row._replace(findings=tuple(reading.findings)) for reading in readings]
    return [marked[first : first + PART] for first in range(0, len(marked), PART)]
