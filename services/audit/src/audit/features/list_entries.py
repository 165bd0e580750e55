"""Search the ledger, page by page."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from audit import store
from audit.features.entry_view import EntryLine, line, require_all_units
from common.http import Call, Items, Paged, Routes, reads

routes = Routes("ledger")

Wanted = Annotated[str | None, Query(max_length=200)]


@routes.get("/ledger/entries", response_model=Items[EntryLine])
async def list_entries(
    call: Annotated[Call, reads("ledger:read")],
    listing: Paged,
    subject: Wanted = None,
    kind: Annotated[str | None, Query(alias="type", max_length=200, description="`tasks.task.assigned.v1`")] = None,
    actor: Annotated[
        str | None, Query(max_length=200, description="`person:<id>`, `client:<id>` or `system:<service>`")
    ] = None,
    correlation_id: Wanted = None,
    event_id: Wanted = None,
    after: Annotated[int, Query(ge=-1, lt=2**53, description="Only entries with a higher index")] = -1,
    order: Annotated[Literal["oldest", "newest"], Query(description="Which comes first")] = "oldest",
) -> Response:
    """Entries that match everything asked for. The oldest come first, so that a reader can follow the ledger: ask again
    with `after=` the last index seen.
    """
    require_all_units(call)
    wanted = {"subject": subject, "type": kind, "actor": actor, "correlation_id": correlation_id, "_id": event_id}
    newest, passed = order == "newest", call.after(listing)
    above, below = after, None
    if passed is not None:
        above, below = (after, int(passed)) if newest else (int(passed), None)
    found = await store.search(call.reader, wanted, above=above, below=below, newest_first=newest, limit=listing.limit + 1)
    return call.page(found, listing, lambda entry: str(entry.index), line)
