"""Timed job: freeze the months of every plan whose last day has ended."""

from __future__ import annotations

from typing import Any

from common.domain import local_day
from common.errors import Conflict
from common.repository import Reader
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.period import Month
from tasks.domain.report import Report
from tasks.domain.reporting import ReportPlan
from tasks.features.freeze_report import SECONDS, freeze, next_period
from tasks.store import REPORT_PLANS, last_report


async def run(units: Units, _settings: Any) -> None:
    """Each month in a transaction of its own, oldest first: cut off anywhere, the next run goes on. A month that was missed,
    because no worker ran, is frozen late, and its "as of" says when.
    """
    reader = Reader(units.database)
    for plan in await reader.find(REPORT_PLANS, {}, sort=("_id",)):
        turn = next_period(plan, await last_report(reader, plan.id))
        for period in turn.until(plan.newest_closed(local_day(units.clock()))):
            if not await _frozen(units, plan, period):
                break


async def _frozen(units: Units, plan: ReportPlan, period: Month) -> bool:
    async def work(uow: UnitOfWork) -> Report:
        return await freeze(uow, plan.id, period)

    try:
        await units.run(work, units.system(), seconds=SECONDS)
    except Conflict:  # frozen by a command at this very moment, or the calendar was changed
        return False
    return True
