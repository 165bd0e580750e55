"""A unit says that a directive does not concern it; the standing agency confirms that, or does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Response

from common.domain import local_day
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.concretisation import Decision
from tasks.domain.permissions import check_standing_agency
from tasks.features.concretisation_view import StandingView, standing_view
from tasks.features.concretising import check_asks_somebody, check_speaks_for, look, row_of, write_line
from tasks.features.task_command import Because
from tasks.features.task_content import Id
from tasks.store import CONCRETISATIONS, DIRECTIVES

routes = Routes("directives")
Writes = Annotated[Effect, writes("directives:write")]


class OfUnit(Because):
    unit_id: Id


class OnUnit(Command):
    directive_id: str
    expected_version: int | None
    unit_id: str
    words: str
    decision: Decision | None = None
    """None: the unit makes its claim."""


async def handle(command: OnUnit, uow: UnitOfWork) -> StandingView:
    """Raises `Forbidden` for whoever speaks for another unit, or decides without being the standing agency; `Invalid` for a
    unit that the directive does not ask; `RuleBroken` when there is nothing to claim or to decide.
    """
    if command.decision is not None:
        check_standing_agency(uow.actor)
    check_speaks_for(uow.actor, command.unit_id)
    directive = await uow.load(DIRECTIVES, command.directive_id, expected=command.expected_version)
    check_asks_somebody(directive)
    today = local_day(uow.now)
    asking = await look(uow, directive, today)
    row, by = row_of(asking, command.unit_id), str(uow.actor)
    if command.decision is None:
        row.claim_not_applicable(directive.paper, today, by, command.words)
    else:
        row.decide_not_applicable(directive.paper, command.decision, today, by, command.words)
    uow.save(CONCRETISATIONS, row)
    write_line(uow, directive.id, f"not_applicable_{command.decision or 'claimed'}", command.words, [command.unit_id])
    said = replace(asking, rows=asking.rows | {row.unit_id: row})
    return await standing_view(uow, said, command.unit_id)


async def _run(directive_id: str, body: OfUnit, effect: Effect, decision: Decision | None) -> Response:
    command = OnUnit(
        directive_id=directive_id,
        expected_version=effect.if_match,
        unit_id=body.unit_id,
        words=body.words,
        decision=decision,
    )
    return await effect.run(handle, command, lambda shown: shown)


@routes.post("/directives/{directive_id}/claim-not-applicable", response_model=StandingView)
async def claim_not_applicable(directive_id: str, body: OfUnit, effect: Writes) -> Response:
    """Say that the directive does not concern a unit (không áp dụng), and why: the standing agency is to answer."""
    return await _run(directive_id, body, effect, None)


@routes.post("/directives/{directive_id}/confirm-not-applicable", response_model=StandingView)
async def confirm_not_applicable(directive_id: str, body: OfUnit, effect: Writes) -> Response:
    """The standing agency agrees: the unit owes no paper."""
    return await _run(directive_id, body, effect, "confirmed")


@routes.post("/directives/{directive_id}/reject-not-applicable", response_model=StandingView)
async def reject_not_applicable(directive_id: str, body: OfUnit, effect: Writes) -> Response:
    """The standing agency does not agree: the unit is silent again until it registers a paper."""
    return await _run(directive_id, body, effect, "rejected")
