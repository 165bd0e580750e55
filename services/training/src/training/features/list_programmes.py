"""The programmes, and one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import NotFound, Words
from common.http import Call, Items, Paged, Routes, reads
from common.repository import Reader
from training.domain.programme import Programme
from training.features.programme_view import ProgrammeView
from training.store import PROGRAMMES

router = Routes("programmes")


async def find_programme(reader: Reader, programme_id: str) -> Programme:
    """Raises `NotFound`."""
    programme = await reader.get(PROGRAMMES, programme_id)
    if programme is None:
        raise NotFound.of(Words(*Programme.noun), programme_id)
    return programme


@router.get("/programmes", response_model=Items[ProgrammeView])
async def list_programmes(call: Annotated[Call, reads("programmes:read")], listing: Paged) -> Response:
    """All programmes, newest first."""
    after = call.after(listing)
    found = await call.reader.find(
        PROGRAMMES, {} if after is None else {"_id": {"$lt": after}}, sort=("-_id",), limit=listing.limit + 1
    )
    return call.page(found, listing, lambda programme: programme.id, ProgrammeView.of)


@router.get("/programmes/{programme_id}", response_model=ProgrammeView)
async def show_programme(programme_id: str, call: Annotated[Call, reads("programmes:read")]) -> Response:
    """One programme."""
    programme = await find_programme(call.reader, programme_id)
    return call.one(ProgrammeView.of(programme), programme.version)
