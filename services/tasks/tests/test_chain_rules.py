"""The chain of parent tasks: circles, length, days, who carries a task out; without any I/O."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.tasks.tests.task_world import a_task
from tasks.domain.chain import LONGEST, carrying, chain_length, due_after_parent, due_before, link_problems
from tasks.domain.extension import set_by_paper

DUE = date(2026, 11, 30)


def row(number: int, first: int = 1) -> dict[str, list[str]]:
    """So many tasks of which each names the next."""
    return {str(one): [str(one + 1)] for one in range(first, first + number - 1)}


def test_a_chain_is_as_long_as_its_longest_way() -> None:
    assert chain_length([], {}) == 0
    assert chain_length(["1"], {}) == 1
    assert chain_length(["1"], row(4)) == 4
    assert chain_length(["1"], row(4) | {"1": ["4", "2"]}) == 4, "the short way does not hide the long one"
    assert chain_length(["1"], row(LONGEST)) == LONGEST == 8
    assert chain_length(["1"], row(LONGEST + 5)) == LONGEST + 1
    assert chain_length(["1"], {"1": ["2"], "2": ["1"]}) == LONGEST + 1


def codes(*args: Any) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in link_problems(*args)]


def test_no_task_stands_above_itself_and_each_place_is_named() -> None:
    above = {"p": ["q"], "q": ["t"], "other": []}
    assert codes("t", ["other", "p", "t"], above, {}) == [
        ("parent_task_ids.1", "parent_circle"),
        ("parent_task_ids.2", "parent_circle"),
    ]
    assert codes("t", ["other"], above, {}) == []
    assert codes("x", ["p"], above, {}) == []


@pytest.mark.parametrize("below", range(1, LONGEST))
def test_a_chain_has_at_most_so_many_tasks_above_and_below_together(below: int) -> None:
    down = {"t": ["b1"]} | {f"b{one}": [f"b{one + 1}"] for one in range(1, below - 1)} if below > 1 else {}
    fits = row(LONGEST - below)
    assert codes("t", ["1"], fits, down) == []
    assert codes("t", ["1"], row(LONGEST - below + 1), down) == [("parent_task_ids", "chain_too_long")]


@given(some.dictionaries(some.sampled_from("abcdef"), some.lists(some.sampled_from("abcdef"), max_size=3), max_size=6))
def test_links_that_are_taken_one_by_one_never_close_a_circle(wanted: dict[str, list[str]]) -> None:
    taken: dict[str, list[str]] = {}
    for task, parents in wanted.items():
        if not link_problems(task, parents, {one: of for one, of in taken.items() if one != task}, {}):
            taken[task] = parents
    for task, parents in taken.items():
        level, steps = set(parents), 0
        while level:
            assert task not in level
            level, steps = {after for one in level for after in taken.get(one, ())}, steps + 1
            assert steps <= len(taken)


def test_a_task_due_after_a_parent_is_worth_a_look() -> None:
    parents = [a_task(id="p", due_on=DUE), a_task(id="q", due_on=DUE - timedelta(days=1)), a_task(id="r", due_on=None)]
    assert due_before(a_task(due_on=DUE - timedelta(days=1)), parents) == []
    assert [one.id for one in due_before(a_task(due_on=DUE), parents)] == ["q"], "the same day is in time"
    assert [one.id for one in due_before(a_task(due_on=DUE + timedelta(days=1)), parents)] == ["p", "q"]
    assert due_before(a_task(due_on=None), parents) == []
    found = due_after_parent(a_task(due_on=DUE + timedelta(days=1)), parents)
    assert found is not None
    assert (found.code, found.severity, found.field, found.quote) == ("due_after_parent", "warning", "due_on", "2026-12-01")
    assert "29/11/2026" in found.message.vi, "the first of their days"
    assert due_after_parent(a_task(due_on=DUE), []) is None


@pytest.mark.parametrize(("child", "parent", "said"), [
    ("in_progress", "completed", True), ("draft", "paused", True), ("completed", "in_progress", False),
    ("cancelled", "in_progress", False), ("in_progress", "cancelled", False),
])  # fmt: skip
def test_what_is_over_is_not_held_against_days(child: str, parent: str, said: bool) -> None:
    late, early = a_task(state=child, due_on=DUE), a_task(state=parent, due_on=DUE - timedelta(days=1))
    assert bool(due_before(late, [early])) is said


@pytest.mark.parametrize(("states", "stands"), [
    ([], "silent"), (["cancelled"], "silent"), (["draft"], "draft"), (["draft", "cancelled"], "draft"),
    (["draft", "published"], "issued"), (["paused"], "issued"), (["completed"], "issued"),
])  # fmt: skip
def test_a_unit_carries_a_task_out_once_it_has_issued_one(states: list[str], stands: str) -> None:
    assert carrying(states) == stands


def test_a_deadline_under_a_task_above_is_set_by_a_paper() -> None:
    assert set_by_paper(a_task(parent_task_ids=["p"]))
    assert not set_by_paper(a_task())
