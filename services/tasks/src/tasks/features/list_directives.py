"""The directives, newest first."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from common.http import Call, Items, Paged, Routes, reads
from tasks.domain.rows_directives import number_key
from tasks.features.directive_view import DirectiveView
from tasks.store import DIRECTIVES, issue_key

routes = Routes("directives")


@routes.get("/directives", response_model=Items[DirectiveView])
async def list_directives(
    call: Annotated[Call, reads("directives:read")],
    listing: Paged,
    number: Annotated[
        str | None, Query(max_length=100, description="Whatever its spelling: 3/NQ-CP finds 03/NQ-CP", examples=["57-NQ/TW"])
    ] = None,
    parent: Annotated[str | None, Query(max_length=128, description="Papers that carry this one out")] = None,
    asks: Annotated[
        Literal["issuer"] | None, Query(description="`issuer`: papers of which somebody has to say which unit issued them")
    ] = None,
) -> Response:
    """Papers by day of issue, newest first; those whose day is not known stand last."""
    query: dict[str, Any] = {}
    if number is not None:
        query["_d.canonical"] = number_key(number)
    if parent is not None:
        query["parent_id"] = parent
    order = "_d.issued_on" if asks is None else "_d.asks_issuer"  # the latter is there for those that ask alone
    place: dict[str, str] = {} if asks is None else {"$gt": ""}
    if (after := call.after(listing)) is not None:
        place["$lt"] = after
    if place:
        query[order] = place
    found = await call.reader.find(DIRECTIVES, query, sort=(f"-{order}",), limit=listing.limit + 1)
    return call.page(found, listing, issue_key, DirectiveView.of)
