"""How far a long import has come, and what was found on its rows."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from common.errors import NotFound, Words
from common.http import Call, Routes, reads
from tasks.domain.long_import import ImportPart, LongImport
from tasks.features.import_table import ImportView, check_whole_province
from tasks.features.long_import_view import LongImportView
from tasks.store import IMPORT_PARTS, IMPORTS, existing

routes = Routes("imports")
ImportId = Annotated[str, Path(max_length=128)]


async def find_import(call: Call, import_id: str) -> LongImport:
    """Raises `NotFound`, and `Forbidden` for a caller who is limited to some units."""
    check_whole_province(call.actor)
    return await existing(call.reader, IMPORTS, import_id)


@routes.get("/imports/long/{import_id}", response_model=LongImportView)
async def show_long_import(import_id: ImportId, call: Annotated[Call, reads("imports:read")]) -> Response:
    """Its progress: counts grow with every part that is done; `problems` says which rows did not come in, and why."""
    found = await find_import(call, import_id)
    return call.one(LongImportView.of(found), found.version)


@routes.get("/imports/long/{import_id}/parts/{number}", response_model=ImportView)
async def show_import_part(
    import_id: ImportId,
    number: Annotated[int, Path(ge=1, le=9999, description="From 1")],
    call: Annotated[Call, reads("imports:read")],
) -> Response:
    """What was found on the rows of a part; 404 until it is done, and 30 days after it was handed in."""
    found = await find_import(call, import_id)
    part = await call.reader.get(IMPORT_PARTS, ImportPart.id_of(found.id, number))
    if part is None or part.answer is None:
        raise NotFound.of(Words("phần đã xong của lượt nhập", "part that is done"), str(number))
    return call.one(ImportView.model_validate(part.answer))
