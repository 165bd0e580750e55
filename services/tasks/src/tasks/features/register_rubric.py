"""Take over a scoring rubric as a table, with its source and the day from which it holds."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import AfterValidator, Field, SkipValidation

from common.contracts.fields import IsoDay
from common.errors import Conflict, FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, raw_body, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_standing_agency
from tasks.domain.rubric import Content, Reader, Rubric
from tasks.domain.table import Columns, Table, read_csv, read_json
from tasks.domain.text import tidy
from tasks.features.import_table import form_of
from tasks.features.rubric_view import RubricView
from tasks.store import RUBRICS

routes = Routes("scores")

COLUMNS = Columns(
    required=("rule_id", "group", "criterion", "max_points", "bands"),
    optional=("unit",),
    aliases={"bands(half-open)": "bands"},
)


class RegisterRubric(Command):
    """The bytes are known by their digest, so that a repeat is the same only when the table is."""

    name: str
    source: str
    valid_from: date
    valid_to: date | None
    sha256: str
    content: Annotated[Content, SkipValidation, Field(exclude=True)]


async def handle(command: RegisterRubric, uow: UnitOfWork) -> Rubric:
    """Raises `Conflict` when another table stands for the same day; the same table again is the same rubric."""
    check_standing_agency(uow.actor)
    rubric_id = f"{command.name}@{command.valid_from}"
    same_day = await uow.find(RUBRICS, {"valid_from": command.valid_from.isoformat()}, sort=("-_id",))
    for known in same_day:
        if known.id == rubric_id and (known.digest, known.source, known.valid_to) == (
            command.sha256,
            command.source,
            command.valid_to,
        ):
            return known
        raise _other(known)
    rubric = Rubric(
        id=rubric_id,
        digest=command.sha256,
        **command.model_dump(include={"name", "source", "valid_from", "valid_to"}),
        **dict(command.content),
    )
    return uow.save(RUBRICS, rubric.register())


def _other(known: Rubric) -> Conflict:
    message = Words(
        f"Đã có bộ tiêu chí «{known.id}» hiệu lực từ ngày này.", f"The rubric '{known.id}' holds from this day already."
    )
    repair = Words(
        "Bộ tiêu chí không sửa được: hãy đăng ký bản mới với ngày hiệu lực khác.",
        "A rubric is never changed: register the new one with another day.",
    )
    return Conflict(message, [FieldProblem("valid_from", "rubric_registered", message, repair, str(known.valid_from))])


def read_rubric(table: Table) -> Content:
    """What the rows say. Raises `Invalid` with every row that cannot be taken, its words and a repair."""
    reader = Reader()
    problems = [finding.problem() for row in table.rows for finding in row.findings if finding.severity == "error"]
    for row in table.rows:
        if all(name in row.cells for name in COLUMNS.required):
            cells = {name: tidy(cell) for name, cell in row.cells.items()}
            reader.row(row._replace(cells=cells))
    content = reader.end()
    problems += reader.problems
    ids = content.ids()
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        message = Words("Mã dòng này có hai lần.", "This row id stands twice.")
        problems.append(FieldProblem("rule_id", "row_twice", message, Words("Đặt mã khác.", "Give it another id."), twice))
    if problems:
        raise Invalid(Words(f"Bộ tiêu chí có {len(problems)} chỗ sai.", f"The rubric has {len(problems)} faults."), problems)
    return content


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The columns are those of `data/scoring_rubric.csv`, in any order",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    }
}


@routes.post("/rubrics", status_code=201, response_model=RubricView, openapi_extra=_BODY)
@raw_body
async def register_rubric(
    effect: Annotated[Effect, writes("rubrics:write")],
    name: Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", examples=["monthly"])],
    source: Annotated[str, AfterValidator(tidy), Query(min_length=3, max_length=300, description="The paper it stands in")],
    valid_from: IsoDay,
    valid_to: IsoDay | None = None,
) -> Response:
    """Take over a rubric. Bands must be half-open, without gap or overlap; it holds from its day on, beside earlier ones."""
    check_standing_agency(effect.actor)
    if valid_to is not None and valid_to < valid_from:
        message = Words("Ngày hết hiệu lực trước ngày bắt đầu.", "It ends before it begins.")
        repair = Words("Sửa một trong hai ngày.", "Mend one of the days.")
        raise Invalid(message, [FieldProblem("valid_to", "ends_before_it_begins", message, repair, str(valid_to))])
    form = form_of(effect.request.headers.get("content-type", ""))
    body = await effect.request.body()
    table = await asyncio.to_thread(read_csv if form == "csv" else read_json, body, COLUMNS)
    command = RegisterRubric(
        name=name,
        source=source,
        valid_from=valid_from,
        valid_to=valid_to,
        sha256=hashlib.sha256(body).hexdigest(),
        content=read_rubric(table),
    )
    return await effect.run(handle, command, RubricView.of, status=201, location=lambda rubric: f"/v1/rubrics/{rubric.id}")
