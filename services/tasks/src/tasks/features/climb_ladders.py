"""Timed job: climb the ladder of every late task, and bring up every dispute that was not answered in time.

Each step is said once: what was said is kept in the task and not found again, so that the job may be cut off anywhere and run
beside itself. "Today" is asked for page by page, in Asia/Ho_Chi_Minh.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from common.domain import local_day
from common.repository import DERIVED, Reader
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.committee import Committee
from tasks.domain.dispute import raise_dispute
from tasks.domain.steps import climb, ladder
from tasks.domain.task import Task
from tasks.features.pages import apart
from tasks.store import TASKS, committee, save_task, unanswered, unclimbed

PAGE = 100
Condition = Callable[[date, str], dict[str, Any]]
"""Which tasks the job has to look at on a day, behind a key."""


async def run(units: Units, _settings: Any) -> None:
    """The highest step first: who is there is done with all steps below in one go."""
    rules = await committee(Reader(units.database))
    for step in sorted({one.days for one in ladder(rules)}, reverse=True):
        await _pages(units, "late", partial(unclimbed, step), climb)
    await _pages(units, "answer_by", unanswered, _raise)


def _raise(task: Task, rules: Committee, today: date) -> bool:
    return raise_dispute(task, today, rules)


async def _pages(units: Units, field: str, wanted: Condition, act: Callable[[Task, Committee, date], bool]) -> None:
    async def step(uow: UnitOfWork, ids: list[str]) -> None:
        rules, today = await committee(uow), local_day(uow.now)
        for task in await uow.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",)):
            if act(task, rules, today):
                save_task(uow, task)

    after = ""
    while True:
        query = wanted(local_day(units.clock()), after)
        found = await Reader(units.database).find(TASKS, query, sort=(f"_d.{field}",), limit=PAGE)
        if not found:
            return
        after = str(TASKS.dump(found[-1])[DERIVED][field])
        await apart(units, step, [task.id for task in found])
