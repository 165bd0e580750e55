"""Reopening (mở lại) a completed task, by its approver or the standing agency: the result is to be mended after all."""

from __future__ import annotations

from datetime import date

from common.contracts import tasks_life as events
from common.errors import Words
from tasks.domain.task import Task


def reopen(task: Task, words: str, today: date) -> None:
    """Put a completed task in progress again: it is not done, its evidence and its due day stay, and it is handed in anew.

    Raises `RuleBroken` for a task that is not completed.
    """
    task.require_state("completed", verb=Words("mở lại", "reopened"))
    before = {"completed_on": [task.completed_on, None], "submitted_on": [task.submitted_on, None]}
    task.state, task.completed_on, task.submitted_on = "in_progress", None, None
    task.clock_since = today
    task.tell(events.TaskReopened, "reopened", words, before)
