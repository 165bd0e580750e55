"""Send the result of one period back to be mended."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.permissions import check_reviews
from tasks.features.period_view import OnPeriod, PeriodView, ShownPeriod, load_period, saved_period
from tasks.features.task_command import BecauseOf

routes = Routes("tasks")


async def handle(command: OnPeriod[BecauseOf], uow: UnitOfWork) -> ShownPeriod:
    """Raises `RuleBroken` unless it was handed in."""
    task, period = await load_period(uow, command, check_reviews)
    periods.send_back(task, period, command.body.reason_code, command.body.words)
    return await saved_period(uow, task, period)


@routes.post("/tasks/{task_id}/periods/{key}/return", response_model=PeriodView)
async def return_period(task_id: str, key: str, body: BecauseOf, effect: Annotated[Effect, writes("tasks:review")]) -> Response:
    """Send the period's result back (trả lại), on recorded words."""
    return await effect.run(handle, OnPeriod[BecauseOf].of_period(task_id, key, effect, body), PeriodView.of)
