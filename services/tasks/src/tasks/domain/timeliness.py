"""Whether a task is in time: computed from the clock, never stored (API.md 3).

A due day ends at 23:59:59 in Asia/Ho_Chi_Minh. What was handed in that day is in time, even when it was approved later,
unless the committee decides that approval counts: units contest exactly this (golden case G044).

A task that repeats has a due day for each period, and stands as the worst of them and of its own: late for one period, it is
late, whatever its other months were. With an open period and no day of its own it is in time.
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


class WithPeriods(Standing, Protocol):
    """What may have due days of periods beside its own."""

    @property
    def owed_on(self) -> date | None:
        """The earliest due day of its periods that were not handed in, or too late; None of what has no periods."""

    @property
    def unclosed_on(self) -> date | None:
        """The earliest due day of its periods that were not approved yet; None of what has no periods."""


def timeliness(task: WithPeriods, today: date, committee: Committee) -> Timeliness | None:
    """How a task stands on a day, towards its own due day and those of its periods; None for one that was cancelled."""
    own = own_timeliness(task, today, committee)
    first = task.unclosed_on if committee.lateness_counts == "approval" else task.owed_on
    if own in (None, "paused", "overdue") or task.unclosed_on is None:
        return own
    if first is not None and first < today:
        return "overdue"
    if task.owed_on is not None and (task.owed_on - today).days <= committee.nearly_due_days:
        return "nearly_due"
    return "in_time" if own in ("no_due_date", "waiting") else own


def own_timeliness(task: Standing, today: date, committee: Committee) -> Timeliness | None:
    """How it stands towards its own due day, its periods apart."""
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


def next_due(task: Task) -> date | None:
    """The day by which something of it is to be done next: by whoever does the work, else by whoever approves; None: no day."""
    own = None if task.state in FINISHED else task.due_on
    in_time = own is not None and task.state == "submitted" and (task.submitted_on or own) <= own
    return _first(None if in_time else own, task.owed_on) or _first(own, task.unclosed_on)


def _first(*days: date | None) -> date | None:
    return min((day for day in days if day is not None), default=None)


def days_left(task: Task, today: date) -> int | None:
    """Days to the day by which something is to be handed in next, its own or a period's: 0 on it, negative after it.

    None when there is no such day or all that had one is handed in; a task that is late for a period alone says how late.
    """
    own = None if task.state in ("submitted", "cancelled", *FINISHED) else task.due_on
    first = _first(own, task.owed_on)
    return None if first is None else (first - today).days


def counted_day(task: Standing, today: date, committee: Committee) -> date:
    """The day that is held against the due day."""
    if task.state == "completed":
        by_approval = committee.lateness_counts == "approval"
        return (task.completed_on if by_approval else task.submitted_on) or today
    if task.state == "submitted" and committee.lateness_counts == "submission":
        return task.submitted_on or today
    return today


def matching(wanted: Timeliness, today: date, committee: Committee) -> Mapping[str, Any]:
    """The query that finds what `timeliness` calls so: same rule, in the database's words. `_d.owes` is true of tasks that owe
    a period, and `_d.owed_on` and `_d.unclosed_on` are the days of that name.
    """
    own, now, soon = _own_matching(today, committee), today.isoformat(), _soon(today, committee)
    first, owes = "_d.unclosed_on" if committee.lateness_counts == "approval" else "_d.owed_on", {"_d.owes": True}
    late, near = {**owes, first: {"$lt": now}}, {**owes, "_d.owed_on": {"$gte": now, "$lte": soon}}
    none_late = {first: {"$not": {"$lt": now}}}
    calm = {"$and": [none_late, {"_d.owed_on": {"$not": {"$lte": soon}}}]}
    undated = {**owes, "$or": [own["waiting"], own["no_due_date"]]}
    queries: dict[Timeliness, Mapping[str, Any]] = {
        **own,
        "overdue": {"$or": [own["overdue"], late]},
        "nearly_due": {"$and": [none_late, {"$or": [own["nearly_due"], {**near, **_not_late_itself(today, committee)}]}]},
        "in_time": {"$and": [calm, {"$or": [own["in_time"], undated]}]},
        "waiting": {**own["waiting"], "_d.owes": None},
        "no_due_date": {**own["no_due_date"], "_d.owes": None},
        "done_in_time": {"$and": [own["done_in_time"], calm]},
        "done_late": {"$and": [own["done_late"], calm]},
    }
    return queries[wanted]


def _own_matching(today: date, committee: Committee) -> dict[Timeliness, Mapping[str, Any]]:
    """As `own_timeliness` says."""
    now, soon, by_approval = today.isoformat(), _soon(today, committee), committee.lateness_counts == "approval"
    handed_in_or_before = [*_WORKING, "submitted"]
    waiting = sorted(kind.value for kind in WAITING)
    done = {"state": "completed", "due_on": {"$ne": None}}
    done_on = "$completed_on" if by_approval else "$submitted_on"
    clocked = _clocked(committee)
    late, far = {**clocked, "due_on": {"$lt": now}}, {**clocked, "due_on": {"$gt": soon}}
    in_time = {**_HANDED_IN, "due_on": {"$gte": now}} if by_approval else {**_HANDED_IN, **_held("$lte", "$submitted_on")}
    return {
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
        "overdue": late if by_approval else {"$or": [late, {**_HANDED_IN, **_held("$gt", "$submitted_on")}]},
        "nearly_due": {"state": {"$in": list(_WORKING)}, "due_on": {"$gte": now, "$lte": soon}},
        "in_time": {"$or": [far, in_time]},
    }  # fmt: skip


def _not_late_itself(today: date, committee: Committee) -> dict[str, Any]:
    """Of a task that owes a period: its own day has not passed, or it has none, or it is done."""
    in_time = [] if committee.lateness_counts == "approval" else [{**_HANDED_IN, **_held("$lte", "$submitted_on")}]
    ahead = {**_clocked(committee), "due_on": {"$gte": today.isoformat()}}
    return {"$or": [{"due_on": None}, {"state": "completed"}, ahead, *in_time]}


_WORKING = ("draft", "published", "assigned", "in_progress")
"""States in which today is held against the due day."""
_HANDED_IN: Mapping[str, Any] = {"state": "submitted", "due_on": {"$ne": None}}


def _clocked(committee: Committee) -> dict[str, Any]:
    """States in which today is held against the due day, by the committee's setting."""
    return {"state": {"$in": [*_WORKING, *(["submitted"] if committee.lateness_counts == "approval" else [])]}}


def _soon(today: date, committee: Committee) -> str:
    return date.fromordinal(today.toordinal() + committee.nearly_due_days).isoformat()


def _held(order: str, day: str) -> dict[str, Any]:
    return {"$expr": {order: [day, "$due_on"]}}
