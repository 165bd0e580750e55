"""Timed job: climb the ladder of every late task and period, bring up every dispute that was not answered in time, say which
commitments were broken, and remind of remedy plans that are owed.

Each step is said once: what was said is kept in the task and not found again, so that the job may be cut off anywhere and run
beside itself. "Today" is asked for page by page, in Asia/Ho_Chi_Minh.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from common.domain import local_day
from common.repository import Reader
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.catch_up import remind_of_plan, tell_broken
from tasks.domain.committee import Committee
from tasks.domain.dispute import raise_dispute
from tasks.domain.steps import climb, climb_period, ladder
from tasks.domain.task import Task
from tasks.features.pages import each_page
from tasks.store import (
    PERIODS,
    TASKS,
    committee,
    owing_plan,
    promised_before,
    save_task,
    unanswered,
    unclimbed,
    with_their_tasks,
)

PAGE = 100


async def run(units: Units, _settings: Any) -> None:
    """The highest step first: who is there is done with all steps below in one go."""
    rules = await committee(Reader(units.database))
    for days in sorted({one.days for one in ladder(rules)}, reverse=True):
        await each_page(units, TASKS, "_d.late", partial(_unclimbed, days), partial(_act, climb), PAGE)
    for days in sorted({one.days for one in rules.escalations}, reverse=True):
        await each_page(units, PERIODS, "_d.late", partial(_unclimbed, days), _climb_periods, PAGE)
    await each_page(units, TASKS, "_d.answer_by", _unanswered, partial(_act, _raise), PAGE)
    await each_page(units, TASKS, "_d.promised", _promised, partial(_act, tell_broken), PAGE)
    await each_page(units, TASKS, "_d.owes_plan", _owing_plan, partial(_act, remind_of_plan), PAGE)


def _unclimbed(days: int, today: date, _: Committee, after: str) -> dict[str, Any]:
    return unclimbed(days, today, after)


def _unanswered(today: date, _: Committee, after: str) -> dict[str, Any]:
    return unanswered(today, after)


def _promised(today: date, _: Committee, after: str) -> dict[str, Any]:
    return promised_before(today, after)


def _owing_plan(today: date, rules: Committee, after: str) -> dict[str, Any]:
    return owing_plan(today - timedelta(days=rules.remind_again_days), after)


def _raise(task: Task, rules: Committee, today: date) -> bool:
    return raise_dispute(task, today, rules)


async def _act(act: Callable[[Task, Committee, date], bool], uow: UnitOfWork, ids: list[str]) -> None:
    rules, today = await committee(uow), local_day(uow.now)
    for task in await uow.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",)):
        if act(task, rules, today):
            save_task(uow, task)


async def _climb_periods(uow: UnitOfWork, ids: list[str]) -> None:
    rules, today = await committee(uow), local_day(uow.now)
    for period, task in await with_their_tasks(uow, ids):
        if climb_period(task, period, rules, today):
            uow.put(PERIODS, period)
            if task.owes(period.due_on):  # else nothing was said, and the task is as it was
                save_task(uow, task)
