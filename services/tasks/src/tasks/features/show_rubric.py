"""One rubric whole, and the class that a score gets by it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from common.http import Call, Routes, View, reads
from tasks.domain.exact import Exact, Given, shown
from tasks.domain.rubric import Class
from tasks.features.rubric_view import RubricView
from tasks.store import RUBRICS, existing

routes = Routes("scores")


class ClassView(View):
    score: Exact
    shown: str
    class_: Class | None
    next: Class | None
    lacking: Exact | None


@routes.get("/rubrics/{rubric_id}", response_model=RubricView)
async def show_rubric(rubric_id: str, call: Annotated[Call, reads("rubrics:read")]) -> Response:
    """A rubric as it was read, row by row, beside its words."""
    rubric = await existing(call.reader, RUBRICS, rubric_id)
    return call.one(RubricView.of(rubric), rubric.version)


@routes.get("/rubrics/{rubric_id}/class", response_model=ClassView)
async def show_class(
    rubric_id: str,
    call: Annotated[Call, reads("rubrics:read")],
    score: Annotated[Given, Query(description="A score of the year, exact: it is never rounded before the compare")],
) -> Response:
    """The yearly class of a score, and what is lacking to the next one up."""
    rubric = await existing(call.reader, RUBRICS, rubric_id)
    found = rubric.class_of(score)
    better = next((one for one in rubric.classes if one.lower > score), None)
    lacking = None if better is None else better.lower - score
    return call.one(ClassView(score=score, shown=shown(score), class_=found, next=better, lacking=lacking))
