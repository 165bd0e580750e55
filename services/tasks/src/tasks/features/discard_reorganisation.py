"""Call a reorganisation off before anything is handed over."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.matters import Said
from tasks.features.reorganisation_view import (
    OnPlan,
    PlanId,
    ReorganisationView,
    ShownReorganisation,
    load_plan,
    to_show,
)
from tasks.features.task_command import Because
from tasks.store import REORGANISATIONS

routes = Routes("reorganisations")


async def handle(command: OnPlan, uow: UnitOfWork) -> ShownReorganisation:
    """Raises `RuleBroken` once it has begun: what was handed over is undone by a succession of its own."""
    plan = await load_plan(uow, command.plan_id, command.expected_version)
    plan.discard(Said.now(uow.now, uow.actor, command.words))
    return await to_show(uow, uow.save(REORGANISATIONS, plan))


@routes.post("/reorganisations/{plan_id}/discard", response_model=ReorganisationView)
async def discard_reorganisation(
    plan_id: PlanId, body: Because, effect: Annotated[Effect, writes("reorganisations:write")]
) -> Response:
    """Call it off, on recorded words. What was rehearsed and decided stays on record; its units are free for another one."""
    return await effect.run(handle, OnPlan.asked(plan_id, effect, body.words), ReorganisationView.of)
