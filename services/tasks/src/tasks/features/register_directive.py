"""Register a paper or a meeting conclusion that gives tasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.contracts.fields import IsoDay
from common.domain import local_day
from common.errors import Conflict, FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.directive import Directive
from tasks.domain.document_number import read_number
from tasks.domain.text import each_once, tidy
from tasks.features.asks_of import AsksOf
from tasks.features.concretising import check_speaks_for, check_units, keep_rows, resolve_issuer
from tasks.features.directive_view import DirectiveView
from tasks.store import DIRECTIVES, directives_numbered

routes = Routes("directives")


def _named(bodies: list[str]) -> list[str]:
    return each_once(body for one in bodies if (body := tidy(one)))


Awaited = Annotated[
    list[Annotated[str, Field(max_length=200)]],
    Field(
        default_factory=list,
        max_length=20,
        description="Bodies, as plans word them, whose paper this is: dates every task below that waits for one of them",
        examples=[["Trung ương"]],
    ),
    AfterValidator(_named),
]


class RegisterDirective(Command):
    number: Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=100, examples=["57-NQ/TW"])]
    issuer: Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=200, examples=["Politburo"])]
    issued_on: Annotated[IsoDay | None, Field(description="Numbers start again every year: without it papers are mixed up")] = (
        None
    )
    type: Annotated[str, Field(max_length=10, description="Read from the number unless given", examples=["NQ"])] = ""
    subject: Annotated[str, AfterValidator(tidy), Field(max_length=1000)] = ""
    parent_id: Annotated[str | None, Field(min_length=1, max_length=128, description="The paper that it carries out")] = None
    awaited_as: Awaited
    awaited_under: Annotated[
        str | None,
        Field(min_length=1, max_length=128, description="The paper whose tasks wait for it, when that is not `parent_id`"),
    ] = None
    issuer_unit_id: Annotated[
        str | None,
        Field(min_length=1, max_length=128, description="The unit that issued it; found by `issuer` where that is clear"),
    ] = None
    asks_of: Annotated[AsksOf | None, Field(description="Whom it asks to concretise it")] = None


async def handle(command: RegisterDirective, uow: UnitOfWork) -> Directive:
    """Raises `Conflict` with the id of the same paper if it is registered, `Invalid` for an unknown parent or unit, and
    `Forbidden` for a paper of a unit that the caller does not act for.
    """
    known = [
        one
        for one in await directives_numbered(uow, [command.number])
        if one.issuer == command.issuer and one.issued_on in (command.issued_on, None)
    ]
    if known:
        raise _registered(known[0])
    for field, named in (("parent_id", command.parent_id), ("awaited_under", command.awaited_under)):
        if named is not None and await uow.get(DIRECTIVES, named) is None:
            message = Words("Văn bản cấp trên chưa được đăng ký.", "The superior paper is not registered.")
            repair = Words(
                "Hãy đăng ký nó trước (GET /v1/directives?number=).", "Register it first (GET /v1/directives?number=)."
            )
            raise Invalid(message, [FieldProblem(field, "directive_unknown", message, repair, named)])
    asked = None if command.asks_of is None else command.asks_of.asked()
    await check_units(uow, asked, command.issuer_unit_id, command.issued_on)
    fields = {**command.model_dump(), "type": command.type or read_number(command.number).type}
    if command.issuer_unit_id is None:
        fields |= await resolve_issuer(uow, command.issuer, command.issued_on or local_day(uow.now))
    directive = Directive(id=Directive.id_of(command.number, command.issuer, command.issued_on), **fields)
    check_speaks_for(uow.actor, directive.issuer_unit_id)
    uow.save(DIRECTIVES, directive.register())
    await keep_rows(uow, [directive.id])
    return directive


def _registered(known: Directive) -> Conflict:
    message = Words(f"Văn bản này đã được đăng ký: «{known.id}».", f"This paper is registered already: '{known.id}'.")
    repair = Words(
        f"Hãy dùng văn bản đang có (GET /v1/directives/{known.id}), hoặc ghi ngày ban hành nếu đây là văn bản khác.",
        f"Use the present one (GET /v1/directives/{known.id}), or give the day of issue if this is another.",
    )
    return Conflict(message, [FieldProblem("number", "directive_registered", message, repair, known.number)])


@routes.post("/directives", status_code=201, response_model=DirectiveView)
async def register_directive(command: RegisterDirective, effect: Annotated[Effect, writes("directives:write")]) -> Response:
    """Register a paper. A number that follows no form is taken as written; `parsed` says how it was read."""
    return await effect.run(
        handle, command, DirectiveView.of, status=201, location=lambda directive: f"/v1/directives/{directive.id}"
    )
