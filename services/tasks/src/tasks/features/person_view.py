"""A person as callers see them: by opaque id, and the name apart."""

from __future__ import annotations

from pydantic import Field

from common.http import View
from tasks.domain.directory import Person, Position


class PersonView(View):
    id: str = Field(examples=["per-0193a1"])
    unit_id: str
    position: Position
    audiences: list[str]
    active: bool

    @classmethod
    def of(cls, person: Person) -> PersonView:
        return cls.model_validate(person.model_dump(include=set(PersonView.model_fields)))


class NamedPersonView(PersonView):
    name: str | None = Field(
        description="Personal data: null unless the caller has people:write, and when no name is kept (any more)"
    )

    @classmethod
    def named(cls, person: Person, name: str | None) -> NamedPersonView:
        return cls(**PersonView.of(person).model_dump(), name=name)
