"""Order that a reorganisation be carried out, from the midnight with which its day begins."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import FieldProblem, RuleBroken, Words
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.matters import Said
from tasks.domain.reorganisation import Reorganisation, UnitMove
from tasks.features.reorganisation_view import (
    SECONDS,
    OnPlan,
    PlanId,
    ReorganisationView,
    ShownReorganisation,
    load_plan,
)
from tasks.features.task_command import Remark
from tasks.store import REORGANISATIONS, fates_on, moves_of_units, undecided_tasks, unit_names

routes = Routes("reorganisations")


async def handle(command: OnPlan, uow: UnitOfWork) -> ShownReorganisation:
    """Raises `RuleBroken` while something is undecided, unit by unit, and when the list of successions is another one now."""
    plan = await load_plan(uow, command.plan_id, command.expected_version)
    moves = await moves_of_units(uow, [plan.id])
    await _check_same_list(uow, plan, moves)
    undecided = await undecided_tasks(uow, plan, moves)
    names = await unit_names(uow, undecided)
    problems = [_undecided(names[unit], len(tasks)) for unit, tasks in sorted(undecided.items())]
    plan.order(Said.now(uow.now, uow.actor, command.words), problems)
    return ShownReorganisation(uow.save(REORGANISATIONS, plan), moves, undecided=0)


async def _check_same_list(uow: UnitOfWork, plan: Reorganisation, moves: list[UnitMove]) -> None:
    now, _ = await fates_on(uow, plan.effective_on)
    then = {move.unit_id: (move.how, tuple(move.heirs)) for move in moves}
    differing = sorted(
        {unit: (fate.how, fate.heirs) for unit, fate in now.items()}.items() ^ then.items(), key=lambda pair: pair[0]
    )
    if differing:
        message = Words("Danh sách kế thừa đã thay đổi.", "The list of successions is another one now.")
        repair = Words("Hãy bỏ việc sắp xếp này và lập lại.", "Discard this one and plan it anew.")
        raise RuleBroken(message, [FieldProblem("effective_on", "successions_changed", message, repair, differing[0][0])])


def _undecided(unit: str, tasks: int) -> FieldProblem:
    return FieldProblem(
        "undecided",
        "undecided",
        Words(f"{tasks} nhiệm vụ chưa biết giao cho đơn vị nào.", f"{tasks} tasks wait for somebody to say whose they are."),
        Words("Hãy gọi decide cho đơn vị này hoặc từng nhiệm vụ.", "Call decide for this unit, or for each of its tasks."),
        unit,
    )


@routes.post("/reorganisations/{plan_id}/execute", response_model=ReorganisationView)
async def execute_reorganisation(
    plan_id: PlanId, body: Remark, effect: Annotated[Effect, writes("reorganisations:write")]
) -> Response:
    """Have it carried out in the background from 00:00 (Asia/Ho_Chi_Minh) of its day; at once when that has passed. Nobody has
    to wait for it: tasks are read and worked on meanwhile.
    """
    command = OnPlan.asked(plan_id, effect, body.words)
    return await effect.run(handle, command, ReorganisationView.of, seconds=SECONDS)
