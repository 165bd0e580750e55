"""Resources (nguồn lực): people, money and equipment with which a task is done.

The meeting asked to give each task to a person "with the resources for it" (DOMAIN 0); 624/TB-VPCP has "give task, give money"
as a principle, and no real row names any. Money is held by fund: planned by the lead, granted by authority, spent so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, get_args

from common.contracts import tasks_means as events
from common.errors import FieldProblem, Invalid, RuleBroken, Words
from tasks.domain.exact import written
from tasks.domain.means import Equipment, Money, ResourceKind
from tasks.domain.task import State, Task
from tasks.domain.text import spelling

KINDS: tuple[ResourceKind, ...] = get_args(ResourceKind)
NOUNS: dict[ResourceKind, Words] = {
    "people": Words("nhân lực", "people"), "money": Words("kinh phí", "money"), "equipment": Words("thiết bị", "equipment"),
}  # fmt: skip
_STATES: tuple[State, ...] = get_args(State)
_PLANNED = [state for state in _STATES if state not in ("completed", "cancelled")]
_SPENT = [state for state in _STATES if state not in ("draft", "cancelled")]
"""Invoices come in after the work is done."""


def lacking(task: Task) -> list[ResourceKind]:
    """The kinds of resources that nobody has named; money of which nothing is needed is planned as 0."""
    has = task.resources
    said = {
        "people": has.people is not None,
        "money": any(one.planned is not None or one.granted is not None for one in has.money),
        "equipment": bool(has.equipment),
    }
    return [kind for kind in KINDS if not said[kind]]


def plan_resources(task: Task, given: Mapping[str, Any]) -> bool:
    """Plan the given kinds, the others stay: `people`, `months`, `money` as (source, planned), `equipment`. False when nothing
    differs. Raises `RuleBroken` when a fund would go from which money was granted or spent.
    """
    task.require_state(*_PLANNED, verb=Words("dự kiến nguồn lực", "planned with resources"))
    has = task.resources
    before = {name: getattr(has, name) for name in given}
    after = dict(given)
    if "money" in given:
        after["money"] = _planned(has.money, given["money"])
    if "equipment" in given:
        after["equipment"] = [Equipment(what=what, number=number) for what, number in given["equipment"]]
    changed = sorted(name for name in given if after[name] != before[name])
    if not changed:
        return False
    task.resources = has.model_copy(update=after)
    changes = {name: [_told(before[name]), _told(after[name])] for name in changed}
    task.tell(events.ResourcesPlanned, "resources_planned", "", changes, planned=changed)
    return True


def grant_money(task: Task, source: str, granted: int, words: str) -> None:
    """Record what was granted from a fund, in all; one that was not planned is added."""
    task.require_state(*_PLANNED, verb=Words("giao kinh phí", "granted money"))
    money = _fund(task, source)
    if money is None:
        money = Money(number=_next_number(task.resources.money), source=source)
        task.resources.money.append(money)
    was_over, before, money.granted = money.overspent, money.granted, granted
    task.tell(events.MoneyGranted, "money_granted", words, {"granted": [before, granted]}, fund=money.number)
    _tell_when_over(task, money, was_over)


def report_spending(task: Task, source: str, spent: int, words: str) -> None:
    """Say how much of a fund is spent so far, in all. Raises `RuleBroken` for a fund that was neither planned nor granted."""
    task.require_state(*_SPENT, verb=Words("báo cáo giải ngân", "reported on as spent"))
    money = _fund(task, source)
    if money is None:
        known = "; ".join(one.source for one in task.resources.money) or "-"
        message = Words("Nhiệm vụ không có nguồn kinh phí này.", "The task has no such fund.")
        repair = Words(f"Hãy chọn một trong: {known}.", f"Choose one of: {known}.")
        raise RuleBroken(message, [FieldProblem("source", "fund_unknown", message, repair, source)])
    was_over, before, money.spent = money.overspent, money.spent, spent
    task.tell(events.SpendingReported, "spending_reported", words, {"spent": [before, spent]}, fund=money.number)
    _tell_when_over(task, money, was_over)


def _tell_when_over(task: Task, money: Money, was_over: bool) -> None:
    if money.overspent and not was_over:
        changes = {"granted": [None, money.granted], "spent": [None, money.spent]}
        task.tell(events.TaskOverspent, "overspent", "", changes, fund=money.number)


def _fund(task: Task, source: str) -> Money | None:
    """The fund of this source, however it is spelt."""
    return next((one for one in task.resources.money if spelling(one.source) == spelling(source)), None)


def _next_number(funds: Sequence[Money]) -> int:
    return max((one.number for one in funds), default=0) + 1


def _planned(funds: Sequence[Money], given: Sequence[tuple[str, int]]) -> list[Money]:
    """The funds as planned anew: what was granted and spent stays with its source."""
    wanted = {spelling(source): (source, amount) for source, amount in given}
    if len(wanted) != len(given):
        message = Words("Mỗi nguồn kinh phí ghi một lần.", "Each fund stands once.")
        repair = Words("Hãy gộp các dòng cùng nguồn.", "Put the rows of one fund together.")
        raise Invalid(message, [FieldProblem("money", "fund_twice", message, repair)])
    used = [one for one in funds if one.granted is not None or one.spent]
    gone = [one.source for one in used if spelling(one.source) not in wanted]
    if gone:
        message = Words("Nguồn đã giao hoặc đã chi thì không bỏ được.", "A fund that was granted or spent from stays.")
        repair = Words("Hãy giữ nguồn đó trong money.", "Keep that fund in money.")
        raise RuleBroken(message, [FieldProblem("money", "fund_in_use", message, repair, one) for one in gone])
    kept = [one.model_copy(update={"planned": wanted[key][1]}) for one in funds if (key := spelling(one.source)) in wanted]
    known = {spelling(one.source) for one in funds}
    new = [entry for key, entry in wanted.items() if key not in known]
    first = _next_number(funds)
    return [*kept, *(Money(number=n, source=source, planned=amount) for n, (source, amount) in enumerate(new, first))]


def _told(value: Any) -> Any:
    """What the history says of it."""
    if isinstance(value, list):
        return "; ".join(
            f"{one.source}: {one.planned}" if isinstance(one, Money) else f"{one.what}: {one.number}" for one in value
        )
    return written(Fraction(value)) if value is not None else None
