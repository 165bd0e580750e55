"""Write a task down. As a draft it may be as unclear as the paper that it comes from."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import FieldProblem, Forbidden, Words
from common.http import Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from tasks.domain.reading import read_words
from tasks.domain.task import Task
from tasks.features.parents import check_parents
from tasks.features.task_content import TaskContent, Title, check_known
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class CreateTask(TaskContent):
    title: Title


def check_leads(uow: UnitOfWork, lead_unit_id: str | None) -> None:
    """Raise `Forbidden` when the actor is limited to some units and none of them would lead."""
    if not uow.actor.acts_for(lead_unit_id):
        message = Words(
            "Người gọi chỉ được lập nhiệm vụ do đơn vị của mình chủ trì.",
            "The caller may only write tasks that a unit of theirs leads.",
        )
        repair = Words("Hãy đặt lead_unit_id là đơn vị của mình.", "Set lead_unit_id to a unit of yours.")
        raise Forbidden(message, [FieldProblem("lead_unit_id", "lead_foreign", message, repair, lead_unit_id)])


async def handle(command: CreateTask, uow: UnitOfWork) -> ShownTask:
    """Raises `Forbidden` for a foreign lead, `Invalid` for unknown ids, and what `check_parents` raises."""
    check_leads(uow, command.lead_unit_id)
    given = command.given()
    await check_known(uow, given)
    task = Task(id=new_id(), created_at=uow.now, **read_words(given)).draft()
    await check_parents(uow, task)
    return await saved(uow, task)


@routes.post("/tasks", status_code=201, response_model=TaskView)
async def create_task(command: CreateTask, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Write down a draft; its `clears` say what is still missing before it can be published."""
    return await effect.run(handle, command, TaskView.of, status=201, location=lambda shown: f"/v1/tasks/{shown.task.id}")
