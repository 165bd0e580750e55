"""Let in the learners who waited for a wave that opened.

Nobody is missed: whoever was enrolled before it opened is found here, and whoever is enrolled after begins at once,
because enrolling writes the document of the unit's waves.
"""

from __future__ import annotations

from common.contracts.base import Message
from common.contracts.training import WaveOpened
from common.unit_of_work import UnitOfWork
from training.features.advancing_waves import let_in
from training.store import WAVES


async def handle(message: Message[WaveOpened], uow: UnitOfWork) -> None:
    waves = await uow.load(WAVES, message.event.waves_id)
    await let_in(uow, waves, message.event.wave)
