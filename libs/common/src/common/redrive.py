"""`python -m common.redrive`: have records that were set aside applied again, in their order, or give one up.

A record that no retry can help waits in the database of the service that could not read it, and its stream waits behind
it. Put back, it is taken by that service's consumer in its turn; what the present code cannot read either is refused and
stays. Run it with the environment of the service. Exit status: 0 when all was done, 1 when something was refused or
nothing was found, 2 when the database did not answer.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any, NamedTuple

from common import inbox
from common.consumer import BATCH_SECONDS, decode, handled_types
from common.contracts.base import Undecodable
from common.contracts.platform import RecordsRedriven
from common.contracts.topics import BY_OWNER
from common.domain import Aggregate
from common.inbox import Parked, Verdict, Why
from common.mongo import Database, UpdateOne, is_away
from common.outbox import new_id
from common.repository import Store
from common.settings import Settings
from common.unit_of_work import Handler, UnitOfWork, Units


class Redrive(Aggregate):
    """An operator's order about records that were set aside."""

    @classmethod
    def of(cls, records: list[str], *, given_up: bool) -> Redrive:
        redrive = cls(id=new_id())
        redrive.record(RecordsRedriven(redrive_id=redrive.id, records=records, given_up=given_up))
        return redrive


REDRIVES = Store(Redrive, "redrives")
ORDER = [("stream", 1), ("sequence", 1)]
Decide = Callable[[UnitOfWork, Parked], Awaitable[str]]


class Line(NamedTuple):
    """A record that was set aside, and what becomes of it."""

    id: str
    place: str
    stream: str
    sequence: int | None
    reason: str
    outcome: str

    @classmethod
    def of(cls, parked: Parked, outcome: str) -> Line:
        return cls(parked.id, parked.record.place, parked.stream or "", parked.sequence, parked.reason, outcome)

    @property
    def refused(self) -> bool:
        return self.outcome.startswith("refused")


def selection(key: str | None = None, stream: str | None = None, reason: str | None = None) -> dict[str, Any]:
    """The query for dead letters: all, or those with this id, stream or code of reason."""
    starts = None if reason is None else {"$regex": f"^{re.escape(reason)}:"}
    wanted = {"_id": key, "stream": stream, "reason": starts}
    return {"why": Why.DEAD.value, "next_at": None} | {name: value for name, value in wanted.items() if value is not None}


async def put_back(
    units: Units, types: Mapping[str, Handler], query: dict[str, Any], *, rate: int = 50, dry_run: bool = False
) -> list[Line]:
    """Put the dead letters that match back, at most `rate` of them a second."""

    async def decide(uow: UnitOfWork, parked: Parked) -> str:
        try:
            envelope = decode(parked.record, dict(types)).envelope
        except Undecodable as error:
            return f"refused: {error}"
        change = {"next_at": uow.now, "stream": envelope.stream, "sequence": envelope.sequence}
        uow.write_raw(inbox.PARKED, UpdateOne({"_id": parked.id}, {"$set": change}))
        return "put back"

    found = units.database.collection(inbox.PARKED).find(query, {"_id": 1}).sort(ORDER)
    keys = [row["_id"] for row in await found.to_list(None)]
    lines: list[Line] = []
    for start in range(0, len(keys), rate):
        if start and not dry_run:
            await asyncio.sleep(1.0)
        some = {**query, "_id": {"$in": keys[start : start + rate]}}
        lines += await _order(units, some, decide, given_up=False, dry_run=dry_run)
    return lines


