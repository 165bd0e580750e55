"""Say that there was no work in a period."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.matters import Said
from tasks.domain.permissions import check_does
from tasks.features.period_view import OnPeriod, PeriodView, ShownPeriod, load_period, saved_period
from tasks.features.task_command import Because

routes = Routes("tasks")


async def handle(command: OnPeriod[Because], uow: UnitOfWork) -> ShownPeriod:
    """Raises `RuleBroken` once the period was handed in or closed."""
    task, period = await load_period(uow, command, check_does)
    periods.state_no_work(task, period, Said.now(uow.now, uow.actor, command.body.words))
    return await saved_period(uow, task, period)


@routes.post("/tasks/{task_id}/periods/{key}/state-no-work", response_model=PeriodView)
async def state_no_work(task_id: str, key: str, body: Because, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Say that there was no work in this period (tháng không phát sinh), and why; the approver confirms or rejects it."""
    return await effect.run(handle, OnPeriod[Because].of_period(task_id, key, effect, body), PeriodView.of)
