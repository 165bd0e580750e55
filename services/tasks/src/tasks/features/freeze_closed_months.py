"""Timed job: freeze the months of every plan whose last day has ended."""

from __future__ import annotations

from typing import Any

from common.domain import local_day
from common.errors import Conflict
from common.observability import Log
from common.repository import Reader
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.month import Month
from tasks.domain.report import Report
from tasks.domain.reporting import ReportPlan
from tasks.features.freeze_report import SECONDS, freeze, next_period
from tasks.store import REPORT_PLANS, last_report

log = Log(__name__)


async def run(units: Units, _settings: Any) -> None:
    """Each month in a transaction of its own, oldest first: cut off anywhere, the next run goes on. A month that was missed,
    because no worker ran, is frozen late, and its "as of" says when. A plan that fails does not hold up the others.
    """
    plans = await Reader(units.database).find(REPORT_PLANS, {}, sort=("_id",))
    failed = [error for plan in plans if (error := await _attempt(units, plan)) is not None]
    if failed:
        raise failed[0]


async def _attempt(units: Units, plan: ReportPlan) -> Exception | None:
    turn = next_period(plan, await last_report(Reader(units.database), plan.id))
    try:
        for period in turn.until(plan.newest_closed(local_day(units.clock()))):
            if not await _frozen(units, plan, period):
                break
    except Exception as error:  # whatever it is, it is this plan's; the job's run is failed once all have had their turn
        log.warning("plan_not_frozen", plan=plan.id, error=type(error).__name__)
        return error
    return None


async def _frozen(units: Units, plan: ReportPlan, period: Month) -> bool:
    async def work(uow: UnitOfWork) -> Report:
        return await freeze(uow, plan.id, period)

    try:
        await units.run(work, units.system(), seconds=SECONDS)
    except Conflict:  # frozen by a command at this very moment, or the calendar was changed
        return False
    return True
