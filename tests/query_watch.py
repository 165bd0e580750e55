"""Every query that the product asks in any test is held against the declared indexes: a test in which one is asked that no
index serves fails, and says which line asked it. What is judged is thus the code itself, not a list beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from common.repository import Reader, Store
from tests.queries import Fields, Key, unserved

BOUNDED = {
    "committee": "one document",
    "units": "the register of a province: hundreds, with those that ended and the agencies",
    "successions": "a mean of one a unit",
    "rubrics": "one a change of the rubric",
    "report_plans": "a handful",
    "targets": "81 in the plans that were read",
    "courses": "a catalogue",
    "programmes": "one a year or so",
}
"""Collections whose size does not follow the work, so that they may be read whole."""

WHOLE = {
    "board_changes": "what is still to be added up: rows of seconds while the job runs (docs/adr/0011)",
    "entries": "the walk of the ledger reads all of them",
    "originals": "the walk of the ledger reads all of them",
}
"""Others that somebody reads whole."""

NARROWED: Mapping[str, Fields] = {
    # one unit, paper, person, state or word; what is asked besides is looked at in its tasks
    "tasks": Fields({"state", "due_on", "deadline_kind", "$expr", "sample", "asks", "reference", "directive_id", "lead_unit_id",
                     "responsible_id", "_d.pending", "_d.marks", "_d.owing", "_d.units", "_d.seen_by", "_d.tokens", "_d.waits",
                     "clock.days_waited", "_d.owes", "_d.owed_on", "_d.unclosed_on"}),
    "task_moves": Fields({"outcome", "chosen", "unit_id", "findings"}),  # of one rehearsal
    "people": Fields({"active", "position", "audiences"}),  # the people of a unit, or of a position
    "directives": Fields({"parent_id"}),  # papers of one number
    "directive_lines": Fields({"unit_ids"}),  # of one paper
    "target_actuals": Fields({"actual.unit_id"}),  # of one target
    "scores": Fields({"unit_id", "period"}),  # of one unit, or of one month
    "waves": Fields({"unit_id"}),  # of one programme
    "enrolments": Fields({"state", "active", "unit_id", "programme_id", "person_id"}),  # of one programme, person or unit
    "notices": Fields({"kind", "mail.state", "read_at"}),  # of one inbox, or of one kind
    "entries": Fields({"_d.subject", "_d.type", "_d.actor", "_d.correlation_id"}),  # of one subject, kind, actor or cause
}  # fmt: skip
"""Fields that are looked at in the documents which another condition of the filter has made few."""

WALKED: Mapping[str, Fields] = {
    # No range of an index stands before the order of the list: `due_before` alone, and one unfinished word, go through the
    # newest tasks until the page is full. Few tasks that match, far back, are found slowly.
    "tasks": Fields({"due_on", "_d.tokens", "sample", "_d.pending", "_d.marks"}),
    "task_moves": Fields({"outcome", "chosen", "unit_id", "findings"}),  # those of one rehearsal
    "people": Fields({"active"}),  # most are
    "notices": Fields({"read_at"}),  # of everybody: most are unread, or most are read
    "directives": Fields({"parent_id", "_d.canonical"}),  # among the few that ask for their issuer
}
"""Fields of a page's filter that are looked at along the order of the list, since its documents match often enough."""

found: list[str] = []
"""Queries of the running test that no index serves."""


def asker(frame: FrameType | None) -> str | None:
    """The line of the product, `common` apart, that asks; None when a test itself asks."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path != Path(__file__) and "common" not in path.parts:
            return f"{'/'.join(path.parts[path.parts.index('src') + 1 :])}:{frame.f_lineno}" if "src" in path.parts else None
        frame = frame.f_back
    return None


def judge(store: Store[Any], query: Mapping[str, Any], sort: Sequence[str], limit: int) -> None:
    name = store.collection
    if name in BOUNDED or (name in WHOLE and not query) or (line := asker(sys._getframe(2))) is None:
        return
    keys = [Key.of(index) for index in store.indexes]
    if reason := unserved(query, sort, limit, keys, NARROWED.get(name, Fields()), WALKED.get(name, Fields())):
        found.append(f"{line}: {name} {dict(query)} sort {sort or '-'}: {reason}")


def pytest_configure() -> None:
    find, count, aggregate = Reader.find, Reader.count, Reader.aggregate

    async def watched_find(
        self: Reader, store: Store[Any], query: Mapping[str, Any], *, sort: tuple[str, ...] = (), limit: int = 0
    ) -> list[Any]:
        judge(store, query, sort, limit)
        return await find(self, store, query, sort=sort, limit=limit)

    async def watched_count(self: Reader, store: Store[Any], query: Mapping[str, Any]) -> int:
        judge(store, query, (), 0)
        return await count(self, store, query)

    async def watched_aggregate(self: Reader, store: Store[Any], pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
        match = pipeline[0].get("$match", {})
        sort: dict[str, int] = next((step["$sort"] for step in pipeline[1:2] if "$sort" in step), {})
        judge(store, match, [("-" if way < 0 else "") + name for name, way in sort.items()], 0)
        return await aggregate(self, store, pipeline)

    Reader.find, Reader.count, Reader.aggregate = watched_find, watched_count, watched_aggregate  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, Any, Any]:
    found.clear()  # a test that failed has left some
    result = yield
    asked = sorted(set(found))
    found.clear()
    assert not asked, "no declared index serves what was asked here:\n" + "\n".join(asked)
    return result
