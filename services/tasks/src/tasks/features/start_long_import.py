"""Hand in a plan of up to tens of thousands of tasks: it is read at once, and taken over part by part by the worker."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field, SkipValidation

from common.errors import LANGUAGE
from common.http import Command, Effect, Routes, raw_body, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from tasks.domain.long_import import ImportPart, LongImport, in_parts, plans_of
from tasks.domain.rows_tasks import TASK_COLUMNS, Sample
from tasks.domain.table import Row, read_csv, read_json
from tasks.features.import_table import SECONDS, Form, check_whole_province, form_of, table_of
from tasks.features.long_import_view import LongImportView
from tasks.store import IMPORT_PARTS, IMPORTS

routes = Routes("imports")
MIB, MOST_ROWS = 16, 50_000
"""Of one file; real rows are some 350 bytes each."""


class StartLongImport(Command):
    """The bytes are known by their digest, so that a repeat is the same only when the file is."""

    dry_run: bool
    sample: Sample | None
    form: Form
    sha256: str
    parts: Annotated[list[list[Row]], SkipValidation, Field(exclude=True)]
    plans: Annotated[list[str] | None, SkipValidation, Field(exclude=True)]


async def handle(command: StartLongImport, uow: UnitOfWork) -> LongImport:
    """Raises `Forbidden` for a caller who is limited to some units. All parts are kept, or none."""
    check_whole_province(uow.actor)
    rows = [row for part in command.parts for row in part]
    started = LongImport(
        id=new_id(),
        started_at=uow.now,
        by_kind=uow.actor.kind,
        by_id=uow.actor.id,
        language=LANGUAGE.get(),
        dry_run=command.dry_run,
        sample=command.sample,
        rows=len(rows),
        parts=len(command.parts),
        plans=command.plans,
        first_rows=[part[0].number for part in command.parts],
        last_row=rows[-1].number,
    )
    for number, part in enumerate(command.parts, 1):
        uow.add(IMPORT_PARTS, ImportPart(id=ImportPart.id_of(started.id, number), at=uow.now, rows=part))
        await uow.flush()  # a call with all of them would be too long for some servers
    return uow.save(IMPORTS, started)


def read(body: bytes, form: Form) -> tuple[list[list[Row]], list[str] | None]:
    """The rows of a table by part, and the plans they are of. Raises `Invalid` when it is no such table at all, `TooLarge`."""
    table = (read_csv if form == "csv" else read_json)(body, TASK_COLUMNS, MOST_ROWS)
    return in_parts(table.rows, "task_uid"), plans_of(table.rows, "source_doc")


_BODY = table_of(MIB, MOST_ROWS, ", with the columns of `kind=tasks`")


@routes.post("/imports/long", status_code=202, response_model=LongImportView, openapi_extra=_BODY)
@raw_body
async def start_long_import(
    effect: Annotated[Effect, writes("imports:write")],
    dry_run: bool = False,
    sample: Annotated[Sample | None, Query(description="As for `POST /v1/imports`")] = None,
) -> Response:
    """Take over a plan that is too long for `POST /v1/imports`. A file that is no such table is refused before anything is
    taken over; then each part of it comes in once and whole. A part that fails is tried again, and holds up no other. Its
    progress can be asked for: it says which rows did not come in, and why.
    """
    form = form_of(effect.request.headers.get("content-type", ""))
    check_whole_province(effect.actor)
    body = await effect.request.body()
    parts, plans = await asyncio.to_thread(read, body, form)
    digest = hashlib.sha256(body).hexdigest()
    command = StartLongImport(dry_run=dry_run, sample=sample, form=form, sha256=digest, parts=parts, plans=plans)
    return await effect.run(
        handle, command, LongImportView.of, status=202, location=lambda one: f"/v1/imports/long/{one.id}", seconds=SECONDS
    )
