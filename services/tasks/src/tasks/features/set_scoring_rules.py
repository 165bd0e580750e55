"""Decide how a rubric is read where the sources settle nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field

from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.permissions import check_standing_agency
from tasks.domain.reporting import PLAN_ID
from tasks.domain.scoring import ScoringRules
from tasks.features.merge_patch import MergePatch
from tasks.features.show_scoring_rules import ScoringRulesView
from tasks.store import SCORING_RULES, scoring_rules

routes = Routes("committee")
RowId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^.$\x00]+$")]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=50)]
_DEFAULT = ScoringRules()


class ScoringSettings(MergePatch):
    """The given settings change, the others stay."""

    missing_fact: Annotated[
        Literal["zero", "left_out"], Field(description="What a criterion counts of which nobody has said anything yet")
    ] = _DEFAULT.missing_fact
    penalties_from: Annotated[
        Literal["points", "score"], Field(description="Taken from the points before they are divided, or from the score")
    ] = _DEFAULT.penalties_from
    given_by: Annotated[
        dict[RowId, Names],
        Field(max_length=50, description="Criteria that tasks answer, by words in the name of the body that gave them"),
    ] = _DEFAULT.given_by
    periods: Annotated[
        Literal["each", "once", "left_out"],
        Field(description="How periods of tasks that repeat count among tasks: each, all of a task as one, or not at all"),
    ] = _DEFAULT.periods
    report_on_time: Annotated[list[RowId], Field(max_length=50)] = _DEFAULT.report_on_time
    late_by_one_day: RowId = _DEFAULT.late_by_one_day
    late_by_more: RowId = _DEFAULT.late_by_more
    over_quarter: Annotated[list[RowId], Field(max_length=50)] = _DEFAULT.over_quarter
    report_plan: Annotated[str, Field(pattern=PLAN_ID)] = _DEFAULT.report_plan


class SetScoringRules(Command):
    expected_version: int | None
    changes: dict[str, Any]


async def handle(command: SetScoringRules, uow: UnitOfWork) -> ScoringRules:
    """Raises `Forbidden` for a caller who is limited to some units, `StaleVersion` when it was decided otherwise meanwhile."""
    check_standing_agency(uow.actor)
    rules = await scoring_rules(uow)
    check_version(rules, command.expected_version)
    return uow.save(SCORING_RULES, rules) if rules.decide(command.changes) else rules


@routes.patch("/committee/scoring", response_model=ScoringRulesView)
async def set_scoring_rules(body: ScoringSettings, effect: Annotated[Effect, writes("committee:write")]) -> Response:
    """Change the given settings (JSON merge patch). Scores that were computed stay; the next ones follow the new rules."""
    command = SetScoringRules(expected_version=effect.if_match, changes=body.given())
    return await effect.run(handle, command, ScoringRulesView.of)
