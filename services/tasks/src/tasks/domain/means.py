"""What is kept of a task's means: evidence with its reviews, resources, parts of
coordinators, marks, parties, no work. The rules stand in the modules that act on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field

from common.domain import Day
from tasks.domain.exact import Exact
from tasks.domain.kept import Kept
from tasks.domain.matters import Said
from tasks.domain.product import EvidenceKind

Verdict = Literal["seen", "accepted", "rejected"]
Reviewed = Literal["unreviewed", "accepted", "rejected", "superseded"]

Feasibility = Literal["feasible", "doubtful", "infeasible"]
Priority = Literal["high", "normal", "low"]
PartyKind = Literal["prestigious_person", "youth_union", "firm", "cooperative", "other"]
PartDecision = Literal["accept", "return", "withdraw"]
ResourceKind = Literal["people", "money", "equipment"]


class Review(Kept):
    """Who on the approver's side saw a piece of evidence, when, and what they said of it."""

    at: datetime
    by: str
    verdict: Verdict
    words: str = ""
    reason_code: str | None = None


class Evidence(Kept):
    """What shows that the work was done (minh chứng): a task is done only with verifiable evidence (11-KH/BCĐ).

    It is never edited: another piece supersedes it, and both stay.
    """

    id: str
    kind: EvidenceKind
    title: str
    url: str | None = None
    file: str | None = None
    """Where the file is kept, as its keeper names it; `sha256` says which bytes are meant."""
    sha256: str | None = None
    criteria: list[str] = Field(default_factory=list)
    """The criteria that it shows met, in their words: one that is worded anew is to be proven anew."""
    added_at: datetime
    added_by: str
    superseded_by: str | None = None
    reviews: list[Review] = Field(default_factory=list)
    """The last one that decided counts, the earlier stay."""

    @property
    def state(self) -> Reviewed:
        if self.superseded_by is not None:
            return "superseded"
        for one in reversed(self.reviews):
            if one.verdict != "seen":
                return one.verdict
        return "unreviewed"

    @property
    def counts(self) -> bool:
        """False for what was rejected or superseded: it proves nothing."""
        return self.state in ("unreviewed", "accepted")


class Money(Kept):
    """Money of one fund (nguồn kinh phí), in whole đồng: exact, never a float."""

    number: int
    source: str
    planned: int | None = None
    granted: int | None = None
    spent: int = 0

    @property
    def overspent(self) -> bool:
        return self.spent > (self.granted or 0)


class Equipment(Kept):
    what: str
    number: int


class Resources(Kept):
    """Who and what a task is done with (nguồn lực): the meeting asked for a person *with the resources* (DOMAIN 0)."""

    people: int | None = None
    months: Exact | None = None
    """Person-months over all of them."""
    money: list[Money] = Field(default_factory=list)
    equipment: list[Equipment] = Field(default_factory=list)


class HandedIn(Said):
    """A coordinating unit's words on its part, with where the part is to be looked at."""

    url: str | None = None
    file: str | None = None
    sha256: str | None = None


class PartAnswer(Said):
    decision: PartDecision


class Part(Kept):
    """What one coordinating unit does for the task, by its own day: coordinators answer for the quality and time of their part,
    the lead's head for the whole (11-KH/BCĐ; DOMAIN 2.1).
    """

    number: int
    unit_id: str
    due_on: Day
    asked: Said
    state: Literal["asked", "submitted", "accepted", "withdrawn"] = "asked"
    submitted_on: Day | None = None
    handed_in: list[HandedIn] = Field(default_factory=list)
    """Every time it was handed in, the last one counts."""
    answers: list[PartAnswer] = Field(default_factory=list)
    told: int = 0
    """As `Task.told`: 0 nobody was told of its day, 1 that it is near, 2 that it has passed."""

    @property
    def missing(self) -> bool:
        """True while the lead needs it and has not accepted it."""
        return self.state in ("asked", "submitted")


class FeasibilityMark(Said):
    value: Feasibility


class PriorityMark(Said):
    value: Priority


class Rating(Kept):
    """Marks that people set, each by whom and why: the meeting asked to pick tasks that can be done (DOMAIN 0)."""

    feasibility: FeasibilityMark | None = None
    priority: PriorityMark | None = None
    focus: Said | None = None
    """Set while the task stands on the short list."""


class Party(Kept):
    """Somebody who takes part without an account (người có uy tín, đoàn thanh niên, doanh nghiệp, hợp tác xã; DOMAIN 0), called
    by role and never by name.
    """

    id: str
    kind: PartyKind
    label: str
    unit_id: str
    """The unit through which they are reached."""
    named: Said
    """What is asked of them, in words."""
    reached: list[Said] = Field(default_factory=list)
    removed: Said | None = None


class NoWork(Kept):
    """What was said of a period without work, and the answer: both texts stay."""

    stated: Said
    state: Literal["stated", "confirmed", "rejected"] = "stated"
    answered: Said | None = None


def lacks_kind(kind: EvidenceKind | None, pieces: Iterable[Evidence]) -> bool:
    """True when evidence of a kind is asked for and none that counts is of it."""
    return kind is not None and all(one.kind != kind for one in pieces if one.counts)
