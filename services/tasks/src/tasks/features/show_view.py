"""One of the lists that the caller has saved."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from common.http import Call, Routes, reads
from tasks.features.task_filters import ViewName, find_view
from tasks.features.view_view import TaskListView

routes = Routes("views")


@routes.get("/views/{name}", response_model=TaskListView)
async def show_view(name: Annotated[ViewName, Path()], call: Annotated[Call, reads("views:read")]) -> Response:
    """Another caller's list is answered like one that does not exist."""
    saved = await find_view(call.reader, call.actor, name)
    return call.one(TaskListView.of(saved), saved.version)
