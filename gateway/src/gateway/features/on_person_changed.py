"""Follow a person who moved, changed position or left: within seconds they may do what is theirs now, and no more."""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.tasks import PersonChanged
from common.unit_of_work import UnitOfWork
from gateway.domain.person import Person
from gateway.store import PEOPLE


async def handle(message: Message[PersonChanged], uow: UnitOfWork) -> None:
    uow.put(PEOPLE, Person.copy_of(message.event))
