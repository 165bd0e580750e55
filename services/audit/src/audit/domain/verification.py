"""Finding the first breach of a ledger: a walk over its stored rows from the first to the last, pure and in one pass.

It finds what was changed, removed, inserted or moved. It cannot tell a ledger that was rewritten whole, by somebody who
may write everything, from an honest one: for that, a hash seen outside (printed by an earlier walk) must be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from audit.domain.ledger import Entry, Leaf, Ledger, Original, leaf_hash, said_by
from common.contracts.base import Envelope, Undecodable

Row = Mapping[str, Any]
SEARCHED = ("type", "subject", "actor", "correlation_id")
"""Fields of a leaf that are stored beside it, to be searched by."""


class Breach(Exception):
    """The ledger is not what was entered. `index` is the first entry at which that shows."""

    def __init__(self, index: int, what: str) -> None:
        super().__init__(f"entry {index}: {what}")
        self.index, self.what = index, what


@dataclass
class Walk:
    """Takes every entry in order, then the head. Raises `Breach` at the first thing that is wrong."""

    size: int = 0
    last_hash: str | None = None

    def take(self, row: Row, searched: Row, original: Row | None) -> None:
        """The next stored entry, the fields that it is searched by, and the stored original of its event."""
        entry, leaf = self._read(row)
        self._require(entry.index == self.size, f"an entry with index {entry.index} stands in its place")
        self._require(leaf_hash(entry.canonical) == entry.leaf_hash, "its leaf hash is not that of its canonical bytes")
        self._require(leaf.index == self.size, f"its canonical bytes are those of index {leaf.index}")
        self._require(leaf.previous == self.last_hash, "it does not continue the entry before it")
        self._require(leaf.event_id == entry.id, "it is stored under the id of another event")
        self._require(searched == leaf.model_dump(include=set(SEARCHED)), "what it is searched by is not what it says")
        self._check_original(leaf, original)
        self.size, self.last_hash = self.size + 1, entry.leaf_hash

    def end(self, head: Ledger, *, entries: int, originals: int) -> None:
        """Whether that was all: as many entries as the head says, and nothing beside them."""
        self._require(head.size == self.size, f"the head counts {head.size} entries")
        self._require(head.last_hash == self.last_hash, "the head does not continue the last entry")
        self._require(entries == self.size, f"{entries} entries are stored, {self.size} are in the chain")
        self._require(originals == self.size, f"{originals} originals are stored for {self.size} entries")

    def _read(self, row: Row) -> tuple[Entry, Leaf]:
        try:
            entry = Entry.model_validate(row, strict=True)
            leaf = entry.leaf
        except ValidationError:
            raise Breach(self.size, "it cannot be read") from None
        self._require(leaf.canonical() == entry.canonical, "its bytes are not canonical")
        return entry, leaf

    def _check_original(self, leaf: Leaf, row: Row | None) -> None:
        if row is None:
            raise Breach(self.size, "the original of its event is missing")
        try:
            original = Original.model_validate(row)
            said = said_by(Envelope.from_headers(original.headers))
        except (ValidationError, Undecodable):
            raise Breach(self.size, "the original of its event cannot be read") from None
        self._require(original.commitment() == leaf.payload_commit, "the original of its event was changed")
        self._require(said == leaf.model_dump(include=set(said)), "it does not say what the headers of its event say")

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            raise Breach(self.size, what)
