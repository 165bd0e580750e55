"""One task, whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Call, Routes, reads
from tasks.features.task_command import find_task
from tasks.features.task_view import TaskView, to_show

routes = Routes("tasks")


@routes.get("/tasks/{task_id}", response_model=TaskView)
async def show_task(task_id: str, call: Annotated[Call, reads("tasks:read")]) -> Response:
    """A task with its clears: each that is not met says why, quotes the words that caused it, and proposes a repair."""
    task = await find_task(call.reader, call.actor, task_id)
    shown = await to_show(call.reader, task, call.units.clock())
    return call.one(TaskView.of(shown), task.version)
