"""The periods of a task, or what happened of what it waits for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response

from common.domain import local_day
from common.http import Call, Items, Paged, Routes, reads
from tasks.features.period_view import PeriodView
from tasks.features.task_command import find_task
from tasks.store import PERIODS, committee, period_order

routes = Routes("tasks")


@routes.get("/tasks/{task_id}/periods", response_model=Items[PeriodView])
async def list_periods(task_id: str, call: Annotated[Call, reads("tasks:read")], listing: Paged) -> Response:
    """Periods that were opened, newest first, each with its own due day, result and timeliness."""
    task = await find_task(call.reader, call.actor, task_id)
    today, rules = local_day(call.units.clock()), await committee(call.reader)
    query: dict[str, Any] = {"task_id": task.id}
    if (after := call.after(listing)) is not None:
        query["_d.order"] = {"$lt": after}
    found = await call.reader.find(PERIODS, query, sort=("-_d.order",), limit=listing.limit + 1)
    return call.page(found, listing, period_order, lambda period: PeriodView.on(task, period, today, rules))
