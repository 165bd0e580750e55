"""Where a path leads: one row a service. The gateway knows nouns, not endpoints, so a new endpoint does not touch it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

MIB = 1024 * 1024
RouteClass = Literal["read", "write", "import"]


@dataclass(frozen=True, slots=True)
class Row:
    """One service: the nouns below /v1 that are its own, which are also the nouns of its scopes, and the setting that says
    where it is. None: it is this very process.
    """

    service: str
    url_setting: str | None
    nouns: tuple[str, ...]


ROWS = (
    Row(
        "tasks",
        "tasks_url",
        (
            "imports",
            "units",
            "people",
            "directives",
            "tasks",
            "summary",
            "committee",
            "rubrics",
            "scores",
            "reports",
            "targets",
            "views",
            "reorganisations",
        ),
    ),
    Row("training", "training_url", ("courses", "programmes", "enrolments")),
    Row("notifications", "notifications_url", ("notices", "subscriptions", "preferences", "campaigns")),
    Row("audit", "audit_url", ("ledger", "assets", "reviews", "findings")),
    Row("gateway", None, ("clients",)),
)

BODY_LIMIT = MIB
BODY_LIMITS = {"imports": 16 * MIB}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
IDEMPOTENT = SAFE | {"PUT", "DELETE"}
"""What may be sent twice without a key (RFC 9110, 9.2.2)."""

ADMIN_SCOPES = ("tasks:assign", "tasks:review", "units:admin", "clients:admin")
EVERY_SCOPE = frozenset(
    {f"{noun}:{verb}" for row in ROWS if row.url_setting for noun in row.nouns for verb in ("read", "write")} | {*ADMIN_SCOPES}
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where the requests for one noun go."""

    row: Row
    noun: str
    prefix: str
    body_limit: int

    def route_class(self, method: str) -> RouteClass:
        """Which limit a request counts against."""
        if method in SAFE:
            return "read"
        return "import" if self.noun in BODY_LIMITS else "write"

    def admits(self, nouns: Set[str]) -> bool:
        """True when somebody with scopes for these nouns may have business with this service."""
        return not nouns.isdisjoint(self.row.nouns)


_BY_NOUN = {
    noun.encode(): Route(row, noun, f"/v1/{noun}", BODY_LIMITS.get(noun, BODY_LIMIT)) for row in ROWS for noun in row.nouns
}


def find(path: bytes) -> Route | None:
    """The route of a path as it was sent, percent signs and all; None when it leads nowhere. A noun is matched whole and
    letter by letter: `/v1/Tasks` and `/v1/%74asks` are other paths.
    """
    if not path.startswith(b"/v1/"):
        return None
    return _BY_NOUN.get(path[4:].partition(b"/")[0])


def is_scope(text: str) -> bool:
    """True for `<noun>:<verb>` with a noun of the table. Verbs are the services' business."""
    noun, _, verb = text.partition(":")
    return noun.encode() in _BY_NOUN and verb.isascii() and verb.isalpha() and verb.islower()


def nouns_of(scopes: Set[str]) -> frozenset[str]:
    return frozenset(scope.partition(":")[0] for scope in scopes)
