"""The ladder of lateness: what the clock does after so many days, each step once for a due day (issue 5.3; DOMAIN 1.3, 6.1).

Steps count from the due day, or from the later day on which the clock ran again: after a pause, a reopening or an extension
the ladder is climbed anew. Days are those of the province; how late it is, is asked of no stored state.

A period of a task that repeats climbs a ladder of its own, from its own due day: a month's report that nobody hands in is
brought before the same levels. No plan and no commitment is asked for it: both are the whole task's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from common.contracts import tasks_life as events
from tasks.domain.committee import Committee
from tasks.domain.matters import Steps, Told
from tasks.domain.periods import Period
from tasks.domain.task import OPEN, Changes, Task

FEWEST, MOST = -30, 90
"""Days before and after the due day between which a step may lie."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: after so many days this level is told, or, without a level, something is asked of the unit."""

    days: int
    level: Told | None = None
    asks: str = ""


def ladder(rules: Committee) -> list[Step]:
    """The committee's steps, the earliest first; what is asked of the unit goes before who is told on the same day."""
    steps = [Step(one.days, level=one.level) for one in rules.escalations]
    if rules.remedy_plan_days is not None:
        steps.append(Step(rules.remedy_plan_days, asks="remedy_plan"))
    if rules.commitment_days is not None:
        steps.append(Step(rules.commitment_days, asks="commitment"))
    return sorted(steps, key=lambda step: (step.days, step.level is not None))


def counted_from(task: Task) -> date | None:
    """The day from which lateness counts; None while no clock runs against whoever does the work."""
    if task.due_on is None or task.state not in OPEN:
        return None
    return max(task.due_on, task.clock_since or task.due_on)


def climbed(task: Task) -> int | None:
    """Days of the last step that was said for the present due day; None when none was."""
    return task.steps.days if task.steps is not None and task.steps.counted_from == counted_from(task) else None


def due_steps(steps: Sequence[Step], late: int, said: int | None) -> list[Step]:
    """The steps that a lateness of so many days has reached, and that were not said."""
    return [step for step in steps if step.days <= late and (said is None or step.days > said)]


def climb(task: Task, rules: Committee, today: date) -> bool:
    """Say every step that is due: after an outage those that were missed, each once. False when there is none."""
    start = counted_from(task)
    if start is None:
        return False
    late = (today - start).days
    due = due_steps(ladder(rules), late, climbed(task))
    if not due:
        return False
    task.steps = Steps(counted_from=start, days=due[-1].days)
    said = {"days_late": late, "counted_from": start}
    lateness: Changes = {"days_late": [None, late]}
    for step in due:
        if step.level is not None:
            task.tell(
                events.TaskEscalated, "escalated", "", {"level": [None, step.level], **lateness}, **said, level=step.level
            )
        elif step.asks == "remedy_plan":
            task.catch_up.plan_asked_on = today
            task.tell(events.RemedyPlanAsked, "remedy_plan_asked", "", lateness, **said)
        else:
            task.catch_up.commitment_asked_on = today
            task.tell(events.CommitmentAsked, "commitment_asked", "", lateness, **said)
    return True


def climb_period(task: Task, period: Period, rules: Committee, today: date) -> bool:
    """Say every step that is due of a period, each once, also when its result was sent back. False when there is none.

    A period that its task no longer owes is done with; while the task is paused nothing is said.
    """
    if not task.owes(period.due_on):
        return task.state != "paused" and _done_with(period)
    if period.state != "in_progress":
        return False
    late = (today - period.due_on).days
    due = [step for step in due_steps(ladder(rules), late, period.climbed) if step.level is not None]
    for step in due:
        period.climbed = step.days
        task.tell(
            events.PeriodEscalated, "period_escalated", "",
            {"period": [None, period.key], "level": [None, step.level], "days_late": [None, late]},
            period=period.key, period_due_on=period.due_on, days_late=late, level=step.level,
        )  # fmt: skip
    return bool(due)


def _done_with(period: Period) -> bool:
    before, period.climbed = period.climbed, MOST
    return before != MOST
