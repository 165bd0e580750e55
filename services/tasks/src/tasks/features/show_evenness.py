"""How evenly open tasks lie on the units of a level, and on their people."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from common.domain import local_day
from common.http import Call, Routes, View, reads
from tasks.domain.directory import Level
from tasks.domain.evenness import Evenness, Share, evenness
from tasks.domain.exact import Exact, Given, shown
from tasks.domain.load import load_of
from tasks.domain.permissions import check_standing_agency
from tasks.store import PEOPLE, UNITS, Holder, committee, load_by_unit, loads_by, standing_on

routes = Routes("tasks")
_OVER, _UNDER = Fraction(3, 2), Fraction(1, 2)


def _not_negative(value: Fraction) -> Fraction:
    if value < 0:
        raise PydanticCustomError("greater_than_equal", "Input should be greater than or equal to {ge}", {"ge": 0})
    return value


NotNegative = Annotated[Given, AfterValidator(_not_negative)]


class ShareView(View):
    unit_id: str
    name: str
    load: int
    of_mean: Exact
    tasks: str


class PersonShareView(View):
    """Of a person the opaque id alone."""

    person_id: str
    unit_id: str
    load: int
    of_mean: Exact
    tasks: str


class FigureView(View):
    total: int
    mean: Exact | None
    gini: Exact | None = Field(description="0: all carry the same; towards 1: one carries everything; null: nothing to carry")
    shown: str | None


class PeopleEvennessView(FigureView):
    people: int = Field(description="In office in these units")
    over: list[PersonShareView]
    under: list[PersonShareView]


class EvennessView(FigureView):
    level: str
    units: int
    over: list[ShareView]
    under: list[ShareView]
    by_person: PeopleEvennessView | None = Field(description="When `people` is asked for")


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
    people: Annotated[bool, Query(description="By responsible person as well, by opaque id")] = False,
) -> Response:
    """Open tasks by lead unit, weighed where the committee says so: one figure of how uneven, who is over and who is under.
    Units and people without any task count.
    """
    check_standing_agency(call.actor)
    today, rules = local_day(call.units.clock()), await committee(call.reader)
    units = await call.reader.find(UNITS, {"$and": [{"level": level}, standing_on(today)]}, sort=("level", "_id"))
    bounds = _OVER if over is None else over, _UNDER if under is None else under
    query = {} if directive is None else {"directive_id": directive}

    async def weights(holder: Holder) -> dict[str, int]:
        carried = await loads_by(call.reader, holder, query)
        return {who: load_of(groups, today, rules).weight for who, groups in carried.items()}

    unweighed = rules.priority_weights is None  # a board knows how many tasks, not what each weighs
    loads = await load_by_unit(call.reader, directive) if unweighed else await weights("_d.weighs_on_unit")
    found = evenness({unit.id: loads.get(unit.id, 0) for unit in units}, *bounds)
    names = {unit.id: unit.full_name for unit in units}

    def shares(given: list[Share]) -> list[ShareView]:
        return [ShareView(unit_id=one.id, name=names[one.id], **_carried(one, "unit")) for one in given]

    by_person = None
    if people:
        query_people = {"unit_id": {"$in": sorted(names)}, "active": True}
        holders = {one.id: one.unit_id for one in await call.reader.find(PEOPLE, query_people)}
        theirs = await weights("_d.weighs_on_person")
        by_person = _of_people(holders, evenness({who: theirs.get(who, 0) for who in holders}, *bounds))
    return call.one(
        EvennessView(
            **_figure(found),
            level=level,
            units=found.units,
            over=shares(found.over),
            under=shares(found.under),
            by_person=by_person,
        )
    )


def _figure(found: Evenness) -> dict[str, Any]:
    digits = None if found.gini is None else shown(found.gini, 4)
    return {"total": found.total, "mean": found.mean, "gini": found.gini, "shown": digits}


def _carried(one: Share, by: str) -> dict[str, Any]:
    return {"load": one.load, "of_mean": one.of_mean, "tasks": f"/v1/tasks?{by}={one.id}"}


def _of_people(unit_of: Mapping[str, str], found: Evenness) -> PeopleEvennessView:
    def shares(given: list[Share]) -> list[PersonShareView]:
        return [PersonShareView(person_id=one.id, unit_id=unit_of[one.id], **_carried(one, "responsible")) for one in given]

    return PeopleEvennessView(
        **_figure(found), people=found.units, over=shares(found.over), under=shares(found.under)
    )  # fmt: skip
