"""The tasks that the caller may see, by what they are and how they stand."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Response

from common.domain import local_day
from common.http import Call, Items, Paged, Routes, reads
from tasks.features.task_filters import Filters, TaskQuery, ViewName, asked_for
from tasks.features.task_view import TaskLine
from tasks.store import committee

routes = Routes("tasks")
Asked = Annotated[Filters, Depends()]
Saved = Annotated[ViewName | None, Query(description="A list that the caller saved; what is given beside it goes before it")]


async def tasks_asked_for(call: Call, filters: Filters, view: str | None) -> TaskQuery:
    """The list that the caller means, today. Raises `NotFound` for a saved list that there is not."""
    asked = await asked_for(call.reader, call.actor, filters, view)
    return TaskQuery(asked, call.actor, local_day(call.units.clock()), await committee(call.reader))


@routes.get("/tasks", response_model=Items[TaskLine])
async def list_tasks(
    call: Annotated[Call, reads("tasks:read")], listing: Paged, filters: Asked, view: Saved = None
) -> Response:
    """Tasks that match everything asked for, newest first unless `sort` says otherwise."""
    wanted = await tasks_asked_for(call, filters, view)
    after = wanted.behind(call.after(listing))
    found = await wanted.page(call.reader, after, listing.limit + 1)
    return call.page(found, listing, wanted.place, lambda task: TaskLine.on(task, wanted.today, wanted.rules))
