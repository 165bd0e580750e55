"""Put a reporting calendar into force, or change its days."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import AfterValidator, Field

from common.domain import local_day
from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.month import PERIOD, Month
from tasks.domain.permissions import check_standing_agency
from tasks.domain.reporting import CALENDAR_OF_COMMITTEE, PLAN_ID, ReportPlan
from tasks.domain.text import tidy
from tasks.domain.working_days import WeekendRule
from tasks.features.merge_patch import MergePatch
from tasks.features.report_plan_view import ReportPlanView
from tasks.store import DIRECTIVES, REPORT_PLANS

routes = Routes("committee")
DayOfMonth = Annotated[int, Field(strict=True, ge=1, le=31)]


class ReportPlanSettings(MergePatch):
    """The given settings change, the others stay."""

    title: Annotated[str, AfterValidator(tidy), Field(min_length=3, max_length=300)] = "Báo cáo tháng của Ban Chỉ đạo"
    directive_id: Annotated[str | None, Field(max_length=128, description="Only tasks of this paper; null: all")] = None
    unit_day: Annotated[DayOfMonth, Field(description="Units hand in by the end of this day")] = 22
    last_day: Annotated[DayOfMonth, Field(description="Figures are frozen as this day ends")] = 23
    report_day: Annotated[DayOfMonth, Field(description="The frozen report goes up by this day")] = 25
    weekend: Annotated[WeekendRule, Field(description="Where a day goes that falls on a weekend: no source says")] = "keep"
    appeal_days: Annotated[int, Field(strict=True, ge=0, le=90, description="Before the late list is public")] = 5
    samples: Annotated[bool, Field(strict=True, description="Report on sample tasks as well")] = False
    first_period: Annotated[str, Field(pattern=PERIOD, description="The first month that is frozen: this one or the last")] = ""


class SetReportPlan(Command):
    plan_id: str
    expected_version: int | None
    changes: dict[str, Any]


async def handle(command: SetReportPlan, uow: UnitOfWork) -> ReportPlan:
    """Raises `Forbidden` for a caller who is limited to some units, `Invalid` for an unknown paper or days out of order."""
    check_standing_agency(uow.actor)
    changes = dict(command.changes)
    paper = changes.get("directive_id")
    if paper is not None and await uow.get(DIRECTIVES, paper) is None:
        raise _wrong("directive_id", "directive_unknown", "Văn bản chưa được đăng ký.", "The paper is not registered.", paper)
    this = Month.of(local_day(uow.now))
    if "first_period" in changes and Month.read(changes["first_period"]) < this.plus(-1):
        raise _wrong(
            "first_period",
            "first_period_past",
            "Không chốt lùi: số liệu của tháng đó không còn như lúc ấy.",
            "Nothing is frozen backwards: the figures of that month are no longer what they were.",
            changes["first_period"],
        )
    plan = await uow.get(REPORT_PLANS, command.plan_id)
    if plan is None:
        if command.plan_id != CALENDAR_OF_COMMITTEE and "title" not in changes:
            raise _wrong("title", "title_missing", "Lịch báo cáo cần có tên.", "A calendar needs a title.", "")
        given = {"title": ReportPlanSettings().title, "first_period": str(this)} | changes
        plan, changes = ReportPlan(id=command.plan_id, **given), {}
    check_version(plan, command.expected_version)
    return uow.save(REPORT_PLANS, plan) if plan.decide(changes) else plan


def _wrong(field: str, code: str, vi: str, en: str, quote: str) -> Invalid:
    message = Words(vi, en)
    repair = Words(f"Hãy sửa trường {field}.", f"Mend the field {field}.")
    return Invalid(message, [FieldProblem(field, code, message, repair, quote or None)])


@routes.patch("/committee/report-plans/{plan_id}", response_model=ReportPlanView)
async def set_report_plan(
    plan_id: Annotated[str, Path(pattern=PLAN_ID, description="`committee`, or a name for the plan of one paper")],
    body: ReportPlanSettings,
    effect: Annotated[Effect, writes("committee:write")],
) -> Response:
    """Put a calendar into force or change it (JSON merge patch). From then on its months are frozen by themselves."""
    command = SetReportPlan(plan_id=plan_id, expected_version=effect.if_match, changes=body.given())
    return await effect.run(handle, command, ReportPlanView.of)
