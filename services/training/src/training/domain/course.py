"""A course (khóa học): what can be learned, and where it comes from."""

from __future__ import annotations

from typing import ClassVar, Self

from common.contracts.training import CourseRegistered
from common.domain import Aggregate


class Course(Aggregate):
    """Named by the id that its list gives it, such as `C-INFOSEC`."""

    noun: ClassVar = ("khóa học", "course")
    title: str
    topic: str
    source: str = ""

    def register(self) -> Self:
        self.record(CourseRegistered(course_id=self.id, title=self.title, topic=self.topic))
        return self
