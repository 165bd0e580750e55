"""Records applied once and in order: the claim, the guard of each stream, and the place for records that must wait.

Inside the transaction of the effect, a record is claimed by its event id, and the guard of its stream is moved from n
to n + 1. What is lower is a duplicate. What is higher waits here, parked, until the missing one has come; so does every
record behind one that failed, which keeps the order without holding up other streams.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from common.contracts.base import Envelope, Record
from common.mongo import Index, UpdateOne
from common.unit_of_work import UnitOfWork

CLAIMS, GUARDS, PARKED, STATE = "inbox_claims", "inbox_guards", "inbox_parked", "inbox_state"
CLAIM_SECONDS = 30 * 24 * 3600

COLLECTIONS = (
    (CLAIMS, (Index("at", expire_seconds=CLAIM_SECONDS),)),
    (GUARDS, ()),
    (PARKED, (Index("stream", "sequence"), Index("next_at"))),
    (STATE, ()),
)


class Verdict(StrEnum):
    NEXT = "next"
    DUPLICATE = "duplicate"
    GAP = "gap"


def judge(sequence: int, last: int) -> Verdict:
    """Whether a record is the next of its stream, was applied before, or came before its predecessor."""
    if sequence == last + 1:
        return Verdict.NEXT
    return Verdict.DUPLICATE if sequence <= last else Verdict.GAP


class Why(StrEnum):
    """Why a record is parked."""

    GAP = "gap"
    """An earlier one of its stream has not been applied yet."""
    FAILED = "failed"
    """Its handler failed; it is tried again with growing pauses."""
    DEAD = "dead"
    """No retry can help; it waits for `redrive`."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that waits. `stream` and `sequence` are None when its headers could not be read: it holds nobody up."""

    id: str
    record: Record
    stream: str | None
    sequence: int | None
    why: Why
    attempts: int
    reason: str
    next_at: datetime | None

    def rests(self, now: datetime) -> bool:
        """True while its turn alone does not bring it on: it failed a moment ago, or no retry can help."""
        return self.why is not Why.GAP and (self.next_at is None or self.next_at > now)

    @classmethod
    def parse(cls, row: dict[str, Any]) -> Parked:
        headers = tuple((name, value) for name, value in row["headers"])
        record = Record(**{one.name: row[one.name] for one in fields(Record)} | {"headers": headers})
        kept = ("stream", "sequence", "attempts", "reason", "next_at")
        return cls(id=row["_id"], record=record, why=Why(row["why"]), **{name: row[name] for name in kept})


def pause_after(attempts: int) -> timedelta:
    """How long a failed record rests before its next try: 1 s, doubled each time, at most 10 minutes."""
    return timedelta(seconds=min(2 ** (attempts - 1), 600))


async def last_applied(uow: UnitOfWork, streams: Iterable[str]) -> dict[str, int]:
    """The guard of each stream: the sequence of the last record applied, 0 when there was none."""
    wanted = list(set(streams))
    cursor = uow.database.collection(GUARDS).find({"_id": {"$in": wanted}}, session=uow.session)
    return dict.fromkeys(wanted, 0) | {row["_id"]: row["seq"] for row in await cursor.to_list(None)}


def claim(uow: UnitOfWork, envelope: Envelope) -> None:
    uow.insert_raw(CLAIMS, {"_id": envelope.id, "at": uow.now})


def move_guards(uow: UnitOfWork, before: dict[str, int], last: dict[str, int]) -> None:
    """Move the guard of each stream whose last record is another than before."""
    for stream, sequence in last.items():
        if sequence != before[stream]:
            uow.write_raw(GUARDS, UpdateOne({"_id": stream}, {"$set": {"seq": sequence}}, upsert=True))


def park(
    uow: UnitOfWork, record: Record, envelope: Envelope | None, why: Why, reason: str, next_at: datetime | None = None
) -> None:
    """Set a record aside. The same record again replaces itself."""
    key, stream, sequence = record.place, None, None
    if envelope is not None:
        key, stream, sequence = envelope.id, envelope.stream, envelope.sequence
    row = {**asdict(record), "stream": stream, "sequence": sequence, "why": why.value, "reason": reason}
    row |= {"attempts": int(why is Why.FAILED), "next_at": next_at, "parked_at": uow.now}
    uow.write_raw(PARKED, UpdateOne({"_id": key}, {"$set": row}, upsert=True))


async def parked_of(uow: UnitOfWork, streams: Iterable[str], limit: int) -> list[Parked]:
    """The earliest parked records of these streams, those of each in order."""
    cursor = uow.database.collection(PARKED).find({"stream": {"$in": list(streams)}}, session=uow.session)
    rows = await cursor.sort([("stream", 1), ("sequence", 1)]).limit(limit).to_list(None)
    return [Parked.parse(row) for row in rows]


async def put_off(uow: UnitOfWork, waiting: Iterable[Parked], pause: timedelta) -> None:
    """Let the streams of those of these whose time had come be looked at later: what waits for its turn must not crowd others
    out of the next look. In the transaction that found it waiting, since another may be about to apply it.
    """
    if streams := {one.stream for one in waiting if one.next_at is not None and one.next_at <= uow.now}:
        rows = {"stream": {"$in": sorted(filter(None, streams))}, "next_at": {"$lte": uow.now}}
        await uow.database.collection(PARKED).update_many(rows, {"$set": {"next_at": uow.now + pause}}, session=uow.session)


async def unpark(uow: UnitOfWork, keys: list[str]) -> None:
    if keys:
        await uow.database.collection(PARKED).delete_many({"_id": {"$in": keys}}, session=uow.session)
