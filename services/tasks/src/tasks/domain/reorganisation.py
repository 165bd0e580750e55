"""A reorganisation (sắp xếp đơn vị): a list of successions that takes effect on a day, from its rehearsal to its execution.

It is rehearsed first, and nothing changes; what no rule decides is decided by the standing agency; it is carried out from the
midnight with which the day begins. DOMAIN 7.4: "no task lost, five split units ask; the old unit's record stays as it was".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from common.contracts import tasks_reorganisation as events
from common.domain import Aggregate, Day, Document
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.handover import Fate, How
from tasks.domain.matters import Said

State = Literal["rehearsing", "rehearsed", "discarded"]
OPEN: tuple[State, ...] = ("rehearsing", "rehearsed")
"""States in which no other reorganisation may touch the same units."""
WORKING: tuple[State, ...] = ("rehearsing",)
"""States in which the job has something to do, now or from midnight on."""
Outcome = Literal["by_rule", "choice", "orphan", "coordination"]
"""Of a task: its lead follows by rule, somebody has to choose, its unit has no successor, or coordinators alone change."""
Finding = Literal["double_lead", "same_words"]
"""`double_lead`: a coordinator becomes the lead itself; `same_words`: the unit would be told to do the same twice."""

_STATES: dict[State, Words] = {
    "rehearsing": Words("đang diễn tập", "being rehearsed"),
    "rehearsed": Words("đã diễn tập", "rehearsed"),
    "discarded": Words("đã bỏ", "discarded"),
}


class Tally(BaseModel):
    """How many tasks, by what they are counted by. Each adds up to `tasks`; tasks without lead or paper count as `none`."""

    tasks: int = 0
    by_state: dict[str, int] = Field(default_factory=dict)
    by_level: dict[str, int] = Field(default_factory=dict)
    by_directive: dict[str, int] = Field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str | None, str | None, int]]) -> Tally:
        """Of rows (state, level of the lead unit, paper, number)."""
        states, levels, papers = Counter[str](), Counter[str](), Counter[str]()
        for state, level, paper, number in rows:
            states[state] += number
            levels[level or "none"] += number
            papers[paper or "none"] += number
        return cls(tasks=states.total(), by_state=states, by_level=levels, by_directive=papers)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            tasks=self.tasks + other.tasks,
            by_state=Counter(self.by_state) + Counter(other.by_state),
            by_level=Counter(self.by_level) + Counter(other.by_level),
            by_directive=Counter(self.by_directive) + Counter(other.by_directive),
        )


class Rehearsal(BaseModel):
    """What was found. `tasks` counts every task that would be touched; outcomes add up to it."""

    number: int
    as_of: datetime
    tally: Tally = Field(default_factory=Tally)
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    findings: dict[Finding, int] = Field(default_factory=dict)
    people: int = 0
    """People in office in units that end: who places them decides that, no rule does."""


class Reorganisation(Aggregate):
    """One list of successions, effective on a day."""

    noun: ClassVar = ("việc sắp xếp đơn vị", "reorganisation")
    number: int
    title: str
    effective_on: Day
    planned: Said
    state: State = "rehearsing"
    rehearsals: int = 1
    """How often it was asked to be rehearsed; `rehearsal` is the last one that was done."""
    rehearsal: Rehearsal | None = None
    discarded: Said | None = None

    def rehearse_again(self) -> None:
        """Ask for another rehearsal: tasks have come, changed and ended since. What was decided stays."""
        self.require_state("rehearsed", verb=Words("diễn tập lại", "rehearsed again"))
        self.state, self.rehearsals = "rehearsing", self.rehearsals + 1

    def rehearsed(self, found: Rehearsal, units: int, undecided: int) -> None:
        """Keep what was found."""
        self.state, self.rehearsal = "rehearsed", found
        self.record(
            events.ReorganisationRehearsed(
                **self._public(), number=found.number, units=units, tasks=found.tally.tasks, undecided=undecided
            )
        )

    def discard(self, said: Said) -> None:
        """Call it off, on recorded words; it is no undoing: once begun it is gone through with."""
        self.require_state(*OPEN, verb=Words("bỏ", "discarded"))
        self.state, self.discarded = "discarded", said
        self.record(events.ReorganisationDiscarded(**self._public()))

    def require_state(self, *states: State, verb: Words) -> None:
        """Raise `RuleBroken` unless it is in one of these states; `verb` says what cannot be done to it."""
        if self.state not in states:
            present, wanted = _STATES[self.state], [_STATES[one] for one in states]
            message = Words(f"Việc sắp xếp {present.vi}, không thể {verb.vi}.", f"It is {present.en}: it cannot be {verb.en}.")
            repair = Words(
                f"Chỉ làm được khi: {', '.join(one.vi for one in wanted)}.",
                f"Possible only when it is: {', '.join(one.en for one in wanted)}.",
            )
            raise RuleBroken(message, [FieldProblem("state", "wrong_state", message, repair, self.state)])

    def _public(self) -> dict[str, Any]:
        return {"reorganisation_id": self.id, "effective_on": self.effective_on}


class Numbering(Aggregate):
    """The last number that was given. Saved with every new reorganisation, so that two made at once meet in it: neither could
    see that the other touches its units.
    """

    noun: ClassVar = ("số thứ tự", "numbering")
    last: int = 0


class UnitMove(Aggregate):
    """One unit of a reorganisation: who follows it, and what that means for its tasks."""

    noun: ClassVar = ("đơn vị được sắp xếp", "reorganised unit")
    reorganisation_id: str
    unit_id: str
    how: How
    heirs: list[str]
    ends: bool
    """False: the unit goes on and gives a part away."""
    level: str
    tasks: int = 0
    """Live tasks that it led, coordinated or would decide about, as the last rehearsal found them."""
    people: int = 0

    @staticmethod
    def id_of(reorganisation_id: str, unit_id: str) -> str:
        return f"{reorganisation_id}/{unit_id}"

    @property
    def fate(self) -> Fate:
        return Fate(self.unit_id, self.how, tuple(self.heirs))


class TaskMove(Document):
    """One task of a rehearsal: where it would go, as it stood then."""

    reorganisation_id: str
    rehearsal: int
    task_id: str
    title: str
    state: str
    directive_id: str | None
    unit_id: str
    """The unit because of which it is touched: its lead, or a coordinator."""
    outcome: Outcome
    lead_before: str | None
    lead_after: str | None
    coordinators_before: list[str]
    coordinators_after: list[str]
    findings: list[Finding] = Field(default_factory=list)

    @staticmethod
    def id_of(reorganisation_id: str, task_id: str) -> str:
        return f"{reorganisation_id}/{task_id}"
