"""What each unit, or each person, carries on a day."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.domain import local_day
from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.load import load_of
from tasks.store import PEOPLE, Holder, by_id, committee, holders_behind, loads_by, of_units

routes = Routes("tasks")


class LoadLine(View):
    unit_id: str | None = Field(description="The unit, or that of the person")
    person_id: str | None
    open: int
    overdue: int
    load: int = Field(description="Open tasks, weighed by their priority where the committee says so")
    tasks: str = Field(description="Where they are listed")


@routes.get("/summary/load", response_model=Items[LoadLine])
async def show_load(
    call: Annotated[Call, reads("summary:read")],
    listing: Paged,
    by: Literal["unit", "person"] = "unit",
    unit: Annotated[str | None, Query(max_length=128, description="Tasks that this unit leads")] = None,
    as_of: Annotated[
        IsoDay | None, Query(description="The day against which the present states are held; today when left out")
    ] = None,
) -> Response:
    """Open tasks by lead unit or by responsible person, of the units that the caller acts for; who carries none has no line."""
    day, rules = as_of or local_day(call.units.clock()), await committee(call.reader)
    holder: Holder = "_d.weighs_on_unit" if by == "unit" else "_d.weighs_on_person"
    of_actor = of_units(call.actor, unit, "_d.weighs_on_unit")
    carriers = await holders_behind(call.reader, holder, of_actor, call.after(listing) or "", listing.limit + 1)
    found = await loads_by(call.reader, holder, {"$and": [of_actor, {holder: {"$in": carriers}}]})
    people = await by_id(call.reader, PEOPLE, carriers) if by == "person" else {}

    def line(carrier: str) -> LoadLine:
        load = load_of(found.get(carrier, ()), day, rules)  # nothing: the last one was done this very moment
        person = people.get(carrier)
        return LoadLine(
            unit_id=carrier if by == "unit" else None if person is None else person.unit_id,
            person_id=carrier if by == "person" else None,
            open=load.open,
            overdue=load.overdue,
            load=load.weight,
            tasks=f"/v1/tasks?{'unit' if by == 'unit' else 'responsible'}={carrier}",
        )

    return call.page(carriers, listing, lambda carrier: carrier, line)
