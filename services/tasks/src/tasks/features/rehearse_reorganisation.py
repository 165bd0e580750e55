"""Rehearse a reorganisation again: tasks have come, changed and ended since."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.features.reorganisation_view import (
    OnPlan,
    PlanId,
    ReorganisationView,
    ShownReorganisation,
    load_plan,
    to_show,
)
from tasks.store import REORGANISATIONS

routes = Routes("reorganisations")


async def handle(command: OnPlan, uow: UnitOfWork) -> ShownReorganisation:
    """Raises `RuleBroken` unless it was rehearsed and nothing else has happened to it."""
    plan = await load_plan(uow, command.plan_id, command.expected_version)
    plan.rehearse_again()
    return await to_show(uow, uow.save(REORGANISATIONS, plan))


@routes.post("/reorganisations/{plan_id}/rehearse", response_model=ReorganisationView)
async def rehearse_reorganisation(plan_id: PlanId, effect: Annotated[Effect, writes("reorganisations:write")]) -> Response:
    """Work it out anew, in the background; what was decided stays decided."""
    return await effect.run(handle, OnPlan.asked(plan_id, effect, ""), ReorganisationView.of)
