"""A period of a task as callers see it, and the one shape of every command on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field

from common.contracts.fields import Timeliness
from common.domain import Actor, local_day
from common.errors import NotFound, Words
from common.http import Effect, View
from common.unit_of_work import UnitOfWork
from tasks.domain.committee import Committee
from tasks.domain.handover import led_on
from tasks.domain.periods import Period, PeriodState
from tasks.domain.task import Task
from tasks.domain.timeliness import own_timeliness
from tasks.features.life_view import SaidView
from tasks.features.means_view import EvidenceView, evidence_views
from tasks.features.task_command import B, OnTask, load_task
from tasks.store import PERIODS, committee, save_task


class OnPeriod(OnTask[B]):
    """A command on one period; `expected_version` is that of its task, which it changes together with."""

    key: str

    @classmethod
    def of_period(cls, task_id: str, key: str, effect: Effect, body: B) -> OnPeriod[B]:
        return cls(task_id=task_id, key=key, expected_version=effect.if_match, body=body)


@dataclass(frozen=True, slots=True)
class ShownPeriod:
    """A period with all that is needed to show it on a day; its version is that of its task."""

    task: Task
    period: Period
    today: date
    rules: Committee

    @property
    def version(self) -> int:
        return self.task.version


async def load_period(uow: UnitOfWork, command: OnPeriod[B], check: Callable[[Actor, Task], None]) -> tuple[Task, Period]:
    """The task and its period. Raises what `load_task` raises, and `NotFound` for a period that was not opened."""
    task = await load_task(uow, command, check)
    period = await uow.get(PERIODS, Period.id_of(task.id, command.key))
    if period is None:
        raise NotFound.of(Words(*Period.noun), command.key)
    return task, period


async def saved_period(uow: UnitOfWork, task: Task, period: Period) -> ShownPeriod:
    """Save what was done with the period, and answer with it."""
    uow.put(PERIODS, period)
    save_task(uow, task)
    return ShownPeriod(task, period, local_day(uow.now), await committee(uow))


class NoWorkView(View):
    stated: SaidView
    state: Literal["stated", "confirmed", "rejected"]
    answered: SaidView | None


class PeriodView(View):
    task_id: str
    key: str = Field(description="Its key within the task", examples=["2026-11", "2026-Q4", "2026-H2", "2026", "E0001"])
    occasion: str = Field(description="What happened, for an occurrence of a task that waits for an event")
    starts_on: date
    ends_on: date
    due_on: date = Field(description="The day by whose end, in Asia/Ho_Chi_Minh, its result is due")
    state: PeriodState
    timeliness: Timeliness | None = Field(
        description="Computed from the clock, for this period alone; null where nothing is owed"
    )
    no_work: list[NoWorkView] = Field(description="What was said of no work, with the answers")
    report: str
    evidence: list[EvidenceView]
    submitted_on: date | None
    submitted_by_unit_id: str | None = Field(description="Which unit handed it in: the lead of that day")
    completed_on: date | None

    @classmethod
    def of(cls, shown: ShownPeriod) -> PeriodView:
        return cls.on(shown.task, shown.period, shown.today, shown.rules)

    @classmethod
    def on(cls, task: Task, period: Period, today: date, rules: Committee) -> PeriodView:
        stands = _stands(task, period, today, rules)
        unit = None if period.submitted_on is None else led_on(task, period.submitted_on)
        shown = {"timeliness": stands, "submitted_by_unit_id": unit, "evidence": evidence_views(period.evidence)}
        return cls.model_validate(period.model_dump(include=set(cls.model_fields)) | shown)


def _stands(task: Task, period: Period, today: date, rules: Committee) -> Timeliness | None:
    if period.state == "without_work":
        return None
    if period.state == "completed" or task.owes(period.due_on):
        return own_timeliness(period, today, rules)
    return "paused" if task.state == "paused" else None
