"""Say how feasible a task is, how urgent, and whether it stands on the short list."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_decides, check_rates
from tasks.domain.matters import Said
from tasks.domain.means import Feasibility, Priority
from tasks.domain.permissions import check_sees
from tasks.domain.rating import mark
from tasks.features.merge_patch import MergePatch
from tasks.features.task_command import OnTask, Reason, load_task
from tasks.features.task_view import ShownTask, TaskView, saved, to_show
from tasks.store import committee

routes = Routes("tasks")


class GivenMarks(MergePatch):
    """The given marks change, the others stay; null takes a mark away."""

    words: Reason
    feasibility: Feasibility | None = None
    priority: Priority | None = None
    focus: Annotated[bool, Field(strict=True, description="Stands on the short list")] = False

    def marks(self) -> dict[str, Any]:
        return {name: value for name, value in self.given().items() if name != "words"}


async def handle(command: OnTask[GivenMarks], uow: UnitOfWork) -> ShownTask:
    """Raises `Forbidden` for who may not set all of these marks, `RuleBroken` for a task that is closed."""
    task, body = await load_task(uow, command, check_sees), command.body
    given = body.marks()
    if {"priority", "focus"} & given.keys():
        check_decides(uow.actor, task, (await committee(uow)).focus_set_by)
    else:
        check_rates(uow.actor, task)
    if not mark(task, given, Said.now(uow.now, uow.actor, body.words)):
        return await to_show(uow, task, uow.now)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/mark", response_model=TaskView)
async def mark_task(task_id: str, body: GivenMarks, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Set marks, each with who and why: `feasibility` by who does or approves it, `priority` and `focus` (trọng tâm) by the
    level of `focus_set_by`.
    """
    return await effect.run(handle, OnTask[GivenMarks].asked(task_id, effect, body), TaskView.of)
