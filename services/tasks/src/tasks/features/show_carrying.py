"""Which of the units that a task addresses have a task of their own below it, and which are silent."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Annotated, cast, get_args

from fastapi import Query, Response
from pydantic import Field

from common.contracts.fields import Timeliness
from common.domain import local_day
from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.chain import Carrying, carrying
from tasks.domain.concretisation import Asked
from tasks.domain.directory import Level, Unit
from tasks.domain.task import State
from tasks.domain.timeliness import timeliness
from tasks.features.headed_page import headed
from tasks.features.task_command import find_task
from tasks.store import Below, committee, tasks_below, units_asked

routes = Routes("tasks")


class Head(View):
    """What holds of the whole list, whatever its page and whichever state is asked for."""

    task_id: str
    as_of: date
    asks_of: Asked | None = Field(description="null: it does not say whom it asks; `level` then says whom to look at")
    units: int = Field(description="Addressed today, of the level if one is given, and the caller's to see")
    counts: dict[Carrying, int] = Field(description="Adds up to `units`")


class OwnTaskView(View):
    task_id: str
    depth: int = Field(description="1: a child")
    state: State
    timeliness: Timeliness | None
    due_on: date | None


class CarryingView(View):
    unit_id: str
    name: str
    level: str
    state: Carrying = Field(
        description="draft: it wrote a task below this one down, and has issued none; silent: not even that"
    )
    tasks: list[OwnTaskView] = Field(description="Those below this one that the unit leads, nearest first")
    silent_working_days: int | None = Field(description="Since this task was issued, or since the unit exists")


class CarryingPage(Items[CarryingView], Head):
    """A page of units."""


@routes.get("/tasks/{task_id}/concretisation", response_model=CarryingPage)
async def show_carrying(
    task_id: str,
    call: Annotated[Call, reads("tasks:read")],
    listing: Paged,
    level: Level | None = None,
    state: Annotated[Carrying | None, Query(description="`silent`: who owes a task, in one call")] = None,
) -> Response:
    """By unit: what it leads below the task, at any depth, or for how long it has been silent."""
    task = await find_task(call.reader, call.actor, task_id)
    today, rules = local_day(call.units.clock()), await committee(call.reader)
    asked = await units_asked(call.reader, task.asks_of or Asked(levels=[] if level is None else [level]), today)
    units = {one.id: one for one in asked.values() if level in (None, one.level) and call.actor.acts_for(one.id)}
    led: dict[str, list[Below]] = {unit: [] for unit in units}
    for one in await tasks_below(call.reader, task.id):
        led.get(one.lead_unit_id or "", []).append(one)
    states = {unit: carrying(one.state for one in tasks) for unit, tasks in led.items()}
    found, after = Counter(states.values()), call.after(listing) or ""

    def view(unit: Unit) -> CarryingView:
        since = None if states[unit.id] == "issued" else task.published_on
        silent = None
        if since is not None:
            silent = rules.working_days.count(max(since, unit.valid_from or since) + timedelta(days=1), today)
        return CarryingView(
            unit_id=unit.id,
            name=unit.full_name,
            level=unit.level,
            state=states[unit.id],
            tasks=[
                OwnTaskView(
                    task_id=one.id,
                    depth=one.depth,
                    state=cast("State", one.state),
                    timeliness=timeliness(one, today, rules),
                    due_on=one.due_on,
                )
                for one in led[unit.id]
            ],
            silent_working_days=silent,
        )

    wanted = [one for key, one in units.items() if key > after and state in (None, states[key])]
    head = Head(
        task_id=task.id,
        as_of=today,
        asks_of=task.asks_of,
        units=len(units),
        counts={one: found[one] for one in get_args(Carrying)},
    )
    return headed(head, call.page(wanted[: listing.limit + 1], listing, lambda unit: unit.id, view))
