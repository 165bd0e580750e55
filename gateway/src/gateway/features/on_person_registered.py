"""Keep a copy of a new person: they may come in now."""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.tasks import PersonRegistered
from common.unit_of_work import UnitOfWork
from gateway.domain.person import Person
from gateway.store import PEOPLE


async def handle(message: Message[PersonRegistered], uow: UnitOfWork) -> None:
    uow.put(PEOPLE, Person.copy_of(message.event))
