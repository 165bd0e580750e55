"""What becomes of a task whose paper is in force no more, or that its plan no longer names: it is asked, and somebody decides,
with the reason. No source says that a row that is left out of a plan is thereby cancelled, so no import does it.
"""

from __future__ import annotations

from typing import Literal

from common.contracts import tasks as events
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.directive import Directive
from tasks.domain.task import Task

Decision = Literal["goes_on", "cancelled"]


def ask_fate(task: Task, paper: Directive) -> bool:
    """Ask what becomes of a task that this paper gave. False when it is over, asked about already, or given by another."""
    over = task.state in ("completed", "cancelled")
    if over or task.asks == "directive_ended" or task.directive_id != paper.id or paper.id in task.settled_papers:
        return False
    task.asks = "directive_ended"
    task.tell(events.FateAsked, "fate_asked", paper.number, paper_id=paper.id, replaced_by_id=paper.ended_by_id)
    return True


def ask_dropped(task: Task) -> bool:
    """Ask what becomes of a task that its plan, sent again whole, no longer names. False when it is over, or the plan had left
    it out before: what was decided then holds.
    """
    if task.off_plan or task.state in ("completed", "cancelled"):
        return False
    task.off_plan, task.asks = True, task.asks or "dropped_from_plan"
    task.tell(events.TaskDroppedFromPlan, "dropped_from_plan", task.reference or "", reference=task.reference)
    return True


def name_again(task: Task) -> bool:
    """Its plan names it again: nothing is asked on that account any more. False when it never left the plan."""
    if not task.off_plan:
        return False
    task.off_plan, task.asks = False, None if task.asks == "dropped_from_plan" else task.asks
    task.tell(events.TaskBackInPlan, "back_in_plan", task.reference or "", reference=task.reference)
    return True


def decide_fate(task: Task, decision: Decision, basis_id: str | None, words: str) -> None:
    """Decide that the task goes on, by its old paper or another one (`basis_id`), or that it is cancelled.

    Raises `RuleBroken` for a task about which nothing is asked.
    """
    if task.asks is None:
        message = Words("Không có câu hỏi nào về nhiệm vụ này.", "Nothing is asked about this task.")
        repair = Words(
            "Chỉ quyết định khi văn bản giao việc hết hiệu lực, hoặc kế hoạch không còn nêu nhiệm vụ.",
            "Decide once its paper is in force no more, or its plan no longer names it.",
        )
        raise RuleBroken(message, [FieldProblem("asks", "nothing_asked", message, repair)])
    asked, before, task.asks = task.asks, task.directive_id, None
    if before is not None and asked == "directive_ended":
        task.settled_papers.append(before)
    if decision == "goes_on" and basis_id is not None:
        task.directive_id = basis_id
    changes = {"directive_id": [before, task.directive_id]} if task.directive_id != before else {}
    task.tell(events.FateDecided, "fate_decided", words, changes, decision=decision, basis_id=task.directive_id)
    if decision == "cancelled":
        task.cancel(words)
