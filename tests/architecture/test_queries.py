"""The rule by which queries are judged (`tests/queries.py`), and that a planted query that no index serves is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from common.domain import Document
from common.mongo import Database, Index
from common.repository import Reader, Store
from common.service import Service
from common.settings import Settings
from common.testing import Area
from tests import query_watch
from tests.queries import FEW, Key, unserved


def keys(*indexes: Index) -> list[Key]:
    return [Key.of(index) for index in indexes]


LIST = keys(Index("unit", "-order"), Index("-order"), Index("unit", "month", "-number"), Index("told", "due"))


@pytest.mark.parametrize(
    ("query", "sort"),
    [
        ({"unit": "a"}, ("-order",)),
        ({"unit": "a"}, ("order",)),  # against the index
        ({"unit": "a", "order": {"$lt": "x"}}, ("-order",)),
        ({"order": {"$lt": "x"}}, ("-order",)),
        ({"unit": {"$in": ["a", "b"]}}, ("-order",)),  # a few ranges, merged
        ({"unit": {"$in": ["a", "b"]}, "month": "m"}, ()),
        ({"month": "m", "unit": "a"}, ("-number",)),
        ({"unit": "a", "month": {"$gte": "m"}}, ()),
        ({"unit": "a", "month": {"$gte": "m"}}, ("month",)),
        ({"unit": {"$regex": "^a"}}, ()),
        ({"told": {"$in": [0, 1]}, "due": {"$lte": "d"}}, ()),
        ({"$and": [{"unit": "a"}, {"order": {"$gt": "x"}}]}, ("order",)),
        ({"$or": [{"unit": "a"}, {"told": 0}]}, ()),
        ({"_id": {"$in": [str(number) for number in range(5 * FEW)]}, "colour": "red"}, ("_id",)),
        ({"_id": {"$gt": "a"}}, ("_id",)),
        ({"unit": {"$in": [str(number) for number in range(5 * FEW)]}}, ()),
        ({"colour": {"$in": []}}, ("_id",)),
        ({"unit": "a"}, ("unit", "-order")),  # the first holds one value
    ],
)
def test_what_an_index_serves(query: dict[str, Any], sort: tuple[str, ...]) -> None:
    assert unserved(query, sort, 0, LIST) is None


@pytest.mark.parametrize(
    ("query", "sort"),
    [
        ({}, ()),
        ({"colour": "red"}, ()),
        ({"colour": "red"}, ("-order",)),  # the sort is served, and all is read for it
        ({"unit": "a", "colour": "red"}, ("-order",)),
        ({"unit": "a"}, ("name",)),
        ({"unit": "a", "month": "m"}, ("-number", "_id")),
        ({"unit": {"$ne": "a"}}, ()),
        ({"unit": {"$regex": "a"}}, ()),
        ({"unit": {"$exists": True}}, ()),
        ({"month": "m"}, ()),  # not the first of any index
        ({"month": "m"}, ("-number",)),
        ({"told": {"$lte": 1}, "due": {"$lte": "d"}}, ("due",)),  # a range before the sort
        ({"told": {"$in": list(range(FEW + 1))}}, ("due",)),
        ({"$or": [{"unit": "a"}, {"colour": "red"}]}, ()),
        ({"$and": [{"colour": "red"}, {"$or": [{"month": "m"}]}]}, ()),
    ],
)
def test_what_none_serves(query: dict[str, Any], sort: tuple[str, ...]) -> None:
    assert unserved(query, sort, 0, LIST) is not None


def test_a_field_is_looked_at_in_the_documents_only_where_that_is_said() -> None:
    query = {"unit": "a", "colour": "red"}
    assert unserved(query, ("-order",), 0, LIST, frozenset({"colour"})) is None
    assert unserved({"colour": "red"}, (), 0, LIST, frozenset({"colour"})) is not None, "something else has to make them few"
    assert unserved({"colour": "red"}, ("-order",), 51, LIST, frozenset({"colour"})) is not None
    assert unserved({"colour": "red", "order": {"$lt": "x"}}, ("-order",), 51, LIST, frozenset({"colour"})) is not None


def test_a_page_may_walk_along_its_order_past_what_seldom_fails_to_match() -> None:
    red, walked = {"colour": "red"}, frozenset({"colour"})
    assert unserved(red, ("-order",), 51, LIST, walked=walked) is None
    assert unserved(red, ("-order",), 0, LIST, walked=walked) is not None
    assert unserved(red, (), 51, LIST, walked=walked) is not None
    assert unserved({**red, "size": 1}, ("-order",), 51, LIST, walked=walked) is not None


def test_a_page_of_everything_is_a_range_and_everything_is_not() -> None:
    assert unserved({}, ("-order",), 51, LIST) is None
    assert unserved({}, ("-order",), 0, LIST) is not None
    assert unserved({}, ("name",), 51, LIST) is not None


def test_a_partial_index_serves_what_implies_its_condition() -> None:
    opening = keys(Index("opening", partial={"opening": True}))
    waiting = keys(Index("next_at", partial={"next_at": {"$type": "date"}}))
    assert unserved({"opening": True}, (), 0, opening) is None
    assert unserved({"opening": False}, (), 0, opening) is not None
    assert unserved({"next_at": {"$type": "date"}}, ("next_at",), 0, waiting) is None
    assert unserved({"next_at": {"$gt": 5}}, ("next_at",), 0, waiting) is not None


# --- a planted breach ---

PLANTED = """
async def ask(reader, store):
    await reader.count(store, {"colour": "red"})
    await reader.count(store, {"unit": "a"})
"""


@pytest.mark.servers
async def test_a_query_that_no_index_serves_is_reported_with_its_line(area: Area, tmp_path: Path) -> None:
    where: dict[str, Any] = {}
    exec(compile(PLANTED, str(tmp_path / "src" / "planted" / "store.py"), "exec"), where)
    database = Database(area.settings(Service("training", "planted", Settings, [])), "planted")
    try:
        await where["ask"](Reader(database), Store(Document, "things", (Index("unit"),)))
        (told,) = query_watch.found
        assert told.startswith("planted/store.py:3: things {'colour': 'red'}")
    finally:
        query_watch.found.clear()
        await database.close()
