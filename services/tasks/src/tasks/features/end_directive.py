"""Say what another paper does to a directive: it amends, replaces or repeals it; or that its issuer withdrew it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.directive import Directive, Line
from tasks.features.concretising import check_speaks_for, keep_rows
from tasks.features.correct_directive import check_papers
from tasks.features.directive_view import DirectiveView
from tasks.features.task_command import Because
from tasks.features.task_content import Id
from tasks.store import DIRECTIVES

routes = Routes("directives")
What = Literal["amended", "replaced", "repealed", "withdrawn"]


class ByPaper(Because):
    by_id: Annotated[Id | None, Field(description="The paper that does it, when it is registered")] = None
    effective_on: IsoDay


class OnDirective(Command):
    directive_id: str
    expected_version: int | None
    what: What
    body: ByPaper


async def handle(command: OnDirective, uow: UnitOfWork) -> Directive:
    """Raises `Invalid` for a paper that is not registered, `RuleBroken` for one that has ended already, `Forbidden` for the
    paper of a unit that the caller does not act for.
    """
    directive = await uow.load(DIRECTIVES, command.directive_id)
    check_speaks_for(uow.actor, directive.issuer_unit_id)
    check_version(directive, command.expected_version)
    said = command.body
    await check_papers(uow, directive.id, {"by_id": said.by_id})
    line = Line(
        at=uow.now, by=str(uow.actor), what=command.what, words=said.words, by_id=said.by_id, effective_on=said.effective_on
    )
    if command.what == "amended":
        directive.amended(line, said.effective_on)
    else:
        directive.end(command.what, line, said.effective_on)
    uow.save(DIRECTIVES, directive)
    await keep_rows(uow, [directive.id])
    return directive


async def _run(directive_id: str, what: What, body: ByPaper, effect: Effect) -> Response:
    command = OnDirective(directive_id=directive_id, expected_version=effect.if_match, what=what, body=body)
    return await effect.run(handle, command, DirectiveView.of)


Writes = Annotated[Effect, writes("directives:write")]


@routes.post("/directives/{directive_id}/amend", response_model=DirectiveView)
async def amend_directive(directive_id: str, body: ByPaper, effect: Writes) -> Response:
    """Another paper changes parts of it (sửa đổi, bổ sung): it stays in force."""
    return await _run(directive_id, "amended", body, effect)


@routes.post("/directives/{directive_id}/replace", response_model=DirectiveView)
async def replace_directive(directive_id: str, body: ByPaper, effect: Writes) -> Response:
    """Another paper takes its place (thay thế): its open tasks ask what becomes of them."""
    return await _run(directive_id, "replaced", body, effect)


@routes.post("/directives/{directive_id}/repeal", response_model=DirectiveView)
async def repeal_directive(directive_id: str, body: ByPaper, effect: Writes) -> Response:
    """It is repealed (bãi bỏ): its open tasks ask what becomes of them."""
    return await _run(directive_id, "repealed", body, effect)


@routes.post("/directives/{directive_id}/withdraw", response_model=DirectiveView)
async def withdraw_directive(directive_id: str, body: ByPaper, effect: Writes) -> Response:
    """Its issuer takes it back (thu hồi): what it dated waits again, and its own tasks ask what becomes of them."""
    return await _run(directive_id, "withdrawn", body, effect)
