"""`python -m audit.verify`: walk the whole ledger and say whether it is what was entered.

Reads the service's settings from the environment and writes nothing. Exit status: 0 when everything holds, 1 at the
first breach, 2 when it could not be checked.
"""

from __future__ import annotations

import asyncio
import sys

from audit import store
from audit.domain.verification import Breach, Walk
from common.mongo import Database, PyMongoError
from common.settings import Settings

STRETCH = 500


async def verify(database: Database) -> Walk:
    """The finished walk. Raises `Breach`. Entries made meanwhile are left to the next walk."""
    extent, walk = await store.extent(database), Walk()
    while walk.size < extent.head.size:
        rows = await store.stretch(database, walk.size, min(walk.size + STRETCH, extent.head.size))
        if not rows:
            raise Breach(walk.size, "it is missing")
        for entry, searched, original in rows:
            walk.take(entry, searched, original)
    walk.end(extent.head, entries=extent.entries, originals=extent.originals)
    return walk


async def _report(settings: Settings) -> int:
    database = Database(settings, "audit-verify")
    try:
        walk = await verify(database)
    except Breach as breach:
        print(f"BREACH at {breach}")
        return 1
    except (PyMongoError, TimeoutError) as error:
        print(f"not checked: the database does not answer ({type(error).__name__})", file=sys.stderr)
        return 2
    finally:
        await database.close()
    print(f"the ledger holds: {walk.size} entries, contiguous, chained, every original as entered")
    if walk.last_hash is not None:
        print(f"last entry {walk.size - 1}: leaf hash {walk.last_hash} (keep it elsewhere: a later walk must show the same)")
    return 0


def main() -> None:
    try:
        settings = Settings.load()
    except SystemExit as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    sys.exit(asyncio.run(_report(settings)))


if __name__ == "__main__":
    main()
