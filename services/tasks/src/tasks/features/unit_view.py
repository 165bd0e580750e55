"""A unit as callers see it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pydantic import Field

from common.http import View
from tasks.domain.directory import Succession, SuccessionKind, Unit


class UnitView(View):
    id: str = Field(description="The `unit_uid` of the register", examples=["vn:commune:00694@2025-07-01"])
    code: str = Field(description="Reused by mergers: it names one unit only together with a day", examples=["00694"])
    level: str
    type: str
    name: str
    full_name: str
    parent_id: str | None
    valid_from: date | None
    valid_to: date | None = Field(description="Its last day; null while it stands")
    former_names: list[str]
    verified: str
    note: str

    @classmethod
    def of(cls, unit: Unit) -> UnitView:
        return cls.model_validate(unit.model_dump(include=set(UnitView.model_fields)))


class SuccessionView(View):
    from_unit_id: str
    to_unit_id: str
    kind: SuccessionKind
    effective_on: date
    correction: str

    @classmethod
    def of(cls, succession: Succession) -> SuccessionView:
        return cls.model_validate(succession.model_dump(include=set(cls.model_fields)))


class UnitInTimeView(UnitView):
    """One unit with what it came from and what became of it."""

    follows: list[SuccessionView]
    followed_by: list[SuccessionView]

    @classmethod
    def with_relations(cls, unit: Unit, relations: Iterable[Succession]) -> UnitInTimeView:
        ordered = sorted(relations, key=lambda one: (one.effective_on, one.id))
        return cls(
            **UnitView.of(unit).model_dump(),
            follows=[SuccessionView.of(one) for one in ordered if one.to_unit_id == unit.id],
            followed_by=[SuccessionView.of(one) for one in ordered if one.from_unit_id == unit.id],
        )
