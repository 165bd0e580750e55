"""The AsyncAPI 3.0 document: topics as channels, event types as messages, who sends and who receives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from common.contracts.base import Event
from common.contracts.topics import TOPICS, Topic, to_create
from common.service import Service
from tools.events import event_types, example_of, schema_of
from tools.services import carriers, readers_of

DEAD_LETTER = "dead-letter"
KAFKA = "0.5.0"


def _text(description: str, example: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, "examples": [example], **more}


CLOUDEVENTS = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": _text("Id of the event, UUIDv7; the same when it is sent again", "019a8f2e-6d52-7cc0-b2a4-3f0a51c9d008"),
    "ce_source": _text("Which service it comes from", "/roviec/tasks"),
    "ce_type": _text("The type, which names the schema of the payload", "tasks.task.assigned.v1"),
    "ce_subject": _text("Id of the aggregate that it happened to", "019a8f2e-6d52-7cc0-b2a4-3f0a51c9d001"),
    "ce_time": _text("When it happened, RFC 3339, UTC", "2026-11-24T03:15:00.000Z", format="date-time"),
    "ce_partitionkey": _text("The key of the record", "019a8f2e-6d52-7cc0-b2a4-3f0a51c9d001"),
    "ce_sequence": _text("Running number within the aggregate: 1, 2, 3 ... without gaps", "1", pattern="^[1-9][0-9]*$"),
    "ce_actor": _text("Who did it: `person:<id>`, `client:<id>` or `system:<service>`", "client:prov-gate-7f3a"),
    "ce_correlationid": _text("Id of the request that everything goes back to", "6f1d2c9a40b7"),
    "ce_causationid": _text("Id of the event that caused this one, if one did", "019a8f2e-6d52-7cc0-b2a4-3f0a51c9d009"),
    "ce_traceparent": _text("W3C trace context", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    "content-type": {"type": "string", "const": "application/json"},
}
OPTIONAL = frozenset({"ce_causationid", "ce_traceparent"})
DEAD_LETTER_HEADERS = {
    "dlq-reason": _text("Why it was set aside: headers, json, schema or version", "schema"),
    "dlq-detail": _text("What is wrong, without values of the record", "tasks.task.assigned.v1: task_id: Field required"),
    "dlq-topic": _text("The topic that it lay on", "tasks-events"),
    "dlq-partition": _text("Its partition", "3"),
    "dlq-offset": _text("Its offset", "118"),
    "dlq-consumer": _text("The service that could not read it", "notifications"),
    "dlq-attempts": _text("How often that was tried", "1"),
    "dlq-first-at": _text("When that was seen first", "2026-11-24T03:15:01+00:00"),
}


def document(services: list[Service]) -> dict[str, Any]:
    """The whole document, complete in itself."""
    headers = {"type": "object", "properties": CLOUDEVENTS, "required": sorted(CLOUDEVENTS.keys() - OPTIONAL)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rõ Việc: events",
            "version": "1",
            "description": "CloudEvents 1.0 in binary content mode on Apache Kafka: attributes in `ce_*` headers, JSON in the "
            "value. Delivery is at least once; readers apply `ce_sequence` n + 1 after n and drop what they have applied.",
        },
        "defaultContentType": "application/json",
        "channels": dict(_channels()),
        "operations": dict(_operations(services)),
        "components": {
            "messages": {event.type: _message(event) for event in event_types()} | {DEAD_LETTER: _dead_letter()},
            "messageTraits": {
                "cloudevent": {
                    "contentType": "application/json",
                    "headers": headers,
                    "correlationId": {"location": "$message.header#/ce_correlationid"},
                }
            },
        },
    }


def published_on(topic: Topic) -> list[type[Event]]:
    return [event for event in event_types() if topic in carriers(event)]


def _channels() -> Iterator[tuple[str, Any]]:
    settings = {made.name: made for made in to_create()}

    def channel(name: str, text: str, messages: Iterable[str]) -> tuple[str, Any]:
        made = settings[name]
        retention = int(made.config["retention.ms"])
        cleanup = made.config["cleanup.policy"].split(",")
        return name, {
            "address": name,
            "description": text,
            "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
            "bindings": {
                "kafka": {
                    "topic": name,
                    "partitions": made.partitions,
                    "topicConfiguration": {"cleanup.policy": cleanup, "retention.ms": retention},
                    "bindingVersion": KAFKA,
                }
            },
        }

    for topic in TOPICS:
        yield channel(
            topic.name, f"What {topic.owner} publishes; it alone writes here.", [event.type for event in published_on(topic)]
        )
        yield channel(
            topic.dead_letters, f"What {topic.owner}, as a reader of other topics, could not read or apply.", [DEAD_LETTER]
        )


def _operations(services: list[Service]) -> Iterator[tuple[str, Any]]:
    def operation(service: str, action: str, channel: str, messages: Iterable[str], summary: str) -> tuple[str, Any]:
        place = f"#/channels/{channel}"
        return f"{service}.{action}.{channel}", {
            "action": action,
            "summary": summary,
            "channel": {"$ref": place},
            "messages": [{"$ref": f"{place}/messages/{key}"} for key in messages],
        }

    for topic in TOPICS:
        events = published_on(topic)
        yield operation(topic.owner, "send", topic.name, [event.type for event in events], f"{topic.owner} publishes")
        yield operation(topic.owner, "send", topic.dead_letters, [DEAD_LETTER], f"{topic.owner} sets aside what it cannot read")
        for service in services:
            heard = [event.type for event in events if service in readers_of(event, services)]
            if heard:
                yield operation(service.name, "receive", topic.name, heard, f"{service.name} reacts")


def _message(event: type[Event]) -> dict[str, Any]:
    payload = {keyword: value for keyword, value in schema_of(event).items() if not keyword.startswith("$")}
    example = example_of(event)
    headers = {name: rule.get("const") or rule["examples"][0] for name, rule in CLOUDEVENTS.items() if name not in OPTIONAL}
    headers |= {"ce_type": event.type, "ce_subject": example[event.key], "ce_partitionkey": example[event.key]}
    headers |= {"ce_source": f"/roviec/{carriers(event)[0].owner}"}
    return {
        "name": event.type,
        "title": event.type,
        "summary": payload.get("description", event.type),
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "headers": {"type": "object", "properties": {"ce_type": {"type": "string", "const": event.type}}},
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": f"`{event.key}`"}, "bindingVersion": KAFKA}},
        "examples": [{"name": event.type, "headers": headers, "payload": example}],
    }


def _dead_letter() -> dict[str, Any]:
    return {
        "name": DEAD_LETTER,
        "title": "A record that was set aside",
        "summary": "The original key, bytes and headers, and why it was set aside in `dlq-*` headers.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": DEAD_LETTER_HEADERS, "required": sorted(DEAD_LETTER_HEADERS)},
        "payload": {"description": "The bytes as they lay on the topic; they need not be JSON."},
        "bindings": {"kafka": {"bindingVersion": KAFKA}},
    }
