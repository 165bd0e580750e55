"""A reorganisation as callers see it, and the one shape of every command on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import Path
from pydantic import Field

from common.domain import Actor
from common.errors import NotFound, Words
from common.http import Command, Effect, View
from common.repository import Reader
from common.unit_of_work import UnitOfWork
from tasks.domain.handover import How
from tasks.domain.permissions import check_standing_agency
from tasks.domain.reorganisation import Finding, Outcome, Reorganisation, State, Tally, UnitMove
from tasks.features.life_view import SaidView
from tasks.store import REORGANISATIONS, moves_of_units

PlanId = Annotated[str, Path(max_length=64)]


@dataclass(frozen=True, slots=True)
class ShownReorganisation:
    """A reorganisation with its units."""

    plan: Reorganisation
    units: list[UnitMove]

    @property
    def version(self) -> int:
        return self.plan.version


class RehearsalView(View):
    number: int
    as_of: datetime
    tally: Tally = Field(description="Of every task that is alive and would be touched")
    outcomes: dict[Outcome, int] = Field(description="Adds up to the tasks")
    findings: dict[Finding, int]
    people: int = Field(description="In office in units that end: no rule places them")


class ReorganisationView(View):
    id: str
    number: int
    title: str
    effective_on: date = Field(description="Tasks change hands from the midnight with which this day begins")
    state: State
    planned: SaidView
    units: dict[How, int] = Field(description="Whose tasks move by rule, need a choice, or have no successor")
    rehearsals: int = Field(description="How often it was asked to be rehearsed")
    rehearsal: RehearsalView | None = Field(description="The last one that was done; null while the first is under way")
    discarded: SaidView | None

    @classmethod
    def of(cls, shown: ShownReorganisation) -> ReorganisationView:
        hows = dict.fromkeys(("rule", "choice", "orphan"), 0)
        for unit in shown.units:
            hows[unit.how] += 1
        stored = shown.plan.model_dump(include=set(cls.model_fields))
        return cls.model_validate(stored | {"units": hows})


async def to_show(reader: Reader, plan: Reorganisation) -> ShownReorganisation:
    return ShownReorganisation(plan, await moves_of_units(reader, [plan.id]))


async def find_plan(reader: Reader, actor: Actor, plan_id: str) -> Reorganisation:
    """Raises `Forbidden` for whoever is not the standing agency, `NotFound` when there is none."""
    check_standing_agency(actor)
    plan = await reader.get(REORGANISATIONS, plan_id)
    if plan is None:
        raise NotFound.of(Words(*Reorganisation.noun), plan_id)
    return plan


class OnPlan(Command):
    """A command on one reorganisation, on words for the record."""

    plan_id: str
    expected_version: int | None
    words: str

    @classmethod
    def asked(cls, plan_id: str, effect: Effect, words: str) -> OnPlan:
        return cls(plan_id=plan_id, expected_version=effect.if_match, words=words)


async def load_plan(uow: UnitOfWork, plan_id: str, expected: int | None) -> Reorganisation:
    """The reorganisation that a command is about. Raises `Forbidden` for whoever is not the standing agency."""
    check_standing_agency(uow.actor)
    return await uow.load(REORGANISATIONS, plan_id, expected=expected)
