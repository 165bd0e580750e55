"""Enrol a person in a programme."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.errors import FieldProblem, NotFound, RuleBroken, Words
from common.http import Command, Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from training.domain.enrolment import Enrolment
from training.domain.permissions import check_acts_for
from training.domain.waves import Waves
from training.features.advancing_waves import advance, rely_on
from training.features.enrolment_view import EnrolmentView
from training.store import ENROLMENTS, PEOPLE, PROGRAMMES, WAVES

router = Routes("enrolments")
_PERSON = ("người", "person")


class EnrolLearner(Command):
    programme_id: Annotated[str, Field(min_length=1, max_length=64)]
    person_id: Annotated[str, Field(min_length=1, max_length=128, examples=["per-0193a1"])]


async def handle(command: EnrolLearner, uow: UnitOfWork) -> Enrolment:
    """The unit and the wave come from the person; who joins a wave that is open already may begin at once.

    Raises `NotFound` for a person of a foreign unit, `RuleBroken` for one who is enrolled, out of office, or of no
    audience of the programme.
    """
    person = await uow.get(PEOPLE, command.person_id)
    if person is None:
        raise NotFound.of(Words(*_PERSON), command.person_id)
    check_acts_for(uow.actor, person.unit_id, _PERSON, person.id)
    programme = await uow.load(PROGRAMMES, command.programme_id)
    if not person.active:
        raise _refused(
            "person_inactive",
            Words("Người này không còn công tác.", "This person is out of office."),
            Words("Hãy ghi nhận người này trở lại trước khi ghi danh.", "Register the person as active again first."),
        )
    wave = programme.wave_for_learner(person.audiences)
    if await uow.find(ENROLMENTS, {"programme_id": programme.id, "person_id": person.id}, limit=1):
        raise _refused(
            "already_enrolled",
            Words("Người này đã được ghi danh vào chương trình.", "This person is enrolled in the programme already."),
            Words(
                "Hãy dùng lượt ghi danh đang có (GET /v1/enrolments?person=&programme=).",
                "Use the present enrolment (GET /v1/enrolments?person=&programme=).",
            ),
        )
    rely_on(uow, person)
    enrolment = Enrolment(
        id=new_id(),
        programme_id=programme.id,
        title=programme.title,
        person_id=person.id,
        unit_id=person.unit_id,
        position=person.position,
        wave=wave,
        enrolled_at=uow.now,
    ).enrol()
    waves = await uow.get(WAVES, Waves.id_of(programme.id, person.unit_id))
    waves = waves or Waves.begin(programme, person.unit_id, uow.now)
    waves.join(wave)
    uow.save(ENROLMENTS, enrolment)  # before the waves move on: they ask who is enrolled
    await advance(uow, waves)
    if waves.is_open(wave):
        enrolment.open(uow.now)
        uow.save(ENROLMENTS, enrolment)
    return enrolment


def _refused(code: str, message: Words, repair: Words) -> RuleBroken:
    return RuleBroken(message, [FieldProblem("person_id", code, message, repair)])


@router.post("/enrolments", status_code=201, response_model=EnrolmentView)
async def enrol_learner(command: EnrolLearner, effect: Annotated[Effect, writes("enrolments:write")]) -> Response:
    """Enrol a person of the register in a programme."""
    return await effect.run(
        handle, command, EnrolmentView.of, status=201, location=lambda enrolment: f"/v1/enrolments/{enrolment.id}"
    )
