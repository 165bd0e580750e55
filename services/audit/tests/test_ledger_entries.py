"""What an entry commits to, and that nothing can be changed without the walk seeing it. No I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.domain.ledger import Entry, Ledger, Original
from audit.domain.verification import Breach, Walk
from audit.store import ENTRIES, ORIGINALS
from common.contracts.base import Envelope, Record

AT = datetime(2026, 11, 24, 3, 15, 0, 250_000, UTC)


def sent(number: int) -> tuple[Envelope, Record]:
    envelope = Envelope(
        id=f"event-{number}", source="/roviec/tasks", type="tasks.task.published.v1", subject=f"nhiệm-vụ-{number % 3}",
        time=AT, sequence=number // 3 + 1, actor="person:per-7", correlation_id="corr",
    )  # fmt: skip
    value = json.dumps({"task_id": envelope.subject, "n": number}).encode()
    return envelope, Record("tasks-events", 0, number, envelope.subject.encode(), value, tuple(envelope.headers()))


def test_a_fixed_entry_has_a_fixed_leaf_hash() -> None:
    envelope = Envelope("e-1", "/roviec/tasks", "tasks.task.done.v1", "task-ă", AT, 7, "client:gate", "c-9")
    record = Record("tasks-events", 2, 41, b"k", b'{"a": 1}', (("ce_id", b"e-1"), ("empty", None)))
    head = Ledger(id="head", size=5, last_hash="ab" * 32)
    entry, original = head.enter(envelope, record, secret=bytes(range(32)), at=AT)

    b64 = base64.b64encode
    content = b'{"headers":[["ce_id","%s"],["empty",null]],"key":"%s","value":"%s"}' % (
        b64(b"e-1"),
        b64(b"k"),
        b64(b'{"a": 1}'),
    )
    commit = hmac.new(bytes(range(32)), content, hashlib.sha256).hexdigest()
    canonical = (
        '{"actor":"client:gate","correlation_id":"c-9","event_id":"e-1","index":5,"offset":41,"partition":2,'
        f'"payload_commit":"{commit}","previous":"{"ab" * 32}","recorded_at":"2026-11-24T03:15:00.250Z","sequence":7,'
        '"source":"/roviec/tasks","subject":"task-ă","time":"2026-11-24T03:15:00.250Z","topic":"tasks-events",'
        '"type":"tasks.task.done.v1","v":1}'
    ).encode()
    assert entry.canonical == canonical
    assert entry.leaf_hash == hashlib.sha256(b"\x00" + canonical).hexdigest()
    assert entry.leaf_hash == "1dcb02f304a18bcb6eac58cd2560c535c85801d38b7fd6009f5a3550782a42ec"
    assert (head.size, head.last_hash) == (6, entry.leaf_hash)
    assert original.value == b'{"a": 1}'


def test_equal_data_of_two_entries_cannot_be_told_from_their_commitments() -> None:
    envelope, record = sent(1)
    one, _ = Ledger(id="head").enter(envelope, record, secret=b"1" * 32, at=AT)
    other, _ = Ledger(id="head").enter(envelope, record, secret=b"2" * 32, at=AT)
    assert one.leaf.payload_commit != other.leaf.payload_commit


# --- rows as the database holds them ---


class Stored:
    """Six entries as stored rows, open to every change that somebody with the database's password can make."""

    def __init__(self, count: int = 6) -> None:
        self.head = Ledger(id="head")
        self.entries: list[dict[str, Any]] = []
        self.originals: dict[str, dict[str, Any]] = {}
        for number in range(count):
            entry, original = self.head.enter(*sent(number), secret=bytes([number]) * 32, at=AT)
            self.add(entry, original)

    def add(self, entry: Entry, original: Original) -> None:
        self.entries.append({**entry.model_dump(), "_d": ENTRIES.dump(entry)["_d"]})
        self.originals[ORIGINALS.dump(original)["_id"]] = original.model_dump()

    def walk(self) -> Walk:
        walk = Walk()
        for row in deepcopy(self.entries):
            walk.take(row, row.pop("_d"), self.originals.get(row["id"]))
        walk.end(self.head, entries=len(self.entries), originals=len(self.originals))
        return walk


STORED = Stored()


def test_an_untouched_ledger_holds() -> None:
    assert STORED.walk().size == 6
    assert Stored(0).walk().last_hash is None


