"""`python -m common.replay`: send events again that were sent before, from the outbox, which keeps them for seven days.

For a broker that lost its log, or a reader that must be fed again. Rows that were sent become pending; the service's own
relay sends them, in the order of each stream, with the ids they had, so readers that applied them drop them. Of each
stream everything from its first event of the period to its last goes out, since readers could not take one without those
between; meanwhile the gauge of the outbox's oldest event shows the age of what is replayed. What is older than seven
days is in the audit ledger. With `--parked`, what the broker refused for good is tried again. Run it with the environment
of the service. Exit status: 0, 1 when nothing was found, 2 when the database did not answer.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from common.consumer import BATCH_SECONDS
from common.contracts.topics import BY_OWNER
from common.outbox import OUTBOX, PARKED, PENDING, SENT
from common.redrive import operating, table
from common.unit_of_work import UnitOfWork, Units

STREAMS = 20
"""Streams in one transaction: none is ever seen half replayed."""


async def replay(
    units: Units, since: datetime, until: datetime | None = None, kind: str | None = None, *, dry_run: bool = False
) -> Counter[str]:
    """Make what was sent in since <= time of event < until pending again; counts by aggregate type.

    With `kind`, only streams that had an event of that type, from the first such event on.
    """
    period = {"$gte": since} if until is None else {"$gte": since, "$lt": until}
    first = "$aggseq" if kind is None else {"$cond": [{"$eq": ["$type", kind]}, "$aggseq", None]}
    name = {"aggregatetype": "$aggregatetype", "aggregateid": "$aggregateid"}
    pipeline: list[dict[str, Any]] = [
        {"$match": {"state": SENT, "created_at": period}},
        {"$group": {"_id": name, "first": {"$min": first}, "last": {"$max": "$aggseq"}}},
        {"$match": {"first": {"$ne": None}}},
        {"$sort": {"_id.aggregatetype": 1, "_id.aggregateid": 1}},
    ]
    streams = await units.database.aggregate(OUTBOX, pipeline)
    counts: Counter[str] = Counter()
    for start in range(0, len(streams), STREAMS):
        some = streams[start : start + STREAMS]

        async def work(uow: UnitOfWork, some: list[dict[str, Any]] = some) -> Counter[str]:
            found: Counter[str] = Counter()
            for stream in some:
                found[stream["_id"]["aggregatetype"]] += await _stream(uow, stream, dry_run=dry_run)
            return found

        counts += await units.run(work, units.system(), seconds=BATCH_SECONDS)
    return counts


async def _stream(uow: UnitOfWork, stream: dict[str, Any], *, dry_run: bool) -> int:
    outbox = uow.database.collection(OUTBOX)
    query = {**stream["_id"], "aggseq": {"$gte": stream["first"], "$lte": stream["last"]}, "state": SENT}
    if dry_run:
        return int(await outbox.count_documents(query, session=uow.session))
    change = {"$set": {"state": PENDING, "attempts": 0}, "$unset": {"sent_at": ""}}  # no longer about to expire
    done = await outbox.update_many(query, change, session=uow.session)
    return int(done.modified_count)


async def release(units: Units, *, dry_run: bool = False) -> Counter[str]:
    """Make the events that the relay parked pending again: the broker's limit or permission has been mended."""
    pipeline: list[dict[str, Any]] = [
        {"$match": {"state": PARKED}},
        {"$group": {"_id": "$aggregatetype", "number": {"$sum": 1}}},
    ]
    counts = Counter({row["_id"]: row["number"] for row in await units.database.aggregate(OUTBOX, pipeline)})
    if not dry_run:
        change = {"$set": {"state": PENDING, "attempts": 0}, "$unset": {"last_error": ""}}
        await units.database.collection(OUTBOX).update_many({"state": PARKED}, change)
    return counts


def rfc3339(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


async def _main(arguments: argparse.Namespace) -> int:
    async with operating(arguments.service) as units:
        if arguments.parked:
            counts = await release(units, dry_run=arguments.dry_run)
        else:
            counts = await replay(units, arguments.since, arguments.until, arguments.type, dry_run=arguments.dry_run)
    if not counts:
        print("nothing is parked" if arguments.parked else "nothing was sent in that time, or it is no longer kept")
        return 1
    print(table(["AGGREGATE", "EVENTS"], [*sorted(counts.items()), ("in all", counts.total())]))
    print("dry run: nothing was changed" if arguments.dry_run else "pending again: the relay of the service sends them now")
    return 0


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m common.replay", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--service", required=True, choices=sorted(BY_OWNER), help="the service that published them")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--since", type=rfc3339, help="RFC 3339, such as 2026-11-24T00:00:00+07:00")
    what.add_argument("--parked", action="store_true", help="what the broker refused for good; --until and --type do not apply")
    parser.add_argument("--until", type=rfc3339, help="RFC 3339; up to now when left out")
    parser.add_argument("--type", help="only streams that had such an event, from the first one on")
    parser.add_argument("--dry-run", action="store_true", help="count only")
    sys.exit(asyncio.run(_main(parser.parse_args(argv))))


if __name__ == "__main__":
    main()
