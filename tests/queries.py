"""Which queries an index serves, by the rule equality, sort, range. Pure; `tests/query_watch.py` asks it about what is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.repository import Store

Filter = Mapping[str, Any]
Fields = frozenset[str]
NONE = Fields()
FEW = 100
"""So many values of `$in` are as many ranges of an index, which MongoDB merges in the order of a sort (up to 200 of them);
without a sort it may be more.
"""
_RANGES = frozenset({"$gt", "$gte", "$lt", "$lte"})


@dataclass(frozen=True, slots=True)
class Key:
    """A declared index: its fields in order, -1 for descending, and the condition on the documents in it (None: all)."""

    fields: tuple[tuple[str, int], ...]
    partial: Filter | None = None

    @classmethod
    def of(cls, index: Any) -> Key:
        document = index.document
        return cls(tuple(document["key"].items()), document.get("partialFilterExpression"))


BY_ID = Key((("_id", 1),))


@dataclass(slots=True)
class Shape:
    """What one branch of a filter asks of each field."""

    asked: dict[str, list[Any]] = field(default_factory=dict)
    equal: set[str] = field(default_factory=set)
    """One value."""
    few: set[str] = field(default_factory=set)
    """One of a few."""
    many: set[str] = field(default_factory=set)
    """One of many."""
    between: set[str] = field(default_factory=set)
    """A range; the beginning of a text is one. What is left of `asked`, no index narrows: `$ne`, `$exists`."""
    nothing: bool = False
    """It can match no document."""


def shapes(query: Filter) -> list[Shape]:
    """A filter as its branches: `$or` makes several, each of which has to be served."""
    found = [Shape()]
    for name, condition in query.items():
        if name == "$or":
            branches = [branch for part in condition for branch in shapes(part)]
            found = [_both(one, branch) for one in found for branch in branches]
        elif name == "$and":
            for part in condition:
                found = [_both(one, branch) for one in found for branch in shapes(part)]
        else:
            found = [_both(one, _of_field(name, condition)) for one in found]
    return found


def _both(one: Shape, other: Shape) -> Shape:
    asked = {name: one.asked.get(name, []) + other.asked.get(name, []) for name in one.asked | other.asked}
    sets = (one.equal | other.equal, one.few | other.few, one.many | other.many, one.between | other.between)
    return Shape(asked, *sets, one.nothing or other.nothing)


def _of_field(name: str, condition: Any) -> Shape:
    shape = Shape({name: [condition]})
    if not (isinstance(condition, Mapping) and any(key.startswith("$") for key in condition)):
        shape.equal.add(name)
        return shape
    for operator, value in condition.items():
        match operator:
            case "$in":
                shape.nothing = not value
                if len(value) == 1:
                    shape.equal.add(name)
                else:
                    (shape.few if len(value) <= FEW else shape.many).add(name)
            case "$eq" | "$all":
                shape.equal.add(name)
            case "$regex" if str(value).startswith("^"):
                shape.between.add(name)
            case _ if operator in _RANGES:
                shape.between.add(name)
    return shape


def unserved(
    query: Filter, sort: Sequence[str], limit: int, keys: Sequence[Key], narrowing: Fields = NONE, walked: Fields = NONE
) -> str | None:
    """Why no index serves a query, or None when one does. Looked at in the documents themselves are fields of `narrowing`,
    where another condition has made them few, and fields of `walked` for a page, where most documents match.
    """
    order = [(name.removeprefix("-"), -1 if name.startswith("-") else 1) for name in sort]
    for shape in shapes(query):
        if shape.nothing or "_id" in shape.equal | shape.few | shape.many:
            continue
        if not shape.asked and not limit:
            return "the whole collection is read"
        left = [
            rest for key in (*keys, BY_ID) for rest in _left_by(key, shape, order, narrowing, walked if limit else Fields())
        ]
        if not left:
            return "no index has a field of the filter first and then the sort"
        if rest := min(left, key=len):
            return f"no index narrows {', '.join(sorted(rest))}"
    return None


def served(store: Store[Any], query: Filter, sort: Sequence[str] = (), limit: int = 1) -> bool:
    """Whether a declared index of the store leads straight to what is asked for, in the order in which it is asked."""
    return unserved(query, sort, limit, [Key.of(index) for index in store.indexes]) is None


def _left_by(key: Key, shape: Shape, order: list[tuple[str, int]], narrowing: Fields, walked: Fields) -> list[set[str]]:
    """The fields of the filter for which documents would be read in vain, for each way of using this index."""
    implied = set(key.partial or ())
    if any(condition not in shape.asked.get(name, ()) for name, condition in (key.partial or {}).items()):
        return []
    wanted = [(name, way) for name, way in order if name not in shape.equal]
    chosen = shape.equal | shape.few | (set() if wanted else shape.many)
    found: list[set[str]] = []
    for length in range(len(key.fields) + 1):
        first, rest = {name for name, _ in key.fields[:length]}, list(key.fields[length:])
        if first <= chosen and _ordered(rest[: len(wanted)], wanted):
            after = [name for name, _ in rest[len(wanted) :]]
            narrowed = first | implied | set(after[:1]) & shape.between
            if narrowed or wanted:  # else the index would be read from end to end
                left = shape.asked.keys() - narrowed - {name for name, _ in wanted} - set(after)
                found.append(left - (narrowing if narrowed else walked))
    return found


def _ordered(fields: list[tuple[str, int]], wanted: list[tuple[str, int]]) -> bool:
    return fields == wanted or fields == [(name, -way) for name, way in wanted]
