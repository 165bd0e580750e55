"""What the gateway stores: partner systems, a copy of the people, and assertions that were used."""

from __future__ import annotations

from common.domain import Document
from common.mongo import Index
from common.repository import Store
from gateway.domain.client import Client
from gateway.domain.person import Person

ASSERTION_SECONDS = 300
"""Longest life of a client's assertion (RFC 7523)."""


class UsedAssertion(Document):
    """The id of an assertion that was taken once, and is not taken again."""


CLIENTS = Store(Client, "clients")
PEOPLE = Store(Person, "people")
ASSERTIONS = "used_assertions"
ASSERTION_INDEXES = (Index("at", expire_seconds=2 * ASSERTION_SECONDS),)
