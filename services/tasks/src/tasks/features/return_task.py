"""Send a submitted task back to be mended."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_reviews
from tasks.features.task_command import BecauseOf, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


async def handle(command: OnTask[BecauseOf], uow: UnitOfWork) -> ShownTask:
    task = await load_task(uow, command, check_reviews)
    task.send_back(command.body.reason_code, command.body.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/return", response_model=TaskView)
async def return_task(task_id: str, body: BecauseOf, effect: Annotated[Effect, writes("tasks:review")]) -> Response:
    """Send it back (trả lại), on recorded words."""
    return await effect.run(handle, OnTask[BecauseOf].asked(task_id, effect, body), TaskView.of)
