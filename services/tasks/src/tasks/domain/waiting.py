"""The waiting-clock: "30 ngày sau khi Trung ương ban hành" runs from a paper that does not exist yet (DOMAIN 2.3, 7.3).

Until that paper is registered the task waits, and the days are booked to the body waited for. The paper dates the task;
when its day is corrected the due day moves, when it is withdrawn the task waits again. A due day that people have set
themselves since is theirs: no paper moves it.
"""

from __future__ import annotations

from datetime import date, timedelta

from common.contracts import tasks as events
from common.domain import local_day
from tasks.domain.committee import Committee
from tasks.domain.directive import Directive
from tasks.domain.task import Clock, Task


def waits(task: Task) -> bool:
    """True while the task has no due day because another body has not spoken."""
    return bool(task.waits_for) and task.due_on is None and task.state not in ("completed", "cancelled")


def waiting_since(task: Task) -> date:
    """The day from which it waits: the one on which it was written down, or on which its words came to say so."""
    return task.waiting_since or local_day(task.created_at)


def days_waited(task: Task, today: date) -> int:
    """Days booked to the body waited for: up to the paper's day, up to today while there is none."""
    if task.clock is not None:
        return task.clock.days_waited
    return _between(waiting_since(task), today) if waits(task) else 0


def _between(since: date, until: date) -> int:
    return max(0, (until - since).days)


def due_after(issued_on: date, days: int, working: bool, rules: Committee) -> date:
    """The day that is so many days, or working days, after a paper; the paper's own day is not counted."""
    if working:
        return rules.working_days.after(issued_on, days)
    return rules.working_days.shifted(issued_on + timedelta(days=days), rules.weekend_rule)


def starts_clocks(paper: Directive) -> bool:
    """True for a paper that plans wait for: it has a day, it says as whose paper it is awaited, it was not withdrawn."""
    return bool(paper.awaited_as) and paper.issued_on is not None and paper.ended_how != "withdrawn"


def start_clock(task: Task, paper: Directive, rules: Committee) -> bool:
    """Date a task by the paper that it waited for, or move what that paper dated before. False when nothing changes."""
    if task.waits_days is None or paper.issued_on is None or task.state in ("completed", "cancelled"):
        return False
    before = task.due_on
    if task.clock is None:
        if not waits(task):
            return False
    elif task.clock.directive_id != paper.id or before != task.clock.due_on:
        return False
    due = due_after(paper.issued_on, task.waits_days, task.waits_working, rules)
    waited = _between(waiting_since(task), paper.issued_on)
    clock = Clock(directive_id=paper.id, issued_on=paper.issued_on, due_on=due, days_waited=waited)
    if clock == task.clock:
        return False
    task.clock, task.due_on, task.told = clock, due, 0
    task.tell(
        events.ClockStarted, "clock_started", paper.number, {"due_on": [before, due]},
        waits_for=task.waits_for, paper_id=paper.id, paper_issued_on=paper.issued_on, due_before=before, days_waited=waited,
    )  # fmt: skip
    return True


def stop_clock(task: Task, paper: Directive) -> bool:
    """The paper was withdrawn: what it dated waits again, and the days since the beginning go on being booked."""
    before = task.due_on
    if task.clock is None or task.clock.directive_id != paper.id or task.state in ("completed", "cancelled"):
        return False
    if before is None or before != task.clock.due_on:
        return False
    task.clock, task.due_on, task.told = None, None, 0
    task.tell(
        events.ClockStopped, "clock_stopped", paper.number, {"due_on": [before, None]},
        waits_for=task.waits_for, paper_id=paper.id, due_before=before,
    )  # fmt: skip
    return True


def ask_again(task: Task, rules: Committee, today: date) -> bool:
    """Say once every `ask_again_days` that the task still waits, and when to look at it next. True when it was said."""
    if task.sample is not None:  # other provinces' plans and invented ones: nobody is to be asked
        task.look_on = None
        return False
    waited = days_waited(task, today)
    every = rules.ask_again_days
    task.look_on = today + timedelta(days=every - waited % every)
    if waited // every <= task.asked_again:
        return False
    task.asked_again = waited // every
    task.tell(events.StillWaits, "still_waits", task.waits_for, waits_for=task.waits_for, days_waited=waited)
    return True
