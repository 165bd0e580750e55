"""Register a course under the id of its list."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.errors import Conflict, FieldProblem, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from training.domain.course import Course
from training.domain.permissions import check_acts_for_province
from training.features.course_view import CourseView
from training.store import COURSES

router = Routes("courses")


class RegisterCourse(Command):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["C-INFOSEC"])]
    title: Annotated[str, Field(min_length=1, max_length=300, examples=["Basic information security"])]
    topic: Annotated[str, Field(min_length=1, max_length=60, examples=["security"])]
    source: Annotated[str, Field(max_length=300, description="Where it comes from", examples=["learners, Nov 2025"])] = ""


async def handle(command: RegisterCourse, uow: UnitOfWork) -> Course:
    """Raises `Conflict` when the id is taken: what a course is does not change under those who learn it."""
    check_acts_for_province(uow.actor)
    if await uow.get(COURSES, command.id) is not None:
        raise Conflict(
            Words(f"Đã có khóa học «{command.id}».", f"There is a course '{command.id}' already."),
            [
                FieldProblem(
                    "id",
                    "course_exists",
                    Words("Mã này đã dùng.", "This id is taken."),
                    Words("Hãy dùng khóa học đang có, hoặc chọn mã khác.", "Use the present course, or choose another id."),
                    command.id,
                )
            ],
        )
    course = Course(id=command.id, title=command.title, topic=command.topic, source=command.source)
    return uow.save(COURSES, course.register())


@router.post("/courses", status_code=201, response_model=CourseView)
async def register_course(command: RegisterCourse, effect: Annotated[Effect, writes("courses:write")]) -> Response:
    """Register a course."""
    return await effect.run(handle, command, CourseView.of, status=201, location=lambda course: f"/v1/courses/{course.id}")
