"""What the tasks service publishes of reporting: rubrics and scores, the month's reports, targets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import DirectiveId, LocalDay, Moment, UnitId

Period = Annotated[str, Field(description="A month", examples=["2026-11"])]
Sha256 = Annotated[str, Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])]
Number = Annotated[str, Field(description="An exact number: a decimal, or a fraction n/d", examples=["59.99"])]


class RubricRegistered(Event, type="tasks.rubric.registered.v1", key="rubric_id"):
    """A scoring rubric (bộ tiêu chí) was taken over; it holds from a day on, beside the earlier ones."""

    rubric_id: Annotated[str, Field(examples=["monthly@2026-08-19"])]
    rubric_name: Annotated[str, Field(examples=["monthly"])]
    source: Annotated[str, Field(description="The paper that it stands in", examples=["11-QĐ/TU"])]
    valid_from: LocalDay
    valid_to: LocalDay | None = None
    sha256: Sha256


class ScoringRulesChanged(Event, type="tasks.scoring_rules.changed.v1", key="rules_id"):
    """The committee decided how a rubric is read where the sources settle nothing."""

    rules_id: Annotated[str, Field(examples=["scoring"])]
    missing_fact: Literal["zero", "left_out"]
    penalties_from: Literal["points", "score"]
    report_plan: Annotated[str, Field(examples=["committee"])]


class ScoreFactsEntered(Event, type="tasks.score_facts.entered.v1", key="facts_id"):
    """The standing agency said what the platform cannot know of a unit's month, with its source."""

    facts_id: Annotated[str, Field(examples=["2026-11/vn:commune:00694@2025-07-01"])]
    unit_id: UnitId
    period: Period
    entries: Annotated[list[str], Field(description="Criteria and penalties that were told", examples=[["M-II-4"]])]


class ScoreComputed(Event, type="tasks.score.computed.v1", key="score_id"):
    """A unit's month was scored (chấm điểm); an earlier score of the same month remains beside it."""

    score_id: Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d008"])]
    unit_id: UnitId
    period: Period
    number: Annotated[int, Field(ge=1, description="1, 2, 3 ... for the same unit and month", examples=[1])]
    unit_score: Annotated[Number | None, Field(description="0 to 100; null when no criterion applies")] = None
    provisional: bool
    rubric_id: Annotated[str, Field(examples=["monthly@2026-08-19"])]


class ReportPlanChanged(Event, type="tasks.report_plan.changed.v1", key="plan_id"):
    """The days on which a plan's month is reported, frozen and made public were decided."""

    plan_id: Annotated[str, Field(examples=["committee"])]
    directive_id: DirectiveId | None = None
    unit_day: Annotated[int, Field(ge=1, le=31, examples=[22])]
    last_day: Annotated[int, Field(ge=1, le=31, examples=[23])]
    weekend: Literal["keep", "before", "after"]


class SubmissionMade(Event, type="tasks.submission.made.v1", key="submission_id"):
    """A unit handed in its report of the month (tự đánh giá), in time or late."""

    submission_id: Annotated[str, Field(examples=["committee/2026-11/vn:commune:00694@2025-07-01"])]
    plan_id: Annotated[str, Field(examples=["committee"])]
    period: Period
    unit_id: UnitId
    submitted_at: Moment
    days_late: Annotated[int, Field(ge=0, examples=[0])]
    no_work: bool = False


class ReportFrozen(Event, type="tasks.report.frozen.v1", key="report_id"):
    """The month's report of a plan was frozen (chốt số liệu): it can be asked for again byte for byte."""

    report_id: Annotated[str, Field(examples=["committee/2026-11"])]
    plan_id: Annotated[str, Field(examples=["committee"])]
    period: Period
    as_of: Moment
    sha256: Sha256
    tasks: Annotated[int, Field(ge=0, examples=[186])]
    overdue: Annotated[int, Field(ge=0, examples=[4])]
    late_changes: Annotated[int, Field(ge=0, description="Changes that belong to months that were frozen before", examples=[1])]


class TargetSet(Event, type="tasks.target.set.v1", key="target_id"):
    """A target (chỉ tiêu) was set or corrected: a number with its due day."""

    target_id: Annotated[str, Field(examples=["BDHVS-26-3"])]
    source: Annotated[str, Field(examples=["01-KH/BCDTW"])]
    indicator: Annotated[str, Field(examples=["Adults"])]
    measure: Annotated[str, Field(description="The unit of the number", examples=["%"])]
    due_on: LocalDay | None = None


class TargetMeasured(Event, type="tasks.target.measured.v1", key="target_id"):
    """Somebody said, with a source, where a target stands on a day."""

    target_id: Annotated[str, Field(examples=["BDHVS-26-3"])]
    on: LocalDay
    value: Number
    source: Annotated[str, Field(examples=["Báo cáo tháng 10 của Sở KH&CN"])]
    unit_id: UnitId | None = None
