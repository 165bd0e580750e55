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
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, Field

from common.contracts.tasks_reports import ReportFrozen
from common.domain import Aggregate, Day, Document
from tasks.domain.committee import Committee
from tasks.domain.directive import Directive
from tasks.domain.dispute import is_disputed
from tasks.domain.handover import led_on
from tasks.domain.month import Month
from tasks.domain.periods import Period, stated_no_work
from tasks.domain.reporting import ReportPlan, Submission
from tasks.domain.task import Task
from tasks.domain.timeliness import own_timeliness, timeliness

FORMAT = "roviec-monthly-report/3"
"""What a report that is frozen now is written in. `/1` knew no extensions and no disputes, `/2` no periods; they are read and
shown as they were.
"""
Row = dict[str, Any]
Outcome = Literal["in_time", "late", "missing", "without_work", "paused"]
"""How a period was met: handed in by its day, handed in later, not handed in, nothing to hand in; or its clock stood still."""
Kind = Literal["new", "left", "changed"]


# --- rows ---


def row_of(task: Task, day: date, committee: Committee, units: Mapping[str, str], papers: Mapping[str, Directive]) -> Row:
    """How a task stands on a day; `units` are names by id."""
    stands = timeliness(task, day, committee)
    late = [one for one in task.owed_periods if own_timeliness(one, day, committee) == "overdue"]
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
        "own_timeliness": own_timeliness(task, day, committee),
        "overdue_periods": [{"period": one.key, "due_on": _day(one.due_on)} for one in late],
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


def outcome_of(task: Task, period: Period, day: date, committee: Committee) -> Outcome | None:
    """How a period whose day has passed was met, by a day; None when nothing was owed: the task was cancelled, or accepted as a
    whole before. That there was no work counts from when it is said, unless that came too late.
    """
    if period.state == "without_work":
        return "without_work"
    if period.state != "completed" and not task.owes(period.due_on):
        return "paused" if task.state == "paused" else None
    in_time = own_timeliness(period, day, committee) in ("in_time", "done_in_time")
    if in_time:
        return "in_time" if stated_no_work(period) is None else "without_work"
    return "missing" if period.state == "in_progress" else "late"


def period_row(task: Task, period: Period, outcome: Outcome, units: Mapping[str, str]) -> Row:
    """A period that fell due, under the unit that led the task on that day; `units` are names by id."""
    lead = led_on(task, period.due_on)
    return {
        "task_id": task.id,
        "period": period.key,
        "title": task.title,
        "lead_unit_id": lead,
        "lead": units.get(lead or "", task.lead_written),
        "due_on": _day(period.due_on),
        "state": period.state,
        "outcome": outcome,
        "submitted_on": _day(period.submitted_on),
        "completed_on": _day(period.completed_on),
    }


def period_key(row: Row) -> str:
    """Where a row of a period stands: by its task, then by its due day."""
    return f"{row['task_id']}/{row['due_on']}/{row['period']}"


def periods_from(previous: Mapping[str, Any] | None, period: Month) -> date:
    """The first due day of the periods that a report tells of: that on which the one before was frozen, so that each period
    stands in one report, once its day has passed. A month is frozen before it ends, and most periods are due at its end.
    """
    return period.first if previous is None else date.fromisoformat(previous["day"])


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
        found = {"done_in_time": "done_on_time", "done_late": "done_late", "overdue": "overdue", "nearly_due": "at_risk"}
        return found.get(stands or "", "done_no_deadline")
    if state in ("cancelled", "paused"):
        return state
    if state == "draft":
        return "not_issued"
    if stands in ("overdue", "nearly_due", "waiting"):
        return {"overdue": "overdue", "nearly_due": "at_risk", "waiting": "waiting_upstream"}[stands]
    return {"submitted": "submitted", "in_progress": "in_progress"}.get(state, "assigned")


# --- what differs from the report before ---

_COMPARED = ("title", "lead_unit_id", "state", "timeliness", "overdue_periods", "due_on", "submitted_on", "completed_on")


