"""Copy of the people of the tasks service, fed by its events: who may come in, and in what position."""

from __future__ import annotations

from common.contracts.tasks import PersonChanged, PersonRegistered
from common.domain import Document


class Person(Document):
    """Somebody in a position of a unit, by opaque id."""

    unit_id: str
    position: str
    active: bool

    @classmethod
    def copy_of(cls, event: PersonRegistered | PersonChanged) -> Person:
        return cls(id=event.person_id, unit_id=event.unit_id, position=event.position, active=event.active)
