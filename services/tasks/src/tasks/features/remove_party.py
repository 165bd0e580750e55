"""Say that a party takes part in a task no more."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.matters import Said
from tasks.domain.parties import party_of, remove_party
from tasks.features.reach_party import OnParty
from tasks.features.task_command import Because, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


async def handle(command: OnParty, uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a party that was removed before."""
    task = await load_task(uow, command, check_asks)
    remove_party(task, party_of(task, command.party_id), Said.now(uow.now, uow.actor, command.body.words))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/parties/{party_id}/remove", response_model=TaskView)
async def remove_party_of_task(
    task_id: str, party_id: str, body: Because, effect: Annotated[Effect, writes("tasks:write")]
) -> Response:
    """Take a party out, with the reason; that it took part stays in the task."""
    command = OnParty(task_id=task_id, party_id=party_id, expected_version=effect.if_match, body=body)
    return await effect.run(handle, command, TaskView.of)
