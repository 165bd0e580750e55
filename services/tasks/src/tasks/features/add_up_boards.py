"""Timed job: what transactions said of boards is added up, so that a board is one document to read.

Nobody waits for it: whoever reads a board adds what is still to be added up. One replica runs it; should two, the database
lets one of them win.
"""

from __future__ import annotations

from typing import Any

from common.unit_of_work import UnitOfWork, Units
from tasks.domain.standings import added_up
from tasks.store import BOARD_CHANGES, BOARDS, by_id

PAGE = 500
"""Changes in one transaction."""


async def run(units: Units, _settings: Any) -> None:
    """Add up all that there is. May be cut off anywhere: a page is counted and deleted, or neither."""
    while await units.run(_add_up, units.system()):
        pass


async def _add_up(uow: UnitOfWork) -> int:
    changes = await uow.find(BOARD_CHANGES, {}, sort=("_id",), limit=PAGE)
    more = added_up(changes)
    boards = await by_id(uow, BOARDS, more)
    for key, board in more.items():
        uow.put(BOARDS, boards[key].add(board) if key in boards else board)
    if changes:
        gone = {"_id": {"$in": [change.id for change in changes]}}
        await uow.database.collection(BOARD_CHANGES.collection).delete_many(gone, session=uow.session)
    return len(changes)
