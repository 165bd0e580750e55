"""Set up a programme of courses for audiences, leaders first."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.contracts.training import Wave
from common.http import Command, Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from training.domain.audiences import DEFAULT_WAVES
from training.domain.permissions import check_acts_for_province
from training.domain.programme import Programme
from training.features.programme_view import ProgrammeView
from training.store import COURSES, PROGRAMMES

router = Routes("programmes")


def _each_once(course_ids: list[str]) -> list[str]:
    return list(dict.fromkeys(course_ids))


class CreateProgramme(Command):
    title: Annotated[str, Field(min_length=1, max_length=300, examples=["Bình dân học vụ số 2026"])]
    course_ids: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Field(min_length=1, max_length=50, examples=[["C-INFOSEC", "C-AI"]]),
        AfterValidator(_each_once),
    ]
    threshold_percent: Annotated[
        int, Field(strict=True, ge=1, le=100, description="Share of a wave that must complete before the next opens")
    ] = 100
    audiences: Annotated[
        dict[str, Annotated[Wave, Field(strict=True)]],
        Field(
            min_length=1,
            max_length=len(DEFAULT_WAVES),
            description="Audience: its wave; leaders in wave 0 (01-KH/BCĐTW). Who belongs to none is no learner",
            examples=[{"AUD-LEAD": 0, "AUD-CBCC": 1}],
        ),
    ] = DEFAULT_WAVES


async def handle(command: CreateProgramme, uow: UnitOfWork) -> Programme:
    check_acts_for_province(uow.actor)
    courses = await uow.find(COURSES, {"_id": {"$in": command.course_ids}})
    programme = Programme(id=new_id(), created_at=uow.now, **command.model_dump())
    return uow.save(PROGRAMMES, programme.create(course.id for course in courses))


@router.post("/programmes", status_code=201, response_model=ProgrammeView)
async def create_programme(command: CreateProgramme, effect: Annotated[Effect, writes("programmes:write")]) -> Response:
    """Set up a programme; its waves begin in each unit when somebody of the unit is enrolled."""
    return await effect.run(
        handle, command, ProgrammeView.of, status=201, location=lambda programme: f"/v1/programmes/{programme.id}"
    )