def _told(row: Row | None, name: str) -> Any:
    """What a row says of a field: nothing where there is none, or where its format did not know the field."""
    return (row or {}).get(name) or None


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


def period_stood_on(task: Task, period: Period, on: date, lateness_counts: str) -> str:
    """As `stood_on`, of a period; one that was without work, or of a cancelled task, was not owed."""
    gone = period.state == "without_work" or task.state == "cancelled"
    days = {name: _day(getattr(period, name)) for name in ("due_on", "submitted_on", "completed_on")}
    return stood_on({"state": "cancelled" if gone else period.state, **days}, on, lateness_counts)


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
        fields = [name for name in _COMPARED if _told(one, name) != _told(other, name)]
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
                "before": None if one is None else {name: one.get(name) for name in fields},
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
    periods: dict[Outcome, int] = Field(default_factory=dict)


class Figures(BaseModel):
    """Counts of a report. `by_state` adds up to the total, `by_timeliness` to the total less the cancelled; `periods` are those
    that fell due since the report before, by how they were met.
    """

    total: int
    by_state: dict[str, int]
    by_timeliness: dict[str, int]
    periods: dict[Outcome, int] = Field(default_factory=dict)
    by_unit: list[UnitFigures]


def figures_of(rows: Sequence[Row], periods: Sequence[Row] = ()) -> Figures:
    """The counts of these rows, and of these rows of periods; units by name."""
    tasks_of, periods_of = _by_unit(rows), _by_unit(periods)
    units = [
        UnitFigures(
            unit_id=unit,
            name=[*tasks_of.get(unit, []), *periods_of.get(unit, [])][0]["lead"] if unit else "",
            total=len(tasks_of.get(unit, [])),
            by_timeliness=_counts(row["timeliness"] for row in tasks_of.get(unit, [])),
            periods=_outcomes(periods_of.get(unit, [])),
        )
        for unit in tasks_of | periods_of
    ]
    return Figures(
        total=len(rows),
        by_state=_counts(row["state"] for row in rows),
        by_timeliness=_counts(row["timeliness"] for row in rows),
        periods=_outcomes(periods),
        by_unit=sorted(units, key=lambda one: (one.name, one.unit_id)),
    )


def _by_unit(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["lead_unit_id"] or "", []).append(row)
    return found


def _outcomes(periods: Sequence[Row]) -> dict[Outcome, int]:
    counts = Counter(row["outcome"] for row in periods)
    return {name: counts[name] for name in sorted(get_args(Outcome)) if counts[name]}


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
    periods: list[Row] = Field(default_factory=list)
    """Those that fell due from `periods_from` to the day before `day`, by task and due day."""
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
            "figures": figures_of(self.rows, self.periods).model_dump(),
            "submissions": self.submissions,
            "late_submissions": self.late_submissions,
            "changes": differs,
            "rows": self.rows,
            "periods_from": periods_from(self.previous, period).isoformat(),
            "periods": self.periods,
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
    """What was overdue when the report was frozen, the longest overdue first, without any person: tasks by their own day, and
    each late period of a task that repeats, which is named.
    """
    told = ("task_id", "title", "lead_unit_id", "lead", "assigning_document", "deadline_written")
    late = [
        {name: row[name] for name in told} | {"due_on": due_on, "period": key}
        for row in body["rows"]
        for key, due_on in _overdue(row)
    ]
    for one in sorted(late, key=late_key):
        days = (date.fromisoformat(body["day"]) - date.fromisoformat(one["due_on"])).days
        yield one | {"days_overdue": days}


def _overdue(row: Row) -> Iterator[tuple[str | None, str]]:
    """Period, None for the task itself, and due day of what a row says is overdue."""
    if row.get("own_timeliness", row["timeliness"]) == "overdue":
        yield None, row["due_on"]
    for one in row.get("overdue_periods", ()):
        yield one["period"], one["due_on"]


def late_key(row: Row) -> str:
    """Where a row stands in the late list."""
    return f"{row['due_on']}/{row['task_id']}/{row['period'] or ''}"
