"""Record money that was granted for a task."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_decides
from tasks.domain.permissions import check_sees
from tasks.domain.resources import grant_money
from tasks.features.plan_resources import Dong, Fund
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import committee

routes = Routes("tasks")


class Grant(Because):
    source: Fund
    granted: Dong


async def handle(command: OnTask[Grant], uow: UnitOfWork) -> ShownTask:
    """Raises `Forbidden` for who does not stand at the level that the committee names."""
    task, body = await load_task(uow, command, check_sees), command.body
    check_decides(uow.actor, task, (await committee(uow)).money_granted_by)
    grant_money(task, body.source, body.granted, body.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/grant-money", response_model=TaskView)
async def grant_money_for_task(task_id: str, body: Grant, effect: Annotated[Effect, writes("tasks:review")]) -> Response:
    """Grant money (giao kinh phí) from a fund: how much in all, by which decision. By the level of `money_granted_by`."""
    return await effect.run(handle, OnTask[Grant].asked(task_id, effect, body), TaskView.of)
