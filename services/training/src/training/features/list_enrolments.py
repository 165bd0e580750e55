"""The enrolments of the caller's units, and one of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from common.errors import NotFound, Words
from common.http import Call, Items, Paged, Routes, reads
from common.observability import Log
from training.domain.enrolment import Enrolment, State
from training.features.enrolment_view import EnrolmentView
from training.store import ENROLMENTS, of_units

log = Log(__name__)
router = Routes("enrolments")
Filter = Annotated[str | None, Query(max_length=128)]


@router.get("/enrolments", response_model=Items[EnrolmentView])
async def list_enrolments(
    call: Annotated[Call, reads("enrolments:read")],
    listing: Paged,
    person: Filter = None,
    programme: Filter = None,
    unit: Filter = None,
    state: State | None = None,
) -> Response:
    """Enrolments, newest first. Who completed what is personnel data: the reading is logged."""
    asked = {"person_id": person, "programme_id": programme, "state": state}
    query: dict[str, Any] = {name: value for name, value in asked.items() if value is not None} | of_units(call.actor, unit)
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$lt": after}
    found = await call.reader.find(ENROLMENTS, query, sort=("-_id",), limit=listing.limit + 1)
    log.info("enrolments_read", actor=str(call.actor), count=len(found[: listing.limit]))
    return call.page(found, listing, lambda enrolment: enrolment.id, EnrolmentView.of)


@router.get("/enrolments/{enrolment_id}", response_model=EnrolmentView)
async def show_enrolment(enrolment_id: str, call: Annotated[Call, reads("enrolments:read")]) -> Response:
    """One enrolment."""
    enrolment = await call.reader.get(ENROLMENTS, enrolment_id)
    if enrolment is None or not call.actor.acts_for(enrolment.unit_id):
        raise NotFound.of(Words(*Enrolment.noun), enrolment_id)
    log.info("enrolments_read", actor=str(call.actor), count=1)
    return call.one(EnrolmentView.of(enrolment), enrolment.version)
