"""Add what shows the result of one period."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.permissions import check_does
from tasks.domain.proof import supersede
from tasks.features.add_evidence import NewEvidence, made_of
from tasks.features.period_view import OnPeriod, PeriodView, ShownPeriod, load_period, saved_period
from tasks.store import committee

routes = Routes("tasks")


async def handle(command: OnPeriod[NewEvidence], uow: UnitOfWork) -> ShownPeriod:
    """Raises `Invalid` for evidence that cannot be taken as it is, `RuleBroken` once the period was handed in."""
    task, period = await load_period(uow, command, check_does)
    body = command.body
    evidence = made_of(body, uow, task, await committee(uow))
    periods.add_evidence(task, period, evidence)
    if body.supersedes is not None:
        supersede(task, period.evidence, body.supersedes, evidence, period.key)
    return await saved_period(uow, task, period)


@routes.post("/tasks/{task_id}/periods/{key}/add-evidence", response_model=PeriodView)
async def add_period_evidence(
    task_id: str, key: str, body: NewEvidence, effect: Annotated[Effect, writes("tasks:write")]
) -> Response:
    """Add evidence (minh chứng) of this period's result."""
    return await effect.run(handle, OnPeriod[NewEvidence].of_period(task_id, key, effect, body), PeriodView.of)
