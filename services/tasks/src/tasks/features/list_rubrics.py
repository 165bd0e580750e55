"""Rubrics, the latest first."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from common.contracts.fields import IsoDay
from common.http import Call, Items, Paged, Routes, reads
from tasks.domain.rubric import Rubric
from tasks.features.rubric_view import RubricLine
from tasks.store import RUBRICS

routes = Routes("scores")


@routes.get("/rubrics", response_model=Items[RubricLine])
async def list_rubrics(
    call: Annotated[Call, reads("rubrics:read")],
    listing: Paged,
    begun_by: Annotated[IsoDay | None, Query(description="In force, or once in force, on this day")] = None,
) -> Response:
    """Rubrics by the day from which they hold, the latest first; one holds until the next begins."""
    wanted: list[dict[str, Any]] = []
    if begun_by is not None:
        wanted.append({"valid_from": {"$lte": begun_by.isoformat()}})
    if (after := call.after(listing)) is not None:
        wanted.append({"valid_from": {"$lt": after}})  # no two begin on the same day
    query = {"$and": wanted or [{}]}
    found = await call.reader.find(RUBRICS, query, sort=("-valid_from", "-_id"), limit=listing.limit + 1)
    return call.page(found, listing, _key, RubricLine.of)


def _key(rubric: Rubric) -> str:
    return rubric.valid_from.isoformat()
