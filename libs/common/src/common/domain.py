"""What domain models of every service are made of: actors, aggregates that record events, days in the province's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PlainSerializer, PrivateAttr

from common.contracts.base import Event

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

Day = Annotated[date, PlainSerializer(date.isoformat, return_type=str)]
"""A calendar day in Asia/Ho_Chi_Minh; stored as `YYYY-MM-DD`, which sorts as it should."""


def local_day(moment: datetime) -> date:
    """The day in Asia/Ho_Chi_Minh on which a moment falls: 2026-11-30T17:30Z is already 1 December (golden case G043)."""
    return moment.astimezone(VIETNAM).date()


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a partner system (client) or the platform itself.

    `units` None means every unit; otherwise only what leads, coordinates or belongs to these is seen and touched.
    """

    kind: Literal["person", "client", "system"]
    id: str
    scopes: frozenset[str] = frozenset()
    units: frozenset[str] | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def acts_for(self, *units: str | None) -> bool:
        """True when the actor may act for at least one of these units."""
        return self.units is None or not self.units.isdisjoint(unit for unit in units if unit is not None)

    @classmethod
    def system(cls, service: str) -> Self:
        return cls("system", service)


class Document(BaseModel):
    """Anything that is stored under an id of its own.

    Fields that this version of the code does not know are kept and written back: while two versions run side by side,
    the older one must not lose what the newer one wrote.
    """

    model_config = ConfigDict(extra="allow")
    id: str


class Aggregate(Document):
    """A document with rules: its methods change it and record what happened; whoever saves it publishes that.

    `version` counts saves (compare-and-set), `sequence` counts events (one command may record several); both are moved
    by the repository alone. `noun` is what its absence is called in errors: (Vietnamese, English).
    """

    noun: ClassVar[tuple[str, str]] = ("đối tượng", "item")
    version: int = 0
    sequence: int = 0
    _recorded: list[Event] = PrivateAttr(default_factory=list)

    def adopt(self, changes: Mapping[str, Any]) -> bool:
        """Set these fields. False when none differs from what it was."""
        differing = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in differing.items():
            setattr(self, name, value)
        return bool(differing)

    def record(self, event: Event) -> Self:
        self._recorded.append(event)
        return self

    def take_recorded(self) -> list[Event]:
        """Hand over the events recorded since the last call: each is published once."""
        events, self._recorded = self._recorded, []
        return events
