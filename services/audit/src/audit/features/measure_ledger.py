"""Say how long the ledger is."""

from __future__ import annotations

from audit import store
from common.observability import LEDGER_SIZE
from common.repository import Reader
from common.settings import Settings
from common.unit_of_work import Units


async def run(units: Units, _: Settings) -> None:
    LEDGER_SIZE.set((await store.head(Reader(units.database))).size)
