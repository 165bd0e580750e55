"""Answer a dispute: uphold or reject it, on recorded words."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.errors import FieldProblem, Invalid, Words
from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from tasks.domain.authority import check_decides, check_not_own
from tasks.domain.dispute import RECOMPUTES, awaiting_answer, reject_dispute, uphold_dispute
from tasks.domain.matters import Dispute, Said
from tasks.domain.month import Month
from tasks.domain.permissions import check_sees
from tasks.domain.task import Task
from tasks.features.compute_score import compute_anew
from tasks.features.task_command import Because, OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import PEOPLE, UNITS, latest_score, save_task

routes = Routes("tasks")


class Answer(Because):
    answer: Literal["uphold", "reject"]
    handed_in_on: Annotated[
        IsoDay | None, Field(description="Of an upheld wrong status: the day on which the result was handed in after all")
    ] = None


async def handle(command: OnTask[Answer], uow: UnitOfWork) -> ShownTask:
    """Raises `RuleBroken` when nothing is disputed, `Forbidden` for who does not stand at the dispute's level."""
    task = await load_task(uow, command, check_sees)
    body, waiting = command.body, awaiting_answer(task)
    person = await uow.get(PEOPLE, uow.actor.id) if uow.actor.kind == "person" else None
    check_decides(uow.actor, task, waiting.level, None if person is None else person.position)
    check_not_own(uow.actor, waiting.said.by)
    answered = Said.now(uow.now, uow.actor, body.words)
    if body.answer == "reject":
        if body.handed_in_on is not None:
            message = Words("Bác kiến nghị thì không sửa ngày trình.", "What is rejected corrects no day.")
            repair = Words("Hãy bỏ handed_in_on.", "Leave handed_in_on out.")
            raise Invalid(
                message, [FieldProblem("handed_in_on", "day_of_rejection", message, repair, body.handed_in_on.isoformat())]
            )
        reject_dispute(task, answered)
        return await saved(uow, task)
    upheld = uphold_dispute(task, answered, body.handed_in_on)
    if upheld.kind in RECOMPUTES:
        await _recompute(uow, task, upheld)
    return await saved(uow, task)


async def _recompute(uow: UnitOfWork, task: Task, upheld: Dispute) -> None:
    """Score the unit's month anew where it was scored: the new score stands beside the old one, and both remain."""
    unit = None if upheld.unit_id is None else await uow.get(UNITS, upheld.unit_id)
    if unit is None or task.due_on is None:
        return
    period = Month.read(task.due_on.isoformat()[:7])
    before = await latest_score(uow, unit.id, period)
    if before is None:
        return
    save_task(uow, task)  # the month is read from the database: it must see what was corrected
    words = f"Kiến nghị số {upheld.number} về nhiệm vụ {task.id} được chấp nhận."
    after = await compute_anew(uow, unit, period, words)
    upheld.score_before_id, upheld.score_after_id = before.id, after.id


@routes.post("/tasks/{task_id}/answer-dispute", response_model=TaskView)
async def answer_dispute(task_id: str, body: Answer, effect: Annotated[Effect, writes("tasks:review")]) -> Response:
    """Answer it: both texts stay. Upheld, a task that is not the unit's function is to be assigned anew, and the month of a
    wrong status or score is scored anew.
    """
    return await effect.run(handle, OnTask[Answer].asked(task_id, effect, body), TaskView.of)
