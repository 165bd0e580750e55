"""The lists that the caller has saved."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response

from common.http import Call, Items, Paged, Routes, reads
from tasks.features.view_view import TaskListView
from tasks.store import VIEWS

routes = Routes("views")


@routes.get("/views", response_model=Items[TaskListView])
async def list_views(call: Annotated[Call, reads("views:read")], listing: Paged) -> Response:
    """By name."""
    query: dict[str, Any] = {"owner": str(call.actor)}
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$gt": after}
    found = await call.reader.find(VIEWS, query, sort=("_id",), limit=listing.limit + 1)
    return call.page(found, listing, lambda saved: saved.id, TaskListView.of)
