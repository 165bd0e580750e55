"""Who has turned a paper into a paper of their own (cụ thể hóa), who is silent, and who says that it does not concern them.

The first criticism of the meeting of 25 April 2025 (DOMAIN 0): districts and the city had not concretised what they were
sent. A unit has done so on a day when a registered paper of its own stands below the directive, at any depth, and is in
force: a commune's paper under the province's plan carries the plan and what is above it.

**After a merger** (docs/adr/0009). What an old commune concretised counts for the new one only when each of its
predecessors did; when some did, it is `partly_carried`, and still owes a paper. A part of a split unit counts like a whole
one: its part of the territory needs a paper too. No source settles this; the stricter reading keeps a part of the new
territory from being forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from common.contracts.tasks_concretisation import (
    ConcretisationReminded,
    NotApplicableClaimed,
    NotApplicableConfirmed,
    NotApplicableRejected,
)
from common.domain import Aggregate, Day, Document
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.kept import Kept
from tasks.domain.working_days import WorkingDays

State = Literal["registered", "carried", "partly_carried", "claimed", "not_applicable", "silent"]
Decision = Literal["confirmed", "rejected"]
Ending = Literal["replaced", "repealed", "withdrawn"]
_DONE = frozenset({"registered", "carried"})


class Asked(Kept):
    """Whom a directive asks to concretise it, and for how many working days from its issue, when the paper says so."""

    model_config = ConfigDict(frozen=True)
    levels: list[str] = Field(default_factory=list)
    unit_ids: list[str] = Field(default_factory=list)
    working_days: int | None = None


class Entry(Kept):
    """A paper of the unit below the directive. `through` are the papers between the two, from the top down."""

    directive_id: str
    number: str
    issued_on: Day | None = None
    ended_how: Ending | None = None
    ended_on: Day | None = None
    through: list[str] = Field(default_factory=list)

    def in_force(self, day: date) -> bool:
        """A paper whose day is not known yet is taken as issued: the register holds it."""
        return (self.issued_on is None or self.issued_on <= day) and (self.ended_on is None or day < self.ended_on)


class Claim(Kept):
    """A unit says that a directive does not concern it; the standing agency confirms that or not. Both keep their words."""

    claimed_on: Day
    claimed_by: str
    words: str
    decision: Decision | None = None
    decided_on: Day | None = None
    decided_by: str | None = None
    decision_words: str = ""

    def on(self, day: date) -> Claim | None:
        """As it stood on a day; None when it had not been made."""
        if day < self.claimed_on:
            return None
        if self.decided_on is None or self.decided_on <= day:
            return self
        return Claim(claimed_on=self.claimed_on, claimed_by=self.claimed_by, words=self.words)


class Concretisation(Aggregate):
    """What there is to say of one unit and one directive. `papers` is a projection of the register of papers, kept by the
    transaction that changes it (`features/concretising.py`); claims and reminders are facts of their own.
    """

    noun: ClassVar = ("việc cụ thể hóa", "concretisation")
    directive_id: str
    unit_id: str
    papers: list[Entry] = Field(default_factory=list)
    claims: list[Claim] = Field(default_factory=list)
    reminded_on: list[Day] = Field(default_factory=list)

    @staticmethod
    def id_of(directive_id: str, unit_id: str) -> str:
        return f"{directive_id}/{unit_id}"

    def hold(self, entries: Iterable[Entry]) -> bool:
        """Take over what the register now holds, earliest first. False when it is the same. What a newer version wrote beside
        an entry stays with it.
        """
        beside = {one.directive_id: one.model_extra or {} for one in self.papers}
        held = (one.model_copy(update=beside.get(one.directive_id)) for one in entries)
        ordered = sorted(held, key=lambda one: (one.issued_on or date.max, one.directive_id))
        return self.adopt({"papers": ordered})

    def claim_not_applicable(self, paper: Paper, on: date, by: str, words: str) -> None:
        """The unit says that the directive does not concern it. Raises `RuleBroken` when it has a paper, or has said so."""
        if any(entry.in_force(on) for entry in self.papers):
            raise _broken(
                "concretised_already",
                Words("Đơn vị đã có văn bản cụ thể hóa.", "The unit has concretised it."),
                Words("Hãy xem văn bản ấy trước.", "Look at its paper first."),
            )
        if self.claims and self.claims[-1].decision != "rejected":
            raise _broken(
                "claimed_already",
                Words("Đơn vị đã báo là không áp dụng.", "The unit has said so already."),
                Words("Hãy chờ cơ quan thường trực trả lời.", "Wait for the standing agency's answer."),
            )
        self.claims.append(Claim(claimed_on=on, claimed_by=by, words=words))
        self.record(NotApplicableClaimed(**self._public(paper)))

    def decide_not_applicable(self, paper: Paper, decision: Decision, on: date, by: str, words: str) -> None:
        """The standing agency answers the claim. Raises `RuleBroken` when none waits for an answer."""
        if not self.claims or self.claims[-1].decision is not None:
            raise _broken(
                "nothing_claimed",
                Words("Không có đề nghị nào đang chờ trả lời.", "No claim waits for an answer."),
                Words("Hãy lọc bằng ?state=claimed.", "Filter by ?state=claimed."),
            )
        answered = {"decision": decision, "decided_on": on, "decided_by": by, "decision_words": words}
        self.claims[-1] = self.claims[-1].model_copy(update=answered)
        event = NotApplicableConfirmed if decision == "confirmed" else NotApplicableRejected
        self.record(event(**self._public(paper)))

    def again_on(self, every: int) -> date | None:
        """The day from which the unit may be reminded again: so many days after the last time."""
        return self.reminded_on[-1] + timedelta(days=every) if self.reminded_on else None

    def remind(self, paper: Paper, on: date, silent_days: int | None, due_on: date | None) -> None:
        """Ask the unit for its paper. Whoever calls has seen that it is silent and may be asked."""
        self.reminded_on.append(on)
        self.record(
            ConcretisationReminded(
                **self._public(paper), silent_working_days=silent_days, due_on=due_on, times=len(self.reminded_on)
            )
        )

    def _public(self, paper: Paper) -> dict[str, Any]:
        return {
            "concretisation_id": self.id,
            "directive_id": self.directive_id,
            "unit_id": self.unit_id,
            "number": paper.number,
            "issued_on": paper.issued_on,
        }


def _broken(code: str, message: Words, repair: Words) -> RuleBroken:
    return RuleBroken(message, [FieldProblem("unit_id", code, message, repair)])


class DirectiveLine(Document):
    """A line of a directive's history that is about units: kept apart, so that 124 of them do not wait for one paper."""

    directive_id: str
    at: datetime
    by: str
    what: Literal["not_applicable_claimed", "not_applicable_confirmed", "not_applicable_rejected", "reminded"]
    words: str = ""
    unit_ids: list[str] = Field(default_factory=list)


