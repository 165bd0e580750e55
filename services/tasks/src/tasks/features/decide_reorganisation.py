"""Decide whose the tasks of a unit without one successor will be: for all of them, or one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import Response
from pydantic import Field, model_validator

from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.directory import Unit
from tasks.domain.handover import move_of, was_handed_over
from tasks.domain.matters import Said
from tasks.domain.reorganisation import Reorganisation, TaskMove, UnitMove
from tasks.domain.task import Task
from tasks.features.carry_out_reorganisations import line_of
from tasks.features.reorganisation_view import (
    PlanId,
    ReorganisationView,
    ShownReorganisation,
    load_plan,
    to_show,
)
from tasks.features.task_command import Said as Remark
from tasks.features.task_content import Id
from tasks.store import REORGANISATIONS, TASK_MOVES, TASKS, UNIT_MOVES, UNITS, by_id, moves_of_units

routes = Routes("reorganisations")


class Decision(Command):
    """One of `unit_id` and `task_id`."""

    unit_id: Annotated[Id | None, Field(description="The unit that ends: decided for all its tasks not named otherwise")] = None
    task_id: Annotated[Id | None, Field(description="This very task")] = None
    to_unit_id: Annotated[Id, Field(description="One of its successors; of a unit without any, a unit that stands on the day")]

    @model_validator(mode="after")
    def _one_of_both(self) -> Decision:
        if (self.unit_id is None) == (self.task_id is None):
            raise ValueError("give one of unit_id and task_id")
        return self


class Decisions(Command):
    decisions: Annotated[list[Decision], Field(min_length=1, max_length=500)]
    words: Remark = ""


class Decide(Command):
    plan_id: str
    expected_version: int | None
    body: Decisions


async def handle(command: Decide, uow: UnitOfWork) -> ShownReorganisation:
    """What was decided before is decided anew. A task that has ended since is left as it is, whatever was decided about it.

    Raises `Invalid` for whatever is not to be decided, or not so, each by its place; `RuleBroken` in another state.
    """
    plan = await load_plan(uow, command.plan_id, command.expected_version)
    wanted = command.body.decisions
    deciding = _Deciding(
        plan=plan,
        moves={move.unit_id: move for move in await moves_of_units(uow, [plan.id])},
        tasks=await by_id(uow, TASKS, [one.task_id for one in wanted]),
        units=await by_id(uow, UNITS, [one.to_unit_id for one in wanted]),
    )
    plan.decide([one.unit_id for one in wanted if one.unit_id], [one.task_id for one in wanted if one.task_id])
    problems = [problem for place, one in enumerate(wanted) for problem in deciding.against(place, one)]
    if problems:
        raise Invalid(Words("Có quyết định không ghi nhận được.", "Not everything can be decided so."), problems)
    said = Said.now(uow.now, uow.actor, command.body.words)
    lines = await by_id(uow, TASK_MOVES, [TaskMove.id_of(plan.id, one.task_id) for one in wanted if one.task_id])
    for one in wanted:
        if one.task_id is not None:
            line = lines.get(TaskMove.id_of(plan.id, one.task_id)) or deciding.new_line(one.task_id)
            line.chosen, line.decided = one.to_unit_id, said
            uow.put(TASK_MOVES, line)
        elif one.unit_id is not None:
            move = deciding.moves[one.unit_id]
            move.default, move.decided = one.to_unit_id, said
            uow.save(UNIT_MOVES, move)
    uow.save(REORGANISATIONS, plan)
    return await to_show(uow, plan)


class _Deciding:
    """What decisions are held against."""

    def __init__(
        self, plan: Reorganisation, moves: dict[str, UnitMove], tasks: dict[str, Task], units: dict[str, Unit]
    ) -> None:
        self.plan, self.moves, self.tasks, self.units = plan, moves, tasks, units

    def against(self, place: int, one: Decision) -> Iterable[FieldProblem]:
        """What speaks against a decision."""
        task = self.tasks.get(one.task_id or "")
        field = f"decisions.{place}." + ("unit_id" if one.task_id is None else "task_id")
        move = self.moves.get((one.unit_id if task is None else task.lead_unit_id) or "")
        if one.task_id is not None and (task is None or was_handed_over(task, self.plan.id)):
            yield FieldProblem(
                field, "task_unknown",
                Words("Không có nhiệm vụ này, hoặc đã bàn giao xong.", "There is no such task, or it is handed over already."),
                Words("Hãy chọn trong /tasks?undecided=true.", "Choose from /tasks?undecided=true."), one.task_id,
            )  # fmt: skip
        elif move is None or move.how == "rule":
            yield FieldProblem(
                field, "nothing_to_decide",
                Words("Đơn vị này không cần quyết định.", "Nothing is to be decided of this unit."),
                Words("Hãy chọn trong /units?how=choice hoặc how=orphan.", "Choose from /units?how=choice or how=orphan."),
                one.task_id or one.unit_id or "",
            )  # fmt: skip
        elif (move.heirs and one.to_unit_id not in move.heirs) or not self._stands(one.to_unit_id):
            yield FieldProblem(
                f"decisions.{place}.to_unit_id", "not_an_heir",
                Words("Đơn vị này không kế thừa đơn vị kia.", "This unit does not follow the other one."),
                Words(
                    f"Hãy chọn: {', '.join(move.heirs) or 'một đơn vị đang hoạt động'}.",
                    f"Choose one of: {', '.join(move.heirs) or 'the units that stand on the day'}.",
                ),
                one.to_unit_id,
            )  # fmt: skip

    def _stands(self, unit_id: str) -> bool:
        unit = self.units.get(unit_id)
        return unit is not None and unit.stands_on(self.plan.effective_on)

    def new_line(self, task_id: str) -> TaskMove:
        """Of a task that has come since the rehearsal, or that needs nobody any more."""
        task = self.tasks[task_id]
        return line_of(self.plan, task, move_of(task, {unit: move.fate for unit, move in self.moves.items()}))


@routes.post("/reorganisations/{plan_id}/decide", response_model=ReorganisationView)
async def decide_reorganisation(
    plan_id: PlanId, body: Decisions, effect: Annotated[Effect, writes("reorganisations:write")]
) -> Response:
    """Say to whom tasks go that no rule gives to one unit. Until a task is handed over it may be decided otherwise."""
    command = Decide(plan_id=plan_id, expected_version=effect.if_match, body=body)
    return await effect.run(handle, command, ReorganisationView.of)
