"""Grant or refuse another due day."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.errors import FieldProblem, Invalid, Words
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_decides, check_not_own
from tasks.domain.extension import grant_extension, pending_extension, refuse_extension
from tasks.domain.matters import Said
from tasks.domain.permissions import check_sees
from tasks.features.parents import check_due_day
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class Decision(Because):
    decision: Literal["grant", "refuse"]
    due_on: Annotated[IsoDay | None, Field(description="Another day than the one asked for; only with `grant`")] = None


async def handle(command: OnTask[Decision], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` when nothing is asked or the day is not later, `Forbidden` for who has not the authority."""
    task = await load_task(uow, command, check_sees)
    body, asked = command.body, pending_extension(task)
    check_decides(uow.actor, task, asked.level)
    check_not_own(uow.actor, asked.asked.by)
    decided = Said.now(uow.now, uow.actor, body.words)
    if body.decision == "grant":
        grant_extension(task, decided, body.due_on)
        await check_due_day(uow, task)
    elif body.due_on is None:
        refuse_extension(task, decided)
    else:
        message = Words("Không gia hạn thì không có ngày mới.", "What is refused has no new day.")
        repair = Words("Hãy bỏ due_on, hoặc đặt decision là grant.", "Leave due_on out, or decide to grant.")
        raise Invalid(message, [FieldProblem("due_on", "day_of_refusal", message, repair, body.due_on.isoformat())])
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/decide-extension", response_model=TaskView)
async def decide_extension(task_id: str, body: Decision, effect: Annotated[Effect, writes("tasks:review")]) -> Response:
    """Grant the day that was asked for (gia hạn), or another one, or refuse it, on recorded words. Timeliness holds against the
    granted day; `original_due_on` keeps the first.
    """
    return await effect.run(handle, OnTask[Decision].asked(task_id, effect, body), TaskView.of)
