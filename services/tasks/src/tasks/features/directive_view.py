"""A directive as callers see it: its number as written, and as read."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.http import View
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

    @classmethod
    def of(cls, directive: Directive) -> DirectiveView:
        shown = directive.model_dump(include=set(cls.model_fields))
        return cls(**shown, parsed=NumberView.of(directive.number))
