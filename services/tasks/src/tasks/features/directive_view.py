"""A directive as callers see it: its number as written, and as read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from common.http import View
from tasks.domain.concretisation import Asked, Ending
from tasks.domain.directive import Directive
from tasks.domain.document_number import Standing, System, read_number


class NumberView(View):
    standing: Standing = Field(description="alias: a known number in another spelling. Only valid and alias have the parts")
    system: System
    number: str
    year: str
    type: str
    issuer: str
    canonical: str = Field(description="The one spelling by which papers are matched")

    @classmethod
    def of(cls, written: str) -> NumberView:
        read = read_number(written)
        return cls(**{name: getattr(read, name) for name in cls.model_fields})


class LineView(View):
    at: datetime
    by: str
    what: str = Field(examples=["amended"])
    words: str
    by_id: str | None
    effective_on: date | None
    changes: dict[str, list[Any]] = Field(description="Field: [before, after]")


class DirectiveView(View):
    id: str
    number: str = Field(description="As written", examples=["57-NQ/TW"])
    parsed: NumberView
    issuer: str
    issued_on: date | None
    type: str
    subject: str
    parent_id: str | None
    verified: str
    awaited_as: list[str] = Field(description="Bodies whose awaited paper it is: it dates the tasks that wait for them")
    awaited_under: str | None
    issuer_unit_id: str | None = Field(description="The unit of the register that issued it, when that is clear")
    issuer_candidates: list[str] = Field(description="Units that `issuer` may mean: say which by PATCH issuer_unit_id")
    asks_of: Asked | None = Field(description="Whom it asks to concretise it")
    ended_how: Ending | None = Field(description="null while it is in force")
    ended_on: date | None
    ended_by_id: str | None = Field(description="The paper that took its place or repealed it")
    settled: bool = Field(description="Every task has followed what changed about it")
    history: list[LineView] = Field(description="What the register came to say of it, oldest first")

    @classmethod
    def of(cls, directive: Directive) -> DirectiveView:
        shown = directive.model_dump(include=set(cls.model_fields))
        told = [LineView.model_validate(line.model_dump()) for line in directive.lines]
        return cls(**shown, parsed=NumberView.of(directive.number), settled=not directive.unfollowed, history=told)
