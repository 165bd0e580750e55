"""`python -m tasks.verify [--mend]`: hold what is kept to be read quickly against what it is derived from: the matrix of
concretisation against the papers, what tasks say of their periods against these, the boards against the tasks, the keys of
lists against the documents that they stand for.

Reads the service's settings from the environment. Exit status: 0 when all agree, or were made to; 1 when they differ,
2 when it could not be checked. `--mend` also makes what was never there: boards, what tasks say of their periods, and keys
that a newer version lists by, of a database that is older than they are.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from common.mongo import Database, PyMongoError
from common.repository import DERIVED, D, Reader, Store
from common.settings import Settings
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.periods import Period, state_anew
from tasks.domain.standings import Board, Change, Place, added_up
from tasks.domain.task import Task
from tasks.features.concretising import keep_rows, stated_anew
from tasks.features.pages import apart
from tasks.store import (
    BOARD_CHANGES,
    BOARDS,
    CONCRETISATIONS,
    DIRECTIVES,
    PERIODS,
    STORES,
    TASKS,
    by_id,
    save_task,
)

PAGE = 200


async def differing(units: Units, *, mend: bool = False) -> list[str]:
    """Ids of the rows of the matrix that say something else than the papers do; each is restated when it is to be mended.

    Every paper is looked at, and every paper that a row names, also one that the register does not hold.
    """
    reader, found = Reader(units.database), dict[str, None]()
    async for papers in _papers(reader):
        wrong = [row.id for row in await stated_anew(reader, papers)]
        found |= dict.fromkeys(wrong)
        if wrong and mend:
            await apart(units, keep_rows, papers)
    return list(found)


async def _papers(reader: Reader) -> AsyncIterator[list[str]]:
    async for papers in _pages(reader, DIRECTIVES):
        yield [paper.id for paper in papers]
    async for rows in _pages(reader, CONCRETISATIONS):
        yield [entry.directive_id for row in rows for entry in row.papers]


async def _pages(reader: Reader, store: Store[D]) -> AsyncIterator[list[D]]:
    after = ""
    while found := await reader.find(store, {"_id": {"$gt": after}}, sort=("_id",), limit=PAGE):
        yield found
        after = found[-1].id


async def periods_differing(units: Units, *, mend: bool = False) -> list[str]:
    """Ids of the tasks that say something else of their periods than these do. Mended is by a transaction that reads both."""
    found: list[str] = []
    async for tasks in _pages(Reader(units.database), TASKS):
        ids = [task.id for task in tasks]
        wrong = [task.id for task in await units.database.snapshot(partial(_other_periods, units, ids))]
        found += wrong
        if wrong and mend:
            await apart(units, _state_anew, wrong)
    return found


async def _other_periods(units: Units, ids: list[str], session: Any) -> list[Task]:
    return await _stated_anew(Reader(units.database, session), ids)


async def _state_anew(uow: UnitOfWork, ids: list[str]) -> None:
    for task in await _stated_anew(uow, ids):
        save_task(uow, task)


async def _stated_anew(reader: Reader, ids: list[str]) -> list[Task]:
    """Those of the tasks that said something else of their periods, as they ought to be."""
    kept: dict[str, list[Period]] = {}
    for one in await reader.find(PERIODS, {"task_id": {"$in": ids}}):
        kept.setdefault(one.task_id, []).append(one)
    tasks = await reader.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",))
    return [task for task in tasks if state_anew(task, kept.get(task.id, []))]


async def boards_differing(units: Units, *, mend: bool = False) -> list[str]:
    """Ids of the boards that count something else than there is. What they lack is added when it is to be mended: a sum that
    stays right whatever is written or added up meanwhile.

    All tasks are read on one snapshot: MongoDB keeps one for five minutes unless it is told to keep it longer.
    """
    lacking = await units.database.snapshot(partial(_lacking, units))
    found = sorted(lacking)
    for start in range(0, len(found), PAGE) if mend else ():
        await apart(units, partial(_add, lacking=lacking), found[start : start + PAGE])
    return found


async def _lacking(units: Units, session: Any) -> dict[str, Board]:
    """By the id of the board: what it would have to count more, or less, to be right."""
    reader, boards = Reader(units.database, session), dict[str, Board]()

    def take(found: dict[str, Board], by: int) -> None:
        for key, board in found.items():
            boards.setdefault(key, Board.empty(board.unit_id, board.directive_id)).add(board, by)

    async for tasks in _pages(reader, TASKS):
        take(added_up(Change(id=task.id, was=None, now=Place.of(task)) for task in tasks), 1)
    async for kept in _pages(reader, BOARDS):
        take({board.id: board for board in kept}, -1)
    async for changes in _pages(reader, BOARD_CHANGES):
        take(added_up(changes), -1)
    return {key: board for key, board in boards.items() if not board.is_empty}


async def _add(uow: UnitOfWork, keys: list[str], *, lacking: dict[str, Board]) -> None:
    boards = await by_id(uow, BOARDS, keys)
    for key in keys:
        uow.put(BOARDS, boards[key].add(lacking[key]) if key in boards else lacking[key])


async def keys_differing(units: Units, *, mend: bool = False) -> list[str]:
    """`collection/id` of documents that are listed under keys that do not follow from them. What has been saved meanwhile got
    its keys by that, and is not mended.
    """
    found: list[str] = []
    stores: tuple[Store[Any], ...] = STORES
    for store in (one for one in stores if one.derive is not None):
        collection = units.database.collection(store.collection)
        after: Any = ""
        while rows := await collection.find({"_id": {"$gt": after}}).sort([("_id", 1)]).limit(PAGE).to_list(None):
            for row in rows:
                after, kept = row["_id"], row.get(DERIVED, {})
                asked = {"_id": after, "version": row.get("version")}
                keys = store.dump(store.parse(row))[DERIVED]
                wrong = {f"{DERIVED}.{name}": key for name, key in keys.items() if name not in kept or kept[name] != key}
                if wrong:
                    found.append(f"{store.collection}/{after}")
                    if mend:
                        await collection.update_one(asked, {"$set": wrong})
    return found


CHECKS = (
    ("what tasks say of their periods", "tasks", "the periods", periods_differing),
    ("the keys of lists", "documents", "what is kept", keys_differing),
    ("the matrix of concretisation", "rows", "the papers", differing),
    ("the boards", "boards", "the tasks", boards_differing),
)


async def _report(settings: Settings, *, mend: bool) -> int:
    units, wrong = Units("tasks", Database(settings, "tasks-verify")), 0
    try:
        for what, parts, source, check in CHECKS:
            found = await check(units, mend=mend)
            left = await check(units) if found and mend else found
            wrong += len(left)
            for key in found:
                print(f"{'mended' if mend and key not in left else 'differs'}: {key}")
            print(f"{what}: {len(found)} {parts} differed, {len(left)} differ from {source} now")
    except (PyMongoError, TimeoutError) as error:
        print(f"not checked: the database does not answer ({type(error).__name__})", file=sys.stderr)
        return 2
    finally:
        await units.database.close()
    return int(bool(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tasks.verify", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--mend", action="store_true", help="make again what differs from that which it is derived from")
    arguments = parser.parse_args()
    try:
        settings = Settings.load()
    except SystemExit as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    sys.exit(asyncio.run(_report(settings, mend=arguments.mend)))


if __name__ == "__main__":
    main()
