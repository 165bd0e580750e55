"""Say how much of a task's money is spent."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.resources import report_spending
from tasks.features.plan_resources import Dong, Fund
from tasks.features.task_command import OnTask, Remark, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class Spending(Remark):
    source: Fund
    spent: Dong


async def handle(command: OnTask[Spending], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a fund that was neither planned nor granted."""
    task, body = await load_task(uow, command, check_asks), command.body
    report_spending(task, body.source, body.spent, body.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/report-spending", response_model=TaskView)
async def report_spending_of_task(task_id: str, body: Spending, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Report what is spent of a fund so far (giải ngân), in all. More than was granted marks the task as `overspent`."""
    return await effect.run(handle, OnTask[Spending].asked(task_id, effect, body), TaskView.of)
