"""Collections, indexes and named queries of the training service."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from common.domain import Actor
from common.mongo import Index
from common.repository import Reader, Store
from training.domain.course import Course
from training.domain.directory import Person, Unit
from training.domain.enrolment import Enrolment
from training.domain.programme import Programme
from training.domain.waves import Waves


def _still_opening(waves: Waves) -> dict[str, Any]:
    return {"opening": any(wave.unopened_for is not None for wave in waves.waves)}


COURSES = Store(Course, "courses")
PROGRAMMES = Store(Programme, "programmes")
WAVES = Store(
    Waves,
    "waves",
    (
        Index("programme_id", "_id"),
        Index("unit_id"),
        Index("_d.opening", partial={"_d.opening": True}),
    ),
    derive=_still_opening,
)
ENROLMENTS = Store(
    Enrolment,
    "enrolments",
    (
        Index("programme_id", "person_id", unique=True),
        Index("programme_id", "-_id"),
        Index("person_id", "-_id"),
        Index("unit_id", "-_id"),
        Index("programme_id", "unit_id", "wave", "state", "_id"),
        Index("state", "-_id"),
    ),
)
PEOPLE = Store(Person, "people", (Index("unit_id", "active", "audiences", "_id"), Index("active", "audiences")))
UNITS = Store(Unit, "units")


def of_units(actor: Actor, asked: str | None = None) -> dict[str, Any]:
    """The condition on `unit_id` of what this actor sees; `asked` narrows it to one unit."""
    if asked is not None:
        return {"unit_id": asked if actor.acts_for(asked) else {"$in": []}}
    return {} if actor.units is None else {"unit_id": {"$in": sorted(actor.units)}}


async def names_of_units(reader: Reader, unit_ids: Set[str]) -> dict[str, str]:
    """What these units are called, as far as the copies know."""
    return {unit.id: unit.full_name for unit in await reader.find(UNITS, {"_id": {"$in": sorted(unit_ids)}})}


async def waiting_learners(reader: Reader, waves: Waves, number: int, limit: int) -> list[Enrolment]:
    """Learners of a wave who are still to be let in, those enrolled first before the others."""
    query = {
        "programme_id": waves.programme_id, "unit_id": waves.unit_id, "wave": number, "state": "waiting", "active": True,
    }  # fmt: skip
    return await reader.find(ENROLMENTS, query, sort=("_id",), limit=limit)


async def expected_learner(reader: Reader, programme: Programme, unit_id: str, wave: int) -> Person | None:
    """Somebody of the unit who belongs to this wave and is not enrolled in the programme, here or elsewhere."""
    own, earlier = programme.audiences_of(wave)
    audiences = {"$in": sorted(own), "$nin": sorted(earlier)}
    people = await reader.find(PEOPLE, {"unit_id": unit_id, "active": True, "audiences": audiences}, sort=("_id",))
    query = {"programme_id": programme.id, "person_id": {"$in": [person.id for person in people]}}
    enrolled = {enrolment.person_id for enrolment in await reader.find(ENROLMENTS, query)} if people else set()
    return next((person for person in people if person.id not in enrolled), None)


async def count_people(reader: Reader, programme: Programme, scope: dict[str, Any], by: str) -> dict[str, int]:
    """How many people in office the programme is for, by `unit_id` or `position`."""
    match = {**scope, "active": True, "audiences": {"$in": sorted(programme.audiences)}}
    rows = await reader.aggregate(PEOPLE, [{"$match": match}, {"$group": {"_id": f"${by}", "people": {"$sum": 1}}}])
    return {row["_id"]: row["people"] for row in rows}


async def count_learners(reader: Reader, programme: Programme, scope: dict[str, Any], by: str) -> dict[str, tuple[int, int]]:
    """(enrolled, completed) by `unit_id` or `position`; who left without completing is not counted."""
    counted = {"$or": [{"active": True}, {"state": "completed"}]}
    group = {
        "_id": f"${by}",
        "enrolled": {"$sum": 1},
        "completed": {"$sum": {"$cond": [{"$eq": ["$state", "completed"]}, 1, 0]}},
    }
    rows = await reader.aggregate(
        ENROLMENTS, [{"$match": {"programme_id": programme.id, **scope, **counted}}, {"$group": group}]
    )
    return {row["_id"]: (row["enrolled"], row["completed"]) for row in rows}
