"""What the timed jobs share: all documents that a day calls for, a page of them in one transaction, without waiting for who
works on one of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from common.domain import Document, local_day
from common.errors import Conflict
from common.repository import Filter, Reader, Store
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.committee import Committee
from tasks.store import committee

Step = Callable[[UnitOfWork, list[str]], Awaitable[None]]
"""What is done with the documents of these ids."""
Wanted = Callable[[date, Committee, str], Filter]
"""The condition on documents that a day calls for, by the committee's settings, behind a key."""


async def apart(units: Units, step: Step, ids: list[str]) -> bool:
    """Do a page at once; one by one when somebody works on one of them meanwhile, so that the others are not held up. False
    when one was left out, which the next run of the job finds again.
    """
    try:
        await units.run(lambda uow: step(uow, ids), units.system())
    except Conflict:
        if len(ids) == 1:
            return False
        return all([await apart(units, step, [key]) for key in ids])
    return True


async def each_page(units: Units, store: Store[Any], field: str, wanted: Wanted, step: Step, size: int) -> None:
    """Do the step with all documents that are wanted, in the order of a field by whose value they stand, each its own.

    May be cut off anywhere: what was done is not found again. "Today" is asked for page by page, so that a run that lasts
    beyond midnight in Asia/Ho_Chi_Minh goes on rightly.
    """
    after = ""
    while True:
        reader = Reader(units.database)
        query = wanted(local_day(units.clock()), await committee(reader), after)
        found: list[Document] = await reader.find(store, query, sort=(field,), limit=size)
        if not found:
            return
        after = _value(store.dump(found[-1]), field)
        await apart(units, step, [document.id for document in found])


def _value(stored: dict[str, Any], field: str) -> str:
    for name in field.split("."):
        stored = stored[name]
    return str(stored)
