"""A programme (chương trình học): courses, for whom, in which order of waves, and what opens the next wave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Self

from common.contracts.training import ProgrammeCreated
from common.domain import Aggregate
from common.errors import FieldProblem, Invalid, RuleBroken, Words
from training.domain.audiences import DEFAULT_WAVES, LEADERS


class Programme(Aggregate):
    """`audiences` says in which wave each audience learns; whoever belongs to none of them is no learner of it."""

    noun: ClassVar = ("chương trình học", "programme")
    title: str
    course_ids: list[str]
    threshold_percent: int
    """Share of a wave's learners who must have completed before the next wave of their unit opens."""
    audiences: dict[str, int]
    created_at: datetime

    def create(self, known_courses: Iterable[str]) -> Self:
        """Set it up. Raises `Invalid` naming every course that does not exist and every audience that is not right."""
        known = set(known_courses)
        problems = [_no_such_course(place, course) for place, course in enumerate(self.course_ids) if course not in known]
        if problems := [*problems, *_problems_of(self.audiences)]:
            raise Invalid(Words(f"Có {len(problems)} chỗ chưa đúng.", f"{len(problems)} places are not right."), problems)
        self.record(
            ProgrammeCreated(
                programme_id=self.id,
                title=self.title,
                course_ids=self.course_ids,
                threshold_percent=self.threshold_percent,
            )
        )
        return self

    @property
    def waves(self) -> list[int]:
        """Numbers of its waves, in the order in which they learn."""
        return sorted(set(self.audiences.values()))

    def wave_of(self, audiences: Iterable[str]) -> int | None:
        """The wave of somebody who belongs to these audiences: the earliest, since a leader who is a citizen too learns
        among the leaders. None when the programme is not for them.
        """
        return min((self.audiences[one] for one in audiences if one in self.audiences), default=None)

    def wave_for_learner(self, audiences: Iterable[str]) -> int:
        """Like `wave_of`. Raises `RuleBroken` for somebody whom the programme is not for."""
        wave = self.wave_of(audiences)
        if wave is None:
            raise RuleBroken(
                Words(
                    "Chương trình không dành cho nhóm đối tượng nào của người này.",
                    "The programme is for none of the audiences of this person.",
                ),
                [
                    FieldProblem(
                        "person_id",
                        "audience_missing",
                        Words("Không thuộc nhóm đối tượng của chương trình.", "Belongs to no audience of the programme."),
                        Words(
                            f"Hãy ghi nhận người này vào một nhóm: {', '.join(sorted(self.audiences))}.",
                            f"Have the person registered in one of: {', '.join(sorted(self.audiences))}.",
                        ),
                    )
                ],
            )
        return wave

    def audiences_of(self, wave: int) -> tuple[set[str], set[str]]:
        """(audiences of this wave, audiences of earlier ones): who has one of the first and none of the second is in it."""
        return (
            {audience for audience, number in self.audiences.items() if number == wave},
            {audience for audience, number in self.audiences.items() if number < wave},
        )


def _no_such_course(place: int, course: str) -> FieldProblem:
    return FieldProblem(
        f"course_ids.{place}",
        "course_unknown",
        Words("Không có khóa học này.", "There is no such course."),
        Words("Hãy tạo khóa học trước (POST /v1/courses), hoặc sửa mã.", "Register it first, or correct the id."),
        course,
    )


def _problems_of(audiences: Mapping[str, int]) -> list[FieldProblem]:
    problems = [
        FieldProblem(
            f"audiences.{audience}",
            "audience_unknown",
            Words("Không có nhóm đối tượng này.", "There is no such audience."),
            Words(f"Hãy dùng: {', '.join(DEFAULT_WAVES)}.", f"Use: {', '.join(DEFAULT_WAVES)}."),
            audience,
        )
        for audience in audiences
        if audience not in DEFAULT_WAVES
    ]
    if audiences.get(LEADERS, 0) != 0:
        problems.append(
            FieldProblem(
                f"audiences.{LEADERS}",
                "leaders_first",
                Words("Lãnh đạo học trước (01-KH/BCĐTW).", "Leaders learn first (01-KH/BCĐTW)."),
                Words("Hãy đặt đợt 0 cho lãnh đạo.", "Give the leaders wave 0."),
            )
        )
    return problems
