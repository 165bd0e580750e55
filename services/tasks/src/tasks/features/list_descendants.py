"""What stands below a task: all that carry it out, at any depth."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, get_args

from fastapi import Query, Response
from pydantic import Field

from common.contracts.fields import Timeliness
from common.domain import local_day
from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.chain import LONGEST, due_before
from tasks.domain.task import State
from tasks.domain.timeliness import timeliness
from tasks.features.headed_page import headed
from tasks.features.task_command import find_task
from tasks.features.task_view import TaskLine
from tasks.store import TASKS, Below, by_id, committee, seen_as, tasks_below

routes = Routes("tasks")


class Head(View):
    """What holds of the whole list, whatever its page and whatever is asked for."""

    task_id: str
    as_of: date
    total: int = Field(description="Below it, at any depth, and the caller's to see")
    by_depth: list[int] = Field(description="Children, grandchildren and so on; adds up to `total`")
    by_state: dict[State, int] = Field(description="Adds up to `total`")
    by_timeliness: dict[Timeliness, int] = Field(description="Adds up to `total` less the cancelled")
    due_after_parent: int = Field(description="Due after a task above, which is worth a look")


class Descendant(TaskLine):
    """A task in the list of those below another one."""

    depth: int = Field(description="1: a child")
    due_after_parent: bool = Field(description="Due after one of the tasks above it in this list")


class Descendants(Items[Descendant], Head):
    """A page of them."""


@routes.get("/tasks/{task_id}/descendants", response_model=Descendants)
async def list_descendants(
    task_id: str,
    call: Annotated[Call, reads("tasks:read")],
    listing: Paged,
    depth: Annotated[int | None, Query(ge=1, le=LONGEST, description="At most so deep; 1: children alone")] = None,
    unit: Annotated[str | None, Query(max_length=128, description="Leads it")] = None,
    state: State | None = None,
    due_after_parent: Annotated[bool | None, Query(description="Due after a task above")] = None,
) -> Response:
    """Nearest first, then oldest first; each task once, however many ways lead to it."""
    task = await find_task(call.reader, call.actor, task_id)
    today, rules = local_day(call.units.clock()), await committee(call.reader)
    whole, mine = await tasks_below(call.reader, task.id), seen_as(call.actor)
    seen = [one for one in whole if mine is None or not set(mine).isdisjoint(one.seen_by)]
    above = {one.id: one for one in whole} | {task.id: task}
    late = {one.id for one in seen if due_before(one, [above[key] for key in one.parent_task_ids if key in above])}
    after = call.after(listing) or ""
    wanted = [
        one
        for one in seen
        if _key(one) > after
        and (depth is None or one.depth <= depth)
        and unit in (None, one.lead_unit_id)
        and state in (None, one.state)
        and due_after_parent in (None, one.id in late)
    ]
    rows = wanted[: listing.limit + 1]
    tasks = await by_id(call.reader, TASKS, [one.id for one in rows])

    def view(one: Below) -> Descendant:
        line = TaskLine.on(tasks[one.id], today, rules)
        return Descendant(**line.model_dump(), depth=one.depth, due_after_parent=one.id in late)

    depths = Counter(one.depth for one in seen)
    stands = Counter(timeliness(one, today, rules) for one in seen)
    states = Counter(one.state for one in seen)
    head = Head.model_validate({
        "task_id": task.id,
        "as_of": today,
        "total": len(seen),
        "by_depth": [depths[deep] for deep in range(1, max(depths, default=0) + 1)],
        "by_state": {name: states[name] for name in get_args(State)},
        "by_timeliness": {name: stands[name] for name in get_args(Timeliness)},
        "due_after_parent": len(late),
    })  # fmt: skip
    return headed(head, call.page(rows, listing, _key, view))


def _key(one: Below) -> str:
    return f"{one.depth}/{one.order}"
