"""Count a learner who completed; the next wave of the unit opens when that reaches the threshold.

Every completion writes the one document of the unit's waves: two at once cannot both miss that together they suffice.
"""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.training import EnrolmentCompleted
from common.unit_of_work import UnitOfWork
from training.domain.waves import Waves
from training.features.advancing_waves import advance
from training.store import WAVES


async def handle(message: Message[EnrolmentCompleted], uow: UnitOfWork) -> None:
    event = message.event
    waves = await uow.load(WAVES, Waves.id_of(event.programme_id, event.unit_id))
    waves.count_completion(event.wave)
    await advance(uow, waves)
