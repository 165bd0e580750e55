"""Import what follows what (`unit_succession.csv`): mergers, splits, units that only got a new id."""

from __future__ import annotations

from tasks.domain.directory import Succession
from tasks.domain.rows import Reading, differing, unique
from tasks.domain.rows_successions import check_units_exist, read_succession
from tasks.features.importing import Import, accepted, ids_of
from tasks.store import SUCCESSIONS, UNITS


async def import_successions(work: Import) -> list[Reading]:
    """Register relations between units that stand in the register."""
    readings = work.readings()
    wanted = {id(reading): read_succession(reading) for reading in readings}
    unique(readings, "from_uid")
    named = {unit for fields in wanted.values() for unit in (fields["from_unit_id"], fields["to_unit_id"])}
    units = {unit.id for unit in await work.uow.find(UNITS, {"_id": {"$in": sorted(named)}})}
    found = await work.uow.find(SUCCESSIONS, {"_id": {"$in": ids_of(readings)}})
    stored = {succession.id: succession for succession in found}
    for reading in readings:
        check_units_exist(reading, wanted[id(reading)], units)
    for succession_id, reading in accepted(readings):
        fields, succession = wanted[id(reading)], stored.get(succession_id)
        if succession is None:
            work.save(SUCCESSIONS, Succession(id=succession_id, **fields).register())
            reading.created()
        elif changes := differing(succession, fields):
            reading.compare(succession, changes)
            succession.correct(changes)
            work.save(SUCCESSIONS, succession)
            reading.updated(changes)
        else:
            reading.unchanged()
    return readings
