"""One unit, with what it came from and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Call, Routes, reads
from tasks.features.unit_view import UnitInTimeView
from tasks.store import SUCCESSIONS, UNITS, existing

routes = Routes("units")


@routes.get("/units/{unit_id}", response_model=UnitInTimeView)
async def show_unit(unit_id: str, call: Annotated[Call, reads("units:read")]) -> Response:
    """A unit of any day, standing or not."""
    unit = await existing(call.reader, UNITS, unit_id)
    relations = await call.reader.find(SUCCESSIONS, {"$or": [{"from_unit_id": unit_id}, {"to_unit_id": unit_id}]})
    version = unit.version + sum(relation.version for relation in relations)  # grows with whatever is shown
    return call.one(UnitInTimeView.with_relations(unit, relations), version)
