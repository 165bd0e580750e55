"""One entry, with the event as it was sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from audit import store
from audit.features.entry_view import EntryView, require_all_units, whole
from common.errors import NotFound, Words
from common.http import Call, Routes, reads

routes = Routes("ledger")


@routes.get("/ledger/entries/{index}", response_model=EntryView)
async def get_entry(call: Annotated[Call, reads("ledger:read")], index: Annotated[int, Path(ge=0, lt=2**53)]) -> Response:
    """The entry at this index. It never changes; only the erasure of its original gives it another `ETag`."""
    require_all_units(call)
    entry = await store.by_index(call.reader, index)
    if entry is None:
        raise NotFound.of(Words("mục sổ cái số", "ledger entry"), str(index))
    original = await call.reader.get(store.ORIGINALS, entry.id)
    return call.one(whole(entry, original), version=1 if original is not None else 2)
