"""A frozen report in the form that is asked for: the bytes themselves, or a table, a page for print, a digest of the month."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from fastapi import Query, Response

from common.errors import Forbidden, Words
from common.http import Call, Routes, reads
from tasks.domain.report import Report
from tasks.domain.report_forms import csv_of, digest_of, page_of, sheet_of
from tasks.features.report_view import Period, PlanId, bytes_of, find_report
from tasks.features.workbook import workbook

routes = Routes("reports")

Form = Literal["json", "csv", "xlsx", "html", "digest"]


class _Way(NamedTuple):
    media: str
    ending: str
    make: Callable[[dict[str, Any], str], bytes]


_WAYS: dict[Form, _Way] = {
    "csv": _Way("text/csv; charset=utf-8", "csv", lambda body, _: csv_of(body)),
    "xlsx": _Way(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
        lambda body, sha256: workbook(sheet_of(body, sha256)),
    ),
    "html": _Way("text/html; charset=utf-8", "html", page_of),
    "digest": _Way("text/markdown; charset=utf-8", "md", digest_of),
}


def make(data: bytes, sha256: str, form: Form) -> tuple[bytes, str, str]:
    """The bytes of a form, their media type and the ending of a file's name. The same report gives the same bytes."""
    if form == "json":
        return data, "application/json", "json"
    way = _WAYS[form]
    return way.make(orjson.loads(data), sha256), way.media, way.ending


def _name(report: Report, ending: str) -> str:
    return f"{report.plan_id}-{report.period}.{ending}"


_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {media: {"schema": {}} for media in ("application/json", *(way.media for way in _WAYS.values()))},
        "description": "The file. Its name stands in Content-Disposition, the digest of the frozen report in ETag",
    }
}


@routes.get("/reports/{plan_id}/{period}/export", response_class=Response, responses=_CONTENT)
async def export_report(
    plan_id: PlanId,
    period: Period,
    call: Annotated[Call, reads("reports:read")],
    format: Annotated[Form, Query(description="json: the frozen bytes, whose SHA-256 is the report's")] = "json",  # noqa: A002
) -> Response:
    """The whole report as a file, for callers who see all units. The same bytes each time."""
    if call.actor.units is not None:
        raise Forbidden(
            Words(
                "Báo cáo toàn bộ cần quyền không giới hạn đơn vị; phần của đơn vị: GET /v1/reports/{plan}/{period}/rows.",
                "The whole report needs access to all units; a unit's part: GET /v1/reports/{plan}/{period}/rows.",
            )
        )
    report = await find_report(call.reader, plan_id, period)
    tag = f'"{report.sha256}-{format}"'
    if tag in {one.strip().removeprefix("W/") for one in call.request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers={"ETag": tag})
    data = await bytes_of(call.reader, report)
    made, media, ending = await asyncio.to_thread(make, data, report.sha256, format)
    headers = {
        "ETag": tag,
        "Content-Disposition": f'attachment; filename="{_name(report, ending)}"',
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(made, media_type=media, headers=headers)