async def give_up(units: Units, key: str, *, dry_run: bool = False) -> list[Line]:
    """Drop one record that is dead or fails again and again, as if it had been applied: what is behind it flows on."""

    async def decide(uow: UnitOfWork, parked: Parked) -> str:
        if parked.stream is not None and parked.sequence is not None:
            last = (await inbox.last_applied(uow, [parked.stream]))[parked.stream]
            verdict = inbox.judge(parked.sequence, last)
            if verdict is Verdict.GAP:
                return f"refused: {last + 1} of its stream must be dealt with first"
            if verdict is Verdict.NEXT:
                inbox.move_guards(uow, {parked.stream: 0}, {parked.stream: parked.sequence})
            behind, look = {"stream": parked.stream, "why": Why.GAP.value}, {"$set": {"next_at": uow.now}}
            await uow.database.collection(inbox.PARKED).update_many(behind, look, session=uow.session)
        await inbox.unpark(uow, [parked.id])
        return "given up"

    return await _order(units, {"_id": key, "why": {"$ne": Why.GAP.value}}, decide, given_up=True, dry_run=dry_run)


async def _order(units: Units, query: dict[str, Any], decide: Decide, *, given_up: bool, dry_run: bool) -> list[Line]:
    """Do it and publish that it was done, in one transaction; a dry run does the same and takes it back."""

    class TakenBack(Exception):
        pass

    lines: list[Line] = []

    async def work(uow: UnitOfWork) -> None:
        rows = await uow.database.collection(inbox.PARKED).find(query, session=uow.session).sort(ORDER).to_list(None)
        lines[:] = [Line.of(parked, await decide(uow, parked)) for parked in map(Parked.parse, rows)]
        if done := [line.id for line in lines if not line.refused]:
            uow.save(REDRIVES, Redrive.of(done, given_up=given_up))
        if dry_run:
            raise TakenBack

    with suppress(TakenBack):
        await units.run(work, units.system(), seconds=BATCH_SECONDS)
    return lines


# --- the command ---


@asynccontextmanager
async def operating(service: str) -> AsyncIterator[Units]:
    """The service's units, for a command of an operator. Ends the process with status 2 when the database is away."""
    settings = Settings.load()
    database = Database(settings, service)
    presence = asyncio.create_task(database.keep_presence())
    try:
        await database.prepare([(REDRIVES.collection, ())])
        yield Units(service, database, topic_prefix=settings.topic_prefix)
    except Exception as error:
        if not is_away(error):
            raise
        print("the database does not answer", file=sys.stderr)
        raise SystemExit(2) from error
    finally:
        presence.cancel()
        await database.close()


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of text, as wide as they need to be."""
    cells = [head, *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


async def _main(arguments: argparse.Namespace) -> int:
    types = handled_types(import_module(f"{arguments.service}.service").service.handlers)
    async with operating(arguments.service) as units:
        if arguments.skip:
            lines = await give_up(units, arguments.id, dry_run=arguments.dry_run)
        else:
            query = selection(arguments.id, arguments.stream, arguments.reason)
            lines = await put_back(units, types, query, rate=arguments.rate, dry_run=arguments.dry_run)
    if not lines:
        print("no such record is set aside")
        return 1
    print(table([name.upper() for name in Line._fields], lines))
    if arguments.dry_run:
        print("dry run: nothing was changed")
    elif arguments.skip:
        print("WARNING: what this record said is lost to this service", file=sys.stderr)
    return int(any(line.refused for line in lines))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m common.redrive", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--service", required=True, choices=sorted(BY_OWNER), help="the service that set them aside")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--id", help="one record: its event id, or topic/partition/offset")
    which.add_argument("--stream", help="all of one stream, such as /roviec/tasks/task/<id>")
    which.add_argument("--reason", help="all with this code of reason: json, schema, version, headers")
    parser.add_argument("--rate", type=int, default=50, help="records a second at most (50)")
    parser.add_argument("--skip", action="store_true", help="give the record with this --id up; its stream flows on without it")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    arguments = parser.parse_args(argv)
    if arguments.skip and not arguments.id:
        parser.error("--skip gives one record up: name it with --id")
    if arguments.rate < 1:
        parser.error("--rate is at least 1")
    sys.exit(asyncio.run(_main(arguments)))


if __name__ == "__main__":
    main()
