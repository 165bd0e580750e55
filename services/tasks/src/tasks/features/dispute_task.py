"""Say that a task is not the unit's function, or that its status, score or wording is wrong."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.contracts.tasks_life import DisputeKind
from common.errors import FieldProblem, Invalid, Words
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_not_pushed_up
from tasks.domain.dispute import dispute
from tasks.domain.matters import Said
from tasks.domain.permissions import check_manages
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_content import Id, check_known
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import UNITS, by_id, committee

routes = Routes("tasks")


class Objection(Because):
    kind: DisputeKind
    proposed_unit_id: Annotated[
        Id | None, Field(description="Whose function it is, of `not_our_function`: no unit of a higher level (226-KL/TW)")
    ] = None


async def handle(command: OnTask[Objection], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` while another dispute waits, and for a task that would be pushed up to a higher level."""
    task = await load_task(uow, command, check_manages)
    body = command.body
    words = body.words
    if body.proposed_unit_id is not None:
        if body.kind != "not_our_function":
            message = Words("Chỉ đề xuất đơn vị khác khi việc không thuộc chức năng.", "Only a wrong function names a unit.")
            repair = Words("Hãy bỏ proposed_unit_id.", "Leave proposed_unit_id out.")
            problem = FieldProblem("proposed_unit_id", "proposal_without_function", message, repair, body.proposed_unit_id)
            raise Invalid(message, [problem])
        await check_known(uow, {"lead_unit_id": body.proposed_unit_id}, unit_as="proposed_unit_id")
        units = await by_id(uow, UNITS, [task.lead_unit_id, body.proposed_unit_id])
        proposed = units[body.proposed_unit_id]
        check_not_pushed_up(uow.actor, units.get(task.lead_unit_id or ""), proposed)
        words = f"{words} (đề xuất giao: {proposed.full_name})"
    dispute(task, body.kind, Said.now(uow.now, uow.actor, words), await committee(uow))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/dispute", response_model=TaskView)
async def dispute_task(task_id: str, body: Objection, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Dispute it (kiến nghị), on recorded words. Whoever assigned it answers within the committee's term of working days,
    else it goes one level up; its due day runs on.
    """
    return await effect.run(handle, OnTask[Objection].asked(task_id, effect, body), TaskView.of)
