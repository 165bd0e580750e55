"""What boards count: tasks that stand alike, on the board of each unit and of each paper (docs/adr/0011).

A transaction that saves a task says where the task was counted before and where it is counted now (`Change`); a board adds
that up. Counts keep due days and not timeliness, so that no count has to be changed because a day has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer

from common.domain import Document
from tasks.domain.load import weighs
from tasks.domain.task import FINISHED, Task
from tasks.domain.waiting import waiting_since, waits


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks that stand alike: on every day and under every setting, what their timeliness depends on is the same."""

    state: str
    deadline_kind: str
    due_on: date | None
    submitted_on: date | None
    completed_on: date | None
    owed_on: date | None = None
    unclosed_on: date | None = None
    """Of its periods: see `timeliness.Standing`."""

    @classmethod
    def of(cls, task: Task) -> Group:
        return replace(cls._of_itself(task), owed_on=task.owed_on, unclosed_on=task.unclosed_on)

    @classmethod
    def _of_itself(cls, task: Task) -> Group:
        """Says no more than timeliness asks for, so that there are few groups: of what is done, only whether it was late."""
        if task.state in ("paused", "cancelled"):
            return cls(task.state, "", None, None, None)
        if task.due_on is None:
            return cls(task.state, task.deadline_kind, None, None, None)
        if task.state in FINISHED and task.submitted_on is not None and task.completed_on is not None:
            submitted, completed = (_LATE if day > task.due_on else _DUE for day in (task.submitted_on, task.completed_on))
            return cls(task.state, "", _DUE, submitted, completed)
        return cls(task.state, "", task.due_on, task.submitted_on, task.completed_on)

    def key(self) -> str:
        """Days of periods stand in it where there are some: what has none is counted as it was before there were any."""
        own, periods = (self.due_on, self.submitted_on, self.completed_on), (self.owed_on, self.unclosed_on)
        days = ("" if day is None else day.isoformat() for day in (*own, *(periods if any(periods) else ())))
        return "|".join((self.state, self.deadline_kind, *days))

    @classmethod
    def read(cls, key: str) -> Group:
        state, kind, *days = key.split("|")
        return cls(state, kind, *(date.fromisoformat(day) if day else None for day in days))


_DUE, _LATE = date(2000, 1, 1), date(2000, 1, 2)
"""Stand for the due day of what is done, and for a day after it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Tasks that waited alike for a body: still, since a day; or so many days, until its paper dated them."""

    body: str
    since: date | None
    booked: int | None

    @classmethod
    def of(cls, task: Task) -> Wait | None:
        if task.waits_for and task.clock is not None:
            return cls(task.waits_for, None, task.clock.days_waited)
        return cls(task.waits_for, waiting_since(task), None) if waits(task) else None

    def key(self) -> str:
        booked = "" if self.booked is None else str(self.booked)
        return f"{'' if self.since is None else self.since.isoformat()}|{booked}|{self.body}"

    @classmethod
    def read(cls, key: str) -> Wait:
        since, booked, body = key.split("|", 2)
        return cls(body, date.fromisoformat(since) if since else None, int(booked) if booked else None)


class Place(BaseModel):
    """Where a task is counted, and as what."""

    units: list[str]
    directive_id: str | None
    stands: str
    waits: str | None
    carried_by: str | None
    """The unit whose load it is: open, and no sample."""

    @classmethod
    def of(cls, task: Task) -> Place:
        named = (task.lead_unit_id, *task.coordinator_unit_ids)
        wait = Wait.of(task)
        return cls(
            units=list(dict.fromkeys(unit for unit in named if unit is not None)),
            directive_id=task.directive_id,
            stands=Group.of(task).key(),
            waits=None if wait is None else wait.key(),
            carried_by=task.lead_unit_id if weighs(task) else None,
        )

    def boards(self) -> Iterator[tuple[str | None, str | None]]:
        """(unit, directive) of each board on which it is counted; None is all of them."""
        for unit in (None, *self.units):
            yield unit, None
            if self.directive_id is not None:
                yield unit, self.directive_id


class Change(Document):
    """What one saving of a task changed about boards; added up and deleted by the job `add-up-boards`."""

    was: Place | None
    now: Place | None

    @classmethod
    def between(cls, before: Task | None, after: Task, key: str) -> Change | None:
        """None when the boards show nothing of it."""
        was, now = None if before is None else Place.of(before), Place.of(after)
        return None if was == now else cls(id=key, was=was, now=now)


Tally = Annotated[
    dict[str, int],
    BeforeValidator(dict),
    PlainSerializer(lambda counts: sorted(counts.items()), return_type=list[tuple[str, int]]),
]
"""Counts by key; stored as pairs, since keys hold words of plans, with dots in them."""


class Board(Document):
    """How many tasks of a unit, of a paper, of both, or of all, stand alike.

    A count may be below 0 while changes of one task are added up in another order than they happened in.
    """

    unit_id: str | None
    directive_id: str | None
    stands: Tally = Field(default_factory=dict)
    """By `Group.key`."""
    waits: Tally = Field(default_factory=dict)
    """By `Wait.key`."""
    loads: Tally = Field(default_factory=dict)
    """Open tasks by the unit that leads them; on boards of all units alone."""

    @staticmethod
    def id_of(unit_id: str | None, directive_id: str | None) -> str:
        return f"{unit_id or ''}|{directive_id or ''}"

    @classmethod
    def empty(cls, unit_id: str | None, directive_id: str | None) -> Board:
        return cls(id=cls.id_of(unit_id, directive_id), unit_id=unit_id, directive_id=directive_id)

    @property
    def is_empty(self) -> bool:
        return not (self.stands or self.waits or self.loads)

    def count(self, place: Place, by: int) -> None:
        """Count one task of this place more, or less."""
        _count(self.stands, place.stands, by)
        if place.waits is not None:
            _count(self.waits, place.waits, by)
        if self.unit_id is None and place.carried_by is not None:
            _count(self.loads, place.carried_by, by)

    def add(self, other: Board, times: int = 1) -> Board:
        """Add what another board counts; -1 times to take it away."""
        for mine, more in ((self.stands, other.stands), (self.waits, other.waits), (self.loads, other.loads)):
            for key, count in more.items():
                _count(mine, key, times * count)
        return self


def _count(counts: dict[str, int], key: str, by: int) -> None:
    """What comes to nothing is not kept: days that have passed would pile up."""
    if total := counts.get(key, 0) + by:
        counts[key] = total
    else:
        counts.pop(key, None)


def added_up(changes: Iterable[Change]) -> dict[str, Board]:
    """What these changes come to, by the id of the board."""
    found: dict[str, Board] = {}
    counted = [(place, by) for one in changes for place, by in ((one.was, -1), (one.now, 1)) if place is not None]
    for place, by in counted:
        for unit_id, directive_id in place.boards():
            board = found.setdefault(Board.id_of(unit_id, directive_id), Board.empty(unit_id, directive_id))
            board.count(place, by)
    return {key: board for key, board in found.items() if not board.is_empty}
