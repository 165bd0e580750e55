"""Hand in the result of one period."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.permissions import check_does
from tasks.features.period_view import OnPeriod, PeriodView, ShownPeriod, load_period, saved_period
from tasks.features.task_command import Because

routes = Routes("tasks")


async def handle(command: OnPeriod[Because], uow: UnitOfWork) -> ShownPeriod:
    """Raises `RuleBroken` without evidence of the kind that the task asks for."""
    task, period = await load_period(uow, command, check_does)
    periods.submit(task, period, uow.now, command.body.words)
    return await saved_period(uow, task, period)


@routes.post("/tasks/{task_id}/periods/{key}/submit", response_model=PeriodView)
async def submit_period(task_id: str, key: str, body: Because, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Hand in the period's report, in words and with its evidence (trình kết quả kỳ)."""
    return await effect.run(handle, OnPeriod[Because].of_period(task_id, key, effect, body), PeriodView.of)
