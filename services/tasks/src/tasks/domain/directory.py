"""The register (danh mục): units with their dates, what followed what, people in their positions.

A unit's id is its `unit_uid`, never the statistics code: all 124 communes of July 2025 reuse a code that stood for another
unit the day before (data/units.csv, golden cases G061 and G062).
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from common.contracts import tasks as events
from common.domain import Aggregate, Day, Document

Position = Literal["unit_head", "deputy_head", "officer", "standing_agency", "committee_leader"]
POSITIONS: tuple[str, ...] = get_args(Position)
SuccessionKind = Literal["whole", "partial", "unchanged", "merge"]
SUCCESSION_KINDS: tuple[str, ...] = get_args(SuccessionKind)

Level = Literal["province", "district", "commune", "central", "department", "commune_body"]
LEVELS: tuple[str, ...] = get_args(Level)
AGENCY_LEVELS = ("central", "department", "commune_body")
"""Levels of bodies that plans name as leads; the others are territories."""


class Unit(Aggregate):
    """An administrative unit or a body (đơn vị, cơ quan), valid from one day to another, both included."""

    noun: ClassVar = ("đơn vị", "unit")
    code: str
    level: str
    type: str = ""
    name: str
    full_name: str
    slug: str = ""
    parent_id: str | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None
    former_names: list[str] = Field(default_factory=list)
    """Bodies that were merged into this one, by name: plans go on naming them for years."""
    verified: str = ""
    note: str = ""

    def stands_on(self, day: date) -> bool:
        """True when the unit exists on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def register(self) -> Unit:
        self.record(events.UnitRegistered(**self._public()))
        return self

    def correct(self, changes: dict[str, Any]) -> bool:
        """Take over what the register now says. False when it says the same."""
        differs = self.adopt(changes)
        if differs:
            self.record(events.UnitChanged(**self._public()))
        return differs

    def _public(self) -> dict[str, Any]:
        return {
            "unit_id": self.id,
            "code": self.code,
            "level": self.level,
            "full_name": self.full_name,
            "parent_id": self.parent_id,
            "valid_from": self.valid_from,
            "valid_to": self.valid_to,
        }


class Succession(Aggregate):
    """One unit follows another (kế thừa), whole or in part, on a day. It is a stream of facts: more mergers follow."""

    noun: ClassVar = ("quan hệ kế thừa", "succession")
    from_unit_id: str
    to_unit_id: str
    kind: SuccessionKind
    effective_on: Day
    correction: str = ""

    @staticmethod
    def id_of(from_unit_id: str, to_unit_id: str) -> str:
        return f"{from_unit_id}>{to_unit_id}"

    def register(self) -> Succession:
        self.record(events.SuccessionRegistered(**self._public()))
        return self

    def correct(self, changes: dict[str, Any]) -> bool:
        """Take over what the register now says. False when it says the same."""
        differs = self.adopt(changes)
        if differs:
            self.record(events.SuccessionChanged(**self._public()))
        return differs

    def _public(self) -> dict[str, Any]:
        return {
            "succession_id": self.id,
            "from_unit_id": self.from_unit_id,
            "to_unit_id": self.to_unit_id,
            "kind": self.kind,
            "effective_on": self.effective_on,
        }


class Person(Aggregate):
    """Somebody who can be given a task, by opaque id. The name is a `PersonName`, kept apart so that it can be erased."""

    noun: ClassVar = ("người", "person")
    unit_id: str
    position: Position
    audiences: list[str] = Field(default_factory=list)
    active: bool = True

    def register(self) -> Person:
        self.record(events.PersonRegistered(**self._public()))
        return self

    def change(self, changes: dict[str, Any]) -> bool:
        """Move, promote, or say that they left. False when nothing differs."""
        differs = self.adopt(changes)
        if differs:
            self.record(events.PersonChanged(**self._public()))
        return differs

    def _public(self) -> dict[str, Any]:
        return {
            "person_id": self.id,
            "unit_id": self.unit_id,
            "position": self.position,
            "audiences": self.audiences,
            "active": self.active,
        }


class PersonName(Document):
    """The one place where an opaque id meets a name (personal data: Law 91/2025/QH15)."""

    name: str
