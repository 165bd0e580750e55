"""Open the next wave of a unit before its time (mở sớm), with a recorded reason."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel, Field

from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from training.domain.permissions import check_acts_for
from training.domain.waves import Override, Waves
from training.features.advancing_waves import advance
from training.features.waves_view import UnitWavesView
from training.store import PROGRAMMES, UNITS, WAVES

router = Routes("programmes")


class OpenWaveBody(Command):
    unit_id: Annotated[str, Field(min_length=1, max_length=128, examples=["vn:commune:00694@2025-07-01"])]
    reason: Annotated[str, Field(min_length=5, max_length=500, examples=["Trưởng phòng nghỉ ốm dài ngày"])]


class OpenWave(OpenWaveBody):
    programme_id: str
    wave: int
    expected_version: int | None


class _Opened(BaseModel):
    waves: Waves
    unit_name: str | None

    @property
    def version(self) -> int:
        return self.waves.version


async def handle(command: OpenWave, uow: UnitOfWork) -> _Opened:
    """Raises `NotFound` for a unit that is foreign or from which nobody is enrolled, `RuleBroken` when the wave is open
    already or not the next.
    """
    programme = await uow.load(PROGRAMMES, command.programme_id)
    key = Waves.id_of(programme.id, command.unit_id)
    check_acts_for(uow.actor, command.unit_id, Waves.noun, key)
    waves = await uow.load(WAVES, key, expected=command.expected_version)
    waves.override(command.wave, Override(reason=command.reason, by=str(uow.actor), at=uow.now))
    await advance(uow, waves)
    unit = await uow.get(UNITS, command.unit_id)
    return _Opened(waves=waves, unit_name=unit and unit.full_name)


@router.post("/programmes/{programme_id}/waves/{wave}/open", response_model=UnitWavesView)
async def open_wave(
    programme_id: str,
    wave: Annotated[int, Path(ge=0, le=9)],
    body: OpenWaveBody,
    effect: Annotated[Effect, writes("programmes:write")],
) -> Response:
    """Open a unit's next wave before the threshold is reached; the reason and who gave it stay on record."""
    command = OpenWave(
        programme_id=programme_id, wave=wave, expected_version=effect.if_match, unit_id=body.unit_id, reason=body.reason
    )
    return await effect.run(handle, command, lambda opened: UnitWavesView.of(opened.waves, opened.unit_name))
