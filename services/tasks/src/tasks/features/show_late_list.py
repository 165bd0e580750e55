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
from tasks.domain.report import late_rows, row_of, stood_on
from tasks.features.report_view import Period, PlanId, body_of, find_report
from tasks.store import TASKS, committee

routes = Routes("reports")


class LateTask(View):
    """A task that was overdue when the month was frozen. Units are named, people are not."""

    task: str
    task_id: str
    title: str
    lead_unit_id: str | None
    lead: str
    assigning_document: str
    deadline_written: str
    due_on: date
    days_overdue: int = Field(description="On the day of the freeze")
    disputed: bool = Field(description="A dispute of the unit waits for its answer today")
    no_longer: bool = Field(description="By what is known today it was not overdue then")


@routes.get("/reports/{plan_id}/{period}/late", response_model=Items[LateTask])
async def show_late_list(
    plan_id: PlanId, period: Period, call: Annotated[Call, reads("reports:read")], listing: Paged
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
    page = [row for row in rows if _key(row) > after][: listing.limit + 1]
    rules, ids = await committee(call.reader), [row["task_id"] for row in page]
    tasks = {task.id: task for task in await call.reader.find(TASKS, {"_id": {"$in": ids}})}

    def shown(row: dict[str, Any]) -> LateTask:
        task, day = tasks.get(row["task_id"]), report.frozen_on
        then = None if task is None else stood_on(row_of(task, day, rules, {}, {}), day, rules.lateness_counts)
        found = {"no_longer": then != "overdue", "disputed": task is not None and is_disputed(task)}
        return LateTask.model_validate({**row, **found, "task": f"/v1/tasks/{row['task_id']}"})

    return call.page(page, listing, _key, shown)


def _key(row: dict[str, Any]) -> str:
    return f"{row['due_on']}/{row['task_id']}"
