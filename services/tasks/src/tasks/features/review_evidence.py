"""Say of a piece of evidence that it was seen, accepted or rejected."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain import proof
from tasks.domain.authority import check_not_own
from tasks.domain.means import Evidence, Review, Verdict
from tasks.domain.permissions import check_reviews
from tasks.features.task_command import OnTask, ReasonCode, Said, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class GivenReview(Command):
    verdict: Annotated[Verdict, Field(description="seen decides nothing")]
    words: Said = ""
    reason_code: ReasonCode | None = None


class OnEvidence(OnTask[GivenReview]):
    evidence_id: str


def review_by(uow: UnitOfWork, evidence: Evidence, body: GivenReview) -> Review:
    """What the actor says of a piece that is not their own. Raises `Invalid` for a rejection without a reason."""
    check_not_own(uow.actor, evidence.added_by)
    if body.verdict == "rejected" and len(body.words) < 3:
        message = Words("Bác minh chứng phải nêu lý do.", "A rejection needs its reason.")
        repair = Words("Hãy ghi words: thiếu gì, sửa thế nào.", "Say in words what is missing and how to mend it.")
        raise Invalid(message, [FieldProblem("words", "reason_missing", message, repair, body.words or None)])
    return Review(at=uow.now, by=str(uow.actor), **body.model_dump())


async def handle(command: OnEvidence, uow: UnitOfWork) -> ShownTask:
    """Raises `NotFound` for evidence that the task does not have, `RuleBroken` for a piece that was superseded and once the
    result was approved, `Forbidden` for one's own evidence.
    """
    task = await load_task(uow, command, check_reviews)
    evidence = proof.evidence_of(task.evidence, command.evidence_id)
    proof.review_evidence(task, evidence, review_by(uow, evidence, command.body))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/evidence/{evidence_id}/review", response_model=TaskView)
async def review_evidence(
    task_id: str, evidence_id: str, body: GivenReview, effect: Annotated[Effect, writes("tasks:review")]
) -> Response:
    """Review evidence (xem xét minh chứng) as the approver's side: what was rejected proves nothing until another piece takes
    its place. Who saw it, when, and every word of it stay.
    """
    command = OnEvidence(task_id=task_id, evidence_id=evidence_id, expected_version=effect.if_match, body=body)
    return await effect.run(handle, command, TaskView.of)