# --- the matrix on a day ---


@dataclass(frozen=True, slots=True)
class Paper:
    """The directive, as far as the matrix looks at it."""

    number: str
    issued_on: date | None
    working_days: int | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """What a predecessor had to say."""

    unit_id: str
    state: State
    paper: Entry | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one unit stands towards a directive on a day; lags in working days of the committee's calendar.

    `lag` counts from the directive's issue to the unit's first paper that was not taken back, also when another has since
    replaced it; below zero when that is older than the directive, which is worth a look. `silent` counts from the issue, or
    from the unit's own first day when that is later. `late` is None where the paper gives no number of days.
    """

    unit_id: str
    state: State
    paper: Entry | None = None
    first_issued_on: date | None = None
    lag: int | None = None
    silent: int | None = None
    due_on: date | None = None
    late: bool | None = None
    claim: Claim | None = None
    carried_from: tuple[Carried, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    state: State
    paper: Entry | None = None
    first: date | None = None
    claim: Claim | None = None
    carried: tuple[Carried, ...] = ()


class Matrix:
    """A directive and the units it asks, on a day. `rows` and `predecessors` are by unit."""

    def __init__(
        self,
        paper: Paper,
        day: date,
        calendar: WorkingDays,
        rows: Mapping[str, Concretisation],
        predecessors: Mapping[str, Sequence[str]],
    ) -> None:
        self.paper, self.day, self._calendar = paper, day, calendar
        self._rows, self._predecessors = rows, predecessors
        self._answers: dict[str, _Answer] = {}
        self._counted: dict[tuple[date, date], int] = {}

    def standing(self, unit_id: str, since: date | None = None) -> Standing:
        """Where a unit stands that exists since a day (None: since ever)."""
        answer, issued = self._answer(unit_id, frozenset()), self.paper.issued_on
        start = None if issued is None else max(issued, since or issued)
        given = self.paper.working_days
        due = None if start is None or given is None else self._calendar.after(start, given)
        lag = None if issued is None or answer.first is None else self._between(issued, answer.first)
        waits = answer.state not in _DONE and answer.state != "not_applicable"
        late = None
        if due is not None:
            late = self.day > due if waits else answer.first is not None and answer.first > due
        return Standing(
            unit_id=unit_id,
            state=answer.state,
            paper=answer.paper,
            first_issued_on=answer.first,
            lag=lag,
            silent=self._between(start, self.day) if waits and start is not None else None,
            due_on=due,
            late=late,
            claim=answer.claim,
            carried_from=answer.carried,
        )

    def _between(self, first: date, last: date) -> int:
        """Working days after one day up to another; below zero when they stand the other way round."""
        if last < first:
            return -self._between(last, first)
        if (first, last) not in self._counted:
            self._counted[first, last] = self._calendar.count(first + timedelta(days=1), last)
        return self._counted[first, last]

    def _answer(self, unit_id: str, passed: frozenset[str]) -> _Answer:
        if unit_id not in self._answers:
            own = self._own(unit_id)
            before = [one for one in self._predecessors.get(unit_id, ()) if one not in passed and one != unit_id]
            if own.state == "silent" and before:
                own = self._inherited(own, before, passed | {unit_id})
            self._answers[unit_id] = own
        return self._answers[unit_id]

    def _own(self, unit_id: str) -> _Answer:
        row = self._rows.get(unit_id)
        if row is None:
            return _Answer("silent")
        standing = [entry for entry in row.papers if entry.in_force(self.day)]
        if standing:
            replaced = [one for one in row.papers if one.ended_how == "replaced"]
            days = [one.issued_on for one in (*standing, *replaced) if one.issued_on is not None and one.issued_on <= self.day]
            return _Answer("registered", standing[0], min(days, default=None))
        claim = next((seen for one in reversed(row.claims) if (seen := one.on(self.day)) is not None), None)
        if claim is None:
            return _Answer("silent")
        states: dict[Decision | None, State] = {None: "claimed", "confirmed": "not_applicable", "rejected": "silent"}
        return _Answer(states[claim.decision], claim=claim)

    def _inherited(self, own: _Answer, before: Sequence[str], passed: frozenset[str]) -> _Answer:
        answers = {unit: self._answer(unit, passed) for unit in before}
        states = [answer.state for answer in answers.values()]
        carried = tuple(Carried(unit, answer.state, answer.paper) for unit, answer in answers.items())
        some = any(state in _DONE or state == "partly_carried" for state in states)
        if all(state in _DONE or state == "not_applicable" for state in states):
            if not some:
                return _Answer("not_applicable", claim=own.claim, carried=carried)
            firsts = [answer.first for answer in answers.values() if answer.first is not None]
            return _Answer("carried", first=max(firsts, default=None), claim=own.claim, carried=carried)
        return _Answer("partly_carried", claim=own.claim, carried=carried) if some else own
