"""Record that a learner passed. The score stays where it is; the waves of the unit follow by event."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from training.domain.enrolment import Enrolment
from training.domain.permissions import check_acts_for
from training.features.enrolment_view import EnrolmentView
from training.store import ENROLMENTS

router = Routes("enrolments")


class CompleteEnrolment(Command):
    enrolment_id: str
    expected_version: int | None


async def handle(command: CompleteEnrolment, uow: UnitOfWork) -> Enrolment:
    enrolment = await uow.load(ENROLMENTS, command.enrolment_id)
    check_acts_for(uow.actor, enrolment.unit_id, Enrolment.noun, enrolment.id)
    await uow.load(ENROLMENTS, command.enrolment_id, expected=command.expected_version)
    enrolment.complete(uow.now)
    return uow.save(ENROLMENTS, enrolment)


@router.post("/enrolments/{enrolment_id}/complete", response_model=EnrolmentView)
async def complete_enrolment(enrolment_id: str, effect: Annotated[Effect, writes("enrolments:write")]) -> Response:
    """Record that the learner passed; only once their wave is open."""
    command = CompleteEnrolment(enrolment_id=enrolment_id, expected_version=effect.if_match)
    return await effect.run(handle, command, EnrolmentView.of)
