"""The reporting calendars that were put into force."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Call, Items, Paged, Routes, reads
from tasks.features.report_plan_view import ReportPlanView
from tasks.store import REPORT_PLANS, existing

routes = Routes("committee")


@routes.get("/committee/report-plans", response_model=Items[ReportPlanView])
async def list_report_plans(call: Annotated[Call, reads("committee:read")], listing: Paged) -> Response:
    """Calendars by id. Nothing is frozen before one is put into force."""
    after = call.after(listing)
    query = {} if after is None else {"_id": {"$gt": after}}
    found = await call.reader.find(REPORT_PLANS, query, sort=("_id",), limit=listing.limit + 1)
    return call.page(found, listing, lambda plan: plan.id, ReportPlanView.of)


@routes.get("/committee/report-plans/{plan_id}", response_model=ReportPlanView)
async def show_report_plan(plan_id: str, call: Annotated[Call, reads("committee:read")]) -> Response:
    """One calendar, with the days of its months."""
    plan = await existing(call.reader, REPORT_PLANS, plan_id)
    return call.one(ReportPlanView.of(plan), plan.version)
