"""Say how far a task is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_does
from tasks.features.task_command import OnTask, Said, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class Progress(Command):
    percent: Annotated[int, Field(strict=True, ge=0, le=100, examples=[40])]
    words: Said = ""


async def handle(command: OnTask[Progress], uow: UnitOfWork) -> ShownTask:
    task = await load_task(uow, command, check_does)
    task.report_progress(command.body.percent, command.body.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/report-progress", response_model=TaskView)
async def report_progress(task_id: str, body: Progress, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Report progress in percent (báo cáo tiến độ)."""
    return await effect.run(handle, OnTask[Progress].asked(task_id, effect, body), TaskView.of)
