"""Frozen reports, their rows, and what differs from the month before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field

from common.contracts.fields import Timeliness
from common.http import Call, Items, Listing, Paged, Routes, View, reads
from tasks.domain.periods import PeriodState
from tasks.domain.report import Outcome, Row, period_key
from tasks.domain.reporting import PLAN_ID
from tasks.domain.task import State
from tasks.features.report_view import Period, PlanId, ReportView, body_of, find_report, sees
from tasks.store import REPORTS, report_key

routes = Routes("reports")


class OverduePeriod(View):
    period: str
    due_on: date


class PeriodRowView(View):
    """A period that fell due since the report before, as it was met when the month was frozen."""

    task: str
    task_id: str
    period: str = Field(description="Its key within the task", examples=["2026-11"])
    title: str
    lead_unit_id: str | None = Field(description="Led the task on its due day")
    lead: str
    due_on: date
    state: PeriodState
    outcome: Outcome
    submitted_on: date | None
    completed_on: date | None


class RowView(View):
    """A task as it stood when the month was frozen."""

    task: str
    task_id: str
    reference: str | None
    assigning_document: str
    title: str
    lead_unit_id: str | None
    lead: str
    coordinators: list[str]
    responsible_id: str | None
    product: str
    deadline_written: str
    due_on: date | None
    state: State
    timeliness: Timeliness | None
    overdue_periods: list[OverduePeriod] = Field(default=[], description="The periods that were late")
    status: str
    percent: int
    submitted_on: date | None
    completed_on: date | None


class ChangeView(View):
    """What differs of one task."""

    task: str
    task_id: str
    title: str
    kind: Literal["new", "left", "changed"]
    late: bool
    belongs_to: str
    fields: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@routes.get("/reports", response_model=Items[ReportView])
async def list_reports(
    call: Annotated[Call, reads("reports:read")],
    listing: Paged,
    plan: Annotated[str | None, Query(pattern=PLAN_ID)] = None,
) -> Response:
    """Frozen reports, the latest month first."""
    wanted: list[dict[str, Any]] = [{} if plan is None else {"plan_id": plan}]
    if (after := call.after(listing)) is not None:
        wanted.append({"period": {"$lt": after[:7]}} if plan is not None else {"_d.order": {"$lt": after}})
    query = {"$and": [condition for condition in wanted if condition] or [{}]}
    sort = "-_d.order" if plan is None else "-period"
    found = await call.reader.find(REPORTS, query, sort=(sort,), limit=listing.limit + 1)
    return call.page(found, listing, report_key, lambda report: ReportView.of(report, call.actor))


@routes.get("/reports/{plan_id}/{period}", response_model=ReportView)
async def show_report(plan_id: PlanId, period: Period, call: Annotated[Call, reads("reports:read")]) -> Response:
    """A frozen report: its figures, each with a link to the frozen rows behind it, and its digest."""
    report = await find_report(call.reader, plan_id, period)
    return call.one(ReportView.of(report, call.actor), report.version)


@routes.get("/reports/{plan_id}/{period}/rows", response_model=Items[RowView])
async def list_report_rows(
    plan_id: PlanId,
    period: Period,
    call: Annotated[Call, reads("reports:read")],
    listing: Paged,
    state: State | None = None,
    timeliness: Timeliness | None = None,
    unit: Annotated[str | None, Query(max_length=128, description="Leads it; empty: no unit does")] = None,
) -> Response:
    """The frozen rows of the caller's units, by task id."""
    body = await body_of(call.reader, await find_report(call.reader, plan_id, period))
    asked = {"state": state, "timeliness": timeliness, "lead_unit_id": unit}
    found = [row for row in body["rows"] if sees(call.actor, row) and _says(row, asked)]
    return _page(call, listing, found, RowView)


@routes.get("/reports/{plan_id}/{period}/periods", response_model=Items[PeriodRowView])
async def list_report_periods(
    plan_id: PlanId,
    period: Period,
    call: Annotated[Call, reads("reports:read")],
    listing: Paged,
    outcome: Outcome | None = None,
    unit: Annotated[str | None, Query(max_length=128, description="Led the task on its due day; empty: no unit did")] = None,
) -> Response:
    """Periods of tasks that repeat, of the caller's units, that fell due since the report before: in time, late, missing."""
    body = await body_of(call.reader, await find_report(call.reader, plan_id, period))
    seen, asked = _seen(call, body), {"outcome": outcome, "lead_unit_id": unit}
    found = [
        row
        for row in body.get("periods", [])
        if (row["task_id"] in seen or call.actor.acts_for(row["lead_unit_id"])) and _says(row, asked)
    ]
    return _page(call, listing, found, PeriodRowView, period_key)


@routes.get("/reports/{plan_id}/{period}/changes", response_model=Items[ChangeView])
async def list_report_changes(
    plan_id: PlanId,
    period: Period,
    call: Annotated[Call, reads("reports:read")],
    listing: Paged,
    late: Annotated[bool | None, Query(description="What belongs to months that were frozen before")] = None,
) -> Response:
    """What differs from the report before, task by task, and to which month it belongs."""
    body = await body_of(call.reader, await find_report(call.reader, plan_id, period))
    seen = _seen(call, body)
    found = [
        one
        for one in body["changes"]
        if (call.actor.units is None or one["task_id"] in seen) and (late is None or one["late"] == late)
    ]
    return _page(call, listing, found, ChangeView)


def _seen(call: Call, body: Mapping[str, Any]) -> set[str]:
    """Ids of the frozen tasks that the caller may see."""
    return {row["task_id"] for row in body["rows"] if sees(call.actor, row)}


def _says(row: Row, asked: Mapping[str, str | None]) -> bool:
    """Whether a row says what is asked for: None asks for nothing, an empty text for what it does not say."""
    return all(value is None or (row[name] or "") == value for name, value in asked.items())


def _task_id(row: Row) -> str:
    return str(row["task_id"])


def _page(
    call: Call,
    listing: Listing,
    rows: list[Row],
    view: type[RowView | PeriodRowView | ChangeView],
    key: Callable[[Row], str] = _task_id,
) -> Response:
    after = call.after(listing) or ""
    page = [row for row in rows if key(row) > after][: listing.limit + 1]
    return call.page(
        page,
        listing,
        key,
        lambda row: view.model_validate({**row, "task": f"/v1/tasks/{row['task_id']}"}),
    )
