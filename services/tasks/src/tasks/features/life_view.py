"""What callers see of a task's extensions, disputes, remedy plans and commitments: both sides' words, with who and when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from common.contracts.tasks_life import DisputeKind
from common.http import View
from tasks.domain.catch_up import Owed, Standing, owed, standing_of
from tasks.domain.committee import Committee
from tasks.domain.dispute import is_disputed
from tasks.domain.handover import led_on
from tasks.domain.matters import Level
from tasks.domain.task import Task


class SaidView(View):
    at: datetime
    by: str
    words: str


class ExtensionView(View):
    number: int
    asked: SaidView
    due_before: date
    wanted_on: date
    level: Level = Field(description="Who decides")
    state: Literal["asked", "granted", "refused"]
    decided: SaidView | None
    granted_on: date | None


class DisputeView(View):
    number: int
    kind: DisputeKind
    said: SaidView
    level: Level = Field(description="Who answers now, or has answered")
    answer_by: date = Field(description="The last day for this level; then it goes one level up")
    raised_on: list[date] = Field(description="The days on which it went up")
    state: Literal["open", "upheld", "rejected"]
    answered: SaidView | None
    unit_id: str | None = Field(description="Whose dispute it is")
    score_before_id: str | None
    score_after_id: str | None = Field(description="The score that was computed anew; both remain")


class MilestoneView(View):
    due_on: date
    words: str


class RemedyPlanView(View):
    number: int
    given: SaidView
    milestones: list[MilestoneView]


class CommitmentView(View):
    number: int
    given: SaidView
    day: date
    stands: Standing = Field(description="Computed from the clock, never stored")


class HandOverView(View):
    reorganisation_id: str
    on: date = Field(description="The day on which the succession took effect")
    at: datetime
    from_unit_id: str | None
    to_unit_id: str | None = Field(description="The same when the lead stayed and coordinators alone changed")
    coordinators_before: list[str]


class LifeView(View):
    """What stands beside the life of a task."""

    handovers: list[HandOverView] = Field(description="What reorganisations did to it, oldest first")
    submitted_by_unit_id: str | None = Field(description="Which unit handed its result in: the lead of that day")

    extensions: list[ExtensionView]
    disputes: list[DisputeView]
    remedy_plans: list[RemedyPlanView] = Field(description="The last one counts, the earlier stay")
    commitments: list[CommitmentView]
    owed: list[Owed] = Field(description="What the clock asked for and was not given since")


def in_line(task: Task) -> dict[str, Any]:
    """What a task in a list shows of it."""
    return {"disputed": is_disputed(task)}


def in_whole(task: Task, today: date, rules: Committee) -> dict[str, Any]:
    """What a task whole shows of it, beside what it stores."""
    promises = [one.model_dump() | {"stands": standing_of(task, one, today, rules)} for one in task.catch_up.commitments]
    return {
        "remedy_plans": task.catch_up.model_dump()["plans"],
        "commitments": promises,
        "owed": owed(task),
        "submitted_by_unit_id": None if task.submitted_on is None else led_on(task, task.submitted_on),
    }
