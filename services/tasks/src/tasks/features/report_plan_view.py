"""A reporting calendar as callers see it."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.http import View
from tasks.domain.month import Month
from tasks.domain.reporting import ReportPlan
from tasks.domain.working_days import WeekendRule


class MonthView(View):
    """The days of one month, weekends considered."""

    period: str
    units_by: date = Field(description="Units have handed in by the end of this day")
    frozen_after: date = Field(description="Figures are frozen as this day ends")
    report_by: date


class ReportPlanView(View):
    id: str
    title: str
    directive_id: str | None
    unit_day: int
    last_day: int
    report_day: int
    weekend: WeekendRule
    appeal_days: int
    samples: bool
    first_period: str
    months: list[MonthView] = Field(description="The twelve months from the first that is reported")

    @classmethod
    def of(cls, plan: ReportPlan) -> ReportPlanView:
        first = Month.read(plan.first_period)
        months = [month_view(plan, month) for month in first.until(first.plus(11))]
        return cls.model_validate(plan.model_dump(include=set(cls.model_fields)) | {"months": months})


def month_view(plan: ReportPlan, month: Month) -> MonthView:
    return MonthView(
        period=str(month),
        units_by=plan.unit_due(month),
        frozen_after=plan.closes(month),
        report_by=plan.report_due(month),
    )
