"""A task as callers see it: its words beside their meaning, how it stands, and what speaks against its clears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from common.contracts.fields import Timeliness
from common.domain import local_day
from common.http import View
from common.repository import Reader
from common.unit_of_work import UnitOfWork
from tasks.domain.chain import due_after_parent
from tasks.domain.clears import Clear, Facts, Key, clears
from tasks.domain.committee import Committee
from tasks.domain.concretisation import Asked
from tasks.domain.deadline import Cadence
from tasks.domain.marks import Mark, marks
from tasks.domain.product import EvidenceKind, ProductKind
from tasks.domain.task import Asks, State, Task
from tasks.domain.timeliness import days_left, own_timeliness, timeliness
from tasks.domain.waiting import days_waited
from tasks.features import life_view, means_view
from tasks.features.finding_view import FindingView
from tasks.features.life_view import LifeView
from tasks.features.means_view import MeansView
from tasks.store import TASKS, by_id, facts_of, save_task


@dataclass(frozen=True, slots=True)
class ShownTask:
    """A task with all that is needed to show it on a day."""

    task: Task
    facts: Facts
    today: date
    parents: Sequence[Task] = ()

    @property
    def version(self) -> int:
        return self.task.version


async def to_show(reader: Reader, task: Task, now: datetime) -> ShownTask:
    """The task as it stands now."""
    today = local_day(now)
    parents = await by_id(reader, TASKS, task.parent_task_ids)
    return ShownTask(task, await facts_of(reader, task, today), today, list(parents.values()))


async def saved(uow: UnitOfWork, task: Task) -> ShownTask:
    """Save what was done with the task, and answer with the task."""
    return await to_show(uow, save_task(uow, task), uow.now)


class ClearView(View):
    """One clear that is met, or one reason why it is not: a clear has an entry for every reason."""

    key: Key
    met: bool
    field: str | None = Field(None, description="The field to mend")
    code: str | None = Field(None, examples=["lead_several"])
    because: str | None = None
    repair: str | None = None
    quote: str | None = Field(None, description="The very words that caused it")


class ClockView(View):
    directive_id: str
    issued_on: date
    due_on: date
    days_waited: int


class OpenPeriodView(View):
    key: str = Field(description="Its key within the task", examples=["2026-11"])
    due_on: date
    submitted_on: date | None
    timeliness: Timeliness


class TaskLine(View):
    """A task in a list."""

    id: str
    reference: str | None = Field(description="Its id in the plan that it was imported from", examples=["NQ03-114"])
    sample: Literal["foreign", "demo"] | None = Field(description="Set for sample data: other provinces', or invented")
    source: str
    group: str
    title: str
    directive_id: str | None
    parent_reference: str
    parent_task_ids: list[str] = Field(description="The tasks above that it carries out")
    lead_written: str = Field(description="The lead as the plan words it")
    lead_unit_id: str | None
    coordinators_written: str
    coordinator_unit_ids: list[str]
    responsible_id: str | None
    approver_id: str | None
    deadline_written: str = Field(description="The deadline as the plan words it")
    deadline_kind: str = Field(description="How it is worded", examples=["quarter"])
    due_on: date | None = Field(description="The day by whose end, in Asia/Ho_Chi_Minh, it is to be done")
    original_due_on: date | None = Field(description="The first due day, once an extension was granted")
    disputed: bool = Field(description="A dispute waits for its answer")
    starts_on: date | None
    calendar: Cadence | None = Field(description="How often a result is due: each period has its own")
    period_day: int | None
    waits_for: str = Field(description="The body whose paper its clock waits for, as the plan words it")
    waits_days: int | None
    waits_working: bool = Field(description="The days are working days")
    days_waited: int = Field(description="Booked to the body waited for, not to the unit")
    clock: ClockView | None = Field(description="The paper that started its clock")
    asks: Asks | None = Field(description="What somebody has to decide about it (decide-fate)")
    days_left: int | None = Field(description="To its own due day or that of a period, whichever is first; negative after it")
    timeliness: Timeliness | None = Field(
        description="Computed from the clock, the worst of its own day and of its open periods; null for a cancelled task"
    )
    open_periods: list[OpenPeriodView] = Field(description="Periods that are not closed and count, by due day: which is late")
    product: str
    product_kind: ProductKind | None
    evidence_kind: EvidenceKind | None
    authority: str
    marks: list[Mark] = Field(description="What is to be seen at once of its means")
    state: State
    percent: int
    submissions: int = Field(description="How often its result was handed in")
    submitted_on: date | None
    completed_on: date | None
    created_at: datetime

    @classmethod
    def on(cls, task: Task, today: date, committee: Committee) -> TaskLine:
        return cls.model_validate(_stored(task) | _standing(task, today, committee))


class TaskView(TaskLine, LifeView, MeansView):
    """A task whole."""

    asks_of: Asked | None = Field(description="Whom it asks for a task of their own below it")
    clears: list[ClearView]
    findings: list[FindingView] = Field(description="Worth a look, and no obstacle: `due_after_parent`")

    @classmethod
    def of(cls, shown: ShownTask) -> TaskView:
        task = shown.task
        rules = shown.facts.committee
        late = due_after_parent(task, shown.parents)
        found = {
            "clears": _clear_views(clears(task, shown.facts)),
            "findings": [] if late is None else [FindingView.of(late)],
            **life_view.in_whole(task, shown.today, rules),
            **means_view.in_whole(task, shown.today),
        }
        return cls.model_validate(_stored(task) | _standing(task, shown.today, rules) | found)


def _stored(task: Task) -> dict[str, Any]:
    return task.model_dump(include=set(TaskView.model_fields))


def _standing(task: Task, today: date, committee: Committee) -> dict[str, Any]:
    return {
        "timeliness": timeliness(task, today, committee),
        "open_periods": [
            {
                "key": one.key,
                "due_on": one.due_on,
                "submitted_on": one.submitted_on,
                "timeliness": own_timeliness(one, today, committee),
            }
            for one in task.owed_periods
        ],
        "days_left": days_left(task, today),
        "days_waited": days_waited(task, today),
        **life_view.in_line(task),
        "marks": marks(task),
    }


def _clear_views(found: Sequence[Clear]) -> list[ClearView]:
    views: list[ClearView] = []
    for clear in found:
        if clear.met:
            views.append(ClearView(key=clear.key, met=True))
        views += [
            ClearView(
                key=clear.key,
                met=False,
                field=reason.field,
                code=reason.code,
                because=str(reason.message),
                repair=str(reason.repair),
                quote=reason.quote,
            )
            for reason in clear.against
        ]
    return views
