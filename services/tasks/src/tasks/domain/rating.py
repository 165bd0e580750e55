"""Marks that people set: how feasible a task is, how urgent, and whether it stands on the short list (trọng tâm).

The meeting of April 2025 asked to pick tasks that can be done (DOMAIN 0); each mark says who set it and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts import tasks_means as events
from common.errors import Words
from tasks.domain.matters import Said
from tasks.domain.means import FeasibilityMark, PriorityMark
from tasks.domain.task import Task

_MARKED = ("draft", "published", "assigned", "in_progress", "submitted", "paused")


def mark(task: Task, given: Mapping[str, Any], said: Said) -> bool:
    """Set the given marks, the others stay: `feasibility` and `priority` to a value or None, `focus` to yes or no. False when
    nothing differs.
    """
    task.require_state(*_MARKED, verb=Words("đánh giá", "rated"))
    rating, words = task.rating, said.model_dump()
    before = {
        "feasibility": None if rating.feasibility is None else rating.feasibility.value,
        "priority": None if rating.priority is None else rating.priority.value,
        "focus": rating.focus is not None,
    }
    changes = {name: [before[name], value] for name, value in given.items() if value != before[name]}
    if "feasibility" in changes:
        value = given["feasibility"]
        rating.feasibility = None if value is None else FeasibilityMark(**words, value=value)
    if "priority" in changes:
        value = given["priority"]
        rating.priority = None if value is None else PriorityMark(**words, value=value)
    rated = {name: pair for name, pair in changes.items() if name != "focus"}
    if rated:
        stands = {name: given.get(name, before[name]) for name in ("feasibility", "priority")}
        task.tell(events.TaskRated, "rated", said.words, rated, **stands)
    if "focus" in changes:
        rating.focus = said if given["focus"] else None
        event, what = (events.FocusSet, "focus_set") if given["focus"] else (events.FocusLifted, "focus_lifted")
        task.tell(event, what, said.words)
    return bool(changes)
