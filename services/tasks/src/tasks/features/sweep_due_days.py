"""Timed job: say once of every task that its due day is near, and once that it has passed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from common.domain import local_day
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.committee import Committee
from tasks.features.pages import each_page
from tasks.store import TASKS, committee, due_within, save_task

PAGE = 100


async def run(units: Units, _settings: Any) -> None:
    """Go through all tasks whose due day has something to say. May be cut off anywhere: what was said is not found again."""
    for condition in (_overdue, _due_soon):
        await each_page(units, TASKS, "_id", condition, _tell, PAGE)


def _overdue(today: date, _: Committee, after: str) -> dict[str, Any]:
    return due_within(None, today - timedelta(days=1), told_at_most=1, after=after)


def _due_soon(today: date, rules: Committee, after: str) -> dict[str, Any]:
    return due_within(today, today + timedelta(days=rules.nearly_due_days), told_at_most=0, after=after)


async def _tell(uow: UnitOfWork, ids: list[str]) -> None:
    rules, today = await committee(uow), local_day(uow.now)
    for task in await uow.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",)):
        if task.tell_of_due_day(today, rules.nearly_due_days):
            save_task(uow, task)
