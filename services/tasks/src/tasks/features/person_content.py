"""What callers say of a person, and what is checked about it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from common.domain import Actor
from common.errors import FieldProblem, Invalid, NotFound, Words
from common.repository import Reader
from tasks.domain.directory import Person, Position, Unit
from tasks.domain.rows_people import AUDIENCE, MAX_NAME
from tasks.domain.text import tidy
from tasks.store import UNITS

UnitId = Annotated[str, Field(min_length=1, max_length=128, examples=["vn:commune:00694@2025-07-01"])]
Name = Annotated[
    str,
    AfterValidator(tidy),
    Field(min_length=1, max_length=MAX_NAME, description="Personal data: kept apart, never in an event, erased with null"),
]
Audiences = Annotated[
    list[Annotated[str, Field(pattern=f"^{AUDIENCE}$")]],
    Field(max_length=30, examples=[["AUD-CBCC"]]),
    AfterValidator(lambda audiences: list(dict.fromkeys(audiences))),
]
Held = Annotated[Position, Field(description="The position that the person holds")]


async def check_unit(reader: Reader, actor: Actor, unit_id: str) -> None:
    """Raise `NotFound` for a unit that the actor may not act for, `Invalid` for one that is not registered."""
    if not actor.acts_for(unit_id):
        raise NotFound.of(Words(*Unit.noun), unit_id)
    if await reader.get(UNITS, unit_id) is None:
        message = Words("Không có đơn vị này trong danh mục.", "There is no such unit in the register.")
        repair = Words("Hãy tìm bằng GET /v1/units?q=.", "Look it up by GET /v1/units?q=.")
        raise Invalid(message, [FieldProblem("unit_id", "unit_unknown", message, repair, unit_id)])


def check_sees(actor: Actor, person: Person) -> None:
    """Raise `NotFound` unless the person belongs to a unit of the actor's."""
    if not actor.acts_for(person.unit_id):
        raise NotFound.of(Words(*Person.noun), person.id)
