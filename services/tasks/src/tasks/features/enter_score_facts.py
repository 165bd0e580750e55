"""Say what the platform cannot know of a unit's month, each with its source."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import Response
from pydantic import AfterValidator, Field, model_validator

from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, View, writes
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.exact import Given
from tasks.domain.month import PERIOD, Month
from tasks.domain.permissions import check_standing_agency
from tasks.domain.scores import Entry, ScoreFacts
from tasks.domain.scoring import Deduction, Fact, check_fact
from tasks.domain.text import tidy
from tasks.features.scoring_units import rubric_for, unit_seen
from tasks.store import SCORE_FACTS

routes = Routes("scores")
RowId = Annotated[str, Field(min_length=1, max_length=64)]
Source = Annotated[
    str, AfterValidator(tidy), Field(min_length=3, max_length=1000, description="Paper, system or person that says so")
]
Amount = Annotated[Given, Field(ge=0, le=10**15)]


class GivenFact(Command):
    """Exactly one of: `value`; `part` of `whole`; `case`; `applies` false."""

    criterion: RowId
    value: Amount | None = None
    part: Amount | None = None
    whole: Annotated[Given, Field(gt=0, le=10**15)] | None = None
    case: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    applies: Annotated[bool, Field(strict=True)] = True
    source: Source

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        ways = (self.value is not None, self.part is not None or self.whole is not None, self.case is not None)
        if sum(ways) + (not self.applies) != 1 or (self.part is None) != (self.whole is None):
            raise ValueError("give value, or part and whole, or case, or applies false")
        return self


class GivenPenalty(Command):
    penalty: RowId
    times: Annotated[int, Field(strict=True, ge=0, le=1000, description="0 withdraws it")] = 1
    source: Source


class EnterScoreFacts(Command):
    unit_id: Annotated[str, Field(min_length=1, max_length=128)]
    period: Annotated[str, Field(pattern=PERIOD)]
    facts: Annotated[list[GivenFact], Field(max_length=100, default_factory=list)]
    penalties: Annotated[list[GivenPenalty], Field(max_length=100, default_factory=list)]
    staff: Annotated[
        int | None, Field(strict=True, ge=0, le=1_000_000, description="Small units count participants over the quarter")
    ] = None


class Enter(Command):
    expected_version: int | None
    body: EnterScoreFacts


class FactEntryView(View):
    at: datetime
    by: str
    fact: Fact | None
    deduction: Deduction | None
    staff: int | None


class ScoreFactsView(View):
    unit_id: str
    period: str
    entries: list[FactEntryView] = Field(description="Oldest first; the latest of each criterion and penalty counts")

    @classmethod
    def of(cls, facts: ScoreFacts) -> ScoreFactsView:
        return cls.model_validate(facts.model_dump(include=set(cls.model_fields)))


async def handle(command: Enter, uow: UnitOfWork) -> ScoreFacts:
    """Raises `Forbidden` for callers limited to some units, `Invalid` for what the rubric of the month does not know."""
    check_standing_agency(uow.actor)
    body = command.body
    unit = await unit_seen(uow, uow.actor, body.unit_id)
    rubric = await rubric_for(uow, Month.read(body.period))
    given = [Fact(origin="entered", **dict(one)) for one in body.facts]
    for fact in given:
        check_fact(rubric, fact, unit.level)
    for one in body.penalties:
        if rubric.penalty(one.penalty) is None:
            message = Words("Bộ tiêu chí không có mức trừ này.", "The rubric has no such penalty.")
            repair = Words(f"Xem GET /v1/rubrics/{rubric.id}.", f"See GET /v1/rubrics/{rubric.id}.")
            raise Invalid(message, [FieldProblem("penalties", "penalty_unknown", message, repair, one.penalty)])
    key = ScoreFacts.id_of(body.period, unit.id)
    facts = await uow.get(SCORE_FACTS, key) or ScoreFacts(id=key, unit_id=unit.id, period=body.period)
    check_version(facts, command.expected_version)
    entry = {"at": uow.now, "by": str(uow.actor)}
    entries = [Entry(**entry, fact=fact) for fact in given]
    entries += [Entry(**entry, deduction=Deduction(**dict(one))) for one in body.penalties]
    if body.staff is not None:
        entries.append(Entry(**entry, staff=body.staff))
    if not entries:
        return facts
    facts.enter(entries)
    return uow.save(SCORE_FACTS, facts)


@routes.post("/scores/facts", response_model=ScoreFactsView)
async def enter_score_facts(body: EnterScoreFacts, effect: Annotated[Effect, writes("scores:write")]) -> Response:
    """Facts of a unit's month. What was said before stays, and the latest counts; it goes before what the platform found."""
    return await effect.run(handle, Enter(expected_version=effect.if_match, body=body), ScoreFactsView.of)
