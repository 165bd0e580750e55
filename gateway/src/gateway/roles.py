"""What people may do by their position (chức vụ): one row each. Services decide what of it applies to the case in hand."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.routes import EVERY_SCOPE


@dataclass(frozen=True, slots=True)
class Role:
    """`all_units`: acts for every unit of the province; otherwise for the person's own alone."""

    scopes: frozenset[str]
    all_units: bool = False


def _of(*rows: tuple[str, ...]) -> frozenset[str]:
    """Scopes from rows of a verb and the nouns that it is allowed for."""
    return frozenset(f"{noun}:{verb}" for verb, *nouns in rows for noun in nouns)


_READING = frozenset(scope for scope in EVERY_SCOPE if scope.endswith(":read"))
_OFFICER = _of(
    (
        "read",
        "tasks",
        "summary",
        "directives",
        "units",
        "people",
        "notices",
        "preferences",
        "views",
        "courses",
        "programmes",
        "enrolments",
    ),
    ("write", "tasks", "notices", "preferences", "views"),
)
_HEAD = _OFFICER | _of(
    ("read", "committee", "campaigns", "assets", "reviews", "findings", "rubrics", "scores", "reports", "targets"),
    ("write", "directives", "enrolments", "assets", "reports"),
    ("assign", "tasks"),
    ("review", "tasks"),
)
_NOT_FOR_PEOPLE = frozenset({"subscriptions:write", "clients:admin"})
"""Partner systems, their keys and where their messages go are run by systems, never from a person's session."""

ROLES = {
    "officer": Role(_OFFICER),
    "deputy_head": Role(_HEAD),
    "unit_head": Role(_HEAD),
    "standing_agency": Role(EVERY_SCOPE - _NOT_FOR_PEOPLE, all_units=True),
    "committee_leader": Role(
        _READING | {"tasks:review", "notices:write", "preferences:write", "views:write", "committee:write"}, all_units=True
    ),
}
