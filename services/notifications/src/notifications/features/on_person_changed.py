"""Keep the copy of people: who works where, in which position, and whether they still do."""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.tasks import PersonChanged, PersonRegistered
from common.unit_of_work import UnitOfWork
from notifications.domain.person import Person
from notifications.store import PEOPLE


async def on_registered(message: Message[PersonRegistered], uow: UnitOfWork) -> None:
    _keep(message.event, uow)


async def on_changed(message: Message[PersonChanged], uow: UnitOfWork) -> None:
    _keep(message.event, uow)


def _keep(event: PersonRegistered | PersonChanged, uow: UnitOfWork) -> None:
    uow.put(PEOPLE, Person(id=event.person_id, unit_id=event.unit_id, position=event.position, active=event.active))
