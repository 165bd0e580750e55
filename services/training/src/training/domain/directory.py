"""Copies of what the tasks service owns, fed by its events: the people who may learn, and the units they belong to."""

from __future__ import annotations

from common.contracts.tasks import PersonChanged, PersonRegistered, UnitChanged, UnitRegistered
from common.domain import Document


class Person(Document):
    """Somebody in a position of a unit, by opaque id; the name never leaves its owner."""

    unit_id: str
    position: str
    audiences: list[str]
    active: bool
    relied_on: int = 0
    """Counts decisions that were taken on the strength of this copy. Each of them writes it, so that such a decision and
    a change of the person collide and one of the two is done again, instead of passing each other unseen."""

    @classmethod
    def copy_of(cls, event: PersonRegistered | PersonChanged) -> Person:
        return cls(
            id=event.person_id,
            unit_id=event.unit_id,
            position=event.position,
            audiences=event.audiences,
            active=event.active,
        )


class Unit(Document):
    """What a unit is called; its id is its `unit_uid`."""

    full_name: str

    @classmethod
    def copy_of(cls, event: UnitRegistered | UnitChanged) -> Unit:
        return cls(id=event.unit_id, full_name=event.full_name)
