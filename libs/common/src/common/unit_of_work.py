"""One transaction: what was loaded, what is to be saved, and the events that say so. Nothing else happens inside it.

Writes are kept back and go out in few calls when the work is done, or when a query must see them. The driver may run
the work again whole, each time with a new unit of work; so a handler keeps nothing from one run to the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from common.clock import Clock, system_clock
from common.contracts.base import Envelope
from common.contracts.topics import BY_OWNER
from common.domain import Actor, Aggregate
from common.errors import Conflict, NotFound, StaleVersion, Words, text
from common.mongo import Database, PyMongoError, ReplaceOne, is_duplicate
from common.outbox import OUTBOX, event_row, new_id
from common.repository import A, D, Filter, Reader, Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cause:
    """Who is doing this and why: written into the envelope of every event that comes of it."""

    actor: Actor
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


@dataclass
class _Kept:
    """A document that this unit of work knows, and the version that the database has of it."""

    store: Store[Any]
    document: Any
    stored_version: int


class UnitOfWork(Reader):
    """What a handler works with. `now` is the moment of the whole unit; `actor` is who asked for it.

    `cause` changes from record to record: a batch of records shares one transaction, not one reason.
    """

    def __init__(self, units: Units, session: Any, cause: Cause) -> None:
        super().__init__(units.database, session)
        self._units = units
        self.now: datetime = units.clock()
        self.cause = cause
        self._known: dict[tuple[str, str], _Kept] = {}
        self._dirty: dict[tuple[str, str], _Kept] = {}
        self._inserts: dict[str, list[dict[str, Any]]] = {}
        self._others: dict[str, list[Any]] = {}
        self.wrote_events = False

    @property
    def actor(self) -> Actor:
        return self.cause.actor

    # --- reading ---

    async def load(self, store: Store[A], key: str, *, expected: int | None = None) -> A:
        """The aggregate with this id, the same object every time. Raises `NotFound`, or `StaleVersion` when the caller
        expected (`If-Match`) another version.
        """
        found = await self.get(store, key)
        if found is None:
            raise NotFound.of(Words(*store.model.noun), key)
        check_version(found, expected)
        return found

    async def get(self, store: Store[D], key: str) -> D | None:
        if (known := self._known.get((store.collection, key))) is not None:
            document: D = known.document
            return document
        if store.collection in self._inserts or store.collection in self._others:  # else no write kept back can be about it
            await self.flush()
        found = await super().get(store, key)
        return None if found is None else self._keep(store, found)

    async def find(self, store: Store[D], query: Filter, *, sort: tuple[str, ...] = (), limit: int = 0) -> list[D]:
        await self.flush()
        return [self._keep(store, found) for found in await super().find(store, query, sort=sort, limit=limit)]

    async def count(self, store: Store[D], query: Filter) -> int:
        await self.flush()
        return await super().count(store, query)

    async def aggregate(self, store: Store[D], pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
        await self.flush()
        return await super().aggregate(store, pipeline)

    def _keep(self, store: Store[D], document: D) -> D:
        place = (store.collection, document.id)
        kept = self._known.setdefault(place, _Kept(store, document, getattr(document, "version", 0)))
        known: D = kept.document
        return known

    # --- writing ---

    def save(self, store: Store[A], aggregate: A) -> A:
        """Keep the aggregate and publish what it recorded. A new one (version 0) is created."""
        place = (store.collection, aggregate.id)
        kept = self._known.setdefault(place, _Kept(store, aggregate, aggregate.version))
        if place not in self._dirty:
            self._dirty[place] = kept
            aggregate.version = kept.stored_version + 1
        source, topic = f"/roviec/{self._units.service}", self._units.topic
        cause = (str(self.actor), self.cause.correlation_id, self.cause.causation_id, self.cause.traceparent)
        for event in aggregate.take_recorded():
            aggregate.sequence += 1
            envelope = Envelope(new_id(), source, event.type, event.subject, self.now, aggregate.sequence, *cause)
            self.insert_raw(OUTBOX, event_row(event, envelope, topic))
        return aggregate

    def add(self, store: Store[D], document: D) -> D:
        """Insert a document that has no rules of its own: a line of a history, a notice, an entry."""
        self.insert_raw(store.collection, store.dump(document))
        return document

    def put(self, store: Store[D], document: D) -> D:
        """Insert or replace: for copies of what another service owns."""
        self._known[(store.collection, document.id)] = _Kept(store, document, 0)
        dumped = store.dump(document)
        self.write_raw(store.collection, ReplaceOne({"_id": dumped["_id"]}, dumped, upsert=True))
        return document

    def insert_raw(self, collection: str, row: dict[str, Any]) -> None:
        self._inserts.setdefault(collection, []).append(row)

    def write_raw(self, collection: str, operation: Any) -> None:
        self._others.setdefault(collection, []).append(operation)

    async def flush(self) -> None:
        """Send the writes kept back, a call a collection. Raises `Conflict` when a document changed behind our back."""
        dirty, self._dirty = self._dirty, {}
        replaced: dict[str, list[Any]] = {}
        for (collection, key), kept in dirty.items():
            row = kept.store.dump(kept.document)
            before, kept.stored_version = kept.stored_version, kept.document.version
            if before == 0:
                self.insert_raw(collection, row)
            else:
                replaced.setdefault(collection, []).append(ReplaceOne({"_id": key, "version": before}, row))
        for collection, operations in replaced.items():
            done = await self.database.collection(collection).bulk_write(operations, session=self.session)
            if done.matched_count < len(operations):
                raise changed_meanwhile()
        inserts, self._inserts = self._inserts, {}
        for collection, rows in inserts.items():
            self.wrote_events = self.wrote_events or collection == OUTBOX
            await self.database.collection(collection).insert_many(rows, session=self.session)
        others, self._others = self._others, {}
        for collection, operations in others.items():
            await self.database.collection(collection).bulk_write(operations, session=self.session)


def check_version(found: Aggregate, expected: int | None) -> None:
    """Raise `StaleVersion` when the caller expected (`If-Match`) another version; None expects nothing."""
    if expected is not None and found.version != expected:
        raise StaleVersion(text("stale_version", found=found.version, expected=expected))


def changed_meanwhile() -> Conflict:
    return Conflict(text("changed_meanwhile"))


@dataclass
class Units:
    """Makes units of work for one service and runs them."""

    service: str
    database: Database
    clock: Clock = system_clock
    topic_prefix: str = ""
    written: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after a commit that wrote events: wakes the relay when it lives in the same process."""

    @property
    def topic(self) -> str:
        return self.topic_prefix + BY_OWNER[self.service].name

    @property
    def dead_letters(self) -> str:
        return self.topic_prefix + BY_OWNER[self.service].dead_letters

    def system(self, correlation_id: str | None = None) -> Cause:
        """The service acting on its own account: a timed job, a command of an operator."""
        return Cause(Actor.system(self.service), correlation_id or new_id())

    async def run(self, work: Callable[[UnitOfWork], Awaitable[T]], cause: Cause, *, seconds: float | None = None) -> T:
        """Run `work` in one transaction and publish what it recorded: all of it, or nothing.

        Raises what the work raises, `Conflict` when another writer was faster, `Unavailable` when the database is away.
        """

        async def attempt(session: Any) -> tuple[T, bool]:
            unit = UnitOfWork(self, session, replace(cause))
            result = await work(unit)
            await unit.flush()
            return result, unit.wrote_events

        try:
            budget = seconds or self.database.settings.transaction_seconds
            result, wrote_events = await self.database.transaction(attempt, seconds=budget)
        except PyMongoError as error:
            if is_duplicate(error):
                raise changed_meanwhile() from error
            raise
        if wrote_events:
            self.written.set()
        return result


Handler = Callable[[Any, UnitOfWork], Awaitable[Any]]
"""`async def handle(message, uow)`: the shape of every use case, whether a request or a record asks for it."""
