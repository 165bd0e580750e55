"""Every topic of the platform, one row each. A service writes only to the topics of its own row."""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic:
    """`owner` alone writes to it. `retention_days` None keeps records for ever, so that a service that joins late reads
    from the beginning. `dead_letters` takes what the owner, *as a reader* of other topics, could not read or apply.
    """

    name: str
    owner: str
    partitions: int
    retention_days: int | None
    dead_letters: str


TOPICS = (
    Topic("tasks-events", "tasks", 6, None, "tasks-dead-letters"),
    Topic("training-events", "training", 3, None, "training-dead-letters"),
    Topic("notifications-events", "notifications", 3, None, "notifications-dead-letters"),
    Topic("audit-events", "audit", 1, None, "audit-dead-letters"),
    Topic("gateway-events", "gateway", 1, None, "gateway-dead-letters"),
)

BY_OWNER = {topic.owner: topic for topic in TOPICS}


def topic_of(event_type: str) -> Topic:
    """The topic on which a type is published by its owner. Raises KeyError for an owner that has no row."""
    return BY_OWNER[event_type.split(".", 1)[0]]


@dataclass(frozen=True, slots=True)
class TopicConfig:
    """What the broker is asked to create. Dead letters share their owner's retention and need one partition."""

    name: str
    partitions: int
    config: dict[str, str]


def to_create(prefix: str = "") -> list[TopicConfig]:
    """Every topic with its broker settings, names prefixed (tests run side by side on one broker)."""

    def config(retention_days: int | None) -> dict[str, str]:
        return {
            "retention.ms": str(-1 if retention_days is None else retention_days * DAY_MS),
            "cleanup.policy": "delete",
        }

    return [
        entry
        for topic in TOPICS
        for entry in (
            TopicConfig(prefix + topic.name, topic.partitions, config(topic.retention_days)),
            TopicConfig(prefix + topic.dead_letters, 1, config(topic.retention_days)),
        )
    ]
