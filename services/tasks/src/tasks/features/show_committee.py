"""The committee's settings."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import Response

from common.http import Call, Routes, View, reads
from tasks.domain.committee import Committee
from tasks.domain.deadline import Cadence
from tasks.domain.matters import DecidedBy, Told
from tasks.domain.means import ResourceKind
from tasks.domain.working_days import WeekendRule
from tasks.store import committee

routes = Routes("committee")


class EscalationView(View):
    days: int
    level: Told


class WeightsView(View):
    high: int
    normal: int
    low: int


class CommitteeView(View):
    authority_required: bool
    nearly_due_days: int
    lateness_counts: Literal["submission", "approval"]
    regular_calendar: Cadence | None
    maintain_calendar: Cadence
    period_due_day: int
    weekend_rule: WeekendRule
    holidays: list[date]
    worked_days: list[date]
    due_after_parent: Literal["finding", "refused"]
    ask_again_days: int
    extension_decided_by: DecidedBy
    dispute_answer_days: int
    escalations: list[EscalationView]
    remedy_plan_days: int | None
    commitment_days: int | None
    remind_again_days: int
    evidence_source_required: bool
    evidence_reviewed: bool
    criteria_proven: bool
    resources_required: list[ResourceKind]
    money_granted_by: Literal["approver", "standing_agency"]
    broken_commitment_told: Told
    focus_set_by: Literal["approver", "standing_agency"]
    priority_weights: WeightsView | None

    @classmethod
    def of(cls, rules: Committee) -> CommitteeView:
        return cls.model_validate(rules.model_dump(include=set(cls.model_fields)))


@routes.get("/committee", response_model=CommitteeView)
async def show_committee(call: Annotated[Call, reads("committee:read")]) -> Response:
    """How clears and lateness are judged; version 0 until the committee has decided anything."""
    rules = await committee(call.reader)
    return call.one(CommitteeView.of(rules), rules.version)
