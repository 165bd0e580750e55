"""Broken commitments and owed remedy plans: what is said when, once; without any I/O."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from common.errors import RuleBroken
from services.tasks.tests.task_world import a_task
from tasks.domain.catch_up import commit, give_remedy_plan, may_break, owed, plan_reminder_from, remind_of_plan, tell_broken
from tasks.domain.committee import Committee
from tasks.domain.matters import CatchUp, Milestone, Said
from tasks.domain.task import State, Task

DUE = date(2026, 11, 30)
RULES = Committee()


def said(day: date) -> Said:
    return Said.now(datetime.combine(day, time(3), UTC), "person:per-head", "Cam kết")


def after(days: int) -> date:
    return DUE + timedelta(days=days)


def promised(day: date) -> Task:
    task = a_task(state="in_progress", due_on=DUE)
    commit(task, said(after(1)), day, RULES)
    task.take_recorded()
    return task


def told(task: Task, name: str) -> list[Any]:
    """This field of the events since the last call."""
    return [event.model_dump()[name] for event in task.take_recorded()]


def test_a_commitment_is_said_to_be_broken_the_day_after_and_once() -> None:
    task = promised(after(3))
    assert not tell_broken(task, RULES, after(3)), "its day ends at midnight"
    assert tell_broken(task, RULES, after(4))
    (event,) = task.take_recorded()
    assert event.type == "tasks.task.commitment_broken.v1"
    assert event.model_dump(include={"committed_on", "level"}) == {"committed_on": after(3), "level": "standing_agency"}
    assert not tell_broken(task, RULES, after(5))
    assert may_break(task) == []
    commit(task, said(after(5)), after(6), RULES)
    assert [one.day for one in may_break(task)] == [after(6)]
    assert tell_broken(task, RULES, after(7))
    assert task.take_lines()[-1][0] == "commitment_broken"


def test_an_outage_hides_no_commitment_behind_a_later_one() -> None:
    task = promised(after(2))
    commit(task, said(after(3)), after(4), RULES)
    task.take_recorded()
    assert tell_broken(task, RULES, after(5))
    assert told(task, "number") == [1, 2]


def test_who_is_told_is_the_committees_to_say() -> None:
    task = promised(after(2))
    tell_broken(task, Committee(broken_commitment_told="committee_leader"), after(3))
    assert told(task, "level") == ["committee_leader"]


@pytest.mark.parametrize("state", ["submitted", "completed", "paused", "cancelled"])
def test_nothing_is_said_while_no_clock_runs(state: State) -> None:
    task = promised(after(2))
    task.state = state
    assert not tell_broken(task, RULES, after(9))


@pytest.mark.parametrize(("ran_again", "said_so"), [(2, True), (3, False)])
def test_a_day_that_came_while_the_clock_stood_still_breaks_nothing(ran_again: int, said_so: bool) -> None:
    task = promised(after(2))
    task.clock_since = after(ran_again)
    assert tell_broken(task, RULES, after(9)) is said_so


def test_a_plan_that_is_owed_is_asked_for_again_every_so_many_days() -> None:
    task = a_task(state="in_progress", due_on=DUE, catch_up=CatchUp(plan_asked_on=after(5)))
    assert plan_reminder_from(task) == after(5)
    assert not remind_of_plan(task, RULES, after(11))
    assert remind_of_plan(task, RULES, after(12))
    assert not remind_of_plan(task, RULES, after(18))
    assert remind_of_plan(task, RULES, after(19))
    assert told(task, "times") == [1, 2]
    give_remedy_plan(task, said(after(20)), [Milestone(due_on=after(21), words="Xong")])
    assert plan_reminder_from(task) is None
    assert not remind_of_plan(task, RULES, after(90))
    task.catch_up.plan_asked_on = after(30)
    task.take_recorded()
    assert remind_of_plan(task, RULES, after(37))
    assert told(task, "times") == [1], "it was asked for anew"


@pytest.mark.parametrize("fields", [{"state": "paused"}, {"state": "submitted"}, {"catch_up": CatchUp()}])
def test_nobody_is_reminded_of_what_is_not_owed(fields: dict[str, Any]) -> None:
    task = a_task(**{"state": "in_progress", "due_on": DUE, "catch_up": CatchUp(plan_asked_on=after(5)), **fields})
    assert not remind_of_plan(task, RULES, after(90))


def test_a_plan_that_was_asked_for_anew_on_the_day_of_a_reminder_has_not_been_reminded_of() -> None:
    task = a_task(
        state="in_progress", due_on=DUE, catch_up=CatchUp(plan_asked_on=after(12), plan_reminded_on=[after(11), after(12)])
    )
    assert remind_of_plan(task, RULES, after(19))
    assert told(task, "times") == [1]


@pytest.mark.parametrize(("asked", "still_owed"), [(19, False), (20, False), (21, True)])
def test_what_is_given_on_the_day_on_which_it_is_asked_for_or_later_is_not_owed(asked: int, still_owed: bool) -> None:
    task = a_task(state="in_progress", due_on=DUE)
    give_remedy_plan(task, said(after(20)), [Milestone(due_on=after(21), words="Xong")])
    commit(task, said(after(20)), after(21), RULES)
    assert owed(task) == []
    task.catch_up.plan_asked_on = task.catch_up.commitment_asked_on = after(asked)
    assert owed(task) == (["remedy_plan", "commitment"] if still_owed else [])


@pytest.mark.parametrize(
    ("days", "codes"),
    [
        ([5, 6], []),
        ([4, 6], ["day_has_passed"]),
        ([6, 5], ["milestones_unordered"]),
        ([6, 6], ["milestones_unordered"]),
    ],
)
def test_milestones_begin_today_at_the_earliest_and_follow_each_other(days: list[int], codes: list[str]) -> None:
    task = a_task(state="in_progress", due_on=DUE)
    for number in (1, 2):
        with pytest.raises(RuleBroken) if codes else nullcontext() as broken:
            give_remedy_plan(task, said(after(5)), [Milestone(due_on=after(day), words="Xong") for day in days])
        if broken is None:
            assert task.catch_up.plans[-1].number == number
        else:
            assert [one.code for one in broken.value.errors] == codes


@pytest.mark.parametrize(
    ("due", "today", "day", "problems"),
    [
        (DUE, 1, 1, []),
        (DUE, 1, 0, [("day_has_passed", "2026-11-30")]),
        (DUE, 0, 3, [("not_overdue", "2026-11-30")]),
        (None, 1, 3, [("not_overdue", "")]),
    ],
)
def test_who_is_late_commits_to_a_day_from_today_on(
    due: date | None, today: int, day: int, problems: list[tuple[str, str]]
) -> None:
    task = a_task(state="in_progress", due_on=due)
    with pytest.raises(RuleBroken) if problems else nullcontext() as broken:
        commit(task, said(after(today)), after(day), RULES)
    assert ([] if broken is None else [(one.code, one.quote) for one in broken.value.errors]) == problems


def test_a_second_letter_does_not_hide_that_the_first_still_runs() -> None:
    task = promised(after(3))
    with pytest.raises(RuleBroken) as broken:
        commit(task, said(after(3)), after(9), RULES)
    assert [one.code for one in broken.value.errors] == ["commitment_runs"]
    commit(task, said(after(4)), after(9), RULES)
    assert [one.number for one in task.catch_up.commitments] == [1, 2]
