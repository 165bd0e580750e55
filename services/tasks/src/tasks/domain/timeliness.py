"""Whether a task is in time: computed from the clock, never stored (API.md 3).

A due day ends at 23:59:59 in Asia/Ho_Chi_Minh. What was handed in that day is in time, even when it was approved later,
unless the committee decides that approval counts: units contest exactly this (golden case G044).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol

from common.contracts.fields import Timeliness
from tasks.domain.committee import Committee
from tasks.domain.deadline import WAITING
from tasks.domain.task import FINISHED, Task


class Standing(Protocol):
    """All of a task that its timeliness depends on: a `Task` has it, and so has a group of equal ones in a count."""

    @property
    def state(self) -> str: ...
    @property
    def due_on(self) -> date | None: ...
    @property
    def submitted_on(self) -> date | None: ...
    @property
    def completed_on(self) -> date | None: ...
    @property
    def deadline_kind(self) -> str: ...


def timeliness(task: Standing, today: date, committee: Committee) -> Timeliness | None:
    """How a task stands towards its due day on a day; None for one that was cancelled."""
    if task.state == "cancelled":
        return None
    if task.state == "paused":
        return "paused"
    done = task.state in FINISHED
    if task.due_on is None:
        return "waiting" if task.deadline_kind in WAITING and not done else "no_due_date"
    counted = counted_day(task, today, committee)
    if done:
        return _done(counted, task.due_on)
    if counted > task.due_on:
        return "overdue"
    near = (task.due_on - counted).days <= committee.nearly_due_days
    return "nearly_due" if near and task.state != "submitted" else "in_time"


def verdict(task: Standing, today: date, committee: Committee) -> Timeliness:
    """What a task that is being approved today will be called: done in time, done late, or without a due day."""
    if task.due_on is None:
        return "no_due_date"
    counted = today if committee.lateness_counts == "approval" else task.submitted_on or today
    return _done(counted, task.due_on)


def _done(counted: date, due_on: date) -> Timeliness:
    return "done_in_time" if counted <= due_on else "done_late"


def days_left(task: Task, today: date) -> int | None:
    """Days to the due day, 0 on it, negative after it; None when there is none or when the work is handed in."""
    if task.due_on is None or task.state in ("submitted", "completed", "cancelled"):
        return None
    return (task.due_on - today).days


def counted_day(task: Standing, today: date, committee: Committee) -> date:
    """The day that is held against the due day."""
    if task.state == "completed":
        by_approval = committee.lateness_counts == "approval"
        return (task.completed_on if by_approval else task.submitted_on) or today
    if task.state == "submitted" and committee.lateness_counts == "submission":
        return task.submitted_on or today
    return today


def matching(wanted: Timeliness, today: date, committee: Committee) -> Mapping[str, Any]:
    """The query that finds what `timeliness` calls so: same rule, in the database's words."""
    now, soon = today.isoformat(), date.fromordinal(today.toordinal() + committee.nearly_due_days).isoformat()
    by_approval = committee.lateness_counts == "approval"
    handed_in_or_before = [*_WORKING, "submitted"]
    waiting = sorted(kind.value for kind in WAITING)
    done = {"state": "completed", "due_on": {"$ne": None}}
    done_on = "$completed_on" if by_approval else "$submitted_on"
    handed_in = {"state": "submitted", "due_on": {"$ne": None}}
    clocked = {"state": {"$in": [*_WORKING, *(["submitted"] if by_approval else [])]}}
    late, far = {**clocked, "due_on": {"$lt": now}}, {**clocked, "due_on": {"$gt": soon}}
    in_time = {**handed_in, "due_on": {"$gte": now}} if by_approval else {**handed_in, **_held("$lte", "$submitted_on")}
    queries: dict[Timeliness, Mapping[str, Any]] = {
        "paused": {"state": "paused"},
        "waiting": {
            "due_on": None, "deadline_kind": {"$in": waiting}, "state": {"$in": handed_in_or_before},
        },
        "no_due_date": {
            "due_on": None,
            "$or": [{"deadline_kind": {"$nin": waiting}, "state": {"$in": handed_in_or_before}}, {"state": "completed"}],
        },
        "done_in_time": {**done, **_held("$lte", done_on)},
        "done_late": {**done, **_held("$gt", done_on)},
        "overdue": late if by_approval else {"$or": [late, {**handed_in, **_held("$gt", "$submitted_on")}]},
        "nearly_due": {"state": {"$in": list(_WORKING)}, "due_on": {"$gte": now, "$lte": soon}},
        "in_time": {"$or": [far, in_time]},
    }  # fmt: skip
    return queries[wanted]


_WORKING = ("draft", "published", "assigned", "in_progress")
"""States in which today is held against the due day."""


def _held(order: str, day: str) -> dict[str, Any]:
    return {"$expr": {order: [day, "$due_on"]}}
