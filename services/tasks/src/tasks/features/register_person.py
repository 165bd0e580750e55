"""Register a person: an opaque id in a unit and a position, and the name apart from it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field, StrictBool

from common.http import Command, Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from tasks.domain.directory import Person
from tasks.features.person_content import Audiences, Held, Name, UnitId, check_unit
from tasks.features.person_view import PersonView
from tasks.store import PEOPLE, keep_name

routes = Routes("people")


class RegisterPerson(Command):
    unit_id: UnitId
    position: Held
    audiences: Audiences = Field(default_factory=list)
    active: StrictBool = True
    name: Name | None = None


async def handle(command: RegisterPerson, uow: UnitOfWork) -> Person:
    """Raises `NotFound` for a foreign unit, `Invalid` for one that is not registered."""
    await check_unit(uow, uow.actor, command.unit_id)
    person = Person(id=new_id(), **command.model_dump(exclude={"name"})).register()
    if command.name is not None:
        keep_name(uow, person.id, command.name)
    return uow.save(PEOPLE, person)


@routes.post("/people", status_code=201, response_model=PersonView)
async def register_person(command: RegisterPerson, effect: Annotated[Effect, writes("people:write")]) -> Response:
    """Register a person. The answer is remembered for repeats, so it never holds the name."""
    return await effect.run(handle, command, PersonView.of, status=201, location=lambda person: f"/v1/people/{person.id}")
