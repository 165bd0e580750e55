"""Name somebody without an account as a party of a task."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.http import Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.matters import Said
from tasks.domain.means import Party, PartyKind
from tasks.domain.parties import name_party
from tasks.domain.text import tidy
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_content import Id
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class NewParty(Because):
    kind: PartyKind
    label: Annotated[
        str,
        AfterValidator(tidy),
        Field(min_length=2, max_length=200, description="By role, never by name", examples=["Người có uy tín thôn Lùng Tám"]),
    ]
    unit_id: Annotated[Id, Field(description="The unit through which it is reached: the lead or a coordinator")]


async def handle(command: OnTask[NewParty], uow: UnitOfWork) -> ShownTask:
    """Raises `Invalid` for a label that tells who a person is, `RuleBroken` for a unit that is none of the task's."""
    task, body = await load_task(uow, command, check_asks), command.body
    said = Said.now(uow.now, uow.actor, body.words)
    name_party(task, Party(id=new_id(), kind=body.kind, label=body.label, unit_id=body.unit_id, named=said))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/name-party", response_model=TaskView)
async def name_party_of_task(task_id: str, body: NewParty, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Name a party without an account (người có uy tín, đoàn thanh niên, doanh nghiệp, hợp tác xã): what is asked of it, in
    `words`, and the unit whose heads are told to reach it.
    """
    return await effect.run(handle, OnTask[NewParty].asked(task_id, effect, body), TaskView.of)
