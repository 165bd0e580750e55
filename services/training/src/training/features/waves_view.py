"""The waves of a programme in one unit, as callers see them: counts, never who."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from common.http import View
from training.domain.waves import Wave, Waves


def share_percent(completed: int, enrolled: int) -> float | None:
    """Percent with two places, cut and not rounded: 100 means all. None where there is nobody."""
    return completed * 10_000 // enrolled / 100 if enrolled else None


class WaveView(View):
    number: int
    state: Literal["closed", "open"]
    enrolled: int = Field(description="Learners in office, and those who completed before they left")
    completed: int
    share_percent: float | None = Field(description="Completed of enrolled, cut to two places; null where there is nobody")
    opened_at: datetime | None
    overridden: bool = Field(description="Opened before its time")
    reason: str | None = Field(description="Why it was overridden")
    overridden_by: str | None

    @classmethod
    def of(cls, wave: Wave) -> WaveView:
        return cls(
            number=wave.number,
            state="open" if wave.is_open else "closed",
            enrolled=wave.enrolled,
            completed=wave.completed,
            share_percent=share_percent(wave.completed, wave.enrolled),
            opened_at=wave.opened_at,
            overridden=wave.override is not None,
            reason=wave.override and wave.override.reason,
            overridden_by=wave.override and wave.override.by,
        )


class UnitWavesView(View):
    programme_id: str
    unit_id: str
    unit_name: str | None = Field(description="null until the register's event has arrived")
    threshold_percent: int
    waves: list[WaveView]

    @classmethod
    def of(cls, waves: Waves, unit_name: str | None) -> UnitWavesView:
        return cls(
            programme_id=waves.programme_id,
            unit_id=waves.unit_id,
            unit_name=unit_name,
            threshold_percent=waves.threshold_percent,
            waves=[WaveView.of(wave) for wave in waves.waves],
        )
