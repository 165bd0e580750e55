"""Move or promote a person, say that they left, correct or erase their name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field, StrictBool

from common.errors import NotFound, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.directory import Person
from tasks.features.person_content import Audiences, Held, Name, UnitId, check_unit
from tasks.features.person_view import PersonView
from tasks.store import NAMES, PEOPLE, erase_name, keep_name

routes = Routes("people")


class PersonChanges(Command):
    """What is not given stays; `"name": null` erases the name."""

    unit_id: UnitId = ""
    position: Held = "officer"
    audiences: Audiences = Field(default_factory=list)
    active: StrictBool = True
    name: Name | None = None


class ChangePerson(Command):
    person_id: str
    expected_version: int | None
    changes: dict[str, Any]


async def handle(command: ChangePerson, uow: UnitOfWork) -> Person:
    """Raises `NotFound` for a person or a new unit that is foreign, `Invalid` for a unit that is not registered."""
    person = await uow.load(PEOPLE, command.person_id)
    if not uow.actor.acts_for(person.unit_id):
        raise NotFound.of(Words(*Person.noun), person.id)
    await uow.load(PEOPLE, command.person_id, expected=command.expected_version)
    changes = dict(command.changes)
    if "unit_id" in changes:
        await check_unit(uow, uow.actor, changes["unit_id"])
    renamed = "name" in changes and await _rename(uow, person.id, changes.pop("name"))
    if person.change(changes) or renamed:
        uow.save(PEOPLE, person)  # for a name alone as well: the version is the ETag of what is shown
    return person


async def _rename(uow: UnitOfWork, person_id: str, name: str | None) -> bool:
    """Keep or erase the name; False when it is that already."""
    kept = await uow.get(NAMES, person_id)
    if name == (None if kept is None else kept.name):
        return False
    if name is None:
        await erase_name(uow, person_id)
    else:
        keep_name(uow, person_id, name)
    return True


@routes.patch("/people/{person_id}", response_model=PersonView)
async def change_person(person_id: str, body: PersonChanges, effect: Annotated[Effect, writes("people:write")]) -> Response:
    """Change the given fields (JSON merge patch). What changes nothing leaves the version as it is."""
    command = ChangePerson(person_id=person_id, expected_version=effect.if_match, changes=body.model_dump(exclude_unset=True))
    return await effect.run(handle, command, PersonView.of)
