"""What a task is marked with: derived values that lists show and find it by."""

from __future__ import annotations

from typing import Literal

from tasks.domain.resources import KINDS, lacking
from tasks.domain.task import OPEN, Task

Mark = Literal["without_resources", "overspent", "parts_missing"]


def marks(task: Task) -> list[Mark]:
    """`without_resources` while nobody has named any; `overspent` while more is spent of a fund than was granted;
    `parts_missing` while the lead of an open task waits for a part of a coordinator.
    """
    found: list[Mark] = []
    if len(lacking(task)) == len(KINDS):
        found.append("without_resources")
    if any(one.overspent for one in task.resources.money):
        found.append("overspent")
    if task.state in (*OPEN, "submitted", "paused") and any(one.missing for one in task.parts):
        found.append("parts_missing")
    return found
