"""Catching up: a remedy plan (phương án khắc phục; 11-KH/BCĐ) and a letter of commitment (cam kết; 624/TB-VPCP).

Neither moves the due day. Whether a promise was kept is computed from the clock, like timeliness, and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from common.contracts import tasks_life as events
from common.domain import local_day
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.committee import Committee
from tasks.domain.matters import Commitment, Milestone, RemedyPlan, Said, day_has_passed
from tasks.domain.task import OPEN, Task
from tasks.domain.timeliness import counted_day

Standing = Literal["open", "kept", "broken"]
Owed = Literal["remedy_plan", "commitment"]


def owed(task: Task) -> list[Owed]:
    """What the clock asked for and the unit has not given since."""
    if task.state not in (*OPEN, "paused"):
        return []
    up = task.catch_up
    found: list[Owed] = []
    if up.plan_asked_on is not None and not any(local_day(one.given.at) >= up.plan_asked_on for one in up.plans):
        found.append("remedy_plan")
    if up.commitment_asked_on is not None and not any(
        local_day(one.given.at) >= up.commitment_asked_on for one in up.commitments
    ):
        found.append("commitment")
    return found


def standing_of(task: Task, promise: Commitment, today: date, rules: Committee) -> Standing:
    """How a commitment stands: kept when the result was handed in, or approved where that counts, by the end of its day."""
    done = task.state == "completed" or (task.state == "submitted" and rules.lateness_counts == "submission")
    if counted_day(task, today, rules) > promise.day:
        return "broken"
    return "kept" if done else "open"


def may_break(task: Task) -> list[Commitment]:
    """Commitments of which it may still have to be said that they were broken: not those whose day came while the clock stood
    still, or before the task was reopened.
    """
    if task.state not in OPEN:
        return []
    since = task.clock_since or date.min
    return [one for one in task.catch_up.commitments if not one.broken_told and one.day >= since]


def tell_broken(task: Task, rules: Committee, today: date) -> bool:
    """Say of each commitment, once, that its day passed without the result. False when there is none."""
    broken = [one for one in may_break(task) if standing_of(task, one, today, rules) == "broken"]
    for one in broken:
        one.broken_told = True
        task.tell(
            events.CommitmentBroken, "commitment_broken", one.given.words, {"committed_on": [None, one.day]},
            number=one.number, committed_on=one.day, level=rules.broken_commitment_told,
        )  # fmt: skip
    return bool(broken)


def plan_reminder_from(task: Task) -> date | None:
    """The day from which a remedy plan that is owed has been silent: when it was asked for, or last reminded of."""
    asked_on = task.catch_up.plan_asked_on
    if task.state not in OPEN or asked_on is None or "remedy_plan" not in owed(task):
        return None
    return max([asked_on, *task.catch_up.plan_reminded_on])


def remind_of_plan(task: Task, rules: Committee, today: date) -> bool:
    """Remind of a remedy plan that was asked for and not given, each `remind_again_days`. False when it is not due."""
    since, asked_on = plan_reminder_from(task), task.catch_up.plan_asked_on
    if since is None or asked_on is None or (today - since).days < rules.remind_again_days:
        return False
    task.catch_up.plan_reminded_on.append(today)
    times = sum(day > asked_on for day in task.catch_up.plan_reminded_on)
    task.tell(events.RemedyPlanReminded, "remedy_plan_reminded", "", {"times": [None, times]}, asked_on=asked_on, times=times)
    return True


def give_remedy_plan(task: Task, given: Said, milestones: Sequence[Milestone]) -> None:
    """Say how the unit will catch up. Raises `RuleBroken` while the clock does not run, and for milestones that have passed or
    that stand in no order.
    """
    task.require_state(*OPEN, verb=Words("lập phương án khắc phục", "given a remedy plan"))
    today, days = local_day(given.at), [one.due_on for one in milestones]
    problems = [day_has_passed(f"milestones.{place}.due_on", day) for place, day in enumerate(days) if day < today]
    if days != sorted(set(days)):
        message = Words("Các mốc phải theo thứ tự, mỗi ngày một mốc.", "Milestones follow each other, one a day at most.")
        repair = Words("Hãy xếp các mốc theo ngày.", "Put them in the order of their days.")
        problems.append(FieldProblem("milestones", "milestones_unordered", message, repair))
    if problems:
        raise RuleBroken(Words("Phương án chưa dùng được.", "The plan cannot be taken."), problems)
    number = len(task.catch_up.plans) + 1
    task.catch_up.plans.append(RemedyPlan(number=number, given=given, milestones=list(milestones)))
    task.tell(
        events.RemedyPlanGiven, "remedy_plan_given", given.words, {"milestones": [None, ", ".join(map(str, days))]},
        number=number, milestones_on=days,
    )  # fmt: skip


def commit(task: Task, given: Said, day: date, rules: Committee) -> None:
    """Commit the unit to a day. Raises `RuleBroken` for a task that is not late, a day that has passed, and while an earlier
    commitment still runs: a second letter must not hide that the first was broken.
    """
    task.require_state(*OPEN, verb=Words("cam kết", "committed to"))
    today = local_day(given.at)
    problems = [day_has_passed("day", day)] if day < today else []
    if task.due_on is None or today <= task.due_on:
        message = Words("Nhiệm vụ chưa quá hạn: chưa cần cam kết.", "The task is not late: there is nothing to commit to.")
        repair = Words("Hãy làm theo hạn, hoặc gọi request-extension.", "Keep to its day, or call request-extension.")
        problems.append(FieldProblem("due_on", "not_overdue", message, repair, str(task.due_on or "")))
    last = next(reversed(task.catch_up.commitments), None)
    if last is not None and standing_of(task, last, today, rules) == "open":
        message = Words(f"Cam kết trước còn đến {last.day:%d/%m/%Y}.", f"An earlier commitment runs until {last.day}.")
        repair = Words("Hãy giữ cam kết đó.", "Keep that one.")
        problems.append(FieldProblem("day", "commitment_runs", message, repair, last.given.words))
    if problems:
        raise RuleBroken(Words("Không thể cam kết như vậy.", "It cannot be committed to so."), problems)
    number = len(task.catch_up.commitments) + 1
    task.catch_up.commitments.append(Commitment(number=number, given=given, day=day))
    task.tell(
        events.CommitmentGiven, "commitment_given", given.words, {"committed_on": [None, day]}, number=number, committed_on=day
    )
