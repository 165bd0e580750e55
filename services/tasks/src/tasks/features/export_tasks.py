"""A list of tasks as a file. Read and written page by page: as large as the list may be, memory holds one page of it."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from starlette.responses import StreamingResponse

from common.errors import TooLarge, Words
from common.http import Call, Routes, reads
from common.repository import Reader
from tasks.domain.report import row_of
from tasks.domain.report_forms import COLUMNS, cells
from tasks.domain.task import Task
from tasks.features.list_tasks import Asked, Saved, tasks_asked_for
from tasks.features.task_filters import TaskQuery
from tasks.features.task_view import TaskLine
from tasks.features.workbook import GrowingTable
from tasks.store import DIRECTIVES, by_id, unit_names

routes = Routes("tasks")
PAGE = 500
MOST_XLSX = 20_000
"""Rows of a workbook: unlike the other forms it is sent when it is whole, and a caller waits some seconds only."""
_PIECE = 64 * 1024

Form = Literal["csv", "json", "xlsx"]
Cells = list[list[str | int]]
Pages = AsyncIterator[list[Task]]
MEDIA: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def pages_of(reader: Reader, wanted: TaskQuery) -> Pages:
    """All tasks of a list. The first page, which may be empty, is always given."""
    after: str | None = None
    while True:
        page = await wanted.page(reader, after, PAGE)
        if page or after is None:
            yield page
        if len(page) < PAGE:
            return
        after = wanted.order.key(page[-1])


async def rows_of(reader: Reader, wanted: TaskQuery, pages: Pages) -> AsyncIterator[Cells]:
    """The cells of each page, columns as in the month's report; no cell is a formula."""
    async for page in pages:
        papers = await by_id(reader, DIRECTIVES, [task.directive_id for task in page])
        ids = {unit for task in page for unit in (task.lead_unit_id, *task.coordinator_unit_ids) if unit is not None}
        names = await unit_names(reader, ids)
        yield [cells(row_of(task, wanted.today, wanted.rules, names, papers), COLUMNS) for task in page]


async def as_csv(rows: AsyncIterator[Cells]) -> AsyncIterator[bytes]:
    """As the month's report is written: UTF-8 with its mark, a comma between, CRLF (RFC 4180)."""
    yield "\ufeff".encode() + _lines([[heading for _, heading, _ in COLUMNS]])
    async for page in rows:
        yield _lines(page)


def _lines(rows: Cells | list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


async def as_json(wanted: TaskQuery, pages: Pages) -> AsyncIterator[bytes]:
    """One array of what lists show."""
    before = b"["
    async for page in pages:
        for task in page:
            yield before + TaskLine.on(task, wanted.today, wanted.rules).model_dump_json().encode()
            before = b","
    yield b"[]" if before == b"[" else b"]"


async def as_xlsx(rows: AsyncIterator[Cells]) -> AsyncIterator[bytes]:
    """Raises `TooLarge`, before the first byte, for more than `MOST_XLSX` rows."""
    with GrowingTable("Nhiệm vụ", [(heading, width) for _, heading, width in COLUMNS]) as table:
        async for page in rows:
            if table.rows + len(page) > MOST_XLSX:
                raise TooLarge(
                    Words(
                        f"Bảng tính nhận tối đa {MOST_XLSX} dòng. Hãy lọc bớt, hoặc xuất format=csv.",
                        f"A workbook takes at most {MOST_XLSX} rows. Filter more, or take format=csv.",
                    )
                )
            await asyncio.to_thread(table.add, page)
        file = await asyncio.to_thread(table.finish)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {media: {"schema": {}} for media in MEDIA.values()},
        "description": "The file. Its name stands in Content-Disposition",
    }
}


@routes.get("/tasks/export", response_class=Response, responses=_CONTENT)
async def export_tasks(
    call: Annotated[Call, reads("tasks:read")],
    filters: Asked,
    view: Saved = None,
    format: Annotated[Form, Query(description="json: an array of what lists show")] = "csv",  # noqa: A002
) -> Response:
    """All tasks of a list, with its filters and its order. Each row stands as it did when its page was read."""
    wanted = await tasks_asked_for(call, filters, view)
    reader = Reader(call.units.database)  # each page has its own time, whatever the whole takes
    pages = pages_of(reader, wanted)
    if format == "json":
        pieces = as_json(wanted, pages)
    else:
        rows = rows_of(reader, wanted, pages)
        pieces = as_csv(rows) if format == "csv" else as_xlsx(rows)
    first = await anext(pieces)  # what is refused is refused before the answer begins
    headers = {
        "Content-Disposition": f'attachment; filename="tasks-{wanted.today}.{format}"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_from(first, pieces), media_type=MEDIA[format], headers=headers)


async def _from(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece
