"""One score with its sum, and what the score of a month would be today."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from common.domain import local_day
from common.errors import NotFound, Words
from common.http import Call, Routes, reads
from tasks.domain.month import PERIOD, Month
from tasks.domain.scores import Score
from tasks.features.score_view import Preview, ScoreView
from tasks.features.scoring_units import compute, rubric_for, unit_seen
from tasks.store import SCORES, scoring_rules

routes = Routes("scores")


@routes.get("/scores/preview", response_model=Preview)
async def preview_score(
    call: Annotated[Call, reads("scores:read")],
    unit: Annotated[str, Query(max_length=128)],
    period: Annotated[str, Query(pattern=PERIOD)],
) -> Response:
    """What the score of a unit's month would be today, with its sum and the smallest changes that gain a band."""
    found, month, today = await unit_seen(call.reader, call.actor, unit), Month.read(period), local_day(call.units.clock())
    rubric, rules = await rubric_for(call.reader, month), await scoring_rules(call.reader)
    result = await compute(call.reader, found, month, rubric, rules, today)
    return call.one(Preview.of(found.id, period, rubric, today, result))


@routes.get("/scores/{score_id}", response_model=ScoreView)
async def show_score(score_id: str, call: Annotated[Call, reads("scores:read")]) -> Response:
    """A score that was computed, as it was then: criterion, value, band, points, source."""
    score = await call.reader.get(SCORES, score_id)
    if score is None or not call.actor.acts_for(score.unit_id):
        raise NotFound.of(Words(*Score.noun), score_id)
    return call.one(ScoreView.of(score), score.version)
