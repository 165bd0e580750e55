"""A long import as callers see it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from common.http import View
from tasks.domain.long_import import LongImport
from tasks.features.import_table import Counts


class LongImportView(View):
    id: str
    dry_run: bool
    started_at: datetime
    ended_at: datetime | None = Field(description="null while it runs")
    rows: int
    rows_done: int
    parts: int
    parts_done: int = Field(description="What was found on the rows of part n: `GET /v1/imports/long/{id}/parts/{n}`, from 1")
    counts: Counts = Field(description="Of the rows that are done")

    @classmethod
    def of(cls, one: LongImport) -> LongImportView:
        shown = one.model_dump(include=set(cls.model_fields) - {"counts"})
        return cls(**shown, counts=Counts(**one.counts))
