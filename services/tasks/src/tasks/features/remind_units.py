"""Remind the units that have not concretised a directive, and those alone (đôn đốc)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.domain import local_day
from common.errors import Invalid
from common.http import Command, Effect, Routes, View, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.concretisation import State
from tasks.domain.directory import Level
from tasks.domain.permissions import check_standing_agency
from tasks.domain.text import each_once
from tasks.features.concretising import Asking, check_asks_somebody, look, not_asked, row_of, write_line
from tasks.features.task_command import Said
from tasks.features.task_content import Id
from tasks.store import CONCRETISATIONS, DIRECTIVES, committee, units_with_heads

routes = Routes("directives")


class Whom(Command):
    """All that are silent, unless a level or units are named."""

    level: Level | None = None
    unit_ids: Annotated[list[Id], Field(default_factory=list, max_length=500), AfterValidator(each_once)]
    partly_carried: Annotated[
        bool, Field(strict=True, description="Also those of whose predecessors only some had a paper")
    ] = False
    words: Said = ""


class Remind(Command):
    directive_id: str
    expected_version: int | None
    whom: Whom


class RemindedView(View):
    unit_id: str
    times: int = Field(description="How often by now")
    silent_working_days: int | None
    has_head: bool = Field(description="False: nobody in the register is told of it")


class TooSoonView(View):
    unit_id: str
    again_on: date = Field(description="The day from which it may be reminded again")


class NotSilentView(View):
    unit_id: str
    state: State


class Reminded(View):
    directive_id: str
    as_of: date
    reminded: list[RemindedView]
    too_soon: list[TooSoonView]
    not_silent: list[NotSilentView] = Field(description="Named units that owe no paper, or have one")


async def handle(command: Remind, uow: UnitOfWork) -> Reminded:
    """One event for each unit that is silent today and was not reminded within `remind_again_days`.

    Raises `Forbidden` for whoever is not the standing agency, `RuleBroken` for a directive that asks nobody or has ended,
    `Invalid` for named units that it does not ask.
    """
    check_standing_agency(uow.actor)
    directive = await uow.load(DIRECTIVES, command.directive_id, expected=command.expected_version)
    check_asks_somebody(directive)
    today, whom = local_day(uow.now), command.whom
    directive.check_in_force(today)
    asking = await look(uow, directive, today, level=whom.level)
    named = _named(asking, whom.unit_ids)
    owing = {"silent", "partly_carried"} if whom.partly_carried else {"silent"}
    waiting = [unit for unit in named if asking.standings[unit].state in owing]
    every = (await committee(uow)).remind_again_days
    heads = await units_with_heads(uow, waiting) if waiting else set()
    reminded, too_soon = list[RemindedView](), list[TooSoonView]()
    for unit in waiting:
        row, standing = row_of(asking, unit), asking.standings[unit]
        again_on = row.again_on(every)
        if again_on is not None and today < again_on:
            too_soon.append(TooSoonView(unit_id=unit, again_on=again_on))
            continue
        row.remind(directive.paper, today, standing.silent, standing.due_on)
        uow.save(CONCRETISATIONS, row)
        times = len(row.reminded_on)
        reminded.append(RemindedView(unit_id=unit, times=times, silent_working_days=standing.silent, has_head=unit in heads))
    if reminded:
        write_line(uow, directive.id, "reminded", whom.words, [one.unit_id for one in reminded])
    others = [NotSilentView(unit_id=unit, state=asking.standings[unit].state) for unit in whom.unit_ids if unit not in waiting]
    return Reminded(directive_id=directive.id, as_of=today, reminded=reminded, too_soon=too_soon, not_silent=others)


def _named(asking: Asking, unit_ids: list[str]) -> list[str]:
    """The units that are meant: the named ones, or all. Raises `Invalid` for each that the directive does not ask."""
    problems = [not_asked(f"unit_ids.{place}", unit) for place, unit in enumerate(unit_ids) if unit not in asking.units]
    if problems:
        raise Invalid(problems[0].message, problems)
    return unit_ids or list(asking.units)


@routes.post("/directives/{directive_id}/remind", response_model=Reminded)
async def remind_units(directive_id: str, body: Whom, effect: Annotated[Effect, writes("directives:write")]) -> Response:
    """Remind units that have registered no paper below the directive. The same unit not twice within the days that
    `/v1/committee` says; whoever has a paper, or need not have one, is left alone.
    """
    command = Remind(directive_id=directive_id, expected_version=effect.if_match, whom=body)
    return await effect.run(handle, command, lambda reminded: reminded)
