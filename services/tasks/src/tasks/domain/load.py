"""What units and people carry: their open tasks, those that are late, and how much they weigh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from tasks.domain.committee import Committee
from tasks.domain.means import Priority
from tasks.domain.task import RUNNING, Task
from tasks.domain.timeliness import WithPeriods, timeliness

Carried = tuple[WithPeriods, Priority | None, int]
"""How some open tasks stand, their priority, and how many they are."""


@dataclass(frozen=True)
class Load:
    """`weight` is the number of open tasks unless the committee weighs them by their priority."""

    open: int = 0
    overdue: int = 0
    weight: int = 0


def weighs(task: Task) -> bool:
    """True while a task weighs on the unit that leads it and on who is responsible: neither done nor paused, and no sample."""
    return task.state in RUNNING and task.sample is None


def load_of(carried: Iterable[Carried], day: date, rules: Committee) -> Load:
    """The load of one unit or person on a day: the present states held against it, as in a summary."""
    count = overdue = weight = 0
    for stands, priority, number in carried:
        count += number
        overdue += number if timeliness(stands, day, rules) == "overdue" else 0
        weight += number * (1 if rules.priority_weights is None else rules.priority_weights.of(priority))
    return Load(count, overdue, weight)
