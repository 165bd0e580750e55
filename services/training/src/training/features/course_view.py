"""A course as callers see it."""

from __future__ import annotations

from common.http import View
from training.domain.course import Course


class CourseView(View):
    id: str
    title: str
    topic: str
    source: str

    @classmethod
    def of(cls, course: Course) -> CourseView:
        return cls(id=course.id, title=course.title, topic=course.topic, source=course.source)
