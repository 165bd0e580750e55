"""How far each unit is with a programme, wave by wave."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from common.http import Call, Items, Paged, Routes, reads
from training.features.list_programmes import find_programme
from training.features.waves_view import UnitWavesView
from training.store import WAVES, names_of_units, of_units

router = Routes("programmes")


@router.get("/programmes/{programme_id}/waves", response_model=Items[UnitWavesView])
async def list_waves(
    programme_id: str,
    call: Annotated[Call, reads("programmes:read")],
    listing: Paged,
    unit: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """The waves of each unit from which somebody is enrolled, by unit id."""
    programme = await find_programme(call.reader, programme_id)
    query: dict[str, Any] = {"programme_id": programme.id, **of_units(call.actor, unit)}
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$gt": after}
    found = await call.reader.find(WAVES, query, sort=("_id",), limit=listing.limit + 1)
    names = await names_of_units(call.reader, {waves.unit_id for waves in found})
    return call.page(found, listing, lambda waves: waves.id, lambda waves: UnitWavesView.of(waves, names.get(waves.unit_id)))
