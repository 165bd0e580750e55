"""What waits for somebody about a task: the values by which lists find it."""

from __future__ import annotations

from typing import Literal

from tasks.domain.catch_up import owed
from tasks.domain.dispute import is_disputed
from tasks.domain.extension import asked_extension
from tasks.domain.task import Task

Pending = Literal["dispute", "extension", "remedy_plan", "commitment", "evidence"]


def pending(task: Task) -> list[Pending]:
    """A dispute or a request for an extension without its answer; a remedy plan or a commitment that was asked for;
    evidence that was rejected and not superseded.
    """
    found: list[Pending] = list(owed(task))
    if task.state not in ("completed", "cancelled") and asked_extension(task) is not None:
        found.append("extension")
    if is_disputed(task):
        found.append("dispute")
    if task.state == "in_progress" and any(one.state == "rejected" for one in task.evidence):
        found.append("evidence")
    return found
