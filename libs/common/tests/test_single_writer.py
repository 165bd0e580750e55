"""The one reader of a single-writer service keeps its lease while the broker keeps it waiting."""

from __future__ import annotations

import asyncio
import time

import pytest

from common import consumer
from common.consumer import Consumer
from common.contracts.base import Message
from common.lease import Lease
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork

pytestmark = pytest.mark.servers

LEASE_SECONDS = 1.5


class SlowToJoin:
    """A client that is in its group only when it is let in."""

    def __init__(self, joining: asyncio.Event, let_in: asyncio.Event) -> None:
        self.joining, self.let_in = joining, let_in

    def subscribe(self, *_: object, **__: object) -> None:
        """There is nothing to read."""

    async def start(self) -> None:
        self.joining.set()
        await self.let_in.wait()

    async def stop(self) -> None:
        """There is nothing to leave."""


async def on_anything(message: Message[None], uow: UnitOfWork) -> None:
    """There is nothing to do."""


async def test_a_slow_join_does_not_cost_the_lease(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the other replica takes it, joins as well, holds this one up in turn, and both are busy with handing over."""
    joining, let_in = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(consumer, "AIOKafkaConsumer", lambda **_: SlowToJoin(joining, let_in))
    service = Service("audit", "ledger", Settings, [], handlers=[on_anything])
    settings = area.settings(service, lease_seconds=LEASE_SECONDS)
    one, other = Process(service, settings, "api"), Process(service, settings, "api")
    await one.database.prepare(service.collections())
    reading = asyncio.create_task(Consumer(one.units, settings, [on_anything], single_writer=True).run())
    try:
        await asyncio.wait_for(joining.wait(), 30)
        rival, until = Lease(other.database, "single-writer", LEASE_SECONDS), time.monotonic() + 2 * LEASE_SECONDS

        async def lease_has_passed() -> bool:
            assert not await rival.take(), "another replica has taken the lease of a reader that was joining its group"
            return time.monotonic() > until

        await eventually("twice the length of the lease has passed", lease_has_passed)
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        for process in (one, other):
            await process.keys.close()
            await process.database.close()
