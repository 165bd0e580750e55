"""The published language both ways: what old and new code write and read, against the golden schemas on disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from common import contracts
from common.contracts.base import MAX_SEQUENCE, Envelope, Event, Undecodable, check_json
from common.contracts.topics import BY_OWNER, TOPICS, to_create, topic_of

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
EVENTS = [event for _, event in sorted(Event.registry.items()) if event.__module__.startswith(contracts.__name__)]

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)


def example(event: type[Event]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{event.type}.example.json").read_text())
    return found


def golden(event: type[Event]) -> jsonschema_rs.Validator:
    schema = json.loads((SCHEMAS / f"{event.type}.schema.json").read_text())
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def test_golden_files_are_there_for_every_event_and_for_nothing_else() -> None:
    expected = {f"{event.type}.{kind}.json" for event in EVENTS for kind in ("schema", "example")}
    assert {path.name for path in SCHEMAS.iterdir()} == expected


@every_event
def test_what_was_written_before_is_read_and_written_the_same(event: type[Event]) -> None:
    """New reader, old writer; and the writer of today says the same."""
    kept = example(event)
    read = event.read(json.dumps(kept).encode())
    assert type(read) is event
    assert json.loads(read.data()) == kept
    assert read.subject == kept[event.key]


@every_event
def test_what_is_written_fits_the_golden_schema(event: type[Event]) -> None:
    golden(event).validate(json.loads(event.read(json.dumps(example(event)).encode()).data()))


@every_event
def test_a_reader_passes_over_what_a_newer_writer_adds(event: type[Event]) -> None:
    """Old reader, new writer: the reader and the golden schema are open, the writer is closed."""
    newer = {**example(event), "added_later": {"deep": [1]}}
    golden(event).validate(newer)
    assert event.read(json.dumps(newer).encode()) == event.read(json.dumps(example(event)).encode())
    with pytest.raises(ValidationError, match="added_later"):
        event(**newer)


@every_event
def test_a_reader_does_without_what_an_older_writer_did_not_know(event: type[Event]) -> None:
    """Fields with a default may be missing; each of the others is missed by reader and golden schema alike."""
    kept = example(event)
    required = {name for name, field in event.model_fields.items() if field.is_required()}
    event.read(json.dumps({name: kept[name] for name in required}).encode())
    for name in required:
        without = {other: value for other, value in kept.items() if other != name}
        assert not golden(event).is_valid(without)
        with pytest.raises(Undecodable, match=name):
            event.read(json.dumps(without).encode())


@every_event
def test_an_event_holds_no_personal_data(event: type[Event]) -> None:
    names = {"name", "person_name", "email", "mail", "phone", "address", "birth", "born_on", "score"}
    assert not names & event.model_fields.keys()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"course_id": 5}'])
def test_rubbish_is_undecodable_and_its_values_are_not_repeated(data: bytes) -> None:
    with pytest.raises(Undecodable) as caught:
        Event.registry["training.course.registered.v1"].read(data)
    assert caught.value.reason == "schema"
    assert "5" not in caught.value.detail


@pytest.mark.parametrize("data", [None, b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_the_least_that_a_reader_of_everything_asks_for_is_an_object(data: bytes | None) -> None:
    check_json(b"{}")
    with pytest.raises(Undecodable):
        check_json(data)


def test_wire_types_are_checked_when_a_class_is_declared() -> None:
    with pytest.raises(TypeError, match="declared twice"):
        type("Again", (Event,), {"__annotations__": {"id": str}}, type="training.course.registered.v1", key="id")
    with pytest.raises(TypeError, match="no field 'other'"):
        type("Keyless", (Event,), {"__annotations__": {"id": str}}, type="training.course.planted.v1", key="other")
    for wrong in ("training.course.v1", "training.course.planted.one", "training.course.planted"):
        with pytest.raises(TypeError, match="does not read"):
            type("Misnamed", (Event,), {"__annotations__": {"id": str}}, type=wrong, key="id")
    assert not any("planted" in kind for kind in Event.registry)


# --- the envelope ---

SENT = Envelope(
    id="019a8f2e-6d52-7cc0-b2a4-3f0a51c9d008",
    source="/roviec/tasks",
    type="tasks.task.assigned.v1",
    subject="t1",
    time=datetime(2026, 11, 24, 3, 15, tzinfo=UTC),
    sequence=7,
    actor="person:per-1",
    correlation_id="corr",
    causation_id="019a8f2e-6d52-7cc0-b2a4-3f0a51c9d009",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def test_an_envelope_survives_the_journey() -> None:
    assert Envelope.from_headers(SENT.headers()) == SENT
    assert SENT.stream == "/roviec/tasks/task/t1"


def test_any_cloudevents_reader_can_read_the_headers() -> None:
    """CloudEvents 1.0, Kafka binding, binary mode: required attributes, lower-case names, RFC 3339 time."""
    headers = dict(SENT.headers())
    assert {"ce_specversion", "ce_id", "ce_source", "ce_type"} <= headers.keys()
    assert headers["ce_time"] == b"2026-11-24T03:15:00.000Z"
    assert headers["content-type"] == b"application/json"
    names = [name.removeprefix("ce_") for name in headers if name != "content-type"]
    assert all(name.isalnum() and name.islower() and len(name) <= 20 for name in names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("ce_specversion", None),
        ("ce_id", None),
        ("ce_type", b"tasks"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-11-24T03:15:00"),
        ("ce_sequence", b"0"),
        ("ce_sequence", b"-1"),
        ("ce_sequence", b"one"),
        ("ce_sequence", b"9" * 5000),
        ("ce_sequence", str(MAX_SEQUENCE).encode()),
        ("ce_subject", b"\xff"),
    ],
)
def test_an_envelope_that_is_not_ours_is_undecodable(name: str, value: bytes | None) -> None:
    spoilt = {**dict(SENT.headers()), name: value}
    with pytest.raises(Undecodable) as caught:
        Envelope.from_headers(list(spoilt.items()))
    assert caught.value.reason == "headers"


# --- topics ---


def test_every_topic_has_one_owner_and_a_place_for_what_the_owner_cannot_read() -> None:
    assert len(BY_OWNER) == len(TOPICS)
    names = [made.name for made in to_create("x-")]
    assert len(set(names)) == 2 * len(TOPICS)
    assert all(name.startswith("x-") for name in names)
    assert topic_of("tasks.task.assigned.v1").name == "tasks-events"
    with pytest.raises(KeyError):
        topic_of("nobody.thing.happened.v1")
