"""What the imports of all kinds share: the table, the transaction, and whether anything is written at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from common.domain import Aggregate, local_day
from common.repository import Store
from common.unit_of_work import UnitOfWork
from tasks.domain.rows import Reading
from tasks.domain.rows_tasks import Sample
from tasks.domain.table import Table
from tasks.domain.task import Task

A = TypeVar("A", bound=Aggregate)
_BREATH = 100
"""Rows after which other requests and the health of the process have their turn."""


@dataclass(frozen=True)
class Import:
    """One import. A dry run does everything but save, so its answer is the one that the import would give."""

    table: Table
    uow: UnitOfWork
    dry_run: bool
    sample: Sample | None
    whole: bool = False
    """The table is the whole of its plans: what it does not name was dropped."""
    dropped: list[Task] = field(default_factory=list)
    """Tasks of the same plans that the table does not name, and that are not over."""

    @property
    def today(self) -> date:
        return local_day(self.uow.now)

    def readings(self) -> list[Reading]:
        return [Reading(row) for row in self.table.rows]

    def save(self, store: Store[A], aggregate: A) -> None:
        if not self.dry_run:
            self.uow.save(store, aggregate)


def ids_of(readings: Iterable[Reading]) -> list[str]:
    return sorted({reading.id for reading in readings if reading.id is not None})


def accepted(readings: Iterable[Reading]) -> Iterator[tuple[str, Reading]]:
    """The rows that nothing speaks against, with their ids."""
    for reading in readings:
        if not reading.refused and reading.id is not None:
            yield reading.id, reading


async def breathe(number: int) -> None:
    """Let the loop turn now and then while many rows are read."""
    if number % _BREATH == 0:
        await asyncio.sleep(0)
