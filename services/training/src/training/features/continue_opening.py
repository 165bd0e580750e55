"""Timed job: let in the learners of large waves whom the reaction to the opening left for later, some at a time."""

from __future__ import annotations

from typing import Any

from common.repository import Reader
from common.unit_of_work import UnitOfWork, Units
from training.features.advancing_waves import let_in
from training.store import WAVES


async def run(units: Units, _settings: Any) -> None:
    """Go on until nobody waits in front of an open wave. May be cut off anywhere: each step stands for itself."""
    while unfinished := await Reader(units.database).find(WAVES, {"_d.opening": True}, limit=20):
        for waves in unfinished:
            for wave in waves.waves:
                if wave.unopened_for is not None:
                    await _step(units, waves.id, wave.number, wave.unopened_for)


async def _step(units: Units, waves_id: str, number: int, correlation_id: str) -> None:
    async def work(uow: UnitOfWork) -> None:
        await let_in(uow, await uow.load(WAVES, waves_id), number)

    await units.run(work, units.system(correlation_id))
