"""Partial results of coordinators (phần việc phối hợp): each unit's part with its own day, handed in to the lead.

Coordinators answer for the quality and time of their part, the lead's head for the end product (11-KH/BCĐ; DOMAIN 2.1); the
lead stays one (226-KL/TW). A missing part does not keep the lead from handing in: it is listed with the submission. Its day is
told of like a task's, to the unit and to whoever is responsible for the whole; nobody above is: there the lead answers.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from common.contracts import tasks_means as events
from common.domain import local_day
from common.errors import FieldProblem, NotFound, RuleBroken, Words
from tasks.domain.matters import Said, day_has_passed
from tasks.domain.means import HandedIn, Part, PartAnswer, PartDecision
from tasks.domain.task import OPEN, PASSED, RUNNING, Changes, Task, to_be_told

PartStanding = Literal["open", "late", "in_time", "done_late", "withdrawn"]
_NOUN = Words("phần việc phối hợp", "part")
_DECIDED = {
    "accept": (events.PartAccepted, "part_accepted", "accepted"),
    "return": (events.PartReturned, "part_returned", "asked"),
    "withdraw": (events.PartWithdrawn, "part_withdrawn", "withdrawn"),
}


def standing_of_part(part: Part, today: date) -> PartStanding:
    """How a part stands towards its day: what counts is when the unit handed it in."""
    if part.state == "withdrawn":
        return "withdrawn"
    if part.submitted_on is None:
        return "late" if today > part.due_on else "open"
    return "in_time" if part.submitted_on <= part.due_on else "done_late"


def owing(task: Task) -> list[str]:
    """Units that the lead of an open task waits for: they have not handed in, or have to mend it."""
    if task.state not in (*RUNNING, "paused"):
        return []
    return sorted({one.unit_id for one in task.parts if one.state == "asked"})


def untold_day(task: Task, told: int) -> date | None:
    """The first day of a part that its unit owes and of which less was said (`Part.told`); None while no such day counts."""
    if task.state not in RUNNING:
        return None
    return min((one.due_on for one in task.parts if one.state == "asked" and one.told < told), default=None)


def tell_of_parts(task: Task, today: date, nearly_due_days: int) -> bool:
    """Say of each part that its unit owes, once, that its day is near, and once that it has passed; the latter also when it
    passed while nobody looked, or while the task was paused. Of a part that is sent back nothing is said again. True when
    something was said.
    """
    found = False
    for part in task.parts if task.state in RUNNING else ():
        told = to_be_told(part.due_on, part.told, today, nearly_due_days) if part.state == "asked" else 0
        if not told:
            continue
        part.told, found = told, True
        changes: Changes = {"part": [None, part.number], "part_due_on": [None, part.due_on]}
        if told == PASSED:
            task.tell(events.PartBecameOverdue, "part_became_overdue", "", changes, **_public(part))
        else:
            left = (part.due_on - today).days
            task.tell(events.PartFellDueSoon, "part_fell_due_soon", "", changes, **_public(part), days_left=left)
    return found


def part_of(task: Task, number: int) -> Part:
    """The part of this number. Raises `NotFound` when there is none."""
    found = next((one for one in task.parts if one.number == number), None)
    if found is None:
        raise NotFound.of(_NOUN, str(number))
    return found


def ask_part(task: Task, unit_id: str, due_on: date, asked: Said) -> None:
    """Ask a coordinating unit for its part. Raises `RuleBroken` for a unit that does not coordinate the task, the lead itself
    included, and for a day that has passed or lies behind the task's own.
    """
    task.require_state(*OPEN, verb=Words("giao phần việc phối hợp", "divided into parts"))
    problems = [day_has_passed("due_on", due_on)] if due_on < local_day(asked.at) else []
    if unit_id not in task.coordinator_unit_ids or unit_id == task.lead_unit_id:
        message = Words("Đơn vị này không phối hợp nhiệm vụ.", "This unit does not coordinate the task.")
        repair = Words("Hãy thêm đơn vị vào coordinator_unit_ids trước.", "Add it to coordinator_unit_ids first.")
        problems.append(FieldProblem("unit_id", "not_a_coordinator", message, repair, unit_id))
    if task.due_on is not None and due_on > task.due_on:
        message = Words(f"Nhiệm vụ đến hạn ngày {task.due_on:%d/%m/%Y}.", f"The task is due on {task.due_on}.")
        repair = Words("Hãy chọn ngày không sau hạn của nhiệm vụ.", "Choose a day that is not behind it.")
        problems.append(FieldProblem("due_on", "part_after_task", message, repair, due_on.isoformat()))
    if problems:
        raise RuleBroken(Words("Không thể giao phần việc như vậy.", "A part cannot be asked for so."), problems)
    part = Part(number=len(task.parts) + 1, unit_id=unit_id, due_on=due_on, asked=asked)
    task.parts.append(part)
    changes: Changes = {"part": [None, part.number], "unit_id": [None, unit_id], "part_due_on": [None, due_on]}
    task.tell(events.PartAsked, "part_asked", asked.words, changes, **_public(part))


def submit_part(task: Task, part: Part, handed_in: HandedIn) -> None:
    """Hand in a part to the lead. Raises `RuleBroken` unless the lead waits for it."""
    task.require_state(*RUNNING, verb=Words("nộp phần việc phối hợp", "given a part"))
    _in(part, "asked")
    part.state, part.submitted_on = "submitted", local_day(handed_in.at)
    part.handed_in.append(handed_in)
    task.tell(events.PartSubmitted, "part_submitted", handed_in.words, {"part": [None, part.number]}, **_public(part))


def decide_part(task: Task, part: Part, decision: PartDecision, said: Said) -> None:
    """Accept a part that was handed in, send it back, or need it no more, as the lead."""
    task.require_state(*RUNNING, verb=Words("quyết định về phần việc phối hợp", "decided upon in parts"))
    _in(part, *(("asked", "submitted") if decision == "withdraw" else ("submitted",)))
    event, what, state = _DECIDED[decision]
    part.state = state  # type: ignore[assignment]
    if decision == "return":
        part.submitted_on = None
    part.answers.append(PartAnswer(**said.model_dump(), decision=decision))
    task.tell(event, what, said.words, {"part": [None, part.number]}, **_public(part))


def check_parts_kept(task: Task) -> None:
    """Raise `RuleBroken` when a part is missing of a unit that does not coordinate the task any more, or that now leads it."""
    strays = [
        one for one in task.parts
        if one.missing and (one.unit_id not in task.coordinator_unit_ids or one.unit_id == task.lead_unit_id)
    ]  # fmt: skip
    if strays:
        message = Words("Đơn vị còn phần việc chưa xong.", "A part of this unit is not done.")
        repair = Words("Hãy nhận hoặc thôi phần việc đó trước (decide).", "Accept or withdraw that part first (decide).")
        raise RuleBroken(
            message,
            [FieldProblem("coordinator_unit_ids", "coordinator_owes_part", message, repair, one.unit_id) for one in strays],
        )


def _in(part: Part, *states: str) -> None:
    if part.state not in states:
        message = Words(f"Phần việc số {part.number} đang ở trạng thái {part.state}.", f"Part {part.number} is {part.state}.")
        wanted = ", ".join(states)
        repair = Words(f"Chỉ làm được khi ở trạng thái {wanted}.", f"Possible only when it is {wanted}.")
        raise RuleBroken(message, [FieldProblem("state", "wrong_part_state", message, repair, part.state)])


def _public(part: Part) -> dict[str, Any]:
    return {"part": part.number, "unit_id": part.unit_id, "part_due_on": part.due_on}
