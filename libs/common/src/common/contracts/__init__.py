"""The published language: events by owner, their envelope, the topics. Imports pydantic and nothing else of ours.

Importing this package registers every event type.
"""

from common.contracts import (
    audit,
    gateway,
    notifications,
    platform,
    tasks,
    tasks_concretisation,
    tasks_life,
    tasks_means,
    tasks_reorganisation,
    tasks_reports,
    training,
)

__all__ = [
    "audit",
    "gateway",
    "notifications",
    "platform",
    "tasks",
    "tasks_concretisation",
    "tasks_life",
    "tasks_means",
    "tasks_reorganisation",
    "tasks_reports",
    "training",
]
