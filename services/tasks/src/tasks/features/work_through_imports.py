"""Timed job: long imports are taken over, the oldest first, part by part.

A part is one transaction with the count of what is done: it comes in once, whole or not at all, wherever the job is cut off.
What stands in the way of a part (somebody amends one of its tasks) is gone when the job runs again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from common.errors import LANGUAGE
from common.repository import Reader
from common.unit_of_work import Cause, UnitOfWork, Units
from tasks.domain.long_import import ImportPart, LongImport
from tasks.domain.table import Table
from tasks.features.import_table import told
from tasks.features.import_tasks import import_tasks
from tasks.features.importing import Import
from tasks.store import IMPORT_PARTS, IMPORTS

OPEN = {"_d.open": {"$gt": ""}}
SECONDS = 55.0
"""Budget of one part: nobody waits for it, and MongoDB ends a transaction after a minute."""


async def run(units: Units, _settings: Any) -> None:
    """Take over all that was handed in."""
    reader = Reader(units.database)
    while found := await reader.find(IMPORTS, OPEN, sort=("_d.open",), limit=1):
        await next_part(units, found[0])


async def next_part(units: Units, one: LongImport) -> None:
    """Take over the first part of an import that is not done."""
    await units.run(partial(_take, import_id=one.id), Cause(one.actor, one.id), seconds=SECONDS)


async def _take(uow: UnitOfWork, *, import_id: str) -> None:
    one: LongImport = await uow.load(IMPORTS, import_id)
    part = await uow.get(IMPORT_PARTS, ImportPart.id_of(one.id, one.parts_done + 1))
    if one.ended_at is not None or part is None:
        return
    LANGUAGE.set(one.language)  # findings are written down in the language of who handed it in
    table = Table(tuple(part.rows))
    view = told(table, await import_tasks(Import(table, uow, one.dry_run, one.sample)))
    one.take(len(part.rows), view.counts.model_dump(), uow.now)
    part.rows, part.answer = [], view.model_dump(mode="json")
    uow.put(IMPORT_PARTS, part)
    uow.save(IMPORTS, one)
