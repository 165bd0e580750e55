"""A frozen report as callers see it: every figure leads to its tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import Path
from pydantic import Field

from common.domain import Actor
from common.errors import NotFound, Words
from common.http import View
from common.repository import Reader
from tasks.domain.month import PERIOD
from tasks.domain.report import Outcome, Report
from tasks.domain.reporting import PLAN_ID
from tasks.store import REPORT_BODIES, REPORTS, existing

PlanId = Annotated[str, Path(pattern=PLAN_ID)]
Period = Annotated[str, Path(pattern=PERIOD)]


class Figure(View):
    count: int
    tasks: str = Field(description="The frozen rows behind the figure")


class UnitFiguresView(View):
    unit_id: str
    name: str
    total: Figure
    by_timeliness: dict[str, Figure]
    periods: dict[Outcome, Figure]


class ReportView(View):
    plan_id: str
    title: str
    period: str
    as_of: datetime
    frozen_on: date
    by: str
    sha256: str = Field(description="Of the bytes of `export?format=json`")
    size: int
    previous_sha256: str | None = Field(description="Of the report before")
    total: Figure
    by_state: dict[str, Figure] = Field(description="Adds up to the total")
    by_timeliness: dict[str, Figure] = Field(description="Adds up to the total less the cancelled")
    periods: dict[Outcome, Figure] = Field(
        description="Periods of tasks that repeat that fell due since the report before, by how they were met"
    )
    by_unit: list[UnitFiguresView] = Field(description="The caller's units")
    changed: Figure = Field(description="What differs from the report before")
    late_changes: Figure = Field(description="Of these, what belongs to months that were frozen before")
    public_from: date = Field(description="The day from which the late list is public")
    exports: dict[str, str]

    @classmethod
    def of(cls, report: Report, actor: Actor) -> ReportView:
        path, figures = f"/v1/reports/{report.id}", report.figures
        units = [unit for unit in figures.by_unit if actor.units is None or unit.unit_id in actor.units]
        names = set(cls.model_fields) & set(Report.model_fields) - {"changed", "late_changes"}
        return cls.model_validate(
            report.model_dump(include=names)
            | {
                "total": _figure(path, figures.total),
                "by_state": {name: _figure(path, count, state=name) for name, count in figures.by_state.items()},
                "by_timeliness": _stands(path, figures.by_timeliness),
                "periods": _met(path, figures.periods),
                "by_unit": [
                    {
                        "unit_id": unit.unit_id,
                        "name": unit.name,
                        "total": _figure(path, unit.total, unit=unit.unit_id),
                        "by_timeliness": _stands(path, unit.by_timeliness, unit=unit.unit_id),
                        "periods": _met(path, unit.periods, unit=unit.unit_id),
                    }
                    for unit in units
                ],
                "changed": Figure(count=report.changed, tasks=f"{path}/changes"),
                "late_changes": Figure(count=report.late_changes, tasks=f"{path}/changes?late=true"),
                "exports": {form: f"{path}/export?format={form}" for form in ("json", "csv", "xlsx", "html", "digest")},
            }
        )


def _stands(path: str, counts: Mapping[str, int], **more: str) -> dict[str, Figure]:
    return {name: _figure(path, count, timeliness=name, **more) for name, count in counts.items()}


def _met(path: str, counts: Mapping[Outcome, int], **more: str) -> dict[str, Figure]:
    return {name: _figure(path, count, of="periods", outcome=name, **more) for name, count in counts.items()}


def _figure(path: str, count: int, of: str = "rows", **filters: str) -> Figure:
    return Figure(count=count, tasks=f"{path}/{of}" + (f"?{urlencode(filters)}" if filters else ""))


async def find_report(reader: Reader, plan_id: str, period: str) -> Report:
    """Raises `NotFound` for a month that was not frozen."""
    return await existing(reader, REPORTS, Report.id_of(plan_id, period))


async def bytes_of(reader: Reader, report: Report) -> bytes:
    """The frozen bytes."""
    body = await reader.get(REPORT_BODIES, report.id)
    if body is None:
        raise NotFound.of(Words(*Report.noun), report.id)
    return await asyncio.to_thread(body.data)


async def body_of(reader: Reader, report: Report) -> dict[str, Any]:
    """The frozen document."""
    found: dict[str, Any] = await asyncio.to_thread(orjson.loads, await bytes_of(reader, report))
    return found


def sees(actor: Actor, row: Mapping[str, Any]) -> bool:
    """Whether a frozen row concerns a unit of the actor, or the actor in person: as with the task itself."""
    if actor.acts_for(row["lead_unit_id"], *row["coordinator_unit_ids"]):
        return True
    return actor.kind == "person" and actor.id in (row["responsible_id"], row["approver_id"])
