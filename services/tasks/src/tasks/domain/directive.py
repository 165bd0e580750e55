"""Papers and meeting conclusions that give tasks (văn bản chỉ đạo)."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID, uuid5

from common.contracts.tasks import DirectiveChanged, DirectiveRegistered
from common.domain import Aggregate, Day
from tasks.domain.document_number import read_number

_NAMESPACE = UUID("6f1d3c1e-9a77-5f0e-8f52-2d3b5a0c57a1")


class Directive(Aggregate):
    """Numbers restart every year, so a paper is known by number, issuer and day of issue (Decree 30/2020)."""

    noun: ClassVar = ("văn bản", "directive")
    number: str
    issuer: str
    issued_on: Day | None = None
    type: str = ""
    subject: str = ""
    parent_id: str | None = None
    verified: str = ""

    @property
    def canonical(self) -> str:
        """The number in its one spelling: what papers are matched by."""
        return read_number(self.number).canonical

    @staticmethod
    def id_of(number: str, issuer: str, issued_on: object) -> str:
        """The same paper registered twice gets the same id."""
        return str(uuid5(_NAMESPACE, f"directive\n{read_number(number).canonical}\n{issuer}\n{issued_on or ''}"))

    def register(self) -> Directive:
        self.record(DirectiveRegistered(**self._public()))
        return self

    def correct(self, changes: dict[str, Any]) -> bool:
        """Take over what the register now says. False when it says the same."""
        differs = self.adopt(changes)
        if differs:
            self.record(DirectiveChanged(**self._public()))
        return differs

    def _public(self) -> dict[str, Any]:
        return {
            "directive_id": self.id,
            "number": self.number,
            "issuer": self.issuer,
            "issued_on": self.issued_on,
            "parent_id": self.parent_id,
        }
