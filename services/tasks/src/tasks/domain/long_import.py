"""A table too long for one transaction: kept in parts, each of which is taken over once, in a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from common.domain import Actor, Aggregate, Document
from tasks.domain.rows import Reading, unique
from tasks.domain.rows_tasks import Sample
from tasks.domain.table import Row

PART = 250
"""Rows of one part: a transaction of about a second, and all that memory holds at a time."""


class ImportPart(Document):
    """Rows that are still to be taken over, or what was found on them."""

    at: datetime
    rows: list[Row]
    answer: dict[str, Any] | None = None

    @staticmethod
    def id_of(import_id: str, number: int) -> str:
        return f"{import_id}/{number:04d}"


class LongImport(Aggregate):
    """How far a long table has come. It goes on where it stood, whatever breaks off."""

    noun: ClassVar = ("lượt nhập", "import")
    started_at: datetime
    ended_at: datetime | None = None
    by_kind: Literal["person", "client", "system"]
    by_id: str
    language: str
    dry_run: bool
    sample: Sample | None
    rows: int
    parts: int
    rows_done: int = 0
    parts_done: int = 0
    counts: dict[str, int] = Field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """In whose name the rows are taken over: history says who brought the table."""
        return Actor(self.by_kind, self.by_id)

    def take(self, rows: int, counts: Mapping[str, int], now: datetime) -> None:
        """One more part is done."""
        self.rows_done, self.parts_done = self.rows_done + rows, self.parts_done + 1
        self.counts = {name: self.counts.get(name, 0) + count for name, count in counts.items()}
        if self.parts_done == self.parts:
            self.ended_at = now


def in_parts(rows: Sequence[Row], column: str) -> list[list[Row]]:
    """Rows by part. One whose id an earlier row has is marked so here, since a part does not know of the others."""
    readings = [Reading(row) for row in rows]
    for reading in readings:
        reading.id = reading.key(column) or None
        del reading.findings[len(reading.row.findings) :]  # each part says for itself what there is to say of the id
    unique(readings, column)
    marked = [reading.row._replace(findings=tuple(reading.findings)) for reading in readings]
    return [marked[first : first + PART] for first in range(0, len(marked), PART)]