def altered(value: Any, place: int) -> Any:
    """The value with one bit, digit or element changed."""
    if isinstance(value, bytes):
        return value[: (at := place % len(value))] + bytes([value[at] ^ 1 << place % 7]) + value[at + 1 :]
    if isinstance(value, str):
        return value[: (at := place % len(value))] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    if isinstance(value, int):
        return value + 1 + place
    if isinstance(value, dict):
        name = sorted(value)[place % len(value)]
        return {**value, name: altered(value[name], place // 7)}
    at = place % len(value)
    return [*value[:at], altered(value[at], place // 7), *value[at + 1 :]]


@settings(max_examples=400)
@given(st.integers(0, 5), st.sampled_from(["index", "canonical", "leaf_hash", "id", "_d"]), st.integers(0, 5000))
def test_every_change_of_an_entry_is_found(index: int, name: str, place: int) -> None:
    stored = deepcopy(STORED)
    stored.entries[index][name] = altered(stored.entries[index][name], place)
    with pytest.raises(Breach):
        stored.walk()


@settings(max_examples=400)
@given(st.integers(0, 5), st.sampled_from(["secret", "key", "value", "headers"]), st.integers(0, 5000))
def test_every_change_of_an_original_is_found(index: int, name: str, place: int) -> None:
    stored = deepcopy(STORED)
    row = stored.originals[f"event-{index}"]
    row[name] = [list(pair) for pair in row[name]] if name == "headers" else row[name]
    row[name] = altered(row[name], place)
    with pytest.raises(Breach) as found:
        stored.walk()
    assert found.value.index == index


@pytest.mark.parametrize("index", range(6))
def test_what_is_removed_doubled_or_moved_is_found(index: int) -> None:
    for spoil in (
        lambda s: s.entries.pop(index),
        lambda s: s.entries.insert(index, dict(s.entries[index])),
        lambda s: s.entries[index].pop("canonical"),
        lambda s: s.entries[index].update(index=float(index)),
        lambda s: s.originals[f"event-{index}"].pop("headers"),
        lambda s: s.entries.insert((index + 3) % 6, s.entries.pop(index)),
        lambda s: s.originals.pop(f"event-{index}"),
        lambda s: s.originals.update(stray=s.originals["event-0"]),
        lambda s: setattr(s.head, "size", index),
        lambda s: setattr(s.head, "last_hash", s.entries[index - 1 if index else 4]["leaf_hash"]),
    ):
        stored = deepcopy(STORED)
        spoil(stored)
        with pytest.raises(Breach):
            stored.walk()


def test_an_entry_written_anew_with_its_own_hash_breaks_the_chain() -> None:
    stored = deepcopy(STORED)
    forger = Ledger(id="head", size=2, last_hash=stored.entries[1]["leaf_hash"])
    envelope, record = sent(2)
    entry, original = forger.enter(envelope, record, secret=b"f" * 32, at=AT)
    stored.entries[2] = {**entry.model_dump(), "_d": ENTRIES.dump(entry)["_d"]}
    stored.originals[entry.id] = original.model_dump()
    with pytest.raises(Breach, match="entry 3: it does not continue"):
        stored.walk()


@pytest.mark.parametrize("said", [{"subject": "another"}, {"index": 9}, {"sequence": 8}, {"event_id": "another"}])
def test_a_last_entry_forged_with_head_and_hash_must_still_say_what_its_event_says(said: dict[str, Any]) -> None:
    stored = deepcopy(STORED)
    leaf = Entry(**stored.entries[5]).leaf.model_copy(update=said)
    rewrite_last(stored, leaf.canonical(), {name: getattr(leaf, name) for name in stored.entries[5]["_d"]})
    with pytest.raises(Breach, match="entry 5: "):
        stored.walk()


def test_bytes_that_are_not_canonical_are_no_entry() -> None:
    stored = deepcopy(STORED)
    rewrite_last(stored, stored.entries[5]["canonical"] + b" ", stored.entries[5]["_d"])
    with pytest.raises(Breach, match="entry 5: its bytes are not canonical"):
        stored.walk()


def rewrite_last(stored: Stored, canonical: bytes, searched: dict[str, Any]) -> None:
    stored.head.last_hash = hashlib.sha256(b"\0" + canonical).hexdigest()
    stored.entries[5] |= {"canonical": canonical, "leaf_hash": stored.head.last_hash, "_d": searched}


def test_an_entry_moved_with_its_original_to_another_id_is_found() -> None:
    stored = deepcopy(STORED)
    stored.entries[2]["id"] = "another"
    stored.originals["another"] = stored.originals.pop("event-2") | {"id": "another"}
    with pytest.raises(Breach, match="entry 2: it is stored under the id of another event"):
        stored.walk()


def test_entries_beside_the_chain_are_found() -> None:
    walk = STORED.walk()
    with pytest.raises(Breach, match="7 entries are stored, 6 are in the chain"):
        walk.end(STORED.head, entries=7, originals=6)
