"""Rows of the outbox: events that are committed and wait to be sent, in the order of their aggregate."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from uuid_utils import uuid7

from common.contracts.base import Envelope, Event, Record
from common.errors import TooLarge, text
from common.mongo import Index

OUTBOX = "outbox"
BUCKETS = 32
MAX_PAYLOAD = 256 * 1024
KEEP_SENT_SECONDS = 7 * 24 * 3600

PENDING, SENT, PARKED = "P", "S", "X"
DEAD_LETTER = "dead-letter"

INDEXES = (
    Index("aggregatetype", "aggregateid", "aggseq", unique=True),
    Index("state", "bucket", "aggregatetype", "aggregateid", "aggseq"),
    Index("state", "created_at"),
    Index("sent_at", expire_seconds=KEEP_SENT_SECONDS),
)


def new_id() -> str:
    """A UUIDv7: unique, and roughly in the order of creation."""
    return str(uuid7())


def bucket_of(aggregate_id: str) -> int:
    """Which of the `BUCKETS` shares a key belongs to; relays divide the buckets among themselves."""
    return zlib.crc32(aggregate_id.encode()) % BUCKETS


def event_row(event: Event, envelope: Envelope, topic: str) -> dict[str, Any]:
    """The row of one event. Raises `TooLarge` here, because a broker that refuses a record spoils the producer."""
    payload = event.data()
    if len(payload) > MAX_PAYLOAD:
        raise TooLarge(text("event_too_large", kind=envelope.type, size=len(payload), limit=MAX_PAYLOAD))
    stream = (envelope.type.split(".")[1], envelope.subject, envelope.sequence)
    record = {"topic": topic, "key": envelope.subject.encode(), "headers": envelope.headers(), "payload": payload}
    return _row(envelope.id, envelope.type, stream, envelope.time, record)


def dead_letter_row(topic: str, record: Record, marks: dict[str, str], at: datetime) -> dict[str, Any]:
    """A record set aside: its original key, bytes and headers, and where it lay and why, in `dlq-*` headers."""
    marks = {"topic": record.topic, "partition": str(record.partition), "offset": str(record.offset), **marks}
    headers = [*record.headers, *((f"dlq-{name}", mark.encode()) for name, mark in marks.items())]
    row = {"topic": topic, "key": record.key, "headers": headers, "payload": record.value}
    return _row(new_id(), DEAD_LETTER, (DEAD_LETTER, record.place, 1), at, row)


def _row(key: str, kind: str, stream: tuple[str, str, int], at: datetime, record: dict[str, Any]) -> dict[str, Any]:
    aggregate_type, aggregate_id, sequence = stream
    place = {"aggregatetype": aggregate_type, "aggregateid": aggregate_id, "aggseq": sequence}
    state = {"state": PENDING, "bucket": bucket_of(aggregate_id), "attempts": 0, "created_at": at}
    return {"_id": key, "type": kind, **place, **record, **state}
