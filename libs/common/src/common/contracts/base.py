"""Events, and the envelope in which they travel: CloudEvents 1.0, binary content mode on Kafka.

An event is one fact about one aggregate. It is frozen, self-contained for its readers, carries no personal data
(persons are opaque ids) and changes by addition only; anything else is a `.v2` beside the `.v1`.
Writers are closed (an unknown field is a mistake), readers are tolerant (an unknown field is a newer writer).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

CONTENT_TYPE = b"application/json"
MAX_SEQUENCE = 2**53
"""What JSON and the database count exactly; beyond it a number is no sequence of ours."""


class Event(BaseModel):
    """Base of every event type.

    A subclass names its wire type and the field that holds the id of the aggregate, which is also the Kafka key::

        class TaskAssigned(Event, type="tasks.task.assigned.v1", key="task_id"):
            task_id: TaskId
            person_id: PersonId

    The wire type reads `<owner>.<aggregate>.<what happened>.v<major>` and is never derived from the class name, so that
    renaming a class touches no stored row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    registry: ClassVar[dict[str, type[Event]]] = {}
    type: ClassVar[str]
    key: ClassVar[str]

    def __init_subclass__(cls, **declared: Any) -> None:
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(cls, **declared: Any) -> None:
        if not declared:  # fields that several events share
            return
        wire_type, key = declared["type"], declared["key"]
        if wire_type in Event.registry:
            raise TypeError(f"{wire_type} is declared twice")
        if key not in cls.model_fields:
            raise TypeError(f"{cls.__name__} has no field {key!r} to use as its Kafka key")
        if len(wire_type.split(".")) != 4 or not wire_type.rsplit(".v", 1)[-1].isdigit():
            raise TypeError(f"{wire_type} does not read <owner>.<aggregate>.<what happened>.v<major>")
        cls.type, cls.key = wire_type, key
        Event.registry[wire_type] = cls

    @property
    def subject(self) -> str:
        """The id of the aggregate that this happened to."""
        return str(getattr(self, self.key))

    def data(self) -> bytes:
        """The JSON of the event, UTF-8."""
        return self.model_dump_json().encode()

    @classmethod
    def read(cls, data: bytes) -> Event:
        """Decode what a writer of this major version sent; fields that this reader does not know are passed over.

        Raises `Undecodable` when the data is not JSON or does not fit the schema.
        """
        try:
            return cls.model_validate_json(data, extra="ignore")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "(the whole)"
            raise Undecodable("schema", f"{cls.type}: {where}: {first['msg']}") from error


class Undecodable(Exception):
    """A record that no retry can make readable. `reason` is a stable code, `detail` never holds values of the record."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Envelope:
    """The CloudEvents attributes of one event.

    `sequence` is the running number of the event within its aggregate, 1, 2, 3 ... without gaps: readers apply them in
    that order. `actor` reads `person:<id>`, `client:<id>` or `system:<service>`.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: int
    actor: str
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None

    @property
    def stream(self) -> str:
        """Names the aggregate among all aggregates of all services; order is kept within it."""
        return f"{self.source}/{self.type.split('.')[1]}/{self.subject}"

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers of the CloudEvents binary content mode."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_source": self.source,
            "ce_type": self.type,
            "ce_subject": self.subject,
            "ce_time": self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "ce_partitionkey": self.subject,
            "ce_sequence": str(self.sequence),
            "ce_actor": self.actor,
            "ce_correlationid": self.correlation_id,
            "ce_causationid": self.causation_id,
            "ce_traceparent": self.traceparent,
        }
        headers = [(name, value.encode()) for name, value in attributes.items() if value is not None]
        return [*headers, ("content-type", CONTENT_TYPE)]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
        """Read the attributes of a record. Raises `Undecodable` when it is not an event of ours."""
        try:
            found = {name: value.decode() for name, value in headers if value is not None}
        except UnicodeDecodeError as error:
            raise Undecodable("headers", "a header is not UTF-8") from error
        try:
            if found["ce_specversion"] != "1.0":
                raise Undecodable("headers", "ce_specversion is not 1.0")
            time = datetime.fromisoformat(found["ce_time"])
            sequence = int(found["ce_sequence"])
            if time.tzinfo is None or not 1 <= sequence < MAX_SEQUENCE or len(found["ce_type"].split(".")) != 4:
                raise ValueError
            return cls(
                id=found["ce_id"],
                source=found["ce_source"],
                type=found["ce_type"],
                subject=found["ce_subject"],
                time=time,
                sequence=sequence,
                actor=found.get("ce_actor", "unknown:"),
                correlation_id=found.get("ce_correlationid", found["ce_id"]),
                causation_id=found.get("ce_causationid"),
                traceparent=found.get("ce_traceparent"),
            )
        except KeyError as error:
            raise Undecodable("headers", f"{error.args[0]} is missing") from error
        except ValueError as error:
            raise Undecodable("headers", "ce_time, ce_sequence or ce_type is malformed") from error


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies on a topic, byte for byte."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    at: int = 0
    """When it was written, milliseconds since 1970, as the broker has it."""

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


E_co = TypeVar("E_co", bound="Event | None", covariant=True)


@dataclass(frozen=True, slots=True)
class Message(Generic[E_co]):
    """What a handler is given: the event, its envelope, and the record that carried both.

    A handler of every type (`Message[None]`) gets no decoded event: it must not depend on any type's schema.
    """

    event: E_co
    envelope: Envelope
    record: Record


def check_json(data: bytes | None) -> None:
    """Raise `Undecodable` unless the data of a record is a JSON object: the least that any reader may rely on."""
    try:
        if isinstance(json.loads(data or b""), dict):
            return
    except (ValueError, RecursionError) as error:
        raise Undecodable("json", "the value is not JSON") from error
    raise Undecodable("json", "the value is not a JSON object")
