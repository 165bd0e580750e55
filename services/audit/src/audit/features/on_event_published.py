"""Enter every event of every topic, whatever its type: a new event needs nothing here."""

from __future__ import annotations

import secrets

from audit.domain.ledger import HEAD, Ledger
from audit.store import ENTRIES, LEDGER, ORIGINALS
from common.contracts.base import Message
from common.unit_of_work import UnitOfWork


async def handle(message: Message[None], uow: UnitOfWork) -> None:
    ledger = await uow.get(LEDGER, HEAD) or Ledger(id=HEAD)
    entry, original = ledger.enter(message.envelope, message.record, secret=secrets.token_bytes(32), at=uow.now)
    uow.save(LEDGER, ledger)
    uow.add(ENTRIES, entry)
    uow.add(ORIGINALS, original)
