"""The tasks that the caller may see, by what they are and how they stand."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Query, Response

from common.contracts.fields import Timeliness
from common.domain import local_day
from common.http import Call, Items, Paged, Routes, reads
from tasks.domain.marks import Mark
from tasks.domain.pending import Pending
from tasks.domain.task import State
from tasks.domain.timeliness import matching
from tasks.features.task_view import TaskLine
from tasks.store import TASKS, committee, order_key, searched_for, visible_tasks

routes = Routes("tasks")
Wanted = Annotated[str | None, Query(max_length=128)]


@routes.get("/tasks", response_model=Items[TaskLine])
async def list_tasks(
    call: Annotated[Call, reads("tasks:read")],
    listing: Paged,
    unit: Annotated[str | None, Query(max_length=128, description="Leads or coordinates it")] = None,
    directive: Wanted = None,
    state: State | None = None,
    timeliness: Timeliness | None = None,
    due_before: Annotated[date | None, Query(description="Due on an earlier day")] = None,
    responsible: Wanted = None,
    reference: Wanted = None,
    sample: Literal["foreign", "demo"] | None = None,
    asks: Annotated[Literal["directive_ended"] | None, Query(description="Somebody has to decide about it")] = None,
    pending: Annotated[Pending | None, Query(description="What waits for somebody")] = None,
    mark: Annotated[Mark | None, Query(description="What its means are marked with")] = None,
    focus: Annotated[bool | None, Query(description="Stands on the short list")] = None,
    owing: Annotated[str | None, Query(max_length=128, description="This unit owes the lead its part")] = None,
    disputed: Annotated[bool | None, Query(description="A dispute waits for its answer")] = None,
    q: Annotated[
        str | None,
        Query(max_length=200, description="All of these words, with or without tone marks; the last may be a beginning"),
    ] = None,
) -> Response:
    """Tasks that match everything asked for, newest first."""
    today, rules = local_day(call.units.clock()), await committee(call.reader)
    asked = {
        "_d.units": unit,
        "directive_id": directive,
        "state": state,
        "responsible_id": responsible,
        "reference": reference,
        "sample": sample,
        "asks": asks,
        "_d.pending": pending,
        "_d.marks": mark,
        "_d.owing": owing,
    }
    wanted: list[Any] = [{name: value for name, value in asked.items() if value is not None}, visible_tasks(call.actor)]
    if timeliness is not None:
        wanted.append(matching(timeliness, today, rules))
    if disputed is not None:
        wanted.append({"_d.pending": "dispute" if disputed else {"$ne": "dispute"}})
    if focus is not None:
        wanted.append({"_d.marks": "focus" if focus else {"$ne": "focus"}})
    if due_before is not None:
        wanted.append({"due_on": {"$lt": due_before.isoformat()}})
    if q is not None and q.strip():
        wanted.append(searched_for(q))
    if (after := call.after(listing)) is not None:
        wanted.append({"_d.order": {"$lt": after}})
    query = {"$and": [condition for condition in wanted if condition] or [{}]}
    found = await call.reader.find(TASKS, query, sort=("-_d.order",), limit=listing.limit + 1)
    return call.page(found, listing, order_key, lambda task: TaskLine.on(task, today, rules))
