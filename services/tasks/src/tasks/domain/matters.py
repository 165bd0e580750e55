"""What is kept of a task beside its life: extensions, disputes, remedy plans, commitments. Both sides' words stay."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import Field

from common.contracts.tasks_life import DisputeKind
from common.domain import Day
from common.errors import FieldProblem, Words
from tasks.domain.kept import Kept

Level = Literal["approver", "standing_agency", "committee_leader"]
"""Who may decide, the lowest first."""
DecidedBy = Literal["by_source", "approver", "standing_agency"]
"""Who grants an extension: this level, or the one that the source of the deadline asks for."""
LEVELS: tuple[Level, ...] = ("approver", "standing_agency", "committee_leader")
Told = Literal["responsible", "unit_head", "standing_agency", "committee_leader"]
"""Who is told of a late task, step by step."""


class Said(Kept):
    """Who said it, when, in which words."""

    at: datetime
    by: str
    words: str

    @classmethod
    def now(cls, at: datetime, by: object, words: str) -> Said:
        return cls(at=at, by=str(by), words=words)


class Extension(Kept):
    """One request for another due day (gia hạn) and what was decided: R of the field, only by authority (11-KH/BCĐ)."""

    number: int
    asked: Said
    due_before: Day
    wanted_on: Day
    level: Level
    """Who has to decide, by the committee's setting when it was asked."""
    state: Literal["asked", "granted", "refused"] = "asked"
    decided: Said | None = None
    granted_on: Day | None = None
    """The day that was granted: the wanted one, or another that the authority set."""


class Dispute(Kept):
    """One dispute (kiến nghị) and its answer; it goes up a level when it is not answered in time (DOMAIN 7.6)."""

    number: int
    kind: DisputeKind
    said: Said
    level: Level
    answer_by: Day
    raised_on: list[Day] = Field(default_factory=list)
    """The days on which it went one level up."""
    state: Literal["open", "upheld", "rejected"] = "open"
    answered: Said | None = None
    unit_id: str | None = None
    """The unit that led the task, whose dispute it is."""
    score_before_id: str | None = None
    score_after_id: str | None = None
    """The unit's score before and after the recomputation that an upheld dispute led to."""


class Milestone(Kept):
    due_on: Day
    words: str


class RemedyPlan(Kept):
    """How a unit will catch up (phương án khắc phục): its words and new milestones. The due day stays."""

    number: int
    given: Said
    milestones: list[Milestone]


class Commitment(Kept):
    """A letter of commitment (cam kết; 624/TB-VPCP) to hand in by a day. The due day stays."""

    number: int
    given: Said
    day: Day
    broken_told: bool = False
    """It was said that the day passed without the result."""


class CatchUp(Kept):
    """What a late task was asked for, and what its unit gave."""

    plan_asked_on: Day | None = None
    plan_reminded_on: list[Day] = Field(default_factory=list)
    plans: list[RemedyPlan] = Field(default_factory=list)
    commitment_asked_on: Day | None = None
    commitments: list[Commitment] = Field(default_factory=list)


def day_has_passed(field: str, day: date) -> FieldProblem:
    """What is wrong with a day that is promised or asked for and lies before today."""
    return FieldProblem(
        field,
        "day_has_passed",
        Words("Ngày này đã qua.", "This day has passed."),
        Words("Hãy chọn từ hôm nay trở đi.", "Choose today or later."),
        day.isoformat(),
    )


class Steps(Kept):
    """How far the clock's ladder was climbed: every step up to `days` after `counted_from` was said."""

    counted_from: Day
    days: int


class OpenPeriod(Kept):
    """What a task keeps of one of its periods until that is closed: enough to say how it stands (`tasks.domain.periods`)."""

    key: str
    due_on: Day
    submitted_on: Day | None = None
    completed_on: ClassVar[None] = None
    deadline_kind: ClassVar[str] = "date"

    @property
    def state(self) -> str:
        return "in_progress" if self.submitted_on is None else "submitted"

    @property
    def owed(self) -> bool:
        """True while whoever does the work has not handed it in, or handed it in late."""
        return self.submitted_on is None or self.submitted_on > self.due_on


class HandOver(Kept):
    """A reorganisation gave the task to another lead, or changed who coordinates it; units are equal when the lead stayed."""

    reorganisation_id: str
    on: Day
    """The day on which the succession took effect: what fell due before it was the former unit's."""
    at: datetime
    from_unit_id: str | None
    to_unit_id: str | None
    coordinators_before: list[str]
