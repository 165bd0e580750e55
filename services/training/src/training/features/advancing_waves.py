"""What several use cases share: move a unit's waves on, and let in those who waited for it."""

from __future__ import annotations

from common.unit_of_work import UnitOfWork
from training.domain.directory import Person
from training.domain.waves import Waves
from training.store import ENROLMENTS, PEOPLE, PROGRAMMES, WAVES, expected_learner, waiting_learners

AT_ONCE = 50
"""Learners let in by one transaction: a commune has thousands, and a transaction must stay short."""


async def advance(uow: UnitOfWork, waves: Waves) -> None:
    """Open the next wave when its time has come, and save."""
    expected: set[int] = set()
    if gaps := waves.gaps():
        programme = await uow.load(PROGRAMMES, waves.programme_id)
        for number in gaps:
            if (person := await expected_learner(uow, programme, waves.unit_id, number)) is not None:
                rely_on(uow, person)
                expected.add(number)
    waves.advance(uow.now, expected)
    uow.save(WAVES, waves)


def rely_on(uow: UnitOfWork, person: Person) -> None:
    """Make this decision collide with a change of the person that happens at the same time."""
    uow.put(PEOPLE, person.model_copy(update={"relied_on": person.relied_on + 1}))


async def let_in(uow: UnitOfWork, waves: Waves, number: int) -> None:
    """Open the enrolments that wait for an open wave, as many as one transaction takes; the rest is `continue_opening`'s."""
    found = await waiting_learners(uow, waves, number, AT_ONCE + 1)
    for enrolment in found[:AT_ONCE]:
        enrolment.open(uow.now)
        uow.save(ENROLMENTS, enrolment)
    wave = waves.wave(number)
    left = uow.cause.correlation_id if len(found) > AT_ONCE else None
    if wave.unopened_for != left:
        wave.unopened_for = left
        uow.save(WAVES, waves)
