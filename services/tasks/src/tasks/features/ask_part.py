"""Ask a coordinating unit for its part of the result."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.matters import Said
from tasks.domain.parts import ask_part
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_content import Id
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class WantedPart(Because):
    unit_id: Annotated[Id, Field(description="One of the coordinators")]
    due_on: Annotated[IsoDay, Field(description="The part's own day, not behind the task's")]


async def handle(command: OnTask[WantedPart], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a unit that does not coordinate the task, and for a day that cannot be."""
    task, body = await load_task(uow, command, check_asks), command.body
    ask_part(task, body.unit_id, body.due_on, Said.now(uow.now, uow.actor, body.words))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/ask-part", response_model=TaskView)
async def ask_part_of_task(task_id: str, body: WantedPart, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Ask a coordinating unit for its part (phần việc phối hợp): what, in `words`, by which day. The lead stays one."""
    return await effect.run(handle, OnTask[WantedPart].asked(task_id, effect, body), TaskView.of)
