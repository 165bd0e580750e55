"""Timed job: long imports are taken over part by part, one part of each import at a time, so that none holds up the others.

A part is one transaction with the count of what is done: it comes in once, whole or not at all, wherever the job is cut off.
One that fails is counted, rests, and is tried again when the parts that nobody has tried are done; after `MOST_TRIES` it is
given up, and its import ends as failed. An import waits for an earlier one of the same plan alone (`tasks.domain.long_import`
says why). That the database is away is no fault of a part: the job ends, and its next run goes on.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from common.errors import LANGUAGE, Conflict, NotFound, Words
from common.mongo import OutOfTime, is_away, is_conflict
from common.observability import Log
from common.repository import Reader
from common.unit_of_work import Cause, UnitOfWork, Units
from tasks.domain.long_import import Failing, ImportPart, LongImport, WhyNot, due_parts
from tasks.domain.table import Table
from tasks.features.import_table import told
from tasks.features.import_tasks import import_tasks
from tasks.features.importing import Import
from tasks.store import IMPORT_PARTS, IMPORTS

log = Log(__name__)

OPEN = {"_d.open": {"$gt": ""}}
SECONDS = 55.0
"""Budget of one part: nobody waits for it, and MongoDB ends a transaction after a minute."""


async def run(units: Units, _settings: Any) -> None:
    """Take over all that can be taken over now."""
    reader = Reader(units.database)
    while due := due_parts(await reader.find(IMPORTS, OPEN, sort=("_d.open",)), units.clock()):
        for one, number in due:
            await take_part(units, one, number)


async def take_part(units: Units, one: LongImport, number: int) -> None:
    """Take over a part of an import, or note that it failed. Raises what says that the database is away."""
    try:
        await units.run(partial(_take, import_id=one.id, number=number), Cause(one.actor, one.id), seconds=SECONDS)
    except Exception as error:  # whatever is wrong with this part, it must not stand in front of the others
        if is_away(error) and not isinstance(error, OutOfTime):
            raise
        # A part that takes too long is told from a database that is away by this being written.
        failing = await units.run(partial(_note_failure, import_id=one.id, number=number, error=error), units.system(one.id))
        if failing is not None:
            _tell(one, failing, error)


async def _take(uow: UnitOfWork, *, import_id: str, number: int) -> None:
    one: LongImport = await uow.load(IMPORTS, import_id)
    if not one.waits_for(number):
        return
    part = await uow.get(IMPORT_PARTS, ImportPart.id_of(one.id, number))
    if part is None:
        raise NotFound.of(Words("phần của lượt nhập", "part of the import"), str(number))
    LANGUAGE.set(one.language)  # findings are written down in the language of who handed it in
    table = Table(tuple(part.rows))
    view = told(table, await import_tasks(Import(table, uow, one.dry_run, one.sample)))
    one.take(number, len(part.rows), view.counts.model_dump(), uow.now)
    part.rows, part.answer = [], view.model_dump(mode="json")
    uow.put(IMPORT_PARTS, part)
    uow.save(IMPORTS, one)


async def _note_failure(uow: UnitOfWork, *, import_id: str, number: int, error: Exception) -> Failing | None:
    """None when another worker was faster."""
    one: LongImport = await uow.load(IMPORTS, import_id)
    if not one.waits_for(number):
        return None
    failing = one.fail(number, _why(error), uow.now)
    uow.save(IMPORTS, one)
    return failing


def _why(error: Exception) -> WhyNot:
    if isinstance(error, Conflict) or is_conflict(error):
        return "part_busy"
    if isinstance(error, OutOfTime):
        return "part_slow"
    return "part_lost" if isinstance(error, NotFound) else "part_unexpected"


def _tell(one: LongImport, failing: Failing, error: Exception) -> None:
    """For an operator (docs/runbooks/import-failed.md): ids, numbers and the place in the code, no word of the rows."""
    said = {"import_id": one.id, "part": failing.number, "tries": failing.tries, "why": failing.why}
    if failing.given_up:
        log.error("import_part_given_up", exc_info=error, **said)
    else:
        log.warning("import_part_failed", exc_info=error, **said)
