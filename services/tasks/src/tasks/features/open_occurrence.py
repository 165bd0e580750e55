"""Say that the event a task waits for has happened: an occurrence of it is opened."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.contracts.fields import IsoDay
from common.domain import local_day
from common.errors import FieldProblem, Invalid, Words
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.permissions import check_manages
from tasks.features.period_view import PeriodView, ShownPeriod, saved_period
from tasks.features.task_command import Because, OnTask, load_task
from tasks.store import PERIODS

routes = Routes("tasks")


class Happened(Because):
    """What happened, in words, and by when the result of it is due."""

    due_on: IsoDay


async def handle(command: OnTask[Happened], uow: UnitOfWork) -> ShownPeriod:
    """Raises `RuleBroken` for a task that waits for no event, `Invalid` for a due day that has passed."""
    task = await load_task(uow, command, check_manages)
    today, due_on = local_day(uow.now), command.body.due_on
    if due_on < today:
        message = Words("Hạn của sự việc đã qua.", "The due day has passed.")
        repair = Words("Hãy đặt due_on từ hôm nay trở đi.", "Set due_on to today or later.")
        raise Invalid(message, [FieldProblem("due_on", "due_in_the_past", message, repair, due_on.isoformat())])
    number = 1 + await uow.count(PERIODS, {"task_id": task.id})
    period = periods.open_occurrence(task, number, today, due_on, command.body.words)
    return await saved_period(uow, task, period)


@routes.post("/tasks/{task_id}/open-occurrence", status_code=201, response_model=PeriodView)
async def open_occurrence(task_id: str, body: Happened, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Open an occurrence of a task «khi có ...»: it has its own due day, result and timeliness."""
    return await effect.run(handle, OnTask[Happened].asked(task_id, effect, body), PeriodView.of, status=201)
