"""The history of a directive: what the register came to say of it, and what units and the standing agency said."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from common.http import Call, Items, Paged, Routes, View, reads
from tasks.store import DIRECTIVE_LINES, DIRECTIVES, existing, line_key

routes = Routes("directives")


class HistoryView(View):
    at: datetime
    by: str
    what: str = Field(examples=["not_applicable_claimed"])
    words: str
    by_id: str | None = Field(None, description="The paper that did it")
    effective_on: date | None = None
    changes: dict[str, list[Any]] = Field(default_factory=dict, description="Field: [before, after]")
    unit_ids: list[str] = Field(default_factory=list, description="The units that it is about, those of the caller")


@routes.get("/directives/{directive_id}/history", response_model=Items[HistoryView])
async def list_directive_history(
    directive_id: str, call: Annotated[Call, reads("directives:read")], listing: Paged
) -> Response:
    """Oldest first: corrected, amended, ended; claimed, confirmed, rejected, reminded. Lines about units of others are left
    out for a caller who is limited to some.
    """
    directive = await existing(call.reader, DIRECTIVES, directive_id)
    after = call.after(listing) or ""
    own = [
        (line_key(line.at, f"{place:06d}"), HistoryView.model_validate(line.model_dump()))
        for place, line in enumerate(directive.lines)
    ]
    query: dict[str, Any] = {"directive_id": directive_id, "_d.order": {"$gt": after}}
    if call.actor.units is not None:
        query["unit_ids"] = {"$in": sorted(call.actor.units)}
    found = await call.reader.find(DIRECTIVE_LINES, query, sort=("directive_id", "_d.order"), limit=listing.limit + 1)
    of_units = [
        (
            line_key(line.at, line.id),
            HistoryView(
                at=line.at,
                by=line.by,
                what=line.what,
                words=line.words,
                unit_ids=[unit for unit in line.unit_ids if call.actor.acts_for(unit)],
            ),
        )
        for line in found
    ]
    both = sorted([one for one in own if one[0] > after] + of_units, key=lambda one: one[0])
    return call.page(both[: listing.limit + 1], listing, lambda one: one[0], lambda one: one[1])
