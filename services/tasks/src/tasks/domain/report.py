"""The month's report of a plan, as it is frozen (chốt số liệu): rows, figures, and what differs from the one before.

A row has the fields of 08-QC/TW and of 624/TB-VPCP annex II (DOMAIN 1.2): assigning paper, task, lead, coordinating bodies,
product, deadline as written, progress, evidence, evaluation; nq57.vn publishes no format, so "nq57-shaped" means these fields
and no more. People are opaque ids. Frozen is a document with its bytes: canonical JSON, known by its SHA-256, naming the digest
of the one before. Nothing in it is computed again when it is asked for.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from common.contracts.tasks_reports import ReportFrozen
from common.domain import Aggregate, Day, Document
from tasks.domain.committee import Committee
from tasks.domain.directive import Directive
from tasks.domain.dispute import is_disputed
from tasks.domain.month import Month
from tasks.domain.reporting import ReportPlan, Submission
from tasks.domain.task import Task
from tasks.domain.timeliness import timeliness

FORMAT = "roviec-monthly-report/2"
"""What a report that is frozen now is written in. `/1` knew no extensions and no disputes; it is read and shown as it was."""
Row = dict[str, Any]
Kind = Literal["new", "left", "changed"]


# --- rows ---


def row_of(task: Task, day: date, committee: Committee, units: Mapping[str, str], papers: Mapping[str, Directive]) -> Row:
    """How a task stands on a day; `units` are names by id."""
    stands = timeliness(task, day, committee)
    paper = papers.get(task.directive_id or "")
    return {
        "task_id": task.id,
        "reference": task.reference,
        "directive_id": task.directive_id,
        "assigning_document": paper.number if paper is not None else task.source,
        "title": task.title,
        "lead_unit_id": task.lead_unit_id,
        "lead": units.get(task.lead_unit_id or "", task.lead_written),
        "coordinator_unit_ids": task.coordinator_unit_ids,
        "coordinators": [units.get(one, one) for one in task.coordinator_unit_ids] or _written(task.coordinators_written),
        "responsible_id": task.responsible_id,
        "approver_id": task.approver_id,
        "product": task.product,
        "deadline_written": task.deadline_written,
        "due_on": _day(task.due_on),
        "original_due_on": _day(task.original_due_on),
        "disputed": is_disputed(task),
        "state": task.state,
        "timeliness": stands,
        "status": status_of(task.state, stands),
        "percent": task.percent,
        "submitted_on": _day(task.submitted_on),
        "completed_on": _day(task.completed_on),
        "submissions": task.submissions,
        "evidence": [
            {"kind": one.kind, "title": one.title, "url": one.url, "sha256": one.sha256} for one in task.evidence if one.counts
        ],
        "authority": task.authority,
    }


def _written(words: str) -> list[str]:
    return [words] if words else []


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


STATUS_WORDS = {
    "not_issued": "Chưa ban hành",
    "assigned": "Chưa thực hiện",
    "in_progress": "Đang thực hiện",
    "at_risk": "Sắp đến hạn",
    "overdue": "Quá hạn",
    "submitted": "Chờ duyệt",
    "done_on_time": "Hoàn thành trong hạn",
    "done_late": "Hoàn thành quá hạn",
    "done_no_deadline": "Đã hoàn thành",
    "paused": "Tạm hoãn",
    "waiting_upstream": "Chờ văn bản cấp trên",
    "cancelled": "Đã hủy",
}
"""Codes and labels of data/status_codes.csv; `not_issued` and `cancelled` are ours."""


def status_of(state: str, stands: str | None) -> str:
    """The code of data/status_codes.csv for a state and its timeliness."""
    if state == "completed":
        return {"done_in_time": "done_on_time", "done_late": "done_late"}.get(stands or "", "done_no_deadline")
    if state in ("cancelled", "paused"):
        return state
    if state == "draft":
        return "not_issued"
    if stands in ("overdue", "nearly_due", "waiting"):
        return {"overdue": "overdue", "nearly_due": "at_risk", "waiting": "waiting_upstream"}[stands]
    return {"submitted": "submitted", "in_progress": "in_progress"}.get(state, "assigned")


# --- what differs from the report before ---

_COMPARED = ("title", "lead_unit_id", "state", "timeliness", "due_on", "submitted_on", "completed_on")


def stood_on(row: Row, on: date, lateness_counts: str) -> str:
    """How a row stood on a day, by what it says today: what was done later had not been done then."""
    if row["state"] == "cancelled":
        return "cancelled"
    day = on.isoformat()
    done_on = row["completed_on"] if lateness_counts == "approval" else row["submitted_on"]
    due_on = row["due_on"]
    if done_on is not None and done_on <= day:
        return "done" if due_on is None else "done_in_time" if done_on <= due_on else "done_late"
    return "overdue" if due_on is not None and due_on < day else "open"


def changes(before: Mapping[str, Any], rows: Sequence[Row], period: Month, committee: Committee) -> list[dict[str, Any]]:
    """What differs from the report before, task by task, each with the month to which it belongs.

    A change is late when the report before would have said otherwise, had it been known then: its day was moved afterwards, a
    result turned up, the reading of lateness was decided anew. It belongs to the month of the due day that it touches, at the
    latest to the month of that report; whatever happened since belongs to this month.
    """
    day, last = date.fromisoformat(before["day"]), Month.read(before["period"])
    counted_before, counted_now = before["committee"]["lateness_counts"], committee.lateness_counts
    old, new = ({row["task_id"]: row for row in table} for table in (before["rows"], rows))
    found = []
    for task_id in sorted(old.keys() | new.keys()):
        one, other = old.get(task_id), new.get(task_id)
        fields = [name for name in _COMPARED if (one or {}).get(name) != (other or {}).get(name)]
        if not fields:
            continue
        now = stood_on(other, day, counted_now) if other is not None else "left"
        then = stood_on(one, day, counted_before) if one is not None else "open"
        late = now not in ("left", "cancelled") and now != then
        kind: Kind = "new" if one is None else "left" if other is None else "changed"
        found.append(
            {
                "task_id": task_id,
                "title": (other or one or {})["title"],
                "kind": kind,
                "late": late,
                "belongs_to": str(_month_of(one, other, last) if late else period),
                "fields": fields,
                "before": None if one is None else {name: one[name] for name in fields},
                "after": None if other is None else {name: other[name] for name in fields},
            }
        )
    return found


def _month_of(one: Row | None, other: Row | None, last: Month) -> Month:
    days = [row["due_on"] for row in (one, other) if row is not None and row["due_on"] is not None]
    return min([last, *(Month.read(day[:7]) for day in days)])


# --- the document ---


class UnitFigures(BaseModel):
    """The figures of one lead unit; "" for tasks without one."""

    unit_id: str
    name: str
    total: int
    by_timeliness: dict[str, int]


class Figures(BaseModel):
    """Counts of a report. `by_state` adds up to the total, `by_timeliness` to the total less the cancelled."""

    total: int
    by_state: dict[str, int]
    by_timeliness: dict[str, int]
    by_unit: list[UnitFigures]


def figures_of(rows: Sequence[Row]) -> Figures:
    """The counts of these rows; units by name."""
    per_unit: dict[str, list[Row]] = {}
    for row in rows:
        per_unit.setdefault(row["lead_unit_id"] or "", []).append(row)
    units = [
        UnitFigures(
            unit_id=unit,
            name=own[0]["lead"] if unit else "",
            total=len(own),
            by_timeliness=_counts(row["timeliness"] for row in own),
        )
        for unit, own in per_unit.items()
    ]
    return Figures(
        total=len(rows),
        by_state=_counts(row["state"] for row in rows),
        by_timeliness=_counts(row["timeliness"] for row in rows),
        by_unit=sorted(units, key=lambda one: (one.name, one.unit_id)),
    )


def _counts(names: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(name for name in names if name is not None).items()))


def submission_row(one: Submission) -> dict[str, Any]:
    """What the report says of a unit's own report."""
    first = one.handed_in[0]
    return {
        "unit_id": one.unit_id,
        "period": one.period,
        "submitted_at": moment(first.at),
        "days_late": one.days_late,
        "no_work": one.handed_in[-1].no_work,
    }


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Frozen(BaseModel):
    """Everything of which a report is made."""

    plan: ReportPlan
    period: str
    as_of: datetime
    day: Day
    committee: Committee
    rows: list[Row]
    previous: dict[str, Any] | None = None
    previous_sha256: str | None = None
    submissions: list[dict[str, Any]] = Field(default_factory=list)
    late_submissions: list[dict[str, Any]] = Field(default_factory=list)
    """Of months that were frozen before, handed in since."""

    def body(self) -> dict[str, Any]:
        """The report as it is kept."""
        period = Month.read(self.period)
        differs = [] if self.previous is None else changes(self.previous, self.rows, period, self.committee)
        before = None if self.previous is None else {"period": self.previous["period"], "sha256": self.previous_sha256}
        return {
            "format": FORMAT,
            "plan": {"id": self.plan.id, "title": self.plan.title, "directive_id": self.plan.directive_id},
            "period": self.period,
            "as_of": moment(self.as_of),
            "day": self.day.isoformat(),
            "report_due": self.plan.report_due(period).isoformat(),
            "committee": {
                "nearly_due_days": self.committee.nearly_due_days,
                "lateness_counts": self.committee.lateness_counts,
            },
            "previous": before,
            "figures": figures_of(self.rows).model_dump(),
            "submissions": self.submissions,
            "late_submissions": self.late_submissions,
            "changes": differs,
            "rows": self.rows,
        }


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes of a report: canonical JSON as RFC 8785 has it, for the text, whole numbers and ASCII names that it holds."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class ReportBody(Document):
    """The bytes of a frozen report, packed."""

    packed: bytes

    @classmethod
    def pack(cls, report_id: str, data: bytes) -> ReportBody:
        return cls(id=report_id, packed=zlib.compress(data, 6))

    def data(self) -> bytes:
        return zlib.decompress(self.packed)


