"""Targets and how they stand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from common.domain import local_day
from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.target import Actual, TargetActual
from tasks.features.target_view import TargetView
from tasks.store import TARGET_ACTUALS, TARGETS, existing

routes = Routes("targets")


class ActualView(View):
    id: str
    actual: Actual

    @classmethod
    def of(cls, one: TargetActual) -> ActualView:
        return cls(id=one.id, actual=one.actual)


@routes.get("/targets", response_model=Items[TargetView])
async def list_targets(
    call: Annotated[Call, reads("targets:read")],
    listing: Paged,
    source: Annotated[str | None, Query(max_length=300, description="The paper that sets them")] = None,
) -> Response:
    """Targets by id, each with its progress against time today."""
    query: dict[str, Any] = {} if source is None else {"source": source}
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$gt": after}
    found = await call.reader.find(TARGETS, query, sort=("_id",), limit=listing.limit + 1)
    today = local_day(call.units.clock())
    return call.page(found, listing, lambda one: one.id, lambda one: TargetView.on(one, today, call.actor))


@routes.get("/targets/{target_id}", response_model=TargetView)
async def show_target(target_id: str, call: Annotated[Call, reads("targets:read")]) -> Response:
    """One target with its baseline, its latest figures and its progress against time."""
    target = await existing(call.reader, TARGETS, target_id)
    return call.one(TargetView.on(target, local_day(call.units.clock()), call.actor))


@routes.get("/targets/{target_id}/actuals", response_model=Items[ActualView])
async def list_actuals(target_id: str, call: Annotated[Call, reads("targets:read")], listing: Paged) -> Response:
    """Every figure that was told of a target, the last told first: of the province and of the caller's units."""
    target = await existing(call.reader, TARGETS, target_id)
    query: dict[str, Any] = {"target_id": target.id}
    if call.actor.units is not None:
        query["actual.unit_id"] = {"$in": [None, *sorted(call.actor.units)]}
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$lt": after}
    found = await call.reader.find(TARGET_ACTUALS, query, sort=("-_id",), limit=listing.limit + 1)
    return call.page(found, listing, lambda one: one.id, ActualView.of)
