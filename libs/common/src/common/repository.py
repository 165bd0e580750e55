"""Documents in and out of collections: mapping, optimistic version, queries by declared index."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from common.domain import Aggregate, Document
from common.mongo import Database, Index

D = TypeVar("D", bound=Document)
A = TypeVar("A", bound=Aggregate)
T = TypeVar("T")
DERIVED = "_d"
"""Sub-document of fields that are kept only to be searched or sorted by; never read back."""

Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Store(Generic[D]):
    """Where documents of one model live. `derive` computes fields kept under `_d` for queries alone."""

    model: type[D]
    collection: str
    indexes: tuple[Index, ...] = ()
    derive: Callable[[D], dict[str, Any]] | None = None

    def dump(self, document: D) -> dict[str, Any]:
        stored = document.model_dump()
        stored["_id"] = stored.pop("id")
        if self.derive is not None:
            stored[DERIVED] = self.derive(document)
        return stored

    def parse(self, stored: dict[str, Any]) -> D:
        stored.pop(DERIVED, None)
        stored["id"] = stored.pop("_id")
        return self.model.model_validate(stored)


class Reader:
    """Reads documents, inside a unit of work's transaction or on its own; `until` is when whoever asked has to be answered."""

    def __init__(self, database: Database, session: Any = None, until: float | None = None) -> None:
        self.database, self.session, self.until = database, session, until

    def in_time(self) -> asyncio.Timeout:
        """Deadline of a read outside a transaction: the end of its asker's time, or as long as a transaction may take."""
        if self.until is not None:
            return asyncio.timeout_at(self.until)
        return asyncio.timeout(self.database.settings.transaction_seconds)

    async def _answer(self, asked: Awaitable[T]) -> T:
        """In a transaction the transaction has a deadline."""
        if self.session is not None:
            return await asked
        async with self.in_time():
            return await asked

    async def get(self, store: Store[D], key: str) -> D | None:
        found = self.database.collection(store.collection).find_one({"_id": key}, session=self.session)
        stored = await self._answer(found)
        return None if stored is None else store.parse(stored)

    async def find(self, store: Store[D], query: Filter, *, sort: tuple[str, ...] = (), limit: int = 0) -> list[D]:
        """Documents that match, in the order of `sort` (`-` for descending). A limit of 0 is no limit."""
        cursor = self.database.collection(store.collection).find(dict(query), session=self.session)
        if sort:
            cursor = cursor.sort([(name.removeprefix("-"), -1 if name.startswith("-") else 1) for name in sort])
        if limit:
            cursor = cursor.limit(limit)
        return [store.parse(stored) for stored in await self._answer(cursor.to_list(None))]

    async def count(self, store: Store[D], query: Filter) -> int:
        counted = self.database.collection(store.collection).count_documents(dict(query), session=self.session)
        return int(await self._answer(counted))

    async def aggregate(self, store: Store[D], pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return await self._answer(self.database.aggregate(store.collection, pipeline, self.session))
