"""A target as callers see it: its words, its figures, and how it stands today."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from pydantic import Field

from common.domain import Actor
from common.http import View
from tasks.domain.exact import Exact, shown
from tasks.domain.target import Actual, Operator, Progress, Stands, Target, progress


class ProgressView(View):
    stands: Stands = Field(description="met; on_track or behind against time; missed; or why that cannot be said")
    value: Exact | None
    shown: str | None
    on: date | None
    of: str | None
    units: int
    share: Exact | None = Field(description="Of the way from the baseline to the target; 1 is all of it")
    time_share: Exact | None
    expected: Exact | None = Field(description="Where it would stand today, had it gone evenly")
    lacking: Exact | None

    @classmethod
    def of_progress(cls, found: Progress) -> ProgressView:
        figure: Fraction | None = found.value
        return cls.model_validate(found.model_dump() | {"shown": None if figure is None else shown(figure)})


class TargetView(View):
    id: str
    source: str
    indicator: str
    measure: str
    operator: Operator
    value_written: str
    low: Exact | None
    high: Exact | None
    due_written: str
    due_on: date | None
    yearly: bool
    note: str
    verified: str
    lead_unit_id: str | None
    baseline: Actual | None
    latest: list[Actual] = Field(description="Of the province and of the caller's units, the figure of the latest day")
    progress: ProgressView

    @classmethod
    def on(cls, target: Target, today: date, actor: Actor) -> TargetView:
        found = target.model_dump(include=set(cls.model_fields) - {"latest", "progress"})
        latest = [one for one in target.latest if one.unit_id is None or actor.acts_for(one.unit_id)]
        told = {"latest": latest, "progress": ProgressView.of_progress(progress(target, today))}
        return cls.model_validate(found | told)
