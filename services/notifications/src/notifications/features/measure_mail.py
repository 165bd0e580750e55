"""Tell the operator how much mail waits, and for how long."""

from __future__ import annotations

from common.observability import MAIL_AGE, MAIL_PENDING
from common.repository import Reader
from common.unit_of_work import Units
from notifications.settings import NotificationsSettings
from notifications.store import mail_in_hand


async def measure_mail(units: Units, _: NotificationsSettings) -> None:
    """Set the gauges of this replica."""
    pending, oldest = await mail_in_hand(Reader(units.database))
    MAIL_PENDING.set(pending)
    MAIL_AGE.set(0.0 if oldest is None else max(0.0, (units.clock() - oldest).total_seconds()))
