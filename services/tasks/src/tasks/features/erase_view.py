"""Forget a saved list. Its tasks are not touched."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Path, Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.features.task_filters import ViewName, find_view
from tasks.store import VIEWS

routes = Routes("views")


async def handle(name: str, uow: UnitOfWork) -> None:
    """Raises `NotFound`."""
    saved = await find_view(uow, uow.actor, name)
    await uow.database.collection(VIEWS.collection).delete_one({"_id": saved.id}, session=uow.session)


@routes.delete("/views/{name}", status_code=204)
async def erase_view(name: Annotated[ViewName, Path()], effect: Annotated[Effect, writes("views:write")]) -> Response:
    await effect.units.run(partial(handle, name), effect.cause())
    return Response(status_code=204)
