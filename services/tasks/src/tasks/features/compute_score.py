"""Score a unit's month, and keep the score beside the earlier ones."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.domain import local_day
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.directory import Unit
from tasks.domain.month import PERIOD, Month
from tasks.domain.permissions import check_standing_agency
from tasks.domain.scores import Score
from tasks.domain.text import tidy
from tasks.features.score_view import ScoreView
from tasks.features.scoring_units import compute, rubric_for, unit_seen
from tasks.store import SCORES, latest_score, scoring_rules

routes = Routes("scores")


class ComputeScore(Command):
    unit_id: Annotated[str, Field(min_length=1, max_length=128)]
    period: Annotated[str, Field(pattern=PERIOD, description="The month")]
    because: Annotated[
        str, AfterValidator(tidy), Field(max_length=1000, description="Why anew: a dispute was upheld, a fact corrected")
    ] = ""


async def handle(command: ComputeScore, uow: UnitOfWork) -> Score:
    """The score as it stands now. When it says the same as the last one, that one is the answer.

    Raises `Forbidden` for callers limited to some units, `NotFound`, `RuleBroken` without a rubric.
    """
    check_standing_agency(uow.actor)
    unit = await unit_seen(uow, uow.actor, command.unit_id)
    return await compute_anew(uow, unit, Month.read(command.period), command.because)


async def compute_anew(uow: UnitOfWork, unit: Unit, period: Month, because: str) -> Score:
    """Keep the score of a unit's month as it stands now beside the earlier ones. When it says the same as the last one, that
    one is the answer. Raises `RuleBroken` without a rubric.
    """
    today = local_day(uow.now)
    rubric, rules = await rubric_for(uow, period), await scoring_rules(uow)
    last = await latest_score(uow, unit.id, period)
    number = 1 if last is None else last.number + 1
    score = Score(
        id=Score.id_of(unit.id, str(period), number),
        unit_id=unit.id,
        period=str(period),
        number=number,
        level=unit.level,
        rubric_id=rubric.id,
        missing_fact=rules.missing_fact,
        penalties_from=rules.penalties_from,
        on=today,
        at=uow.now,
        by=str(uow.actor),
        because=because,
        sum=await compute(uow, unit, period, rubric, rules, today),
    )
    if last is not None and last.says_the_same(score):
        return last
    return uow.save(SCORES, score.compute())


@routes.post("/scores", status_code=201, response_model=ScoreView)
async def compute_score(command: ComputeScore, effect: Annotated[Effect, writes("scores:write")]) -> Response:
    """Compute the score of a unit's month from tasks, the unit's report and what was said of it; earlier scores stay."""
    return await effect.run(handle, command, ScoreView.of, status=201, location=lambda score: f"/v1/scores/{score.id}")
