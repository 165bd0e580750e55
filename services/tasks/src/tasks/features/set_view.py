"""Keep a list of tasks under a name: filters and order, for the caller alone."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import BeforeValidator, Field, StrictBool, TypeAdapter

from common.errors import FieldProblem, RuleBroken, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.views import TaskList
from tasks.features.task_filters import Filters, ViewName
from tasks.features.view_view import TaskListView
from tasks.store import VIEWS

routes = Routes("views")
MOST = 50
"""Saved lists of one caller."""


_FLAG = TypeAdapter(StrictBool | None)


def _as_json(asks: Any) -> Any:
    """In an address a truth value is a text, in a body it is none."""
    for name in ("focus", "disputed") if isinstance(asks, dict) else ():
        _FLAG.validate_python(asks.get(name))
    return asks


class SetView(Command):
    """Replaces what stood under the name."""

    title: str = Field("", max_length=200)
    asks: Annotated[
        Filters,
        BeforeValidator(_as_json),
        Field(default_factory=Filters, description="As the parameters of `GET /v1/tasks`"),
    ]


async def handle(command: SetView, uow: UnitOfWork, *, name: str, expected: int | None = None) -> TaskList:
    """Raises `StaleVersion`, and `RuleBroken` for one list too many."""
    owner = str(uow.actor)
    saved = await uow.get(VIEWS, TaskList.id_of(owner, name))
    if saved is None:
        if await uow.count(VIEWS, {"owner": owner}) >= MOST:
            message = Words(f"Mỗi người gọi giữ tối đa {MOST} danh sách.", f"A caller keeps at most {MOST} lists.")
            repair = Words("Hãy xóa bớt: DELETE /v1/views/{name}.", "Delete some: DELETE /v1/views/{name}.")
            raise RuleBroken(message, [FieldProblem("name", "too_many_views", message, repair, name)])
        saved = TaskList(id=TaskList.id_of(owner, name), owner=owner, name=name)
    check_version(saved, expected)
    saved.title, saved.asks = command.title, command.asks.given()
    return uow.save(VIEWS, saved)


@routes.put("/views/{name}", response_model=TaskListView)
async def set_view(
    name: Annotated[ViewName, Path()], command: SetView, effect: Annotated[Effect, writes("views:write")]
) -> Response:
    """A PUT is the same however often it is sent: it needs no Idempotency-Key."""
    work = partial(handle, command, name=name, expected=effect.if_match)
    saved = await effect.units.run(work, effect.cause())
    return effect.one(TaskListView.of(saved), saved.version)
