"""The deployables, found by the rows of the topics table, and what each of them reacts to."""

from __future__ import annotations

import inspect
from importlib import import_module

from common.consumer import handled_types
from common.contracts.base import Event
from common.contracts.topics import BY_OWNER, TOPICS, Topic, topic_of
from common.service import Service

NAMES = tuple(BY_OWNER)
ANY_OWNER = "platform"
"""Owner in the names of events that every service may publish, on its own topic."""


class NotBuilt(Exception):
    """A service cannot be imported."""


def load(name: str) -> Service:
    """A service's table of contents. Raises `NotBuilt` with the reason when it cannot be imported."""
    module = f"{name}.service"
    try:
        found = import_module(module).service
    except Exception as error:  # whatever stands in the way of the import
        raise NotBuilt(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(found, Service):
        raise NotBuilt(f"{module}.service is no common.service.Service")
    if found.name != name:
        raise NotBuilt(f"{module}.service calls itself {found.name}, not {name}")
    return found


def carriers(event: type[Event]) -> list[Topic]:
    """The topics on which an event is published: its owner's, or all for what any service may say of itself."""
    return list(TOPICS) if event.type.split(".")[0] == ANY_OWNER else [topic_of(event.type)]


def reactions(services: list[Service]) -> dict[str, list[str]]:
    """For each wire type who reacts to it, as `service (module)`; a handler of every type stands under each."""
    found: dict[str, list[str]] = {kind: [] for kind in Event.registry}
    for service in services:
        for kind, handler in handled_types(service.handlers).items():
            where = inspect.unwrap(handler).__module__.rsplit(".", 1)[-1]
            for one in found if kind == "*" else [kind]:
                found[one].append(f"{service.name} ({where})")
    return {kind: sorted(readers) for kind, readers in found.items()}


def readers_of(event: type[Event], services: list[Service]) -> list[Service]:
    """The services that react to an event."""
    return [service for service in services if handled_types(service.handlers).keys() & {event.type, "*"}]
