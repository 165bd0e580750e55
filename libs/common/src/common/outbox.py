"""Rows of the outbox: events that are committed and wait to be sent, in the order of their aggregate."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from uuid_utils import uuid7

from common.contracts.base import Envelope, Event
from common.errors import TooLarge, text
from common.mongo import Index

OUTBOX = "outbox"
BUCKETS = 32
MAX_PAYLOAD = 256 * 1024
KEEP_SENT_SECONDS = 7 * 24 * 3600

PENDING, SENT, PARKED = "P", "S", "X"

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
    return _row(
        key=envelope.id,
        aggregate=(envelope.type.split(".")[1], envelope.subject, envelope.sequence),
        record=(topic, envelope.subject.encode(), event.data(), envelope.headers()),
        kind=envelope.type,
        at=envelope.time,
    )


def dead_letter_row(
    topic: str, record: tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]], reason: dict[str, str], at: datetime
) -> dict[str, Any]:
    """A record set aside: its original key, bytes and headers, and why, in `dlq-*` headers."""
    key, value, headers = record
    marks = [(f"dlq-{name}", text.encode()) for name, text in reason.items()]
    return _row(
        key=new_id(),
        aggregate=("dead-letter", f"{reason['topic']}/{reason['partition']}/{reason['offset']}", 1),
        record=(topic, key, value, [*headers, *marks]),
        kind="dead-letter",
        at=at,
    )


def _row(
    *,
    key: str,
    aggregate: tuple[str, str, int],
    record: tuple[str, bytes | None, bytes | None, list[Any]],
    kind: str,
    at: datetime,
) -> dict[str, Any]:
    topic, record_key, value, headers = record
    if value is not None and len(value) > MAX_PAYLOAD and kind != "dead-letter":
        raise TooLarge(text("event_too_large", kind=kind, size=len(value), limit=MAX_PAYLOAD))
    aggregate_type, aggregate_id, sequence = aggregate
    return {
        "_id": key,
        "aggregatetype": aggregate_type,
        "aggregateid": aggregate_id,
        "aggseq": sequence,
        "type": kind,
        "topic": topic,
        "key": record_key,
        "headers": [list(header) for header in headers],
        "payload": value,
        "state": PENDING,
        "bucket": bucket_of(aggregate_id),
        "attempts": 0,
        "created_at": at,
    }
