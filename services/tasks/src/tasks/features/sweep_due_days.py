"""Timed job: say once of every task, and of every part of a coordinating unit, that its due day is near, and once that it has
passed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from common.domain import local_day
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.parts import tell_of_parts
from tasks.features.pages import each_page
from tasks.store import TASKS, committee, due_soon, overdue, save_task

PAGE = 100


async def run(units: Units, _settings: Any) -> None:
    """Go through all tasks whose due day, or that of a part, has something to say. May be cut off anywhere: what was said is
    not found again. What has passed goes first: a task stands by the first of its parts' days that is to be told of.
    """
    await each_page(units, TASKS, "_d.due", overdue, _tell, PAGE)
    await each_page(units, TASKS, "_d.untold", due_soon, _tell, PAGE)
    await each_page(units, TASKS, "_d.part_due", partial(overdue, key="part_due"), _tell, PAGE)
    await each_page(units, TASKS, "_d.part_untold", partial(due_soon, key="part_untold"), _tell, PAGE)


async def _tell(uow: UnitOfWork, ids: list[str]) -> None:
    rules, today = await committee(uow), local_day(uow.now)
    for task in await uow.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",)):
        told = task.tell_of_due_day(today, rules.nearly_due_days)
        if tell_of_parts(task, today, rules.nearly_due_days) or told:
            save_task(uow, task)
