"""Say of a piece of a period's evidence that it was seen, accepted or rejected."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import periods
from tasks.domain.permissions import check_reviews
from tasks.domain.proof import evidence_of
from tasks.features.period_view import OnPeriod, PeriodView, ShownPeriod, load_period, saved_period
from tasks.features.review_evidence import GivenReview, review_by

routes = Routes("tasks")


class OnPeriodEvidence(OnPeriod[GivenReview]):
    evidence_id: str


async def handle(command: OnPeriodEvidence, uow: UnitOfWork) -> ShownPeriod:
    """As for a task: `NotFound`, `Forbidden`, `RuleBroken` once the period is closed."""
    task, period = await load_period(uow, command, check_reviews)
    evidence = evidence_of(period.evidence, command.evidence_id)
    periods.review_evidence(task, period, evidence, review_by(uow, evidence, command.body))
    return await saved_period(uow, task, period)


@routes.post("/tasks/{task_id}/periods/{key}/evidence/{evidence_id}/review", response_model=PeriodView)
async def review_period_evidence(
    task_id: str, key: str, evidence_id: str, body: GivenReview, effect: Annotated[Effect, writes("tasks:review")]
) -> Response:
    """Review evidence of this period's result, as the approver's side."""
    command = OnPeriodEvidence(
        task_id=task_id, key=key, evidence_id=evidence_id, expected_version=effect.if_match, body=body
    )  # fmt: skip
    return await effect.run(handle, command, PeriodView.of)
