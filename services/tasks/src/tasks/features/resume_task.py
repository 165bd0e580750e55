"""Let the clock of a paused task run again."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.domain import local_day
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_manages
from tasks.features.task_command import OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


async def handle(command: OnTask[None], uow: UnitOfWork) -> ShownTask:
    task = await load_task(uow, command, check_manages)
    task.resume(local_day(uow.now))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/resume", response_model=TaskView)
async def resume_task(task_id: str, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Let its clock run again (tiếp tục), in the state in which it was paused."""
    return await effect.run(handle, OnTask[None].asked(task_id, effect, None), TaskView.of)
