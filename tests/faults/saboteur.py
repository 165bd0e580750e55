"""`python -m tests.faults.saboteur MODE MODULE --role worker`: a deployable with one safeguard taken out.

A rig that finds nothing proves nothing unless it is shown what it must find. Each mode breaks one thing that the product
is careful about, in this process alone, and the checker must report the damage. `flaky`, `blockable`, `slow` and
`newer` break nothing: they are faults of the surroundings, or a later version.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from itertools import count
from typing import Any

from common import consumer, inbox, relay
from common import lease as leases
from common.contracts.base import Event, Message, Record, Undecodable
from common.inbox import Verdict
from common.lease import Lease
from common.mongo import Database
from common.outbox import OUTBOX
from common.relay import Relay
from common.unit_of_work import UnitOfWork

POSITION = "saboteur_position"
BLOCK_SECONDS = float(os.environ.get("RIG_BLOCK_SECONDS", "15"))
CHANCE = float(os.environ.get("RIG_FLAKY_CHANCE", "0.1"))
MARK = "khó đọc"
"""What an illiterate reader cannot read, in a title."""


def _put(owner: Any, name: str, by: Any) -> None:
    """Replace a part of the product in this process."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner.__name__} has no {name} any more: the control would prove nothing")
    setattr(owner, name, by)


def no_claim() -> None:
    """A reader that applies whatever comes: neither claim nor guard."""

    def careless(_sequence: int, _last: int) -> Verdict:
        return Verdict.NEXT

    _put(consumer, "judge", careless)
    _put(inbox, "claim", lambda _uow, _envelope: None)


def position() -> None:
    """A relay that remembers how far it came, instead of asking what is pending. Each third write of a task takes a second
    between making its events and committing them, so that later ones are there before them however fast the database is. People
    are left alone: no caller begins without them.
    """
    flush, numbers = UnitOfWork.flush, count()

    async def slow(self: UnitOfWork) -> None:
        of_tasks = any(row["aggregatetype"] == "task" for row in self._inserts.get(OUTBOX, ()))
        if of_tasks and next(numbers) % 3 == 0:
            await asyncio.sleep(1.0)
        await flush(self)

    _put(UnitOfWork, "flush", slow)

    async def scan(self: Any, owned: list[int], session: Any) -> list[Any]:
        kept = self.units.database.collection(POSITION)
        last = await kept.find_one({"_id": "last"})
        behind = {"_id": {"$gt": "" if last is None else last["seen"]}, "bucket": {"$in": owned}}
        rows: list[Any] = await self._outbox.find(behind, session=session).sort("_id", 1).limit(relay.SCAN).to_list(None)
        if rows:
            await kept.update_one({"_id": "last"}, {"$set": {"seen": rows[-1]["_id"]}}, upsert=True)
        return rows

    _put(Relay, "_scan", scan)


def past_failed() -> None:
    """A reader that commits past a record that failed. Fails now and then, so that there is something to pass."""
    flaky()

    async def one(self: Any, message: Message[Any]) -> None:
        await self._try([message])

    _put(consumer.Inbox, "_one", one)
    _put(consumer, "judge", lambda sequence, last: Verdict.NEXT if sequence > last else Verdict.DUPLICATE)


def own_clock() -> None:
    """Leases by the machine's own clock, which jumps: an hour ahead when it is asked whether a lease has ended, or who holds
    one. Between sending and marking the relay takes its time, so that another holder looks meanwhile however fast the
    database is.
    """
    jumps: list[int] = []
    taking, looking, sending = Lease.take, leases.holders, Relay._send

    async def send(self: Relay, producer: Any, rows: list[Any]) -> list[str]:
        sent = await sending(self, producer, rows)
        await asyncio.sleep(0.5)
        return sent

    def now() -> int:
        return int((time.time() + (jumps.pop() if jumps else 0)) * 1000)

    async def take(self: Lease) -> bool:
        jumps[:] = [3600]
        return await taking(self)

    async def holders(database: Database, prefix: str) -> dict[str, str]:
        jumps[:] = [3600]
        return await looking(database, prefix)

    _put(leases, "server_now", now)
    _put(Lease, "take", take)
    _put(relay, "holders", holders)
    _put(Relay, "_send", send)


def flaky() -> None:
    """Handlers that fail now and then."""
    applying = consumer.Inbox._effect

    async def effect(self: Any, message: Message[Any], uow: UnitOfWork) -> str:
        if random.random() < CHANCE:
            raise RuntimeError("a handler that fails now and then")
        return await applying(self, message, uow)

    _put(consumer.Inbox, "_effect", effect)


def failing() -> None:
    """A bad deployment: every handler fails on every record."""

    async def effect(_self: Any, _message: Message[Any], _uow: UnitOfWork) -> str:
        raise RuntimeError("a bad deployment")

    _put(consumer.Inbox, "_effect", effect)


def illiterate() -> None:
    """A reader that cannot read what bears the mark, as an older version could not."""
    reading = consumer.decode

    def decode(record: Record, types: Any) -> Message[Any]:
        message = reading(record, types)
        if MARK.encode() in (record.value or b"") and message.event is not None:
            raise Undecodable("schema", "the mark")
        return message

    _put(consumer, "decode", decode)


def blockable() -> None:
    """SIGUSR1 blocks the event loop, as a handler that computes would."""

    def block(*_: Any) -> None:
        time.sleep(BLOCK_SECONDS)

    signal.signal(signal.SIGUSR1, block)


def slow() -> None:
    """A database call that takes long: the handler rests in its transaction."""
    applying = consumer.Inbox._effect

    async def effect(self: Any, message: Message[Any], uow: UnitOfWork) -> str:
        await asyncio.sleep(0.05)
        return await applying(self, message, uow)

    _put(consumer.Inbox, "_effect", effect)


def newer() -> None:
    """A later version of a writer: its events have a field that today's readers do not know."""
    writing = Event.data

    def data(self: Event) -> bytes:
        return json.dumps({**json.loads(writing(self)), "added_by_a_later_version": ["x"]}, ensure_ascii=False).encode()

    _put(Event, "data", data)


MODES: dict[str, Callable[[], None]] = {
    "no-claim": no_claim,
    "position": position,
    "past-failed": past_failed,
    "own-clock": own_clock,
    "flaky": flaky,
    "failing": failing,
    "illiterate": illiterate,
    "blockable": blockable,
    "slow": slow,
    "newer": newer,
}


def main() -> None:
    mode, module = sys.argv.pop(1), sys.argv.pop(1)
    MODES[mode]()
    import_module(module).service.main()


if __name__ == "__main__":
    main()
