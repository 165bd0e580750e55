"""Ask for another due day."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.extension import request_extension
from tasks.domain.matters import Said
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import committee

routes = Routes("tasks")


class WantedDay(Because):
    due_on: Annotated[IsoDay, Field(description="The day that is asked for")]


async def handle(command: OnTask[WantedDay], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a task without a due day, a day that is not later, or while a request waits already."""
    task = await load_task(uow, command, check_asks)
    body = command.body
    request_extension(task, body.due_on, Said.now(uow.now, uow.actor, body.words), await committee(uow))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/request-extension", response_model=TaskView)
async def request_extension_of_task(
    task_id: str, body: WantedDay, effect: Annotated[Effect, writes("tasks:write")]
) -> Response:
    """Ask for a later due day (xin gia hạn), with the reason. The present one holds until somebody with the authority decides:
    by `extension_decided_by` of the committee.
    """
    return await effect.run(handle, OnTask[WantedDay].asked(task_id, effect, body), TaskView.of)
