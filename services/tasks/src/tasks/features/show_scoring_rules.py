"""How the committee reads its rubric."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Response

from common.http import Call, Routes, View, reads
from tasks.domain.scoring import ScoringRules
from tasks.store import scoring_rules

routes = Routes("committee")


class ScoringRulesView(View):
    missing_fact: Literal["zero", "left_out"]
    penalties_from: Literal["points", "score"]
    given_by: dict[str, list[str]]
    periods: Literal["each", "once", "left_out"]
    report_on_time: list[str]
    late_by_one_day: str
    late_by_more: str
    over_quarter: list[str]
    report_plan: str

    @classmethod
    def of(cls, rules: ScoringRules) -> ScoringRulesView:
        return cls.model_validate(rules.model_dump(include=set(cls.model_fields)))


@routes.get("/committee/scoring", response_model=ScoringRulesView)
async def show_scoring_rules(call: Annotated[Call, reads("committee:read")]) -> Response:
    """What the sources leave open, as the committee decided it; version 0 until it has decided anything."""
    rules = await scoring_rules(call.reader)
    return call.one(ScoringRulesView.of(rules), rules.version)
