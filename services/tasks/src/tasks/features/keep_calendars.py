"""Timed job: open the periods that have begun, date what waited for a paper that is there, say what is due or still waits.

May be cut off anywhere: what was looked at says itself when to look again, so it is not found twice.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from common.domain import local_day
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.committee import Committee
from tasks.domain.periods import open_periods, tell_of_period
from tasks.domain.task import Task
from tasks.domain.text import body_key
from tasks.domain.waiting import ask_again, start_clock, starts_clocks, waits
from tasks.features.pages import each_page
from tasks.store import (
    BEHIND_ALL,
    DIRECTIVES,
    PERIODS,
    TASKS,
    committee,
    due_soon,
    keyed_between,
    overdue,
    papers_above,
    save_task,
    with_their_tasks,
)

PAGE = 50
"""Tasks in one transaction: each may write a score of periods, events and lines."""


async def run(units: Units, _settings: Any) -> None:
    """Look at every task whose day has come, then tell of periods."""
    await each_page(units, TASKS, "_d.look", _to_look_at, _look, PAGE)
    await each_page(units, PERIODS, "_d.due", overdue, _tell, PAGE)
    await each_page(units, PERIODS, "_d.untold", due_soon, _tell, PAGE)


def _to_look_at(today: date, _: Committee, after: str) -> dict[str, Any]:
    return keyed_between("look", after, f"{today}/{BEHIND_ALL}")


async def _look(uow: UnitOfWork, ids: list[str]) -> None:
    rules, today = await committee(uow), local_day(uow.now)
    for task in await uow.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",)):
        if task.look_on is None or task.look_on > today:
            continue
        if waits(task):
            await _date(uow, task, rules)
        if waits(task):
            ask_again(task, rules, today)
        else:
            for period in open_periods(task, rules, today):
                uow.add(PERIODS, period)
        save_task(uow, task)


async def _date(uow: UnitOfWork, task: Task, rules: Committee) -> None:
    """Start its clock when the paper was registered before the task: the first one that was issued up its chain."""
    if task.waits_days is None:
        return
    papers = [one for one in await uow.find(DIRECTIVES, {"_d.awaited": body_key(task.waits_for)}) if starts_clocks(one)]
    above = await papers_above(uow, task.directive_id) if papers else set()
    answers = [paper for paper in papers if not above.isdisjoint(paper.scope_roots)]
    if answers:
        start_clock(task, min(answers, key=lambda paper: (str(paper.issued_on), paper.id)), rules)


async def _tell(uow: UnitOfWork, ids: list[str]) -> None:
    rules, today = await committee(uow), local_day(uow.now)
    for period, task in await with_their_tasks(uow, ids):
        if not (task.owes(period.due_on) or task.state == "paused"):
            period.told = 2  # nobody is told, and it is not looked at again
            uow.put(PERIODS, period)
        elif tell_of_period(task, period, today, rules.nearly_due_days):
            uow.put(PERIODS, period)
            save_task(uow, task)
