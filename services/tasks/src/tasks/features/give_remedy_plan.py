"""Say how a late task, or one at risk, will catch up."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.contracts.fields import IsoDay
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_asks
from tasks.domain.catch_up import give_remedy_plan
from tasks.domain.matters import Milestone, Said
from tasks.domain.text import tidy
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class GivenMilestone(Command):
    due_on: IsoDay
    words: Annotated[str, AfterValidator(tidy), Field(min_length=3, max_length=500)]


class Plan(Because):
    milestones: Annotated[list[GivenMilestone], Field(min_length=1, max_length=50, description="In the order of their days")]


async def handle(command: OnTask[Plan], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` while the clock does not run, and for milestones that have passed or stand in no order."""
    task = await load_task(uow, command, check_asks)
    body = command.body
    milestones = [Milestone(due_on=one.due_on, words=one.words) for one in body.milestones]
    give_remedy_plan(task, Said.now(uow.now, uow.actor, body.words), milestones)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/give-remedy-plan", response_model=TaskView)
async def give_remedy_plan_of_task(task_id: str, body: Plan, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Give a remedy plan (phương án khắc phục) with new milestones. It moves no due day; earlier plans stay."""
    return await effect.run(handle, OnTask[Plan].asked(task_id, effect, body), TaskView.of)
