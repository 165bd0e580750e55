"""Follow a person who moved, changed position, left, or came back.

Enrolments stay in the unit where they were made. Whoever leaves without having completed is counted no more, so that
nobody waits for them; whoever comes back is counted again, and let in if the wave has opened meanwhile.
"""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.tasks import PersonChanged
from common.unit_of_work import UnitOfWork
from training.domain.directory import Person
from training.domain.enrolment import Enrolment
from training.domain.waves import Waves
from training.features.advancing_waves import advance
from training.store import ENROLMENTS, PEOPLE, WAVES


async def handle(message: Message[PersonChanged], uow: UnitOfWork) -> None:
    after = Person.copy_of(message.event)
    before = await uow.get(PEOPLE, after.id)
    uow.put(PEOPLE, after)
    for enrolment in await uow.find(ENROLMENTS, {"person_id": after.id}):
        if enrolment.set_active(after.active):
            await _count_anew(enrolment, uow)
    if before is not None and before.active and _standing(before) != _standing(after):
        for waves in await uow.find(WAVES, {"unit_id": before.unit_id}):  # some may have waited for this person's enrolment
            await advance(uow, waves)


def _standing(person: Person) -> tuple[bool, str, set[str]]:
    return person.active, person.unit_id, set(person.audiences)


async def _count_anew(enrolment: Enrolment, uow: UnitOfWork) -> None:
    waves = await uow.load(WAVES, Waves.id_of(enrolment.programme_id, enrolment.unit_id))
    (waves.join if enrolment.active else waves.leave)(enrolment.wave)
    uow.save(ENROLMENTS, enrolment)
    await advance(uow, waves)
    if enrolment.waits and waves.is_open(enrolment.wave):
        enrolment.open(uow.now)
        uow.save(ENROLMENTS, enrolment)
