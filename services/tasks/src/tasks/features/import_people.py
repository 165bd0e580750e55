"""Import people by opaque id. Names go to the one collection where they can be erased, and into nothing else."""

from __future__ import annotations

from tasks.domain.directory import Person
from tasks.domain.rows import Reading, differing, unique
from tasks.domain.rows_people import check_unit, read_person
from tasks.features.importing import Import, accepted, ids_of
from tasks.store import NAMES, PEOPLE, UNITS, keep_name


async def import_people(work: Import) -> list[Reading]:
    """Register people, move them, say that they left. An empty name leaves a stored one alone."""
    readings = work.readings()
    wanted = {id(reading): read_person(reading) for reading in readings}
    unique(readings, "person_id")
    unit_ids = sorted({fields["unit_id"] for fields, _ in wanted.values()})
    units = {unit.id: unit for unit in await work.uow.find(UNITS, {"_id": {"$in": unit_ids}})}
    people = {person.id: person for person in await work.uow.find(PEOPLE, {"_id": {"$in": ids_of(readings)}})}
    names = {name.id: name.name for name in await work.uow.find(NAMES, {"_id": {"$in": ids_of(readings)}})}
    for reading in readings:
        check_unit(reading, wanted[id(reading)][0]["unit_id"], units, work.today)
    for person_id, reading in accepted(readings):
        fields, name = wanted[id(reading)]
        person = people.get(person_id)
        renamed = name is not None and names.get(person_id) != name
        if person is None:
            work.save(PEOPLE, Person(id=person_id, **fields).register())
            reading.created()
        elif (changes := differing(person, fields)) or renamed:
            reading.compare(person, changes)
            person.change(changes)
            work.save(PEOPLE, person)  # for a name alone as well: its version is the ETag of what is shown
            reading.updated([*changes, *(["name"] if renamed else [])])
        else:
            reading.unchanged()
        if renamed and name is not None and not work.dry_run:
            keep_name(work.uow, person_id, name)
    return readings
