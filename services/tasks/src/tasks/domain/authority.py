"""Who decides on a unit's request, at which level: a request is never decided by its own side.

The approver decides in person; a partner system of the lead unit does not speak for them here, since it speaks for the side
that asks. A higher level may always decide what waits for a lower one.
"""

from __future__ import annotations

from common.domain import Actor
from common.errors import FieldProblem, Forbidden, RuleBroken, Words
from tasks.domain.directory import Position, Unit
from tasks.domain.matters import Level
from tasks.domain.permissions import check_sees
from tasks.domain.task import Task

_WHO: dict[Level, Words] = {
    "approver": Words("người duyệt của nhiệm vụ", "the task's approver"),
    "standing_agency": Words("cơ quan thường trực", "the standing agency"),
    "committee_leader": Words("lãnh đạo Ban Chỉ đạo", "the committee's leader"),
}


def check_decides(actor: Actor, task: Task, level: Level, position: Position | None = None) -> None:
    """Raise `NotFound` or `Forbidden` unless the actor may decide what waits for this level. `position` is the actor's own, of
    a person; a person's access to every unit is that of the standing agency or of the committee's leader.
    """
    check_sees(actor, task)
    if actor.units is not None:
        allowed = level == "approver" and actor.kind == "person" and actor.id == task.approver_id
    else:
        allowed = level != "committee_leader" or actor.kind != "person" or position == "committee_leader"
    if not allowed:
        who = _WHO[level]
        raise Forbidden(Words(f"Thẩm quyền quyết định thuộc {who.vi}.", f"This is for {who.en} to decide."))


def check_not_own(actor: Actor, asked_by: str) -> None:
    """Raise `Forbidden` for a person who would decide on what they asked for themselves."""
    if actor.kind == "person" and str(actor) == asked_by:
        raise Forbidden(
            Words("Không ai tự quyết định đề nghị của mình.", "Nobody decides on their own request."),
        )


def check_asks(actor: Actor, task: Task) -> None:
    """Raise unless the actor is the responsible person or acts for the lead unit."""
    check_sees(actor, task)
    if not (actor.acts_for(task.lead_unit_id) or (actor.kind == "person" and actor.id == task.responsible_id)):
        raise Forbidden(
            Words(
                "Chỉ người chịu trách nhiệm hoặc đơn vị chủ trì làm được việc này.",
                "Only the responsible person or the lead unit may.",
            )
        )


def check_rates(actor: Actor, task: Task) -> None:
    """Raise unless the actor is the responsible person or the approver, or acts for the lead unit."""
    check_sees(actor, task)
    in_person = actor.kind == "person" and actor.id in (task.responsible_id, task.approver_id)
    if not (in_person or actor.acts_for(task.lead_unit_id)):
        raise Forbidden(
            Words(
                "Chỉ đơn vị chủ trì, người chịu trách nhiệm hoặc người duyệt đánh giá được.",
                "Only the lead unit, the responsible person or the approver may say that.",
            )
        )


_RANK = ("central", "province", "department", "district", "commune", "commune_body")
"""Levels of the register from the highest to the lowest; levels that it does not know are not compared."""


def check_not_pushed_up(actor: Actor, own: Unit | None, other: Unit | None) -> None:
    """Raise `RuleBroken` when a caller who is limited to units would hand a task of theirs to a unit of a higher level: a
    lower level may not push a task up (226-KL/TW). Who acts for the whole province gives tasks to whom it wants.
    """
    if actor.units is None or own is None or other is None or own.level not in _RANK or other.level not in _RANK:
        return
    if _RANK.index(other.level) < _RANK.index(own.level):
        message = Words(
            f"Cấp dưới không đẩy việc lên cấp trên (226-KL/TW): {own.full_name} → {other.full_name}.",
            f"A lower level does not push a task up (226-KL/TW): {own.full_name} to {other.full_name}.",
        )
        repair = Words(
            "Hãy gọi dispute với kind not_our_function: cơ quan giao việc sẽ quyết định giao lại cho ai.",
            "Call dispute with kind not_our_function: whoever assigned it decides to whom it goes.",
        )
        raise RuleBroken(message, [FieldProblem("lead_unit_id", "pushed_up", message, repair, other.id)])
