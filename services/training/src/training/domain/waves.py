"""Leader-first waves (đợt học) of one programme in one unit: who must have learned before whom.

A wave is open or closed, and what is open stays open. The first is open from the beginning; each next one opens when
enough learners of the one before have completed, or by an override with a recorded reason (01-KH/BCĐTW: cadres and Party
members go first; that it is decided per unit, and by a threshold, is ours).
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from itertools import pairwise
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from common.contracts.training import WaveOpened
from common.domain import Aggregate
from common.errors import FieldProblem, NotFound, RuleBroken, Words
from training.domain.programme import Programme

NOBODY: frozenset[int] = frozenset()


class Override(BaseModel):
    """Why a wave was opened before its time, on whose word."""

    model_config = ConfigDict(extra="allow")
    reason: str
    by: str
    at: datetime


class Wave(BaseModel):
    """One wave: its learners are those enrolled who are in office or have completed."""

    model_config = ConfigDict(extra="allow")
    number: int
    enrolled: int = 0
    completed: int = 0
    opened_at: datetime | None = None
    override: Override | None = None
    unopened_for: str | None = None
    """While learners still wait to be let in after the wave opened: correlation id of what opened it."""

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None

    def reached(self, threshold_percent: int) -> bool:
        """True when enough of its learners have completed: whole numbers, no rounding, and nobody is never enough."""
        return self.enrolled > 0 and self.completed * 100 >= threshold_percent * self.enrolled


class Waves(Aggregate):
    """All waves of one programme in one unit, earliest first. The counts are kept here, so that whoever enrols, completes
    or leaves writes this one document: two who do so at once are told apart by its version.
    """

    noun: ClassVar = ("đợt học nào của chương trình tại đơn vị", "wave of the programme in the unit")
    programme_id: str
    title: str
    unit_id: str
    threshold_percent: int
    waves: list[Wave]

    @staticmethod
    def id_of(programme_id: str, unit_id: str) -> str:
        return f"{programme_id}/{unit_id}"

    @classmethod
    def begin(cls, programme: Programme, unit_id: str, now: datetime) -> Self:
        """The waves of a unit from which nobody was enrolled yet: the first is open."""
        first, *later = programme.waves
        return cls(
            id=cls.id_of(programme.id, unit_id),
            programme_id=programme.id,
            title=programme.title,
            unit_id=unit_id,
            threshold_percent=programme.threshold_percent,
            waves=[Wave(number=first, opened_at=now), *(Wave(number=number) for number in later)],
        )

    def wave(self, number: int) -> Wave:
        """Raises `NotFound` for a number that the programme does not have."""
        found = next((wave for wave in self.waves if wave.number == number), None)
        if found is None:
            raise NotFound.of(Words(*self.noun), str(number))
        return found

    def is_open(self, number: int) -> bool:
        return self.wave(number).is_open

    # --- learners ---

    def join(self, number: int) -> None:
        """A learner was enrolled, or is back in office."""
        self.wave(number).enrolled += 1

    def leave(self, number: int) -> None:
        """A learner who has not completed is out of office: nobody waits for them."""
        self.wave(number).enrolled -= 1

    def count_completion(self, number: int) -> None:
        self.wave(number).completed += 1

    # --- opening ---

    def gaps(self) -> set[int]:
        """Waves without learners that stand between the last open wave and learners who wait."""
        last_open = max(place for place, wave in enumerate(self.waves) if wave.is_open)
        last_waiting = max((place for place, wave in enumerate(self.waves) if wave.enrolled and not wave.is_open), default=0)
        return {wave.number for wave in self.waves[last_open:last_waiting] if not wave.enrolled}

    def advance(self, now: datetime, expected: Set[int] = NOBODY) -> list[int]:
        """Open each next wave whose time has come; returns the numbers of those that opened.

        A wave without learners is passed over, unless it is `expected`: people of the unit belong to it and are not
        enrolled yet. Else it would be the order of enrolling, and not the rule, that decides who goes first.
        """
        passed_over = self.gaps() - expected
        opened = []
        for before, wave in pairwise(self.waves):
            if wave.is_open:
                continue
            if not (before.reached(self.threshold_percent) or before.number in passed_over):
                break
            self._open(wave, now)
            opened.append(wave.number)
        return opened

    def override(self, number: int, override: Override) -> None:
        """Open the next wave before its time (mở sớm). Raises `RuleBroken` when it is open, or not the next."""
        wave = self.wave(number)
        if wave.is_open:
            raise _refused(
                "already_open",
                Words(f"Đợt {number} của đơn vị đã mở.", f"Wave {number} of the unit is open already."),
                Words("Không cần mở nữa.", "Nothing is left to do."),
            )
        following = next(wave for wave in self.waves if not wave.is_open)
        if following is not wave:
            raise _refused(
                "not_next",
                Words(f"Đợt {following.number} chưa mở.", f"Wave {following.number} is not open yet."),
                Words(f"Hãy mở đợt {following.number} trước.", f"Open wave {following.number} first."),
            )
        wave.override = override
        self._open(wave, override.at)

    def _open(self, wave: Wave, now: datetime) -> None:
        wave.opened_at = now
        self.record(
            WaveOpened(
                waves_id=self.id,
                programme_id=self.programme_id,
                title=self.title,
                unit_id=self.unit_id,
                wave=wave.number,
                overridden=wave.override is not None,
            )
        )


def _refused(code: str, message: Words, repair: Words) -> RuleBroken:
    return RuleBroken(message, [FieldProblem("wave", code, message, repair)])
