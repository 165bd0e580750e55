"""A reorganisation (sắp xếp đơn vị): a list of successions that takes effect on a day, from its rehearsal to its execution.

It is rehearsed first, and nothing changes; what no rule decides is decided by the standing agency; it is carried out from the
midnight with which the day begins. DOMAIN 7.4: "no task lost, five split units ask; the old unit's record stays as it was".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from common.contracts import tasks_reorganisation as events
from common.domain import Aggregate, Day, Document
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.handover import Fate, How
from tasks.domain.matters import Said

State = Literal["rehearsing", "rehearsed", "ordered", "executing", "executed", "discarded"]
OPEN: tuple[State, ...] = ("rehearsing", "rehearsed", "ordered", "executing")
"""States in which no other reorganisation may touch the same units."""
WORKING: tuple[State, ...] = ("rehearsing", "ordered", "executing")
"""States in which the job has something to do, now or from midnight on."""
Outcome = Literal["by_rule", "choice", "orphan", "coordination"]
"""Of a task: its lead follows by rule, somebody has to choose, its unit has no successor, or coordinators alone change."""
Finding = Literal["double_lead", "same_words"]
"""`double_lead`: a coordinator becomes the lead itself; `same_words`: the unit would be told to do the same twice."""

_STATES: dict[State, Words] = {
    "rehearsing": Words("đang diễn tập", "being rehearsed"),
    "rehearsed": Words("đã diễn tập", "rehearsed"),
    "ordered": Words("đã có lệnh thực hiện", "ordered"),
    "executing": Words("đang thực hiện", "being carried out"),
    "executed": Words("đã thực hiện xong", "carried out"),
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


class Check(BaseModel):
    """What was found in all tasks once the last one was handed over, against what was counted while they were."""

    tasks: int
    lost: int
    """Counted, and in no task."""
    doubled: int
    """Hand-overs beyond the first of one task."""


@dataclass(frozen=True, slots=True)
class Received:
    """What one unit has taken over: its digest."""

    unit_id: str
    from_unit_ids: list[str]
    tasks: int
    person_ids: list[str]


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
    ordered: Said | None = None
    begun_at: datetime | None = None
    executed_at: datetime | None = None
    check: Check | None = None
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

    def decide(self, unit_ids: list[str], task_ids: list[str]) -> None:
        """Say that it was decided whose the tasks of these units, and these tasks, will be."""
        self.require_state("rehearsed", "ordered", "executing", verb=Words("quyết định", "decided upon"))
        self.record(events.ReorganisationDecided(**self._public(), unit_ids=unit_ids, task_ids=task_ids))

    def order(self, said: Said, undecided: Iterable[FieldProblem]) -> None:
        """Have it carried out from its day on. Raises `RuleBroken` while something is undecided, each unit with its number."""
        self.require_state("rehearsed", verb=Words("thực hiện", "carried out"))
        if problems := list(undecided):
            raise RuleBroken(Words("Còn việc chưa có quyết định.", "Something is undecided."), problems)
        self.state, self.ordered = "ordered", said
        self.record(events.ReorganisationOrdered(**self._public()))

    def begin(self, at: datetime) -> None:
        """The day has begun: from now on it is gone through with."""
        self.state, self.begun_at = "executing", at

    def conclude(self, at: datetime, check: Check, received: Iterable[Received], *, adds_up: bool) -> None:
        """Every task is handed over: tell every unit once, and close it."""
        self.state, self.executed_at, self.check = "executed", at, check
        for one in received:
            self.record(events.UnitReceived(**self._public(), **asdict(one)))
        self.record(events.ReorganisationExecuted(**self._public(), tasks=check.tasks, adds_up=adds_up))

    def discard(self, said: Said) -> None:
        """Call it off, on recorded words; it is no undoing: once begun it is gone through with."""
        self.require_state("rehearsing", "rehearsed", "ordered", verb=Words("bỏ", "discarded"))
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
    default: str | None = None
    """The unit that takes its tasks over, unless it was decided otherwise for one of them."""
    decided: Said | None = None
    before: Tally = Field(default_factory=Tally)
    """Tasks that were handed over because of it, as they stood before, and after."""
    after: Tally = Field(default_factory=Tally)
    crossed: dict[str, int] = Field(default_factory=dict)
    """What levels gained and lost by tasks that went from one level to another, as the list of successions has it."""

    @staticmethod
    def id_of(reorganisation_id: str, unit_id: str) -> str:
        return f"{reorganisation_id}/{unit_id}"

    @property
    def fate(self) -> Fate:
        return Fate(self.unit_id, self.how, tuple(self.heirs), self.default)

    def count(self, before: Tally, after: Tally, crossed: Mapping[str, int]) -> None:
        """Add what one transaction handed over."""
        self.before, self.after = self.before + before, self.after + after
        for level, gained in crossed.items():
            self.crossed[level] = self.crossed.get(level, 0) + gained


@dataclass(frozen=True, slots=True)
class Sum:
    """What was handed over in all, and whether it adds up: by state and by paper as before, by level but for what crossed."""

    before: Tally
    after: Tally
    crossed: dict[str, int]

    @classmethod
    def of(cls, moves: Iterable[UnitMove]) -> Sum:
        before, after, crossed = Tally(), Tally(), Counter[str]()
        for move in moves:
            before, after = before + move.before, after + move.after
            for level, gained in move.crossed.items():
                crossed[level] += gained
        return cls(before, after, {level: gained for level, gained in crossed.items() if gained})

    def adds_up(self, check: Check | None) -> bool:
        """True when nothing was lost or doubled so far."""
        due = {level: number for level in {*self.before.by_level, *self.crossed} if (number := self._due(level))}
        same = due == self.after.by_level and self.before.by_state == self.after.by_state
        same = same and self.before.by_directive == self.after.by_directive and self.before.tasks == self.after.tasks
        return same and (check is None or (check.lost, check.doubled) == (0, 0))

    def _due(self, level: str) -> int:
        return self.before.by_level.get(level, 0) + self.crossed.get(level, 0)


def crossing(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """What levels gain and lose by tasks that go from the first to the second of each pair."""
    gained = Counter[str]()
    for before, after in pairs:
        gained[after] += 1
        gained[before] -= 1
    return {level: number for level, number in gained.items() if number}


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
    chosen: str | None = None
    """The unit that was chosen for this very task."""
    decided: Said | None = None

    @staticmethod
    def id_of(reorganisation_id: str, task_id: str) -> str:
        return f"{reorganisation_id}/{task_id}"
