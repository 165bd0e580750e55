"""The register of units on a day."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from common.contracts.fields import IsoDay
from common.domain import local_day
from common.http import Call, Items, Paged, Routes, reads
from tasks.domain.text import tokens
from tasks.features.unit_view import UnitView
from tasks.store import UNITS, standing_on

routes = Routes("units")
Filter = Annotated[str | None, Query(max_length=128)]


@routes.get("/units", response_model=Items[UnitView])
async def list_units(
    call: Annotated[Call, reads("units:read")],
    listing: Paged,
    level: Filter = None,
    parent: Filter = None,
    code: Filter = None,
    q: Annotated[str | None, Query(max_length=128, description="Words of the name; tone marks do not matter")] = None,
    as_of: Annotated[
        IsoDay | Literal["any"] | None,
        Query(description="The day (Asia/Ho_Chi_Minh) on which the units stand, today unless given; `any` takes every unit"),
    ] = None,
) -> Response:
    """Units, by id. The same code, and the same name, may belong to other units on another day."""
    asked = {"level": level, "parent_id": parent, "code": code}
    query: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if q is not None and (words := tokens(q)):
        query["_d.tokens"] = {"$all": words}
    if as_of != "any":
        query |= standing_on(as_of or local_day(call.units.clock()))
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$gt": after}
    found = await call.reader.find(UNITS, query, sort=("_id",), limit=listing.limit + 1)
    return call.page(found, listing, lambda unit: unit.id, UnitView.of)
