"""Every named query of reports, scores and targets is a range of a declared index: equality, then sort, then range."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from common.repository import Reader, Store
from services.tasks.tests.task_world import A
from tasks import store
from tasks.domain.month import Month
from tasks.domain.reporting import ReportPlan
from tasks.store import SCORES, TARGETS, TASKS

NOVEMBER = Month(2026, 11)
PLAN = ReportPlan(id="committee", title="t", first_period="2026-11")


class Recorder:
    """A reader that finds nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Store[Any], Mapping[str, Any], tuple[str, ...]]] = []

    async def find(self, of: Store[Any], query: Mapping[str, Any], *, sort: tuple[str, ...] = (), limit: int = 0) -> list[Any]:
        self.asked.append((of, query, sort))
        return []


def covered(of: Store[Any], query: Mapping[str, Any], sort: tuple[str, ...]) -> bool:
    """Whether one of the indexes leads straight to what is asked for, in the order in which it is asked."""
    ranged = {name for name, value in query.items() if isinstance(value, Mapping) and "$in" not in value}
    equal = query.keys() - ranged
    indexes = [list(index.document["key"].items()) for index in of.indexes] + [[("_id", 1)]]
    return any(_leads(keys, equal, sort, ranged) for keys in indexes)


def _leads(keys: list[tuple[str, int]], equal: set[str], sort: tuple[str, ...], ranged: set[str]) -> bool:
    names = [name for name, _ in keys]
    if set(names[: len(equal)]) != equal:
        return False
    rest = keys[len(equal) :]
    wanted = [
        (name.removeprefix("-"), -1 if name.startswith("-") else 1) for name in sort if name.removeprefix("-") not in equal
    ]
    ordered = rest[: len(wanted)] in (wanted, [(name, -way) for name, way in wanted])
    return ordered and ranged <= {name for name, _ in rest[: max(1, len(wanted))]}


def test_the_check_knows_a_query_without_an_index() -> None:
    assert covered(TASKS, {"directive_id": "d", "_d.order": {"$lt": "x"}}, ("-_d.order",))
    assert not covered(TASKS, {"title": "t"}, ())
    assert not covered(SCORES, {"unit_id": "u"}, ("by",))
    assert not covered(TARGETS, {"source": "s", "due_on": {"$lt": "x"}}, ("_id",))


@pytest.mark.parametrize("directive", [None, "dir-1"])
async def test_every_named_query_has_its_index(directive: str | None) -> None:
    recorder = Recorder()
    reader = cast(Reader, recorder)
    await store.rubric_on(reader, date(2026, 11, 1))
    await store.tasks_due_in(reader, A, NOVEMBER)
    await store.by_id(reader, store.DIRECTIVES, ["d", None])
    await store.latest_score(reader, A, NOVEMBER)
    await store.facts_of_months(reader, A, NOVEMBER.quarter_so_far())
    await store.last_report(reader, "committee")
    async for _ in store.tasks_of_plan(reader, PLAN.model_copy(update={"directive_id": directive})):
        pass
    await store.submissions_of(reader, "committee", "2026-11")
    await store.submissions_since(reader, "committee", datetime(2026, 11, 1, tzinfo=UTC))
    await store.unit_names(reader, [A])
    assert len(recorder.asked) == 10
    assert [(of.collection, dict(query)) for of, query, sort in recorder.asked if not covered(of, query, sort)] == []


@pytest.mark.parametrize(
    ("of", "query", "sort"),
    [
        (store.RUBRICS, {"valid_from": {"$lt": "x"}}, ("-valid_from", "-_id")),
        (SCORES, {"_d.order": {"$lt": "x"}}, ("-_d.order",)),
        (SCORES, {"unit_id": "u", "_d.order": {"$lt": "x"}}, ("-_d.order",)),
        (SCORES, {"period": "p", "_d.order": {"$lt": "x"}}, ("-_d.order",)),
        (store.SUBMISSIONS, {"plan_id": "p", "period": "m", "_id": {"$gt": "x"}}, ("_id",)),
        (store.REPORTS, {"_d.order": {"$lt": "x"}}, ("-_d.order",)),
        (store.REPORTS, {"plan_id": "p", "period": {"$lt": "x"}}, ("-period",)),
        (store.REPORT_PLANS, {"_id": {"$gt": "x"}}, ("_id",)),
        (TARGETS, {"_id": {"$gt": "x"}}, ("_id",)),
        (TARGETS, {"source": "s", "_id": {"$gt": "x"}}, ("_id",)),
        (store.TARGET_ACTUALS, {"target_id": "t", "_id": {"$lt": "x"}}, ("-_id",)),
    ],
)
def test_every_list_is_a_range_of_an_index(of: Store[Any], query: dict[str, Any], sort: tuple[str, ...]) -> None:
    assert covered(of, query, sort)
