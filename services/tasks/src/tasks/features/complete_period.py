"""Accept the result of one period."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.domain import local_day
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.permissions import check_reviews
from tasks.domain.proof import unproven
from tasks.domain.timeliness import verdict
from tasks.features.period_view import OnPeriod, PeriodView, ShownPeriod, load_period, saved_period
from tasks.features.task_command import Remark
from tasks.store import committee

routes = Routes("tasks")


async def handle(command: OnPeriod[Remark], uow: UnitOfWork) -> ShownPeriod:
    """Raises `RuleBroken` unless it was handed in, and with what is not proven by the committee's rules."""
    task, period = await load_period(uow, command, check_reviews)
    rules = await committee(uow)
    judged = verdict(period, local_day(uow.now), rules)
    periods.close(task, period, uow.now, judged, command.body.words, unproven(task, period.evidence, rules))
    return await saved_period(uow, task, period)


@routes.post("/tasks/{task_id}/periods/{key}/complete", response_model=PeriodView)
async def complete_period(
    task_id: str, key: str, effect: Annotated[Effect, writes("tasks:review")], body: Remark | None = None
) -> Response:
    """Accept the period's result (nghiệm thu kỳ): it is closed, in time or late by the committee's rule."""
    return await effect.run(handle, OnPeriod[Remark].of_period(task_id, key, effect, body or Remark()), PeriodView.of)
