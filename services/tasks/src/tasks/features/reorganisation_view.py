"""A reorganisation as callers see it, and the one shape of every command on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from common.domain import Actor
from common.http import Command, Effect, View
from common.repository import Reader
from common.unit_of_work import UnitOfWork
from tasks.domain.handover import How
from tasks.domain.permissions import check_standing_agency
from tasks.domain.reorganisation import OPEN, Finding, Outcome, Reorganisation, State, Sum, Tally, UnitMove
from tasks.features.life_view import SaidView
from tasks.store import REORGANISATIONS, existing, moves_of_units, undecided_tasks

SECONDS = 20
"""For what looks at the whole list of successions, or at all tasks of a reorganisation, at once."""
PlanId = Annotated[str, Path(max_length=64)]


@dataclass(frozen=True, slots=True)
class ShownReorganisation:
    """A reorganisation with its units."""

    plan: Reorganisation
    units: list[UnitMove]
    undecided: int

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


class CheckView(View):
    tasks: int = Field(description="That tell of a hand-over by it")
    lost: int = Field(description="Counted while they were handed over, and not found")
    doubled: int = Field(description="Hand-overs beyond the first of one task")


class ExecutionView(View):
    """How far it is: tasks as they stood before their hand-over and after it."""

    ordered: SaidView
    begun_at: datetime | None = Field(description="null until the midnight with which its day begins")
    executed_at: datetime | None
    before: Tally
    after: Tally
    crossed: dict[str, int] = Field(description="What levels gain and lose by successions from one level to another")
    adds_up: bool = Field(description="None lost, none doubled: by state, by level and by paper")
    check: CheckView | None = Field(description="All tasks looked through, once the last one was handed over")


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
    undecided: int = Field(description="Live tasks of which nobody has said whose they will be, now")
    execution: ExecutionView | None
    discarded: SaidView | None

    @classmethod
    def of(cls, shown: ShownReorganisation) -> ReorganisationView:
        hows = dict.fromkeys(("rule", "choice", "orphan"), 0)
        for unit in shown.units:
            hows[unit.how] += 1
        stored = shown.plan.model_dump(include=set(cls.model_fields))
        computed = {"units": hows, "undecided": shown.undecided, "execution": _execution(shown)}
        return cls.model_validate(stored | computed)


def _execution(shown: ShownReorganisation) -> dict[str, Any] | None:
    plan = shown.plan
    if plan.ordered is None:
        return None
    moved = Sum.of(shown.units)
    stored = plan.model_dump(include={"ordered", "begun_at", "executed_at", "check"})
    return stored | {
        "before": moved.before,
        "after": moved.after,
        "crossed": moved.crossed,
        "adds_up": moved.adds_up(plan.check),
    }


async def to_show(reader: Reader, plan: Reorganisation) -> ShownReorganisation:
    moves = await moves_of_units(reader, [plan.id])
    undecided = await undecided_tasks(reader, plan, moves) if plan.state in OPEN else {}
    return ShownReorganisation(plan, moves, sum(map(len, undecided.values())))


async def find_plan(reader: Reader, actor: Actor, plan_id: str) -> Reorganisation:
    """Raises `Forbidden` for whoever is not the standing agency, `NotFound` when there is none."""
    check_standing_agency(actor)
    return await existing(reader, REORGANISATIONS, plan_id)


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
