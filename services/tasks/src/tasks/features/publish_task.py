"""Issue a task: the gate through which nothing unclear passes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.domain import local_day
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.clears import unclear
from tasks.domain.permissions import check_manages
from tasks.features.task_command import OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import facts_of

routes = Routes("tasks")


async def handle(command: OnTask[None], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` with an entry for every reason that speaks against a clear."""
    task = await load_task(uow, command, check_manages)
    today = local_day(uow.now)
    task.publish(unclear(task, await facts_of(uow, task, today)), today)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/publish", response_model=TaskView)
async def publish_task(task_id: str, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Issue a draft (ban hành). 409 names everything that is not clear, with the words that caused it and a repair."""
    return await effect.run(handle, OnTask[None].asked(task_id, effect, None), TaskView.of)
