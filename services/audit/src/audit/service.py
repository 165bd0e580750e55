"""Table of contents of the audit service."""

from __future__ import annotations

from datetime import timedelta

from audit import store
from audit.features import get_entry, list_entries, measure_ledger, on_event_published
from common.service import Job, Service
from common.settings import Settings

service = Service(
    name="audit",
    title="Rõ Việc: sổ cái kiểm toán (audit ledger)",
    settings=Settings,
    stores=[store.LEDGER, store.ENTRIES, store.ORIGINALS],
    routes=[list_entries.routes, get_entry.routes],
    handlers=[on_event_published.handle],
    jobs=[Job("measure-ledger", timedelta(seconds=5), measure_ledger.run)],
    single_writer=True,
)

if __name__ == "__main__":
    service.main()
