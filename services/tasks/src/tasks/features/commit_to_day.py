"""Commit the unit to a day by which a late task will be handed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.catch_up import commit
from tasks.domain.matters import Said
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import committee

routes = Routes("tasks")


class Promise(Because):
    day: Annotated[IsoDay, Field(description="By whose end the result will be handed in")]


async def handle(command: OnTask[Promise], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a task that is not late, a day that has passed, and while an earlier commitment runs."""
    task = await load_task(uow, command, check_asks)
    body = command.body
    commit(task, Said.now(uow.now, uow.actor, body.words), body.day, await committee(uow))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/commit", response_model=TaskView)
async def commit_to_day(task_id: str, body: Promise, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Give a letter of commitment (cam kết). The due day stays; whether it was kept is computed and shown."""
    return await effect.run(handle, OnTask[Promise].asked(task_id, effect, body), TaskView.of)
