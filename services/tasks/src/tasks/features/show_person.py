"""One person; the name for those alone who keep the register of people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import NotFound, Words
from common.http import Call, Routes, reads
from common.observability import Log
from tasks.domain.directory import Person
from tasks.features.person_view import NamedPersonView
from tasks.store import NAMES, PEOPLE

log = Log(__name__)
routes = Routes("people")


@routes.get("/people/{person_id}", response_model=NamedPersonView)
async def show_person(person_id: str, call: Annotated[Call, reads("people:read")]) -> Response:
    """A person of a unit of the caller's. The reading is logged, with the id if the name was shown."""
    person = await call.reader.get(PEOPLE, person_id)
    if person is None or not call.actor.acts_for(person.unit_id):
        raise NotFound.of(Words(*Person.noun), person_id)
    kept = await call.reader.get(NAMES, person_id) if call.actor.may("people:write") else None
    if kept is None:
        log.info("people_read", actor=str(call.actor), count=1)
    else:
        log.info("person_name_read", actor=str(call.actor), person=person_id)
    return call.one(NamedPersonView.named(person, None if kept is None else kept.name), person.version)
