"""Keep a copy of a new person: they may be enrolled now. That can hold waves back, and never opens one."""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.tasks import PersonRegistered
from common.unit_of_work import UnitOfWork
from training.domain.directory import Person
from training.store import PEOPLE


async def handle(message: Message[PersonRegistered], uow: UnitOfWork) -> None:
    uow.put(PEOPLE, Person.copy_of(message.event))
