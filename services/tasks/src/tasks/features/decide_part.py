"""Accept a coordinator's part, send it back, or need it no more, as the lead."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.matters import Said
from tasks.domain.means import PartDecision
from tasks.domain.parts import decide_part, part_of
from tasks.features.submit_part import Number
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class DecisionOnPart(Because):
    decision: PartDecision


class OnDecidedPart(OnTask[DecisionOnPart]):
    number: int


async def handle(command: OnDecidedPart, uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a part that was not handed in, or that was accepted or withdrawn before."""
    task, body = await load_task(uow, command, check_asks), command.body
    decide_part(task, part_of(task, command.number), body.decision, Said.now(uow.now, uow.actor, body.words))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/parts/{number}/decide", response_model=TaskView)
async def decide_part_of_task(
    task_id: str, number: Number, body: DecisionOnPart, effect: Annotated[Effect, writes("tasks:write")]
) -> Response:
    """Decide on a part, as the lead: `accept`, `return` to be mended, or `withdraw` what is needed no more."""
    command = OnDecidedPart(task_id=task_id, number=number, expected_version=effect.if_match, body=body)
    return await effect.run(handle, command, TaskView.of)
