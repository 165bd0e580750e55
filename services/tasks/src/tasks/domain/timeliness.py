"""Whether a task is in time: computed from the clock, never stored (API.md 3).

A due day ends at 23:59:59 in Asia/Ho_Chi_Minh. What was handed in that day is in time, even when it was approved later,
unless the committee decides that approval counts: units contest exactly this (golden case G044).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from common.contracts.fields import Timeliness
from tasks.domain.committee import Committee
from tasks.domain.deadline import WAITING
from tasks.domain.task import FINISHED, Task


def timeliness(task: Task, today: date, committee: Committee) -> Timeliness | None:
    """How a task stands towards its due day on a day; None for one that was cancelled."""
    if task.state == "cancelled":
        return None
    if task.state == "paused":
        return "paused"
    done = task.state in FINISHED
    if task.due_on is None:
        return "waiting" if task.deadline_kind in WAITING and not done else "no_due_date"
    counted = _counted_day(task, today, committee)
    if done:
        return "done_in_time" if counted <= task.due_on else "done_late"
    if counted > task.due_on:
        return "overdue"
    near = (task.due_on - counted).days <= committee.nearly_due_days
    return "nearly_due" if near and task.state != "submitted" else "in_time"


def days_left(task: Task, today: date) -> int | None:
    """Days to the due day, 0 on it, negative after it; None when there is none or when the work is handed in."""
    if task.due_on is None or task.state in ("submitted", "completed", "cancelled"):
        return None
    return (task.due_on - today).days


def _counted_day(task: Task, today: date, committee: Committee) -> date:
    """The day that is held against the due day."""
    if task.state == "completed":
        by_approval = committee.lateness_counts == "approval"
        return (task.completed_on if by_approval else task.submitted_on) or today
    if task.state == "submitted" and committee.lateness_counts == "submission":
        return task.submitted_on or today
    return today


def matching(wanted: str, today: date, committee: Committee) -> Mapping[str, Any]:
    """The query that finds what `timeliness` calls so: same rule, in the database's words."""
    now, soon = today.isoformat(), date.fromordinal(today.toordinal() + committee.nearly_due_days).isoformat()
    by_approval = committee.lateness_counts == "approval"
    done_on = "$completed_on" if by_approval else "$submitted_on"
    working = ["draft", "published", "assigned", "in_progress", *(["submitted"] if by_approval else [])]
    handed_in = {"state": "submitted", "$expr": {"$lte": ["$submitted_on", "$due_on"]}}
    handed_in_late = {"state": "submitted", "$expr": {"$gt": ["$submitted_on", "$due_on"]}}
    dated = {"due_on": {"$ne": None}}
    match wanted:
        case "paused":
            return {"state": "paused"}
        case "waiting":
            kinds = sorted(kind.value for kind in WAITING)
            return {"due_on": None, "deadline_kind": {"$in": kinds}, "state": {"$nin": ["completed", "cancelled", "paused"]}}
        case "no_due_date":
            kinds = sorted(kind.value for kind in WAITING)
            open_ = {"deadline_kind": {"$nin": kinds}, "state": {"$nin": ["cancelled", "paused"]}}
            return {"due_on": None, "$or": [open_, {"state": "completed"}]}
        case "done_in_time" | "done_late":
            order = "$lte" if wanted == "done_in_time" else "$gt"
            return {"state": "completed", **dated, "$expr": {order: [done_on, "$due_on"]}}
        case "overdue":
            late = {"state": {"$in": working}, "due_on": {"$lt": now, "$ne": None}}
            return late if by_approval else {"$or": [late, {**handed_in_late, **dated}]}
        case "nearly_due":
            active = [state for state in working if state != "submitted"]
            return {"state": {"$in": active}, "due_on": {"$gte": now, "$lte": soon}}
    far: dict[str, Any] = {"state": {"$in": working}, "due_on": {"$gt": soon}}
    waiting = {"state": "submitted", "due_on": {"$gte": now}} if by_approval else {**handed_in, **dated}
    return {"$or": [far, waiting]}
