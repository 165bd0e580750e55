"""Dispute (kiến nghị) with a clock: "not our function", "wrong status", "wrong score", "wrong wording" (DOMAIN 1.6, 7.6).

Whoever assigned the task answers within so many working days, else it goes one level up, each level once; both texts stay. The
due day runs on meanwhile: a dispute must not be a way of gaining time.
"""

from __future__ import annotations

from datetime import date

from common.contracts import tasks_life as events
from common.contracts.tasks_life import DisputeKind
from common.domain import local_day
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.committee import Committee
from tasks.domain.extension import asked_extension, refuse_extension
from tasks.domain.matters import LEVELS, Dispute, Said
from tasks.domain.task import OPEN, RUNNING, Task

_ISSUED = (*RUNNING, "completed", "paused")
RECOMPUTES: tuple[DisputeKind, ...] = ("wrong_status", "wrong_score")
"""Disputes that change a score when they are upheld."""


def open_dispute(task: Task) -> Dispute | None:
    """The dispute that waits for an answer; there is one at most."""
    return next((one for one in task.disputes if one.state == "open"), None)


def is_disputed(task: Task) -> bool:
    """True while a dispute of the task waits for its answer."""
    return task.state != "cancelled" and open_dispute(task) is not None


def dispute(task: Task, kind: DisputeKind, said: Said, rules: Committee) -> None:
    """Say what is wrong with a task. Raises `RuleBroken` for a draft, while another dispute waits for its answer, and for a
    task that is handed in already when the function is disputed: then it was theirs.
    """
    task.require_state(*_states_of(kind), verb=Words("kiến nghị như vậy", "disputed so"))
    if (other := open_dispute(task)) is not None:
        message = Words("Đã có một kiến nghị chờ trả lời.", "A dispute waits for its answer already.")
        repair = Words(f"Hãy chờ trả lời, chậm nhất {other.answer_by:%d/%m/%Y}.", f"Wait for it, until {other.answer_by}.")
        raise RuleBroken(message, [FieldProblem("disputes", "dispute_open", message, repair, other.said.words)])
    number = len(task.disputes) + 1
    level = "standing_agency" if task.approver_id is None else LEVELS[0]
    by = rules.working_days.after(local_day(said.at), rules.dispute_answer_days)
    made = Dispute(number=number, kind=kind, said=said, level=level, answer_by=by, unit_id=task.lead_unit_id)
    task.disputes.append(made)
    task.tell(
        events.TaskDisputed, "disputed", said.words, {"dispute": [None, kind], "answer_by": [None, by]},
        number=number, dispute=kind, level=level, answer_by=by,
    )  # fmt: skip


def raise_dispute(task: Task, today: date, rules: Committee) -> bool:
    """Bring a dispute that was not answered in time one level up, with a term of its own. False when there is nothing to do: it
    is answered, its day has not passed, or no level is above.
    """
    waiting = open_dispute(task)
    if waiting is None or task.state == "cancelled" or today <= waiting.answer_by or waiting.level == LEVELS[-1]:
        return False
    before, waiting.level = waiting.level, LEVELS[LEVELS.index(waiting.level) + 1]
    waiting.answer_by = rules.working_days.after(today, rules.dispute_answer_days)
    waiting.raised_on.append(today)
    task.tell(
        events.DisputeRaised, "dispute_raised", "", {"level": [before, waiting.level], "answer_by": [None, waiting.answer_by]},
        number=waiting.number, dispute=waiting.kind, level=waiting.level, answer_by=waiting.answer_by,
    )  # fmt: skip
    return True


def awaiting_answer(task: Task) -> Dispute:
    """The dispute to be answered. Raises `RuleBroken` when there is none."""
    waiting = open_dispute(task)
    if waiting is None:
        message = Words("Không có kiến nghị nào chờ trả lời.", "No dispute waits for an answer.")
        repair = Words("Đơn vị chủ trì kiến nghị bằng dispute.", "The lead unit disputes by calling dispute.")
        raise RuleBroken(message, [FieldProblem("disputes", "nothing_disputed", message, repair)])
    return waiting


def reject_dispute(task: Task, answered: Said) -> None:
    """Answer against the unit, on recorded words. Raises `RuleBroken` when nothing is disputed."""
    answer = awaiting_answer(task)
    answer.state, answer.answered = "rejected", answered
    task.tell(
        events.DisputeRejected, "dispute_rejected", answered.words, {"dispute": [answer.kind, "rejected"]},
        number=answer.number, dispute=answer.kind, level=answer.level,
    )  # fmt: skip


def uphold_dispute(task: Task, answered: Said, handed_in_on: date | None = None) -> Dispute:
    """Answer in the unit's favour, and do what follows of it: a task that is not the unit's function goes back to published
    without lead and responsible person; of a wrong status the day on which the result was handed in is corrected, when the
    answer gives one. Words of a task are mended by an amendment.

    Raises `RuleBroken` when nothing is disputed, when the task was handed in meanwhile though it is not theirs, and for a day
    that is not before the recorded one or that the dispute is not about.
    """
    answer = awaiting_answer(task)
    task.require_state(*_states_of(answer.kind), verb=Words("chấp nhận kiến nghị", "given back"))
    changes = {} if handed_in_on is None else _correct_day(task, answer, handed_in_on)
    answer.state, answer.answered = "upheld", answered
    task.tell(
        events.DisputeUpheld, "dispute_upheld", answered.words, {"dispute": [answer.kind, "upheld"], **changes},
        number=answer.number, dispute=answer.kind, level=answer.level,
    )  # fmt: skip
    if answer.kind == "not_our_function":
        if asked_extension(task) is not None:  # it was asked for by a unit that has nothing to do with it any more
            refuse_extension(task, answered)
        _release(task, local_day(answered.at))
    return answer


def _states_of(kind: DisputeKind) -> tuple[str, ...]:
    return OPEN if kind == "not_our_function" else _ISSUED


def _correct_day(task: Task, answer: Dispute, day: date) -> dict[str, list[date | None]]:
    before = task.submitted_on
    if answer.kind != "wrong_status" or before is None:
        message = Words("Chỉ sửa ngày trình khi kiến nghị về trạng thái của việc đã trình.",
                        "The day is corrected of a wrong status alone, of a result that was handed in.")  # fmt: skip
        repair = Words("Hãy bỏ handed_in_on.", "Leave handed_in_on out.")
    elif day >= before:
        message = Words(f"Ngày trình đang ghi là {before:%d/%m/%Y}.", f"The day on record is {before}.")
        repair = Words("Hãy ghi một ngày trước đó.", "Give an earlier day.")
    else:
        task.submitted_on = day
        return {"submitted_on": [before, day]}
    raise RuleBroken(message, [FieldProblem("handed_in_on", "no_day_to_correct", message, repair, day.isoformat())])


def _release(task: Task, today: date) -> None:
    """Take the task from the unit whose function it is not: it is to be assigned anew. What the clock has said and asked was
    said to that unit; for the next one lateness counts from this day.
    """
    task.clock_since = today
    task.catch_up.plan_asked_on = task.catch_up.commitment_asked_on = None
    lead, responsible = task.lead_unit_id, task.responsible_id
    task.state, task.lead_unit_id, task.responsible_id = "published", None, None
    task.tell(
        events.TaskReleased, "released", "", {"lead_unit_id": [lead, None], "responsible_id": [responsible, None]},
        former_lead_unit_id=lead,
    )  # fmt: skip
