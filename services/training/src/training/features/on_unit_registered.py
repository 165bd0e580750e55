"""Keep the name of a new unit."""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.tasks import UnitRegistered
from common.unit_of_work import UnitOfWork
from training.domain.directory import Unit
from training.store import UNITS


async def handle(message: Message[UnitRegistered], uow: UnitOfWork) -> None:
    uow.put(UNITS, Unit.copy_of(message.event))
