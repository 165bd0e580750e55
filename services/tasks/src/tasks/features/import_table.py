"""Take over a table: units, agencies, successions, people, directives, tasks; from a spreadsheet or another system.

The whole table is one transaction together with the memory of its answer: it is taken over once, or not at all. Rows that
are wrong are refused one by one, with the words that caused it, and do not hold up the others.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Query, Response
from pydantic import Field, SkipValidation

from common.domain import Actor
from common.errors import FieldProblem, Forbidden, Invalid, TooLarge, UnsupportedMedia, Words
from common.http import Command, Effect, Routes, View, raw_body, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.rows import Outcome, Reading
from tasks.domain.rows_directives import DIRECTIVE_COLUMNS
from tasks.domain.rows_people import PEOPLE_COLUMNS
from tasks.domain.rows_successions import SUCCESSION_COLUMNS
from tasks.domain.rows_tasks import TASK_COLUMNS, Sample
from tasks.domain.rows_units import AGENCY_COLUMNS, UNIT_COLUMNS
from tasks.domain.table import MAX_ROWS, Columns, Table, read_csv, read_json
from tasks.domain.target import TARGET_COLUMNS
from tasks.domain.task import Asks, State, Task
from tasks.features.finding_view import FindingView
from tasks.features.import_directives import import_directives
from tasks.features.import_people import import_people
from tasks.features.import_successions import import_successions
from tasks.features.import_targets import import_targets
from tasks.features.import_tasks import import_tasks
from tasks.features.import_units import import_agencies, import_units
from tasks.features.importing import Import

routes = Routes("imports")
MIB = 8
"""Of one table."""
SECONDS = 20.0
"""Budget of one import: `MAX_ROWS` tasks took 4 s on the local server."""
MAX_ANSWER = 12 * 1024 * 1024
"""Bytes of an answer: it is remembered in one document of at most 16 MB."""

Kind = Literal["units", "agencies", "successions", "people", "directives", "tasks", "targets"]
Form = Literal["csv", "json"]


class _Way(NamedTuple):
    columns: Columns
    take_over: Callable[[Import], Awaitable[list[Reading]]]


WAYS: Mapping[Kind, _Way] = {
    "units": _Way(UNIT_COLUMNS, import_units),
    "agencies": _Way(AGENCY_COLUMNS, import_agencies),
    "successions": _Way(SUCCESSION_COLUMNS, import_successions),
    "people": _Way(PEOPLE_COLUMNS, import_people),
    "directives": _Way(DIRECTIVE_COLUMNS, import_directives),
    "tasks": _Way(TASK_COLUMNS, import_tasks),
    "targets": _Way(TARGET_COLUMNS, import_targets),
}


class ImportTable(Command):
    """The bytes are known by their digest, so that a repeat is the same only when the file is."""

    kind: Kind
    dry_run: bool
    whole: bool
    sample: Sample | None
    form: Form
    sha256: str
    table: Annotated[Table, SkipValidation, Field(exclude=True)]


class DroppedView(View):
    """A task of the same plan that the table does not name."""

    id: str
    reference: str
    title: str
    source: str
    state: State
    asks: Asks | None = Field(description="null: it was decided that it goes on")

    @classmethod
    def of(cls, task: Task) -> DroppedView:
        return cls.model_validate(task.model_dump(include=set(cls.model_fields)))


class Counts(View):
    created: int = 0
    unchanged: int = 0
    updated: int = 0
    refused: int = 0
    dropped: int = 0
    warnings: int = Field(0, description="Rows, the header among them, that have at least one warning")


class RowView(View):
    row: int = Field(description="As a spreadsheet counts: the header is row 1. For JSON: the place in the array, from 1")
    outcome: Outcome | None = Field(description="null for the header row, which is only shown when something is to be said")
    id: str | None
    findings: list[FindingView]
    changes: dict[str, list[Any]] = Field(
        default_factory=dict,
        description="Field: [before, after] of what is stored already; also in a dry run, and where the row is refused",
    )


class ImportView(View):
    counts: Counts
    rows: list[RowView]
    dropped: list[DroppedView] = Field(
        default_factory=list, description="Tasks of the same plans that a whole table does not name, and that are not over"
    )


async def handle(command: ImportTable, uow: UnitOfWork) -> ImportView:
    """Raises `Forbidden` for a caller who is limited to some units, `TooLarge` when there is too much to say."""
    check_whole_province(uow.actor)
    work = Import(command.table, uow, command.dry_run, command.sample, command.whole)
    return told(command.table, await WAYS[command.kind].take_over(work), work.dropped)


def check_whole_province(actor: Actor) -> None:
    """The register and the plans are the whole province's."""
    if actor.units is not None:
        raise Forbidden(
            Words(
                "Danh mục và kế hoạch là của toàn tỉnh: cần quyền không giới hạn đơn vị.",
                "The register and the plans are the whole province's: this needs access that is not limited to units.",
            )
        )


