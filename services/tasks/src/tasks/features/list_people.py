"""People of the caller's units, without their names."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from common.http import Call, Items, Paged, Routes, reads
from common.observability import Log
from tasks.domain.directory import Position
from tasks.features.person_view import PersonView
from tasks.store import PEOPLE, of_units

log = Log(__name__)
routes = Routes("people")


@routes.get("/people", response_model=Items[PersonView])
async def list_people(
    call: Annotated[Call, reads("people:read")],
    listing: Paged,
    unit: Annotated[str | None, Query(max_length=128)] = None,
    position: Position | None = None,
    active: bool | None = None,
) -> Response:
    """People, by id. Who holds which position is personnel data: the reading is logged."""
    asked = {"position": position, "active": active}
    query: dict[str, Any] = {name: value for name, value in asked.items() if value is not None} | of_units(call.actor, unit)
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$gt": after}
    found = await call.reader.find(PEOPLE, query, sort=("_id",), limit=listing.limit + 1)
    log.info("people_read", actor=str(call.actor), count=len(found[: listing.limit]))
    return call.page(found, listing, lambda person: person.id, PersonView.of)
