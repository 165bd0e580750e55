"""Plan with whom and with what a task is done."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from fastapi import Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from common.domain import local_day
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.clears import check_stays_clear, unclear
from tasks.domain.exact import Given
from tasks.domain.permissions import check_manages
from tasks.domain.resources import plan_resources
from tasks.domain.text import tidy
from tasks.features.merge_patch import MergePatch
from tasks.features.task_command import OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved, to_show
from tasks.store import facts_of

routes = Routes("tasks")

Named = Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=200)]
Fund = Annotated[Named, Field(description="Source of the money (nguồn kinh phí)", examples=["Ngân sách tỉnh"])]
Dong = Annotated[int, Field(strict=True, ge=0, le=10**15, description="Whole đồng", examples=[250_000_000])]


def _positive(value: Fraction) -> Fraction:
    if not 0 < value <= 100_000:
        raise PydanticCustomError("greater_than", "Input should be greater than {gt} and at most 100000", {"gt": 0})
    return value


class PlannedMoney(Command):
    source: Fund
    planned: Dong


class PlannedEquipment(Command):
    what: Named
    number: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class PlannedResources(MergePatch):
    """What is given is planned anew, the rest stays; nobody is named here."""

    people: Annotated[int | None, Field(strict=True, ge=1, le=100_000)] = None
    months: Annotated[Given, AfterValidator(_positive)] | None = Field(None, description="Person-months over all of them")
    money: Annotated[list[PlannedMoney], Field(default_factory=list, max_length=20)]
    equipment: Annotated[list[PlannedEquipment], Field(default_factory=list, max_length=100)]

    def planned(self) -> dict[str, Any]:
        given = self.given()
        if "money" in given:
            given["money"] = [(one.source, one.planned) for one in self.money]
        if "equipment" in given:
            given["equipment"] = [(one.what, one.number) for one in self.equipment]
        return given


async def handle(command: OnTask[PlannedResources], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` when a fund would go that is in use, or what the committee asks for of a task that was issued."""
    task = await load_task(uow, command, check_manages)
    facts = await facts_of(uow, task, local_day(uow.now))
    before = unclear(task, facts)
    if not plan_resources(task, command.body.planned()):
        return await to_show(uow, task, uow.now)
    check_stays_clear(task, facts, before)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/plan-resources", response_model=TaskView)
async def plan_resources_of_task(
    task_id: str, body: PlannedResources, effect: Annotated[Effect, writes("tasks:write")]
) -> Response:
    """Plan its resources (nguồn lực): people and person-months, money by fund, equipment. What is left out stays."""
    return await effect.run(handle, OnTask[PlannedResources].asked(task_id, effect, body), TaskView.of)