def told(table: Table, readings: Sequence[Reading], dropped: Sequence[Task] = ()) -> ImportView:
    """What there is to say of each row, and of the tasks that the plan no longer names."""
    rows = [
        RowView(
            row=reading.row.number,
            outcome="refused" if reading.refused else reading.outcome,
            id=reading.id,
            findings=[FindingView.of(finding) for finding in reading.findings],
            changes=reading.changes,
        )
        for reading in readings
    ]
    outcomes = [row.outcome for row in rows]
    if table.findings:
        rows.insert(0, RowView(row=1, outcome=None, id=None, findings=[FindingView.of(one) for one in table.findings]))
    counts = Counts(
        created=outcomes.count("created"),
        unchanged=outcomes.count("unchanged"),
        updated=outcomes.count("updated"),
        refused=outcomes.count("refused"),
        dropped=len(dropped),
        warnings=sum(any(one.severity == "warning" for one in row.findings) for row in rows),
    )
    return ImportView(counts=counts, rows=rows, dropped=[DroppedView.of(task) for task in dropped])


def _shown(view: ImportView) -> ImportView:
    if (size := len(view.model_dump_json())) > MAX_ANSWER // 2:  # characters; Vietnamese takes up to two bytes for one
        raise TooLarge(
            Words(
                f"Kết quả nhập dài {size} ký tự, quá lớn để ghi nhớ. Hãy chia tệp thành nhiều phần.",
                f"The answer would have {size} characters, too many to be remembered. Divide the file.",
            )
        )
    return view


def form_of(content_type: str) -> Form:
    """Raises `UnsupportedMedia` for anything but CSV and JSON in UTF-8."""
    kind, _, parameters = content_type.partition(";")
    charset = parameters.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    forms: dict[str, Form] = {"text/csv": "csv", "application/json": "json"}
    form = forms.get(kind.strip().lower())
    if form is None or charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(
            Words(
                "Hãy gửi Content-Type: text/csv hoặc application/json, mã UTF-8.",
                "Send Content-Type: text/csv or application/json, in UTF-8.",
            )
        )
    return form


def table_of(mib: int, most: int, columns: str) -> dict[str, Any]:
    """How the OpenAPI document describes a table that is sent as a body."""
    content = {
        "text/csv": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "array", "items": {"type": "object"}, "maxItems": most}},
    }
    return {
        "requestBody": {"required": True, "description": f"At most {mib} MiB and {most} rows{columns}", "content": content},
    }


_BODY = table_of(MIB, MAX_ROWS, ". The columns are those of `data/`, in any order")


@routes.post("/imports", response_model=ImportView, openapi_extra=_BODY)
@raw_body
async def import_table(
    effect: Annotated[Effect, writes("imports:write")],
    kind: Kind,
    dry_run: bool = False,
    whole: Annotated[
        bool,
        Query(
            description="Of tasks: the table is the whole plan; what it no longer names is listed and asks what becomes of it"
        ),
    ] = False,
    sample: Annotated[
        Sample | None,
        Query(description="Marks tasks as another province's or as made for demonstration; else the column `verified` says it"),
    ] = None,
) -> Response:
    """Take over a table, row by row. The same table again changes nothing; with `dry_run` nothing is ever changed.

    Import units and agencies before successions, people and tasks, and directives before tasks: rows are read against
    what is registered by then.
    """
    form = form_of(effect.request.headers.get("content-type", ""))
    check_whole_province(effect.actor)
    body = await effect.request.body()
    if whole and kind != "tasks":
        message = Words("Chỉ kế hoạch nhiệm vụ mới nhập trọn vẹn (whole).", "Plans of tasks alone come whole.")
        repair = Words("Hãy bỏ whole, hoặc đặt kind=tasks.", "Leave whole out, or set kind=tasks.")
        raise Invalid(message, [FieldProblem("whole", "not_a_plan", message, repair, kind)])
    columns = WAYS[kind].columns
    table = await asyncio.to_thread(read_csv if form == "csv" else read_json, body, columns)
    digest = hashlib.sha256(body).hexdigest()
    command = ImportTable(kind=kind, dry_run=dry_run, whole=whole, sample=sample, form=form, sha256=digest, table=table)
    return await effect.run(handle, command, _shown, seconds=SECONDS)
