"""Say that a unit has reached a party, as that unit."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import Forbidden, Words
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.matters import Said
from tasks.domain.parties import party_of, reach_party
from tasks.domain.permissions import check_sees
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class OnParty(OnTask[Because]):
    party_id: str


async def handle(command: OnParty, uow: UnitOfWork) -> ShownTask:
    """Raises `Forbidden` for who does not act for the unit through which the party is reached."""
    task = await load_task(uow, command, check_sees)
    party = party_of(task, command.party_id)
    if not uow.actor.acts_for(party.unit_id):
        raise Forbidden(
            Words("Chỉ đơn vị liên hệ bên này mới ghi nhận được.", "Only the unit that reaches the party may say so.")
        )
    reach_party(task, party, Said.now(uow.now, uow.actor, command.body.words))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/parties/{party_id}/reach", response_model=TaskView)
async def reach_party_of_task(
    task_id: str, party_id: str, body: Because, effect: Annotated[Effect, writes("tasks:write")]
) -> Response:
    """Say, as its unit, that the party was reached (đã liên hệ): how, in `words`."""
    command = OnParty(task_id=task_id, party_id=party_id, expected_version=effect.if_match, body=body)
    return await effect.run(handle, command, TaskView.of)
