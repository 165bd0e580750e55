"""Decide what becomes of a task whose paper is in force no more."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.fate import Decision, decide_fate
from tasks.domain.permissions import check_manages
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_content import Id, check_known
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class Fate(Because):
    decision: Decision
    basis_id: Annotated[Id | None, Field(description="The paper by which it goes on; the present one when left out")] = None


async def handle(command: OnTask[Fate], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` for a task about which nothing is asked, `Invalid` for a paper that is not registered."""
    task = await load_task(uow, command, check_manages)
    fate = command.body
    await check_known(uow, {"directive_id": fate.basis_id}, named_as="basis_id")
    decide_fate(task, fate.decision, fate.basis_id, fate.words)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/decide-fate", response_model=TaskView)
async def decide_fate_of_task(task_id: str, body: Fate, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Say that a task goes on or is cancelled, on recorded words, after the paper that gave it has ended."""
    return await effect.run(handle, OnTask[Fate].asked(task_id, effect, body), TaskView.of)
