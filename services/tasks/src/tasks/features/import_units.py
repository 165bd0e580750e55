"""Import the register of units (`units.csv`), and of bodies that plans name as leads (`agencies.csv`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasks.domain.rows import Reading, differing, unique
from tasks.domain.rows_units import check_units, new_unit, read_agency, read_unit
from tasks.features.importing import Import, accepted
from tasks.store import UNITS


async def import_units(work: Import) -> list[Reading]:
    return await _take_over(work, read_unit, "unit_uid")


async def import_agencies(work: Import) -> list[Reading]:
    return await _take_over(work, read_agency, "code")


async def _take_over(work: Import, read: Callable[[Reading], Mapping[str, Any]], column: str) -> list[Reading]:
    """Register new units, correct those that the file describes otherwise, leave the rest alone."""
    rows = [(reading, read(reading)) for reading in work.readings()]
    readings = [reading for reading, _ in rows]
    unique(readings, column)
    stored = {unit.id: unit for unit in await work.uow.find(UNITS, {})}  # whole: parents and codes are judged against all
    check_units(rows, stored)
    wanted = {id(reading): fields for reading, fields in rows}
    for unit_id, reading in accepted(readings):
        fields, unit = wanted[id(reading)], stored.get(unit_id)
        if unit is None:
            work.save(UNITS, new_unit(unit_id, fields))
            reading.created()
        elif changes := differing(unit, fields):
            reading.compare(unit, changes)
            unit.correct(changes)
            work.save(UNITS, unit)
            reading.updated(changes)
        else:
            reading.unchanged()
    return readings
