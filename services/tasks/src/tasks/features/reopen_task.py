"""Put a completed task in progress again."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.domain import Actor, local_day
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_decides
from tasks.domain.reopening import reopen
from tasks.domain.task import Task
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


def _check(actor: Actor, task: Task) -> None:
    check_decides(actor, task, "approver")


async def handle(command: OnTask[Because], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a task that is not completed, `Forbidden` for all but its approver and the standing agency."""
    task = await load_task(uow, command, _check)
    reopen(task, command.body.words, local_day(uow.now))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/reopen", response_model=TaskView)
async def reopen_task(task_id: str, body: Because, effect: Annotated[Effect, writes("tasks:review")]) -> Response:
    """Reopen it (mở lại), on recorded words: evidence and due day stay, the result is handed in anew."""
    return await effect.run(handle, OnTask[Because].asked(task_id, effect, body), TaskView.of)
