"""Say where a target began, and where it stands on a day: each figure with its source."""

from __future__ import annotations

from typing import Annotated, Generic, Self, TypeVar

from fastapi import Response
from pydantic import AfterValidator, Field, model_validator

from common.contracts.fields import IsoDay
from common.domain import local_day
from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.exact import Given
from tasks.domain.permissions import check_standing_agency
from tasks.domain.target import Actual, Target
from tasks.domain.text import tidy
from tasks.features.scoring_units import unit_seen
from tasks.features.target_view import TargetView
from tasks.store import TARGET_ACTUALS, TARGETS

routes = Routes("targets")
Amount = Annotated[Given, Field(ge=0, le=10**15)]


class Figure(Command):
    """A `value`, or a `part` of a `whole` for a percentage: parts and wholes of several units can be put together."""

    on: IsoDay
    unit_id: Annotated[str | None, Field(min_length=1, max_length=128, description="Without: of the province")] = None
    value: Amount | None = None
    part: Amount | None = None
    whole: Annotated[Given, Field(gt=0, le=10**15)] | None = None
    source: Annotated[str, AfterValidator(tidy), Field(min_length=3, max_length=1000)]

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.value is None) == (self.part is None) or (self.part is None) != (self.whole is None):
            raise ValueError("give value, or part and whole")
        return self


class Baseline(Figure):
    unit_id: None = None


F = TypeVar("F", bound=Figure)


class OnTarget(Command, Generic[F]):
    """A command on one target; `body` is what the caller sent with it."""

    target_id: str
    expected_version: int | None
    body: F


async def _actual(uow: UnitOfWork, figure: Figure) -> Actual:
    if figure.on > local_day(uow.now):
        message = Words("Số liệu của ngày chưa đến.", "A figure of a day to come.")
        repair = Words("Sửa ngày.", "Mend the day.")
        raise Invalid(message, [FieldProblem("on", "day_to_come", message, repair, figure.on.isoformat())])
    return Actual(**dict(figure), at=uow.now, by=str(uow.actor))


async def measure(command: OnTarget[Figure], uow: UnitOfWork) -> Target:
    """Raises `NotFound`, `Forbidden` for a figure of the province from a caller limited to some units, `Invalid`."""
    target = await uow.load(TARGETS, command.target_id, expected=command.expected_version)
    if command.body.unit_id is None:
        check_standing_agency(uow.actor)
    else:
        await unit_seen(uow, uow.actor, command.body.unit_id)
    uow.add(TARGET_ACTUALS, target.measured(await _actual(uow, command.body)))
    return uow.save(TARGETS, target)


async def begin(command: OnTarget[Baseline], uow: UnitOfWork) -> Target:
    """Raises `NotFound`, `Forbidden` for callers limited to some units, `Invalid`."""
    check_standing_agency(uow.actor)
    target = await uow.load(TARGETS, command.target_id, expected=command.expected_version)
    if not target.correct({"baseline": await _actual(uow, command.body)}):
        return target
    return uow.save(TARGETS, target)


def _view(effect: Effect, target: Target) -> TargetView:
    return TargetView.on(target, local_day(effect.units.clock()), effect.actor)


@routes.post("/targets/{target_id}/measure", response_model=TargetView)
async def measure_target(target_id: str, body: Figure, effect: Annotated[Effect, writes("targets:write")]) -> Response:
    """Tell a figure. One of an earlier day is kept and does not replace a later one."""
    command = OnTarget[Figure](target_id=target_id, expected_version=effect.if_match, body=body)
    return await effect.run(measure, command, lambda target: _view(effect, target))


@routes.post("/targets/{target_id}/set-baseline", response_model=TargetView)
async def set_baseline(target_id: str, body: Baseline, effect: Annotated[Effect, writes("targets:write")]) -> Response:
    """Tell where it began: progress against time is held against this."""
    command = OnTarget[Baseline](target_id=target_id, expected_version=effect.if_match, body=body)
    return await effect.run(begin, command, lambda target: _view(effect, target))
