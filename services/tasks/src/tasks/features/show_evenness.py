"""How evenly open tasks lie on the units of a level."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from fastapi import Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from common.domain import local_day
from common.http import Call, Routes, View, reads
from tasks.domain.directory import Level
from tasks.domain.evenness import Share, evenness
from tasks.domain.exact import Exact, shown
from tasks.domain.permissions import check_standing_agency
from tasks.store import UNITS, load_by_unit, standing_on

routes = Routes("tasks")
_OVER, _UNDER = Fraction(3, 2), Fraction(1, 2)


def _not_negative(value: Fraction) -> Fraction:
    if value < 0:
        raise PydanticCustomError("greater_than_equal", "Input should be greater than or equal to {ge}", {"ge": 0})
    return value


NotNegative = Annotated[Exact, AfterValidator(_not_negative)]


class ShareView(View):
    unit_id: str
    name: str
    load: int
    of_mean: Exact
    tasks: str


class EvennessView(View):
    level: str
    units: int
    total: int
    mean: Exact | None
    gini: Exact | None = Field(description="0: all carry the same; towards 1: one carries everything; null: nothing to carry")
    shown: str | None
    over: list[ShareView]
    under: list[ShareView]


@routes.get("/summary/evenness", response_model=EvennessView)
async def show_evenness(
    call: Annotated[Call, reads("summary:read")],
    level: Annotated[Level, Query(description="Units of this level that stand today")] = "commune",
    directive: Annotated[str | None, Query(max_length=128)] = None,
    over: Annotated[
        NotNegative | None, Query(description="Who carries so many times the mean, or more; 1.5 when left out")
    ] = None,
    under: Annotated[
        NotNegative | None, Query(description="Who carries so much of the mean, or less; 0.5 when left out")
    ] = None,
) -> Response:
    """Open tasks by lead unit: one figure of how uneven, who is over and who is under. Units without any task count."""
    check_standing_agency(call.actor)
    today = local_day(call.units.clock())
    units = await call.reader.find(UNITS, {"$and": [{"level": level}, standing_on(today)]}, sort=("level", "_id"))
    loads = await load_by_unit(call.reader, directive)
    found = evenness(
        {unit.id: loads.get(unit.id, 0) for unit in units}, _OVER if over is None else over, _UNDER if under is None else under
    )
    names = {unit.id: unit.full_name for unit in units}

    def shares(given: list[Share]) -> list[ShareView]:
        return [
            ShareView(
                unit_id=one.unit_id,
                name=names[one.unit_id],
                load=one.load,
                of_mean=one.of_mean,
                tasks=f"/v1/tasks?unit={one.unit_id}",
            )
            for one in given
        ]

    return call.one(
        EvennessView(
            level=level,
            units=found.units,
            total=found.total,
            mean=found.mean,
            gini=found.gini,
            shown=None if found.gini is None else shown(found.gini, 4),
            over=shares(found.over),
            under=shares(found.under),
        )
    )
