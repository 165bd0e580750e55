"""Import targets (`targets.csv`): a number with its due day."""

from __future__ import annotations

from tasks.domain.rows import Reading, differing, unique
from tasks.domain.target import Target, read_target
from tasks.features.importing import Import, accepted, ids_of
from tasks.store import TARGETS


async def import_targets(work: Import) -> list[Reading]:
    """Set targets and correct them. What was measured stays."""
    readings = work.readings()
    wanted = {id(reading): read_target(reading) for reading in readings}
    unique(readings, "target_id")
    stored = {target.id: target for target in await work.uow.find(TARGETS, {"_id": {"$in": ids_of(readings)}})}
    for target_id, reading in accepted(readings):
        fields, target = wanted[id(reading)], stored.get(target_id)
        if target is None:
            work.save(TARGETS, Target(id=target_id, **fields).set_up())
            reading.created()
        elif changes := differing(target, fields):
            target.correct(changes)
            work.save(TARGETS, target)
            reading.updated(changes)
        else:
            reading.unchanged()
    return readings
