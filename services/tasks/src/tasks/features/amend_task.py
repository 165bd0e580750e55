"""Mend a task's content: the given fields change, the others stay."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response

from common.domain import local_day
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_not_pushed_up
from tasks.domain.clears import check_stays_clear, unclear
from tasks.domain.parts import check_parts_kept
from tasks.domain.permissions import check_manages
from tasks.domain.reading import read_words
from tasks.features.create_task import check_leads
from tasks.features.parents import check_parents
from tasks.features.task_command import OnTask, load_task
from tasks.features.task_content import TaskContent, check_known
from tasks.features.task_view import ShownTask, TaskView, saved, to_show
from tasks.store import UNITS, by_id, facts_of

routes = Routes("tasks")


async def handle(command: OnTask[dict[str, Any]], uow: UnitOfWork) -> ShownTask:
    """Raises `Invalid` for unknown ids, `RuleBroken` when a task that was published would become less clear, its due day would
    move without an extension, it would be pushed up to a higher level or lose a coordinator whose part is missing, `Forbidden`
    when a caller who is limited to units would give the lead away; and what `check_parents` raises.
    """
    task = await load_task(uow, command, check_manages)
    await check_known(uow, command.body)
    today = local_day(uow.now)
    before = unclear(task, await facts_of(uow, task, today))
    changes = read_words(command.body, deadline_before=task.deadline_written, product_before=task.product)
    led_by, parents = task.lead_unit_id, task.parent_task_ids
    if not task.amend(changes, today, corrects_due_day=uow.actor.units is None):
        return await to_show(uow, task, uow.now)
    if task.lead_unit_id != led_by:
        units = await by_id(uow, UNITS, [led_by, task.lead_unit_id])
        check_not_pushed_up(uow.actor, units.get(led_by or ""), units.get(task.lead_unit_id or ""))
    check_parts_kept(task)
    check_leads(uow, task.lead_unit_id)
    check_stays_clear(task, await facts_of(uow, task, today), before)
    await check_parents(uow, task, parents)
    return await saved(uow, task)


@routes.patch("/tasks/{task_id}", response_model=TaskView)
async def amend_task(task_id: str, body: TaskContent, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Change the given fields (JSON merge patch). What changes nothing leaves the version as it is. The due day of a task that
    was issued is the standing agency's to correct; everybody else asks for an extension.
    """
    command = OnTask[dict[str, Any]].asked(task_id, effect, body.given())
    return await effect.run(handle, command, TaskView.of)
