"""Freeze a month of a plan: a document that can be asked for again byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from common.domain import local_day
from common.errors import FieldProblem, RuleBroken, Words
from common.http import Command, Effect, Routes, writes
from common.repository import Reader
from common.unit_of_work import UnitOfWork
from tasks.domain.committee import Committee
from tasks.domain.handover import led_on
from tasks.domain.month import PERIOD, Month
from tasks.domain.permissions import check_standing_agency
from tasks.domain.report import (
    Frozen,
    Report,
    Row,
    outcome_of,
    period_key,
    period_row,
    periods_from,
    row_of,
    submission_row,
)
from tasks.domain.reporting import PLAN_ID, ReportPlan
from tasks.features.report_view import ReportView, body_of
from tasks.store import (
    DIRECTIVES,
    REPORT_BODIES,
    REPORT_PLANS,
    REPORTS,
    by_id,
    committee,
    last_report,
    periods_due,
    submissions_of,
    submissions_since,
    tasks_of_plan,
    unit_names,
)

routes = Routes("reports")
SECONDS = 20.0
"""Budget of one freeze: a plan of some thousand tasks on the local server."""


class FreezeReport(Command):
    plan_id: Annotated[str, Field(pattern=PLAN_ID)]
    period: Annotated[str, Field(pattern=PERIOD, description="The month")]


async def handle(command: FreezeReport, uow: UnitOfWork) -> Report:
    """Raises `Forbidden` for callers limited to some units, `NotFound`, `RuleBroken` before the month has closed."""
    check_standing_agency(uow.actor)
    return await freeze(uow, command.plan_id, Month.read(command.period))


async def freeze(uow: UnitOfWork, plan_id: str, period: Month) -> Report:
    """The report of a month; one that was frozen is given again, whatever has happened since.

    Months are frozen one after the other, each once its last day has ended: so each says what differs from the one before.
    """
    if (known := await uow.get(REPORTS, Report.id_of(plan_id, str(period)))) is not None:
        return known
    plan = await uow.load(REPORT_PLANS, plan_id)
    last = await last_report(uow, plan_id)
    today, settings = local_day(uow.now), await committee(uow)
    _check_turn(plan, period, next_period(plan, last))
    if period > plan.newest_closed(today):
        raise _not_yet(plan, period)
    previous = None if last is None else await body_of(uow, last)
    rows, periods = await _rows(uow, plan, settings, today, periods_from(previous, period))
    frozen = Frozen(
        plan=plan,
        period=str(period),
        as_of=uow.now,
        day=today,
        committee=settings,
        rows=rows,
        periods=periods,
        previous=previous,
        previous_sha256=None if last is None else last.sha256,
        submissions=[submission_row(one) for one in await submissions_of(uow, plan_id, str(period)) if one.handed_in],
        late_submissions=[] if previous is None else await _late_submissions(uow, plan, period, previous),
    )
    report, body = await asyncio.to_thread(Report.freeze, frozen, str(uow.actor))
    uow.add(REPORT_BODIES, body)
    return uow.save(REPORTS, report)


def next_period(plan: ReportPlan, last: Report | None) -> Month:
    """The month whose turn it is."""
    return Month.read(plan.first_period) if last is None else Month.read(last.period).plus(1)


async def _rows(
    uow: UnitOfWork, plan: ReportPlan, settings: Committee, today: date, since: date
) -> tuple[list[Row], list[Row]]:
    """The rows of the plan's tasks, and of their periods that fell due since a day."""
    reader = Reader(uow.database, uow.session)  # the tasks pass by: the unit of work would keep them all
    rows: list[Row] = []
    periods: list[Row] = []
    async for page in tasks_of_plan(reader, plan):
        papers = await by_id(reader, DIRECTIVES, [task.directive_id for task in page])
        tasks = {task.id: task for task in page}
        fell_due = [(tasks[one.task_id], one) for one in await periods_due(reader, tasks, since, today - timedelta(days=1))]
        units = {unit for task in page for unit in (task.lead_unit_id, *task.coordinator_unit_ids)}
        units |= {led_on(task, one.due_on) for task, one in fell_due}
        names = await unit_names(reader, [unit for unit in units if unit is not None])
        rows += [row_of(task, today, settings, names, papers) for task in page]
        outcomes = [(task, one, outcome_of(task, one, today, settings)) for task, one in fell_due]
        periods += [period_row(task, one, outcome, names) for task, one, outcome in outcomes if outcome is not None]
        await asyncio.sleep(0)
    return sorted(rows, key=lambda row: str(row["task_id"])), sorted(periods, key=period_key)


async def _late_submissions(
    uow: UnitOfWork, plan: ReportPlan, period: Month, previous: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What came in for earlier months and no report has told of: also what was being written as the last one was frozen."""
    told = {(one["unit_id"], one["period"]) for one in (*previous["submissions"], *previous["late_submissions"])}
    since = datetime.fromisoformat(previous["as_of"]) - _OVERLAP
    found = await submissions_since(uow, plan.id, since)
    return [submission_row(one) for one in found if one.period < str(period) and (one.unit_id, one.period) not in told]


_OVERLAP = timedelta(hours=1)
"""Longer than any transaction lasts."""


def _check_turn(plan: ReportPlan, period: Month, turn: Month) -> None:
    if period == turn:
        return
    message = Words(f"Kỳ tiếp theo phải chốt của «{plan.id}» là {turn}.", f"The next month of '{plan.id}' is {turn}.")
    repair = Words(f"Hãy chốt kỳ {turn} trước.", f"Freeze {turn} first.")
    raise RuleBroken(message, [FieldProblem("period", "not_its_turn", message, repair, str(period))])


def _not_yet(plan: ReportPlan, period: Month) -> RuleBroken:
    day = plan.closes(period)
    message = Words(
        f"Kỳ {period} còn nhận số liệu đến hết ngày {day:%d/%m/%Y}.",
        f"The month {period} takes figures until the end of {day}.",
    )
    repair = Words("Hãy chốt sau ngày đó, hoặc sửa lịch báo cáo.", "Freeze it after that day, or change the calendar.")
    return RuleBroken(message, [FieldProblem("period", "not_closed", message, repair, str(period))])


@routes.post("/reports", status_code=201, response_model=ReportView)
async def freeze_report(command: FreezeReport, effect: Annotated[Effect, writes("reports:write")]) -> Response:
    """Freeze a month whose last day has ended; the worker does so by itself. Frozen already, it is given as it is."""
    return await effect.run(
        handle,
        command,
        lambda report: ReportView.of(report, effect.actor),
        status=201,
        location=lambda report: f"/v1/reports/{report.id}",
        seconds=SECONDS,
    )
