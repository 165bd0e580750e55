"""What the ledger is made of in the database, and the queries over it.

Entries and originals are two collections: lists never load the originals, and erasing one touches no entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.domain.ledger import HEAD, Entry, Ledger, Original
from audit.domain.verification import SEARCHED
from common.mongo import Database, Index
from common.repository import DERIVED, Reader, Store


def _searched(entry: Entry) -> dict[str, Any]:
    return entry.leaf.model_dump(include=set(SEARCHED))


LEDGER = Store(Ledger, "ledger")
ENTRIES = Store(
    Entry,
    "entries",
    (Index("index", unique=True), *(Index(f"{DERIVED}.{name}", "index") for name in SEARCHED)),
    _searched,
)
ORIGINALS = Store(Original, "originals")


async def head(reader: Reader) -> Ledger:
    return await reader.get(LEDGER, HEAD) or Ledger(id=HEAD)


async def search(
    reader: Reader,
    wanted: dict[str, str | None],
    *,
    above: int,
    below: int | None,
    newest_first: bool,
    limit: int,
) -> list[Entry]:
    """Entries with these values (None: any) and above < index < below, in the order of their index or against it."""
    index = {"$gt": above} if below is None else {"$gt": above, "$lt": below}
    query = {name if name == "_id" else f"{DERIVED}.{name}": value for name, value in wanted.items() if value is not None}
    return await reader.find(ENTRIES, {**query, "index": index}, sort=("-index" if newest_first else "index",), limit=limit)


async def by_index(reader: Reader, index: int) -> Entry | None:
    return next(iter(await reader.find(ENTRIES, {"index": index}, limit=1)), None)


# --- for verification: rows as they are stored, whatever has become of them ---


@dataclass(frozen=True)
class Extent:
    """The head and the number of rows, at one moment."""

    head: Ledger
    entries: int
    originals: int


async def extent(database: Database) -> Extent:
    """How much there is, on one snapshot: a writer at work between two counts would look like a breach."""

    async def read(session: Any) -> Extent:
        reader = Reader(database, session)
        entries, originals = await reader.count(ENTRIES, {}), await reader.count(ORIGINALS, {})
        return Extent(await head(reader), entries, originals)

    return await database.snapshot(read)


async def stretch(
    database: Database, start: int, end: int
) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]]:
    """Entries with start <= index < end in order: the entry, what it is searched by, its original or None."""
    order = database.collection(ENTRIES.collection).find({"index": {"$gte": start, "$lt": end}}).sort("index", 1)
    rows = [_named(row) for row in await order.to_list(None)]
    found = database.collection(ORIGINALS.collection).find({"_id": {"$in": [row["id"] for row in rows]}})
    originals = {row["_id"]: _named(row) for row in await found.to_list(None)}
    return [(row, row.pop(DERIVED, {}), originals.get(row["id"])) for row in rows]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {"id" if name == "_id" else name: value for name, value in row.items()}
