"""What a task is marked with: derived values that lists show and find it by."""

from __future__ import annotations

from typing import Literal

from tasks.domain.means import Priority
from tasks.domain.resources import KINDS, lacking
from tasks.domain.task import RUNNING, Task

Mark = Literal[
    "without_resources", "overspent", "parts_missing", "focus", "priority_high", "priority_normal", "priority_low", "feasible",
    "doubtful", "infeasible",
]  # fmt: skip
_PRIORITIES: dict[Priority, Mark] = {"high": "priority_high", "normal": "priority_normal", "low": "priority_low"}


def marks(task: Task) -> list[Mark]:
    """`without_resources` while nobody has named any; `overspent` while more is spent of a fund than was granted;
    `parts_missing` while the lead of an open task waits for a part of a coordinator; and the marks that people have set.
    """
    found: list[Mark] = []
    if len(lacking(task)) == len(KINDS):
        found.append("without_resources")
    if any(one.overspent for one in task.resources.money):
        found.append("overspent")
    if task.state in (*RUNNING, "paused") and any(one.missing for one in task.parts):
        found.append("parts_missing")
    rating = task.rating
    if rating.focus is not None:
        found.append("focus")
    if rating.priority is not None:
        found.append(_PRIORITIES[rating.priority.value])
    if rating.feasibility is not None:
        found.append(rating.feasibility.value)
    return found
