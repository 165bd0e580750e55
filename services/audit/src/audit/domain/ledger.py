"""The ledger: entries with a contiguous index, each committed to by a leaf hash and chained to the one before it.

An entry *is* its canonical JSON (RFC 8785); its leaf hash is that of RFC 6962, so that a Merkle tree can be built over
the stored hashes as they are. What came over the wire lies beside it, as an `Original`: the entry commits to it by an
HMAC under a random key of its own. Without that key the commitment tells nothing, however few values the data could
have had; so an original can be erased, key and bytes together, and every hash stays what it was.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any, ClassVar, Literal

import rfc8785
from pydantic import BaseModel, ConfigDict

from common.contracts.base import Envelope, Record
from common.domain import Aggregate, Document

HEAD = "head"
"""Id of the one `Ledger` document."""


def moment(time: datetime) -> str:
    """RFC 3339 with milliseconds, as envelopes write it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def leaf_hash(canonical: bytes) -> str:
    """RFC 6962, 2.1: SHA-256 over 0x00 and the leaf; in hexadecimal."""
    return hashlib.sha256(b"\x00" + canonical).hexdigest()


class Leaf(BaseModel):
    """What an entry says, and all that its hash covers. `v` names this very set of fields: another set is another `v`.

    `index` counts from 0 without gaps; `previous` is the leaf hash of the entry before, null for the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    v: Literal[1] = 1
    index: int
    event_id: str
    type: str
    source: str
    subject: str
    actor: str
    sequence: int
    time: str
    correlation_id: str
    topic: str
    partition: int
    offset: int
    recorded_at: str
    payload_commit: str
    previous: str | None

    def canonical(self) -> bytes:
        """RFC 8785: the one way to write these fields."""
        return rfc8785.dumps(self.model_dump())


class Entry(Document):
    """One line of the ledger, under the id of its event. Never changed, never deleted."""

    index: int
    canonical: bytes
    leaf_hash: str

    @property
    def leaf(self) -> Leaf:
        return Leaf.model_validate_json(self.canonical)


class Original(Document):
    """A record as it lay on its topic, under the id of its event, with the key (`secret`) of the entry's commitment."""

    secret: bytes
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    def commitment(self) -> str:
        """HMAC-SHA256 over key, value and headers, byte for byte; in hexadecimal."""
        content = {
            "headers": [[name, _base64(value)] for name, value in self.headers],
            "key": _base64(self.key),
            "value": _base64(self.value),
        }
        return hmac.digest(self.secret, rfc8785.dumps(content), "sha256").hex()


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


class Ledger(Aggregate):
    """The head: how many entries there are, and the hash that the next one continues.

    It is saved in the transaction of the entries: of two writers only one can move it from the same version, and so
    the index has neither gap nor double.
    """

    noun: ClassVar[tuple[str, str]] = ("sổ cái", "ledger")
    size: int = 0
    last_hash: str | None = None

    def enter(self, envelope: Envelope, record: Record, *, secret: bytes, at: datetime) -> tuple[Entry, Original]:
        """The next entry. `secret` is 32 random bytes of this entry alone, `at` the moment of entering."""
        original = Original(id=envelope.id, secret=secret, key=record.key, value=record.value, headers=list(record.headers))
        leaf = Leaf(
            index=self.size,
            **said_by(envelope),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            recorded_at=moment(at),
            payload_commit=original.commitment(),
            previous=self.last_hash,
        )
        canonical = leaf.canonical()
        entry = Entry(id=envelope.id, index=leaf.index, canonical=canonical, leaf_hash=leaf_hash(canonical))
        self.size, self.last_hash = self.size + 1, entry.leaf_hash
        return entry, original


def said_by(envelope: Envelope) -> dict[str, Any]:
    """The fields of a leaf that are the event's own."""
    return {
        "event_id": envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        "subject": envelope.subject,
        "actor": envelope.actor,
        "sequence": envelope.sequence,
        "time": moment(envelope.time),
        "correlation_id": envelope.correlation_id,
    }
