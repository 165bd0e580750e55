"""Correct what the register says of a paper: its day, its superior one, whose awaited paper it is."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Response
from pydantic import AfterValidator, Field

from common.contracts.fields import IsoDay
from common.domain import local_day
from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.repository import Reader
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.directive import Directive, Line
from tasks.domain.text import tidy
from tasks.features.asks_of import AsksOf
from tasks.features.concretising import check_speaks_for, check_units, keep_rows, resolve_issuer
from tasks.features.directive_view import DirectiveView
from tasks.features.merge_patch import MergePatch
from tasks.features.register_directive import Awaited
from tasks.features.task_command import Said
from tasks.features.task_content import Id
from tasks.store import DIRECTIVES, UNITS, papers_above

routes = Routes("directives")


class Correction(MergePatch):
    """The given fields change, the others stay."""

    words: Said = ""
    issued_on: IsoDay | None = None
    subject: Annotated[str, AfterValidator(tidy), Field(max_length=1000)] = ""
    parent_id: Id | None = None
    awaited_as: Awaited
    awaited_under: Id | None = None
    issuer_unit_id: Annotated[Id | None, Field(description="null: found anew by the issuer as written")] = None
    asks_of: AsksOf | None = None


class CorrectDirective(Command):
    directive_id: str
    expected_version: int | None
    words: str
    changes: dict[str, Any]


async def handle(command: CorrectDirective, uow: UnitOfWork) -> Directive:
    """Raises `Invalid` for papers and units that are not registered, and for a superior paper that stands below it;
    `Forbidden` for a paper of a unit that the caller does not act for, before and after.
    """
    directive = await uow.load(DIRECTIVES, command.directive_id)
    check_speaks_for(uow.actor, directive.issuer_unit_id)
    check_version(directive, command.expected_version)
    await check_papers(uow, directive.id, command.changes)
    changes = command.changes | await _of_issuer(uow, directive, command.changes)
    check_speaks_for(uow.actor, changes.get("issuer_unit_id", directive.issuer_unit_id))
    superior = directive.parent_id
    line = Line(at=uow.now, by=str(uow.actor), what="corrected", words=command.words)
    if directive.correct_on_words(changes, line):
        uow.save(DIRECTIVES, directive)
        await keep_rows(uow, [directive.id], relinked=[directive.id] if directive.parent_id != superior else ())
    return directive


async def _of_issuer(uow: UnitOfWork, directive: Directive, changes: dict[str, Any]) -> dict[str, Any]:
    """What the correction comes to for the unit that issued it: a name means a unit on a day, so another day asks anew."""
    day: date | None = changes.get("issued_on", directive.issued_on)
    given: str | None = changes.get("issuer_unit_id")
    await check_units(uow, changes.get("asks_of"), given, day)
    if given is not None:
        return {"issuer_candidates": []}
    present = None if directive.issuer_unit_id is None else await uow.get(UNITS, directive.issuer_unit_id)
    still_stands = present is not None and (day is None or present.stands_on(day))
    if "issuer_unit_id" not in changes and ("issued_on" not in changes or still_stands):
        return {}
    return dict(await resolve_issuer(uow, directive.issuer, day or local_day(uow.now)))


async def check_papers(reader: Reader, directive_id: str, changes: dict[str, Any]) -> None:
    """Raise `Invalid` for a named paper that is not registered, or that would come to stand above itself."""
    for field in ("parent_id", "awaited_under", "by_id"):
        named = changes.get(field)
        if named is None:
            continue
        if await reader.get(DIRECTIVES, named) is None:
            code, message = "directive_unknown", Words("Văn bản này chưa được đăng ký.", "This paper is not registered.")
        elif named == directive_id or (field == "parent_id" and directive_id in await papers_above(reader, named)):
            code, message = (
                "directive_circle",
                Words("Văn bản không đứng trên chính nó.", "No paper is above itself."),
            )
        else:
            continue
        repair = Words("Hãy tìm bằng GET /v1/directives?number=.", "Look it up by GET /v1/directives?number=.")
        raise Invalid(message, [FieldProblem(field, code, message, repair, named)])


@routes.patch("/directives/{directive_id}", response_model=DirectiveView)
async def correct_directive(
    directive_id: str, body: Correction, effect: Annotated[Effect, writes("directives:write")]
) -> Response:
    """Correct the given fields (JSON merge patch). Due days that count from the paper follow within seconds, with history."""
    changes = {
        name: value.asked() if isinstance(value, AsksOf) else value for name, value in body.given().items() if name != "words"
    }
    command = CorrectDirective(directive_id=directive_id, expected_version=effect.if_match, words=body.words, changes=changes)
    return await effect.run(handle, command, DirectiveView.of)
