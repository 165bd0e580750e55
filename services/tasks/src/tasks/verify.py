"""`python -m tasks.verify [--mend]`: hold the matrix of concretisation against the papers from which it is derived.

Reads the service's settings from the environment. Exit status: 0 when both agree, or were made to; 1 when they differ,
2 when it could not be checked.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator

from common.mongo import Database, PyMongoError
from common.repository import Reader
from common.settings import Settings
from common.unit_of_work import Units
from tasks.features.concretising import keep_rows, stated_anew
from tasks.features.pages import apart
from tasks.store import CONCRETISATIONS, DIRECTIVES

PAGE = 200


async def differing(units: Units, *, mend: bool = False) -> list[str]:
    """Ids of the rows that say something else than the papers do; each is restated when it is to be mended.

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
    after = ""
    while papers := await reader.find(DIRECTIVES, {"_id": {"$gt": after}}, sort=("_id",), limit=PAGE):
        yield [paper.id for paper in papers]
        after = papers[-1].id
    after = ""
    while rows := await reader.find(CONCRETISATIONS, {"_id": {"$gt": after}}, sort=("_id",), limit=PAGE):
        yield [entry.directive_id for row in rows for entry in row.papers]
        after = rows[-1].id


async def _report(settings: Settings, *, mend: bool) -> int:
    units = Units("tasks", Database(settings, "tasks-verify"))
    try:
        found = await differing(units, mend=mend)
        left = await differing(units) if found and mend else found
    except (PyMongoError, TimeoutError) as error:
        print(f"not checked: the database does not answer ({type(error).__name__})", file=sys.stderr)
        return 2
    finally:
        await units.database.close()
    for key in found:
        print(f"{'mended' if mend and key not in left else 'differs'}: {key}")
    print(f"the matrix of concretisation: {len(found)} rows differed, {len(left)} differ from the papers now")
    return int(bool(left))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tasks.verify", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mend", action="store_true", help="derive the rows that differ from the papers again")
    arguments = parser.parse_args()
    try:
        settings = Settings.load()
    except SystemExit as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    sys.exit(asyncio.run(_report(settings, mend=arguments.mend)))


if __name__ == "__main__":
    main()
