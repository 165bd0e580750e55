"""Extension (gia hạn): another due day, asked for by the unit, granted or refused by authority alone (11-KH/BCĐ; DOMAIN 9).

Both days stay: `due_on` is the granted one, against which timeliness holds; `original_due_on` the first.
"""

from __future__ import annotations

from datetime import date

from common.contracts import tasks_life as events
from common.domain import local_day
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.committee import Committee
from tasks.domain.matters import Extension, Level, Said, day_has_passed
from tasks.domain.task import OPEN, RUNNING, Task

_DECIDABLE = (*RUNNING, "paused")


def set_by_paper(task: Task) -> bool:
    """True when the deadline comes from a paper of a body above: the task hangs on a registered paper, on a superior task, or
    its clock was started by another body's paper. The unit's own initiatives have none of these (DOMAIN 2.4).
    """
    return bool(task.directive_id or task.parent_reference or task.parent_task_ids) or task.clock is not None


def level_of_extension(task: Task, rules: Committee) -> Level:
    """Who decides on an extension, by the committee's setting."""
    if rules.extension_decided_by != "by_source":
        level: Level = rules.extension_decided_by
    else:
        level = "standing_agency" if set_by_paper(task) else "approver"
    return "standing_agency" if level == "approver" and task.approver_id is None else level


def asked_extension(task: Task) -> Extension | None:
    """The request that waits for a decision; there is one at most."""
    return next((one for one in task.extensions if one.state == "asked"), None)


def request_extension(task: Task, wanted_on: date, said: Said, rules: Committee) -> None:
    """Ask for another due day. Raises `RuleBroken` for a task that has none, whose clock does not run, or that waits for a
    decision already, and for a day that is not later than the present one or has passed.
    """
    task.require_state(*OPEN, verb=Words("xin gia hạn", "extended"))
    problems = []
    if task.due_on is None:
        problems.append(
            _problem(
                "due_on", "no_due_day",
                Words("Nhiệm vụ chưa có ngày đến hạn.", "The task has no due day."),
                Words("Việc theo kỳ hoặc chờ văn bản không xin gia hạn.", "What repeats or waits for a paper is not extended."),
                task.deadline_written or None,
            )
        )  # fmt: skip
    elif wanted_on <= task.due_on:
        problems.append(_not_later(wanted_on, task.due_on))
    if wanted_on < local_day(said.at):
        problems.append(day_has_passed("wanted_on", wanted_on))
    if (open_one := asked_extension(task)) is not None:
        problems.append(
            _problem(
                "wanted_on", "extension_pending",
                Words("Đã có một đề nghị gia hạn chờ quyết định.", "A request waits for a decision already."),
                Words("Hãy chờ decide-extension.", "Wait for decide-extension."),
                open_one.wanted_on.isoformat(),
            )
        )  # fmt: skip
    if problems or task.due_on is None:
        raise RuleBroken(Words("Không thể xin gia hạn như vậy.", "It cannot be extended so."), problems)
    level, number = level_of_extension(task, rules), len(task.extensions) + 1
    task.extensions.append(Extension(number=number, asked=said, due_before=task.due_on, wanted_on=wanted_on, level=level))
    task.tell(
        events.ExtensionRequested, "extension_requested", said.words, {"wanted_on": [task.due_on, wanted_on]},
        number=number, wanted_on=wanted_on, level=level,
    )  # fmt: skip


def pending_extension(task: Task) -> Extension:
    """The request that waits for a decision. Raises `RuleBroken` when none does."""
    asked = asked_extension(task)
    if asked is None:
        message = Words("Không có đề nghị gia hạn nào chờ quyết định.", "No request for an extension waits for a decision.")
        repair = Words("Hãy gọi request-extension trước.", "Call request-extension first.")
        raise RuleBroken(message, [_problem("extensions", "nothing_asked", message, repair)])
    return asked


def grant_extension(task: Task, decided: Said, granted_on: date | None = None) -> None:
    """Grant the day that was asked for, or another one. What is due by the clock begins anew with it.

    Raises `RuleBroken` when nothing was asked, or the day is not later than the one that holds now (a paper may have moved it).
    """
    task.require_state(*_DECIDABLE, verb=Words("gia hạn", "extended"))
    asked = pending_extension(task)
    due_on, before = granted_on or asked.wanted_on, task.due_on
    if before is None or due_on <= before:
        raise RuleBroken(
            Words("Không thể gia hạn đến ngày này.", "It cannot be extended to this day."),
            [_not_later(due_on, before or asked.due_before)],
        )
    asked.state, asked.decided, asked.granted_on = "granted", decided, due_on
    task.original_due_on = task.original_due_on or before
    task.due_on, task.told = due_on, 0
    task.catch_up.plan_asked_on = task.catch_up.commitment_asked_on = None
    task.tell(
        events.ExtensionGranted, "extension_granted", decided.words, {"due_on": [before, due_on]},
        number=asked.number, wanted_on=asked.wanted_on, due_before=before, original_due_on=task.original_due_on,
    )  # fmt: skip


def refuse_extension(task: Task, decided: Said) -> None:
    """Refuse it, on recorded words: the due day stays. Raises `RuleBroken` when nothing was asked."""
    task.require_state(*_DECIDABLE, verb=Words("quyết định gia hạn", "decided upon"))
    asked = pending_extension(task)
    asked.state, asked.decided = "refused", decided
    task.tell(
        events.ExtensionRefused, "extension_refused", decided.words, {},
        number=asked.number, wanted_on=asked.wanted_on,
    )  # fmt: skip


def _not_later(day: date, due_on: date) -> FieldProblem:
    return _problem(
        "wanted_on", "extension_not_later",
        Words(f"Gia hạn phải sau ngày {due_on:%d/%m/%Y}.", f"An extension must be later than {due_on}."),
        Words("Hãy chọn một ngày sau hạn hiện tại.", "Choose a day after the present due day."),
        day.isoformat(),
    )  # fmt: skip


def _problem(field: str, code: str, message: Words, repair: Words, quote: str | None = None) -> FieldProblem:
    return FieldProblem(field, code, message, repair, quote)
