"""Hand back a task that was given to one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_does
from tasks.features.task_command import BecauseOf, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


async def handle(command: OnTask[BecauseOf], uow: UnitOfWork) -> ShownTask:
    task = await load_task(uow, command, check_does)
    task.refuse(command.body.reason_code, command.body.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/refuse", response_model=TaskView)
async def refuse_task(task_id: str, body: BecauseOf, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Hand it back (từ chối) to whoever assigned it, on recorded words: it can be assigned anew."""
    return await effect.run(handle, OnTask[BecauseOf].asked(task_id, effect, body), TaskView.of)
