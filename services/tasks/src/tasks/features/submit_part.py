"""Hand in a part to the lead, as the coordinating unit."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from common.errors import Forbidden, Words
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.means import HandedIn
from tasks.domain.parts import part_of, submit_part
from tasks.domain.permissions import check_sees
from tasks.features.add_evidence import Source, check_source
from tasks.features.task_command import OnTask, Reason, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")

Number = Annotated[int, Path(ge=1, le=1_000_000)]


class PartResult(Source):
    words: Reason


class OnPart(OnTask[PartResult]):
    number: int


async def handle(command: OnPart, uow: UnitOfWork) -> ShownTask:
    """Raises `Forbidden` for who does not act for the part's unit, `RuleBroken` unless the lead waits for it."""
    task, body = await load_task(uow, command, check_sees), command.body
    part = part_of(task, command.number)
    if not uow.actor.acts_for(part.unit_id):
        raise Forbidden(Words("Chỉ đơn vị được giao phần việc mới nộp được.", "Only the unit whose part it is may hand it in."))
    check_source(body)
    submit_part(task, part, HandedIn(at=uow.now, by=str(uow.actor), **body.model_dump()))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/parts/{number}/submit", response_model=TaskView)
async def submit_part_of_task(
    task_id: str, number: Number, body: PartResult, effect: Annotated[Effect, writes("tasks:write")]
) -> Response:
    """Hand in the part (nộp phần việc phối hợp) in words, with a link, or a file and its SHA-256, if there is one."""
    command = OnPart(task_id=task_id, number=number, expected_version=effect.if_match, body=body)
    return await effect.run(handle, command, TaskView.of)
