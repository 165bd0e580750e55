"""Stop the clock of a task."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_manages
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


async def handle(command: OnTask[Because], uow: UnitOfWork) -> ShownTask:
    task = await load_task(uow, command, check_manages)
    task.pause(command.body.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/pause", response_model=TaskView)
async def pause_task(task_id: str, body: Because, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Stop its clock (tạm dừng), on recorded words."""
    return await effect.run(handle, OnTask[Because].asked(task_id, effect, body), TaskView.of)
