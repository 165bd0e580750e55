"""Papers and meeting conclusions that give tasks (văn bản chỉ đạo)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, Field

from common.contracts.tasks import DirectiveAmended, DirectiveChanged, DirectiveEnded, DirectiveRegistered
from common.domain import Aggregate, Day
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.concretisation import Asked, Ending, Entry, Paper
from tasks.domain.document_number import read_number
from tasks.domain.kept import Kept

_NAMESPACE = UUID("6f1d3c1e-9a77-5f0e-8f52-2d3b5a0c57a1")


class Line(Kept):
    """One line of a paper's history: what the register came to say of it, when, by whom, on which words."""

    at: datetime
    by: str
    what: Literal["registered", "corrected", "amended", "replaced", "repealed", "withdrawn"]
    words: str = ""
    by_id: str | None = None
    effective_on: Day | None = None
    changes: dict[str, list[Any]] = Field(default_factory=dict)


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
    awaited_as: list[str] = Field(default_factory=list)
    """Bodies, as plans word them, whose paper this is: it starts the clocks of tasks that wait for one of them."""
    awaited_under: str | None = None
    """The paper under which it is waited for, when that is not its own superior one."""
    ended_how: Ending | None = None
    ended_on: Day | None = None
    ended_by_id: str | None = None
    lines: list[Line] = Field(default_factory=list)
    relinked: bool = False
    """True until its waiting tasks were looked at, after it came to stand under another paper."""
    unfollowed: bool = False
    """True until every task has followed what changed here (`features/follow_papers.py`)."""
    issuer_unit_id: str | None = None
    """The unit of the register that issued it: its paper carries every paper above (`tasks.domain.concretisation`)."""
    issuer_candidates: list[str] = Field(default_factory=list)
    """Units that the issuer as written may mean, when it is not clear which: somebody has to say."""
    asks_of: Asked | None = None
    """Whom it asks to concretise it."""

    @property
    def canonical(self) -> str:
        """The number in its one spelling: what papers are matched by."""
        return read_number(self.number).canonical

    @staticmethod
    def id_of(number: str, issuer: str, issued_on: object) -> str:
        """The same paper registered twice gets the same id."""
        return str(uuid5(_NAMESPACE, f"directive\n{read_number(number).canonical}\n{issuer}\n{issued_on or ''}"))

    @property
    def scope_roots(self) -> list[str]:
        """The papers whose tasks, and the tasks of whose papers below, may wait for this one: anywhere up the chain."""
        return [one for one in (self.id, self.awaited_under or self.parent_id) if one is not None]

    @property
    def paper(self) -> Paper:
        """What the matrix of concretisation looks at."""
        return Paper(self.number, self.issued_on, None if self.asks_of is None else self.asks_of.working_days)

    def entry(self, through: list[str]) -> Entry:
        """What stands in the matrix of a paper above, reached through these papers, from the top down."""
        return Entry(
            directive_id=self.id,
            number=self.number,
            issued_on=self.issued_on,
            ended_how=self.ended_how,
            ended_on=self.ended_on,
            through=through,
        )

    def register(self) -> Directive:
        self.unfollowed = bool(self.awaited_as)
        self.record(DirectiveRegistered(**self._public()))
        return self

    def correct(self, changes: dict[str, Any]) -> bool:
        """Take over what the register now says. False when it says the same."""
        awaited, parent_id = self.awaited_as, self.parent_id
        differs = self.adopt(changes)
        if differs:
            self.relinked = self.relinked or self.parent_id != parent_id
            self.unfollowed = self.unfollowed or self.relinked or bool(awaited or self.awaited_as)
            self.record(DirectiveChanged(**self._public()))
        return differs

    def correct_on_words(self, changes: dict[str, Any], line: Line) -> bool:
        """`correct`, with a line that says what differs and why. False when nothing does."""
        line.changes = {
            name: [_plain(getattr(self, name)), _plain(value)]
            for name, value in changes.items()
            if getattr(self, name) != value
        }
        if not self.correct(changes):
            return False
        self.lines.append(line)
        return True

    def amended(self, line: Line, effective_on: date) -> None:
        """Another paper changes parts of it (71/NQ-CP those of 03/NQ-CP). Raises `RuleBroken` after its end."""
        self.check_in_force()
        self.lines.append(line)
        self.record(DirectiveAmended(**self._public(), by_id=line.by_id, effective_on=effective_on))

    def end(self, how: Ending, line: Line, effective_on: date) -> None:
        """It is in force no more, and its tasks ask what becomes of them. Raises `RuleBroken` when it has ended already."""
        self.check_in_force()
        self.ended_how, self.ended_on, self.ended_by_id, self.unfollowed = how, effective_on, line.by_id, True
        self.lines.append(line)
        self.record(DirectiveEnded(**self._public(), by_id=line.by_id, effective_on=effective_on, how=how))

    def check_in_force(self, on: date | None = None) -> None:
        """Raise `RuleBroken` for a paper that has ended: by this day, or, when none is given, on whatever day."""
        ended_by_then = on is None or self.ended_on is None or self.ended_on <= on
        if self.ended_how is not None and ended_by_then:
            message = Words("Văn bản này đã hết hiệu lực.", "This paper is in force no more.")
            repair = Words("Hãy dùng văn bản thay thế (ended_by_id).", "Use the paper that took its place (ended_by_id).")
            raise RuleBroken(message, [FieldProblem("ended_how", "directive_ended", message, repair, self.ended_how)])

    def _public(self) -> dict[str, Any]:
        return {
            "directive_id": self.id,
            "number": self.number,
            "issuer": self.issuer,
            "issued_on": self.issued_on,
            "parent_id": self.parent_id,
            "issuer_unit_id": self.issuer_unit_id,
            **({} if self.asks_of is None else {f"asked_{name}": getattr(self.asks_of, name) for name in Asked.model_fields}),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.isoformat() if isinstance(value, date) else value
