"""How many tasks stand where: by state, and by timeliness."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, get_args

from fastapi import Query, Response
from pydantic import Field

from common.contracts.fields import IsoDay, Timeliness
from common.domain import local_day
from common.http import Call, Routes, View, reads
from tasks.domain.task import State
from tasks.domain.timeliness import timeliness
from tasks.store import committee, count_groups

routes = Routes("tasks")
Wanted = Annotated[str | None, Query(max_length=128)]


class Summary(View):
    as_of: date
    total: int
    by_state: dict[State, int] = Field(description="Adds up to the total")
    by_timeliness: dict[Timeliness, int] = Field(description="Adds up to the total less the cancelled")


@routes.get("/summary", response_model=Summary)
async def show_summary(
    call: Annotated[Call, reads("tasks:read")],
    unit: Wanted = None,
    directive: Wanted = None,
    as_of: Annotated[
        IsoDay | None, Query(description="The day against which the present states are held; today when left out")
    ] = None,
) -> Response:
    """Counts over the tasks that the caller may see."""
    day, rules = as_of or local_day(call.units.clock()), await committee(call.reader)
    states: Counter[str] = Counter(dict.fromkeys(get_args(State), 0))
    stands: Counter[str] = Counter(dict.fromkeys(get_args(Timeliness), 0))
    for group, count in await count_groups(call.reader, call.actor, unit, directive):
        states[group.state] += count
        if (found := timeliness(group, day, rules)) is not None:
            stands[found] += count
    return call.one(Summary.model_validate(
        {"as_of": day, "total": states.total(), "by_state": states, "by_timeliness": stands}
    ))  # fmt: skip