class Report(Aggregate):
    """A frozen report: what is known of it without opening it. It is never changed."""

    noun: ClassVar = ("báo cáo đã chốt", "frozen report")
    plan_id: str
    title: str
    period: str
    as_of: datetime
    frozen_on: Day
    public_from: Day
    """The first day on which its late list is public: the appeal window as the plan had it then."""
    by: str
    sha256: str
    size: int
    previous_sha256: str | None
    figures: Figures
    changed: int
    late_changes: int

    @staticmethod
    def id_of(plan_id: str, period: str) -> str:
        return f"{plan_id}/{period}"

    @classmethod
    def freeze(cls, frozen: Frozen, by: str) -> tuple[Report, ReportBody]:
        """Make the document and its bytes."""
        body = frozen.body()
        data = canonical(body)
        report_id = cls.id_of(frozen.plan.id, frozen.period)
        report = cls(
            id=report_id,
            plan_id=frozen.plan.id,
            title=frozen.plan.title,
            period=frozen.period,
            as_of=frozen.as_of,
            frozen_on=frozen.day,
            public_from=frozen.plan.public_from(frozen.day),
            by=by,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            previous_sha256=frozen.previous_sha256,
            figures=Figures.model_validate(body["figures"]),
            changed=len(body["changes"]),
            late_changes=sum(one["late"] for one in body["changes"]),
        )
        report.record(
            ReportFrozen(
                report_id=report_id,
                plan_id=report.plan_id,
                period=report.period,
                as_of=report.as_of,
                sha256=report.sha256,
                tasks=report.figures.total,
                overdue=report.figures.by_timeliness.get("overdue", 0),
                late_changes=report.late_changes,
            )
        )
        return report, ReportBody.pack(report_id, data)


def late_rows(body: Mapping[str, Any]) -> Iterator[Row]:
    """Tasks that were overdue when the report was frozen, the longest overdue first, without any person."""
    late = [row for row in body["rows"] if row["timeliness"] == "overdue"]
    for row in sorted(late, key=lambda row: (row["due_on"], row["task_id"])):
        days = (date.fromisoformat(body["day"]) - date.fromisoformat(row["due_on"])).days
        told = ("task_id", "title", "lead_unit_id", "lead", "assigning_document", "deadline_written", "due_on")
        yield {name: row[name] for name in told} | {"days_overdue": days}
