"""When a plan's month is reported, frozen and made public, and what a unit hands in (chế độ báo cáo).

Days seen in real plans: units assess themselves before the 22nd, nothing is taken after the 23rd, a day late costs points
(Khánh Hòa) [DOMAIN S13]; the Government's committee is reported to before the 25th [S04]; one system locks on the 10th [S17].
So every day is a setting of the plan, and so is where a day goes that falls on a weekend: no text read says (DOMAIN 10, 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from common.contracts.tasks_reports import ReportPlanChanged, SubmissionMade
from common.domain import Aggregate, local_day
from common.errors import FieldProblem, Invalid, Words
from tasks.domain.month import Month
from tasks.domain.working_days import WeekendRule

PLAN_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"
CALENDAR_OF_COMMITTEE = "committee"


class ReportPlan(Aggregate):
    """The reporting calendar of one plan: of the papers of one directive, or of the whole committee."""

    noun: ClassVar = ("lịch báo cáo", "reporting calendar")
    title: str
    directive_id: str | None = None
    """Only tasks of this directive; None: all tasks of the committee."""
    unit_day: int = 22
    """By the end of this day of the month, in Asia/Ho_Chi_Minh, units have handed in."""
    last_day: int = 23
    """The last day on which anything is taken: as it ends the figures are frozen."""
    report_day: int = 25
    """By when the frozen report goes up."""
    weekend: WeekendRule = "keep"
    appeal_days: int = Field(default=5, ge=0)
    """Calendar days after the freeze within which a unit may object; the late list becomes public after them. No source
    gives a number."""
    samples: bool = False
    """Whether sample tasks (another province's, or invented) are reported on."""
    first_period: str
    """The first month that is frozen."""

    def decide(self, changes: Mapping[str, Any]) -> bool:
        """Change it. False when nothing differs. Raises `Invalid` for days out of order."""
        if not self.adopt(changes) and self.version:
            return False
        if not self.unit_day <= self.last_day <= self.report_day:
            message = Words("Các ngày phải theo thứ tự: unit_day, last_day, report_day.",
                            "The days must follow each other: unit_day, last_day, report_day.")  # fmt: skip
            repair = Words("Ví dụ 22, 23, 25.", "As 22, 23, 25.")
            raise Invalid(message, [FieldProblem("last_day", "days_out_of_order", message, repair, str(self.last_day))])
        self.record(
            ReportPlanChanged(
                plan_id=self.id,
                directive_id=self.directive_id,
                unit_day=self.unit_day,
                last_day=self.last_day,
                weekend=self.weekend,
            )
        )
        return True

    def unit_due(self, period: Month) -> date:
        return period.day(self.unit_day, self.weekend)

    def closes(self, period: Month) -> date:
        """The day as whose end the month's figures are frozen."""
        return max(period.day(self.last_day, self.weekend), self.unit_due(period))

    def report_due(self, period: Month) -> date:
        return max(period.day(self.report_day, self.weekend), self.closes(period))

    def newest_closed(self, today: date) -> Month:
        """The latest month that can be frozen on a day."""
        this = Month.of(today)
        while today <= self.closes(this):  # a day moved off a weekend may lie in the next month
            this = this.plus(-1)
        return this

    def public_from(self, frozen_on: date) -> date:
        """The first day on which the late list of a report may be shown to everybody."""
        return frozen_on + timedelta(days=self.appeal_days + 1 if self.appeal_days else 0)


class Handing(BaseModel):
    """One time that a unit handed in."""

    at: datetime
    by: str
    words: str = ""
    days_late: int
    no_work: bool = False


class Submission(Aggregate):
    """A unit's own report of a month. Handing in again adds to it: lateness is that of the first time."""

    noun: ClassVar = ("báo cáo của đơn vị", "unit's report")
    plan_id: str
    period: str
    unit_id: str
    handed_in: list[Handing] = Field(default_factory=list)

    @staticmethod
    def id_of(plan_id: str, period: str, unit_id: str) -> str:
        return f"{plan_id}/{period}/{unit_id}"

    @property
    def days_late(self) -> int:
        """Days between the day it was due and the day it first came in, 0 when in time."""
        return self.handed_in[0].days_late if self.handed_in else 0

    def hand_in(self, now: datetime, by: str, due: date, words: str, *, no_work: bool) -> None:
        """Take it (nộp báo cáo). The day itself is in time, to its last second in Asia/Ho_Chi_Minh (golden case G043)."""
        late = max(0, (local_day(now) - due).days)
        self.handed_in.append(Handing(at=now, by=by, words=words, days_late=late, no_work=no_work))
        self.record(
            SubmissionMade(
                submission_id=self.id,
                plan_id=self.plan_id,
                period=self.period,
                unit_id=self.unit_id,
                submitted_at=now,
                days_late=late,
                no_work=no_work,
            )
        )
