"""The scores that were computed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from common.http import Call, Items, Paged, Routes, reads
from tasks.domain.month import PERIOD
from tasks.features.score_view import ScoreLine
from tasks.store import SCORES, of_units, score_key

routes = Routes("scores")


@routes.get("/scores", response_model=Items[ScoreLine])
async def list_scores(
    call: Annotated[Call, reads("scores:read")],
    listing: Paged,
    unit: Annotated[str | None, Query(max_length=128)] = None,
    period: Annotated[str | None, Query(pattern=PERIOD)] = None,
) -> Response:
    """Scores of the caller's units, the latest month first and in it the latest score. For monitoring: no ranking."""
    wanted: list[dict[str, Any]] = [of_units(call.actor, unit)]
    if period is not None:
        wanted.append({"period": period})
    if (after := call.after(listing)) is not None:
        wanted.append({"_d.order": {"$lt": after}})
    query = {"$and": [condition for condition in wanted if condition] or [{}]}
    found = await call.reader.find(SCORES, query, sort=("-_d.order",), limit=listing.limit + 1)
    return call.page(found, listing, score_key, ScoreLine.of)
