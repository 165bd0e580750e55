"""Confirm or reject that there was no work in a period."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.authority import check_not_own
from tasks.domain.matters import Said
from tasks.domain.permissions import check_reviews
from tasks.features.period_view import OnPeriod, PeriodView, ShownPeriod, load_period, saved_period
from tasks.features.task_command import Because, Remark

routes = Routes("tasks")


async def confirm(command: OnPeriod[Remark], uow: UnitOfWork) -> ShownPeriod:
    """Raises `RuleBroken` when nothing was stated, `Forbidden` for who stated it themselves."""
    task, period = await load_period(uow, command, check_reviews)
    check_not_own(uow.actor, _stated_by(period))
    periods.confirm_no_work(task, period, Said.now(uow.now, uow.actor, command.body.words))
    return await saved_period(uow, task, period)


async def reject(command: OnPeriod[Because], uow: UnitOfWork) -> ShownPeriod:
    """Raises what confirming raises."""
    task, period = await load_period(uow, command, check_reviews)
    check_not_own(uow.actor, _stated_by(period))
    periods.reject_no_work(task, period, Said.now(uow.now, uow.actor, command.body.words))
    return await saved_period(uow, task, period)


def _stated_by(period: periods.Period) -> str:
    waiting = periods.stated_no_work(period)
    return "" if waiting is None else waiting.stated.by


@routes.post("/tasks/{task_id}/periods/{key}/confirm-no-work", response_model=PeriodView)
async def confirm_no_work(
    task_id: str, key: str, effect: Annotated[Effect, writes("tasks:review")], body: Remark | None = None
) -> Response:
    """Confirm it: the period is closed without work, and counted neither late nor done."""
    return await effect.run(confirm, OnPeriod[Remark].of_period(task_id, key, effect, body or Remark()), PeriodView.of)


@routes.post("/tasks/{task_id}/periods/{key}/reject-no-work", response_model=PeriodView)
async def reject_no_work(task_id: str, key: str, body: Because, effect: Annotated[Effect, writes("tasks:review")]) -> Response:
    """Reject it, with the reason: a result of the period is due all the same, by its own day."""
    return await effect.run(reject, OnPeriod[Because].of_period(task_id, key, effect, body), PeriodView.of)
