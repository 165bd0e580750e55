"""The courses, and one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import NotFound, Words
from common.http import Call, Items, Paged, Routes, reads
from training.domain.course import Course
from training.features.course_view import CourseView
from training.store import COURSES

router = Routes("courses")


@router.get("/courses", response_model=Items[CourseView])
async def list_courses(call: Annotated[Call, reads("courses:read")], listing: Paged) -> Response:
    """All courses, by id."""
    after = call.after(listing)
    found = await call.reader.find(
        COURSES, {} if after is None else {"_id": {"$gt": after}}, sort=("_id",), limit=listing.limit + 1
    )
    return call.page(found, listing, lambda course: course.id, CourseView.of)


@router.get("/courses/{course_id}", response_model=CourseView)
async def show_course(course_id: str, call: Annotated[Call, reads("courses:read")]) -> Response:
    """One course."""
    course = await call.reader.get(COURSES, course_id)
    if course is None:
        raise NotFound.of(Words(*Course.noun), course_id)
    return call.one(CourseView.of(course), course.version)
