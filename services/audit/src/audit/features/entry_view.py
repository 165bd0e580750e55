"""What a caller is shown of an entry, and who is shown any."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from pydantic import Field
from pydantic_core import to_json

from audit.domain.ledger import Entry, Original
from common.errors import Forbidden, Words
from common.http import Call, View


class EntryLine(View):
    """An entry in a list."""

    index: int = Field(description="Position in the ledger, from 0, without gaps")
    event_id: str
    type: str
    source: str
    subject: str = Field(description="Id of what the event happened to")
    actor: str = Field(description="person:<id>, client:<id> or system:<service>")
    sequence: int = Field(description="Running number of the event within its subject")
    time: str = Field(description="When it happened, RFC 3339")
    correlation_id: str
    recorded_at: str = Field(description="When it was entered, RFC 3339, UTC")
    leaf_hash: str = Field(description="SHA-256 of 0x00 and `canonical` (RFC 6962), hexadecimal")


class SentHeader(View):
    name: str
    value: str | None


class EntryView(EntryLine):
    """An entry whole, with the event as it was sent. The last four are null once the original has been erased."""

    topic: str
    partition: int
    offset: int
    payload_commit: str = Field(
        description='HMAC-SHA256 under `payload_key` of the RFC 8785 form of {"headers": [[name, base64]], "key": base64, '
        '"value": base64}, hexadecimal'
    )
    previous: str | None = Field(description="Leaf hash of the entry before; null for the first")
    canonical: str = Field(description="The entry as it was hashed: JSON, RFC 8785")
    headers: list[SentHeader] | None
    data: Any = Field(description="The event's JSON; null when only a lenient reader could make sense of it")
    data_base64: str | None = Field(description="The event's data, byte for byte")
    payload_key: str | None = Field(description="Key of `payload_commit`, hexadecimal")


def line(entry: Entry) -> EntryLine:
    return EntryLine(**entry.leaf.model_dump(), leaf_hash=entry.leaf_hash)


def whole(entry: Entry, original: Original | None) -> EntryView:
    sent: dict[str, Any] = dict.fromkeys(("headers", "data", "data_base64", "payload_key"))
    if original is not None:
        value = original.value or b""
        sent = {
            "headers": [
                SentHeader(name=name, value=None if value is None else value.decode(errors="replace"))
                for name, value in original.headers
            ],
            "data": _readable(value),
            "data_base64": base64.b64encode(value).decode(),
            "payload_key": original.secret.hex(),
        }
    canonical = entry.canonical.decode()
    return EntryView(**entry.leaf.model_dump(), leaf_hash=entry.leaf_hash, canonical=canonical, **sent)


def _readable(value: bytes) -> Any:
    """Strictly read JSON. None for what would not survive being written again: lone surrogates, hundreds of levels."""
    try:
        data = orjson.loads(value)
        to_json(data)
    except ValueError:
        return None
    return data


def require_all_units(call: Call) -> None:
    """The ledger is one chain over all units and cannot be shown in parts: who acts for some units only sees none of it."""
    if call.actor.units is not None:
        raise Forbidden(
            Words(
                "Sổ cái chung cho mọi đơn vị; tài khoản chỉ được giao một số đơn vị không xem được. "
                "Hãy dùng tài khoản không giới hạn đơn vị.",
                "The ledger is one for all units; a caller limited to some units may not see it. "
                "Use a client without a limit to units.",
            )
        )
