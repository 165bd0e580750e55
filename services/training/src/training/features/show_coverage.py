"""How many of those whom a programme is for have learned: by unit or by position (05-KH/BCĐTW, task 46)."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from common.http import Call, Items, Paged, Routes, View, reads
from training.features.list_programmes import find_programme
from training.features.waves_view import share_percent
from training.store import count_learners, count_people, names_of_units, of_units

router = Routes("programmes")


class CoverageRow(View):
    key: str = Field(description="Unit id, or position")
    name: str | None = Field(description="What the unit is called; null by position")
    people: int = Field(description="People in office now whom the programme is for, enrolled or not")
    enrolled: int = Field(description="Learners, counted where they were enrolled")
    completed: int
    share_percent: float | None = Field(description="Completed of enrolled, cut to two places; null where there is nobody")


@router.get("/programmes/{programme_id}/coverage", response_model=Items[CoverageRow])
async def show_coverage(
    programme_id: str, call: Annotated[Call, reads("programmes:read")], listing: Paged, by: Literal["unit", "position"]
) -> Response:
    """Counts, also of units or positions from which nobody is enrolled; by unit id or position."""
    programme = await find_programme(call.reader, programme_id)
    scope, field = of_units(call.actor), "unit_id" if by == "unit" else "position"
    people = await count_people(call.reader, programme, scope, field)
    learners = await count_learners(call.reader, programme, scope, field)
    after = call.after(listing) or ""
    keys = [key for key in sorted(people.keys() | learners.keys()) if key > after][: listing.limit + 1]
    names = await names_of_units(call.reader, set(keys)) if by == "unit" else {}

    def row(key: str) -> CoverageRow:
        enrolled, completed = learners.get(key, (0, 0))
        return CoverageRow(
            key=key,
            name=names.get(key),
            people=people.get(key, 0),
            enrolled=enrolled,
            completed=completed,
            share_percent=share_percent(completed, enrolled),
        )

    return call.page(keys, listing, str, row)
