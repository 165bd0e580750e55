"""An enrolment (ghi danh): one person as a learner of one programme, in the wave of their audience.

Whether and when somebody completed enters the record of officials, so it is personnel data: it is shown to those alone
who act for the unit.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal, Self

from common.contracts.training import EnrolmentCompleted, EnrolmentOpened, LearnerEnrolled
from common.domain import Aggregate
from common.errors import FieldProblem, RuleBroken, Words

State = Literal["waiting", "open", "completed"]


class Enrolment(Aggregate):
    """`unit_id`, `position` and `wave` are those of the day of enrolling: the record stays where it was made, also when
    the person moves on.
    """

    noun: ClassVar = ("lượt ghi danh", "enrolment")
    programme_id: str
    title: str
    """Title of the programme."""
    person_id: str
    unit_id: str
    position: str
    wave: int
    state: State = "waiting"
    active: bool = True
    """False while the person is out of office and has not completed: they are not counted and hold nobody up."""
    enrolled_at: datetime
    opened_at: datetime | None = None
    completed_at: datetime | None = None

    def enrol(self) -> Self:
        self.record(
            LearnerEnrolled(
                enrolment_id=self.id,
                programme_id=self.programme_id,
                person_id=self.person_id,
                unit_id=self.unit_id,
                wave=self.wave,
            )
        )
        return self

    @property
    def waits(self) -> bool:
        """True when the learner is to be let in as soon as the wave is open."""
        return self.active and self.state == "waiting"

    def open(self, now: datetime) -> None:
        """The wave is open: the learner may begin. Only for one who waits."""
        assert self.waits
        self.state, self.opened_at = "open", now
        self.record(
            EnrolmentOpened(
                enrolment_id=self.id,
                programme_id=self.programme_id,
                title=self.title,
                person_id=self.person_id,
                unit_id=self.unit_id,
                wave=self.wave,
            )
        )

    def complete(self, now: datetime) -> None:
        """The learner passed (hoàn thành). Raises `RuleBroken` when they have already, may not begin yet, or have left."""
        if self.state == "completed":
            raise _refused(
                "already_completed",
                Words("Lượt ghi danh này đã hoàn thành.", "This enrolment is completed already."),
                Words("Không cần ghi nữa.", "Nothing is left to do."),
            )
        if not self.active:
            raise _refused(
                "person_inactive",
                Words("Người học không còn công tác tại đơn vị.", "The learner is out of office."),
                Words("Hãy ghi nhận người này trở lại trước khi ghi kết quả.", "Register the person as active again first."),
            )
        if self.state == "waiting":
            raise _refused(
                "wave_closed",
                Words(f"Đợt {self.wave} của đơn vị chưa mở.", f"Wave {self.wave} of the unit is not open yet."),
                Words(
                    "Hãy đợi đợt trước đạt ngưỡng, hoặc mở sớm kèm lý do (POST /v1/programmes/{id}/waves/{n}/open).",
                    "Wait until the wave before reaches its threshold, or open it early with a reason "
                    "(POST /v1/programmes/{id}/waves/{n}/open).",
                ),
            )
        self.state, self.completed_at = "completed", now
        self.record(
            EnrolmentCompleted(
                enrolment_id=self.id,
                programme_id=self.programme_id,
                person_id=self.person_id,
                unit_id=self.unit_id,
                wave=self.wave,
                completed_at=now,
            )
        )

    def set_active(self, active: bool) -> bool:
        """The person left, or is back. False when that changes nothing: who has completed has, wherever they are now."""
        if self.state == "completed" or self.active == active:
            return False
        self.active = active
        return True


def _refused(code: str, message: Words, repair: Words) -> RuleBroken:
    return RuleBroken(message, [FieldProblem("state", code, message, repair)])
