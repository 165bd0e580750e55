"""Hand in the result of a task."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_does
from tasks.features.task_command import OnTask, Remark, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


async def handle(command: OnTask[Remark], uow: UnitOfWork) -> ShownTask:
    task = await load_task(uow, command, check_does)
    task.submit(uow.now, command.body.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/submit", response_model=TaskView)
async def submit_task(task_id: str, effect: Annotated[Effect, writes("tasks:write")], body: Remark | None = None) -> Response:
    """Hand in the result (trình duyệt). 409 without evidence of the kind that the task asks for."""
    return await effect.run(handle, OnTask[Remark].asked(task_id, effect, body or Remark()), TaskView.of)
