"""Reorganisations, and what a rehearsal found: unit by unit, task by task."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field

from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.handover import How
from tasks.domain.permissions import check_standing_agency
from tasks.domain.reorganisation import Finding, Outcome, TaskMove, UnitMove
from tasks.domain.task import State
from tasks.features.life_view import SaidView
from tasks.features.reorganisation_view import PlanId, ReorganisationView, find_plan, to_show
from tasks.store import REORGANISATIONS, TASK_MOVES, UNIT_MOVES, moves_of_units, unit_names

routes = Routes("reorganisations")
Wanted = Annotated[str | None, Query(max_length=128)]


class HeirView(View):
    unit_id: str
    name: str


class UnitMoveView(View):
    """One unit and what becomes of its tasks."""

    unit_id: str
    name: str
    level: str
    how: How = Field(description="`rule`: one successor; `choice`: several, or a part; `orphan`: none")
    ends: bool = Field(description="False: it goes on and gives a part away")
    heirs: list[HeirView] = Field(description="Who may take its tasks over; of an orphan any unit that stands on the day")
    tasks: int = Field(description="Alive, that it led or coordinated when this was rehearsed")
    people: int = Field(description="In office there: no rule places them")
    default: str | None = Field(description="Decided for all of its tasks about which nothing else was decided")
    decided: SaidView | None


class TaskMoveView(View):
    """One task of the last rehearsal, as it stood then."""

    task_id: str
    title: str
    state: State
    directive_id: str | None
    unit_id: str = Field(description="Because of which it is touched")
    outcome: Outcome
    lead_before: str | None
    lead_after: str | None = Field(description="null while somebody has to choose")
    chosen: str | None = Field(description="Decided for this very task")
    decided: SaidView | None
    coordinators_before: list[str]
    coordinators_after: list[str]
    findings: list[Finding] = Field(
        description="`double_lead`: a coordinator becomes the lead and leads alone; `same_words`: its new lead would be told"
        " the same twice"
    )


@routes.get("/reorganisations", response_model=Items[ReorganisationView])
async def list_reorganisations(call: Annotated[Call, reads("reorganisations:read")], listing: Paged) -> Response:
    """All of them, the newest first. For callers who act for the whole province."""
    check_standing_agency(call.actor)
    after = call.after(listing)
    query: dict[str, Any] = {} if after is None else {"_id": {"$lt": after}}
    found = await call.reader.find(REORGANISATIONS, query, sort=("-_id",), limit=listing.limit + 1)
    shown = [await to_show(call.reader, plan) for plan in found]
    return call.page(shown, listing, lambda one: one.plan.id, ReorganisationView.of)


@routes.get("/reorganisations/{plan_id}", response_model=ReorganisationView)
async def show_reorganisation(plan_id: PlanId, call: Annotated[Call, reads("reorganisations:read")]) -> Response:
    """One of them: what was found in rehearsing it, and how far it is."""
    plan = await find_plan(call.reader, call.actor, plan_id)
    return call.one(ReorganisationView.of(await to_show(call.reader, plan)), plan.version)


@routes.get("/reorganisations/{plan_id}/units", response_model=Items[UnitMoveView])
async def list_units_of_reorganisation(
    plan_id: PlanId, call: Annotated[Call, reads("reorganisations:read")], listing: Paged, how: How | None = None
) -> Response:
    """The units that end or give a part away, by id."""
    plan = await find_plan(call.reader, call.actor, plan_id)
    query: dict[str, Any] = {"reorganisation_id": plan.id, "unit_id": {"$gt": call.after(listing) or ""}}
    if how is not None:
        query["how"] = how
    found = await call.reader.find(UNIT_MOVES, query, sort=("unit_id",), limit=listing.limit + 1)
    names = await unit_names(call.reader, [unit for one in found for unit in (one.unit_id, *one.heirs)])

    def view(move: UnitMove) -> UnitMoveView:
        heirs = [{"unit_id": heir, "name": names[heir]} for heir in move.heirs]
        stored = move.model_dump(include=set(UnitMoveView.model_fields))
        return UnitMoveView.model_validate(stored | {"name": names[move.unit_id], "heirs": heirs})

    return call.page(found, listing, lambda move: move.unit_id, view)


@routes.get("/reorganisations/{plan_id}/tasks", response_model=Items[TaskMoveView])
async def list_tasks_of_reorganisation(
    plan_id: PlanId,
    call: Annotated[Call, reads("reorganisations:read")],
    listing: Paged,
    outcome: Outcome | None = None,
    finding: Finding | None = None,
    undecided: Annotated[bool, Query(description="Only those of which nobody has said whose they will be")] = False,
    unit: Wanted = None,
) -> Response:
    """The tasks of the last rehearsal, by id; with what was decided since."""
    plan = await find_plan(call.reader, call.actor, plan_id)
    number = 0 if plan.rehearsal is None else plan.rehearsal.number
    query: dict[str, Any] = {"reorganisation_id": plan.id, "rehearsal": number}
    query |= {name: value for name, value in {"outcome": outcome, "findings": finding, "unit_id": unit}.items() if value}
    query["task_id"] = {"$gt": call.after(listing) or ""}
    defaults = {one.unit_id: one.default for one in await moves_of_units(call.reader, [plan.id]) if one.default is not None}
    if undecided:
        asking = {"outcome": {"$in": ["choice", "orphan"]}, "chosen": None, "unit_id": {"$nin": sorted(defaults)}}
        query = {"$and": [query, asking]}
    found = await call.reader.find(TASK_MOVES, query, sort=("task_id",), limit=listing.limit + 1)

    def view(move: TaskMove) -> TaskMoveView:
        stored = move.model_dump(include=set(TaskMoveView.model_fields))
        if move.outcome in ("choice", "orphan"):
            stored["lead_after"] = move.chosen or defaults.get(move.unit_id)
        return TaskMoveView.model_validate(stored)

    return call.page(found, listing, lambda move: move.task_id, view)
