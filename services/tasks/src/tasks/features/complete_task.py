"""Accept the result of a task."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.domain import local_day
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_reviews
from tasks.domain.proof import unproven
from tasks.domain.timeliness import verdict
from tasks.features.task_command import OnTask, Remark, load_task
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import committee

routes = Routes("tasks")


async def handle(command: OnTask[Remark], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` unless it was handed in, and with what is not proven by the committee's rules."""
    task = await load_task(uow, command, check_reviews)
    rules = await committee(uow)
    judged = verdict(task, local_day(uow.now), rules)
    task.complete(uow.now, judged, command.body.words, unproven(task, task.evidence, rules))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/complete", response_model=TaskView)
async def complete_task(
    task_id: str, effect: Annotated[Effect, writes("tasks:review")], body: Remark | None = None
) -> Response:
    """Accept the result (nghiệm thu): the task is done, in time or late by the committee's rule. 409 names evidence that nobody
    has reviewed and criteria without evidence, where the committee asks for that.
    """
    return await effect.run(handle, OnTask[Remark].asked(task_id, effect, body or Remark()), TaskView.of)
