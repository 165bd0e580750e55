"""A unit hands in its own report of the month, or says that there was no work."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.domain import local_day
from common.errors import FieldProblem, RuleBroken, Words
from common.http import Call, Command, Effect, Items, Paged, Routes, View, reads, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.month import Month
from tasks.domain.reporting import Handing, Submission
from tasks.domain.text import tidy
from tasks.features.report_view import Period, PlanId
from tasks.features.scoring_units import unit_seen
from tasks.store import REPORT_PLANS, SUBMISSIONS

routes = Routes("reports")


class OwnReport(Command):
    unit_id: Annotated[str, Field(min_length=1, max_length=128)]
    words: Annotated[str, AfterValidator(tidy), Field(max_length=4000, description="The unit's own assessment")] = ""
    no_work: Annotated[bool, Field(strict=True, description="There was no work this month")] = False


class HandIn(Command):
    plan_id: str
    period: str
    body: OwnReport


class SubmissionView(View):
    plan_id: str
    period: str
    unit_id: str
    submitted_at: datetime = Field(description="The first time: it decides whether the report was late")
    days_late: int
    no_work: bool
    handed_in: list[Handing]
    version: int = Field(exclude=True)

    @classmethod
    def of(cls, one: Submission) -> SubmissionView:
        found = one.model_dump(include={"plan_id", "period", "unit_id", "handed_in", "version"})
        first, latest = one.handed_in[0], one.handed_in[-1]
        told = {"submitted_at": first.at, "days_late": one.days_late, "no_work": latest.no_work}
        return cls.model_validate(found | told)


async def handle(command: HandIn, uow: UnitOfWork) -> Submission:
    """Raises `NotFound` for a plan without a calendar or a unit that is not the caller's, `RuleBroken` for a month to come."""
    unit = await unit_seen(uow, uow.actor, command.body.unit_id)
    plan, period = await uow.load(REPORT_PLANS, command.plan_id), Month.read(command.period)
    if not Month.read(plan.first_period) <= period <= Month.of(local_day(uow.now)):
        message = Words("Kỳ này chưa đến hoặc không báo cáo.", "This month has not come, or is not reported.")
        repair = Words(f"Từ kỳ {plan.first_period} đến tháng này.", f"From {plan.first_period} to this month.")
        raise RuleBroken(message, [FieldProblem("period", "period_outside", message, repair, command.period)])
    key = Submission.id_of(plan.id, command.period, unit.id)
    found = await uow.get(SUBMISSIONS, key)
    if found is None:
        found = Submission(id=key, plan_id=plan.id, period=command.period, unit_id=unit.id)
    found.hand_in(uow.now, str(uow.actor), plan.unit_due(period), command.body.words, no_work=command.body.no_work)
    return uow.save(SUBMISSIONS, found)


@routes.post("/reports/{plan_id}/{period}/submissions", status_code=201, response_model=SubmissionView)
async def hand_in_report(
    plan_id: PlanId, period: Period, body: OwnReport, effect: Annotated[Effect, writes("reports:write")]
) -> Response:
    """Hand in. Late is taken and recorded, after the freeze as well: it then shows in the next month's report."""
    return await effect.run(
        handle,
        HandIn(plan_id=plan_id, period=period, body=body),
        SubmissionView.of,
        status=201,
        location=lambda one: f"/v1/reports/{one.plan_id}/{one.period}/submissions",
    )


@routes.get("/reports/{plan_id}/{period}/submissions", response_model=Items[SubmissionView])
async def list_submissions(
    plan_id: PlanId, period: Period, call: Annotated[Call, reads("reports:read")], listing: Paged
) -> Response:
    """What units handed in for a month, of the caller's units, by unit."""
    query: dict[str, object] = {"plan_id": plan_id, "period": period}
    ids: dict[str, object] = {}
    if call.actor.units is not None:
        ids["$in"] = [Submission.id_of(plan_id, period, unit) for unit in sorted(call.actor.units)]
    if (after := call.after(listing)) is not None:
        ids["$gt"] = after
    if ids:
        query["_id"] = ids
    found = await call.reader.find(SUBMISSIONS, query, sort=("_id",), limit=listing.limit + 1)
    return call.page(found, listing, lambda one: one.id, SubmissionView.of)
