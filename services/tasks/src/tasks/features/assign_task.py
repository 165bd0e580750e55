"""Give a task to the person who answers for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.clears import unfit
from tasks.domain.permissions import check_manages
from tasks.features.task_command import OnTask, load_task
from tasks.features.task_content import Id
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import PEOPLE, by_id

routes = Routes("tasks")


class Assignment(Command):
    responsible_id: Id | None = Field(None, description="Left out: the responsible person whom the task names")


async def handle(command: OnTask[Assignment], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a person who is unknown, inactive, of another unit than the lead, or the approver."""
    task = await load_task(uow, command, check_manages)
    person_id = command.body.responsible_id or task.responsible_id
    task.assign(person_id, unfit(task, person_id, await by_id(uow, PEOPLE, [person_id])))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/assign", response_model=TaskView)
async def assign_task(
    task_id: str, effect: Annotated[Effect, writes("tasks:assign")], body: Assignment | None = None
) -> Response:
    """Give it to the responsible person (giao việc), or to another one; it is theirs to accept or refuse."""
    command = OnTask[Assignment].asked(task_id, effect, body or Assignment())
    return await effect.run(handle, command, TaskView.of)
