"""The late list of a month: public once the units have had their time to object."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from common.domain import local_day
from common.errors import FieldProblem, RuleBroken, Words
from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.dispute import is_disputed
from tasks.domain.periods import Period
from tasks.domain.report import late_key, late_rows, period_stood_on, row_of, stood_on
from tasks.features.report_view import Period as Month
from tasks.features.report_view import PlanId, body_of, find_report
from tasks.store import PERIODS, TASKS, by_id, committee

routes = Routes("reports")


class LateTask(View):
    """A task, or a period of one, that was overdue when the month was frozen. Units are named, people are not."""

    task: str
    task_id: str
    title: str
    lead_unit_id: str | None
    lead: str
    assigning_document: str
    deadline_written: str
    due_on: date
    period: str | None = Field(description="The period that was late; null when the task itself was")
    days_overdue: int = Field(description="On the day of the freeze")
    disputed: bool = Field(description="A dispute of the unit waits for its answer today")
    no_longer: bool = Field(description="By what is known today it was not overdue then")


@routes.get("/reports/{plan_id}/{period}/late", response_model=Items[LateTask])
async def show_late_list(
    plan_id: PlanId, period: Month, call: Annotated[Call, reads("reports:read")], listing: Paged
) -> Response:
    """Tasks overdue at the freeze, the longest first (11-KH/BCĐ: a public list each month). 409 before the appeal window of
    the plan has ended; the standing agency sees it before.
    """
    report = await find_report(call.reader, plan_id, period)
    public = local_day(call.units.clock()) >= report.public_from
    if not public and call.actor.units is not None:
        day = report.public_from
        message = Words(f"Danh sách công khai từ ngày {day:%d/%m/%Y}.", f"The list is public from {day}.")
        repair = Words(
            "Đơn vị xem phần của mình: GET /v1/reports/{plan}/{period}/rows?timeliness=overdue.",
            "A unit sees its own part: GET /v1/reports/{plan}/{period}/rows?timeliness=overdue.",
        )
        raise RuleBroken(message, [FieldProblem("period", "appeal_window_open", message, repair, period)])
    rows = list(late_rows(await body_of(call.reader, report)))
    after = call.after(listing) or ""
    page = [row for row in rows if late_key(row) > after][: listing.limit + 1]
    rules, tasks = await committee(call.reader), await by_id(call.reader, TASKS, [row["task_id"] for row in page])
    named = [Period.id_of(row["task_id"], row["period"]) for row in page if row["period"] is not None]
    periods = await by_id(call.reader, PERIODS, named)

    def shown(row: dict[str, Any]) -> LateTask:
        task, day, then = tasks.get(row["task_id"]), report.frozen_on, None
        if row["period"] is not None:
            one = periods.get(Period.id_of(row["task_id"], row["period"]))
            then = None if task is None or one is None else period_stood_on(task, one, day, rules.lateness_counts)
        elif task is not None:
            then = stood_on(row_of(task, day, rules, {}, {}), day, rules.lateness_counts)
        found = {"no_longer": then != "overdue", "disputed": task is not None and is_disputed(task)}
        return LateTask.model_validate({**row, **found, "task": f"/v1/tasks/{row['task_id']}"})

    return call.page(page, listing, late_key, shown)
