"""Who may see and do what with a task, beyond the scope that the endpoint asks for.

What an actor may not see is answered as if it did not exist; what they see and may not do is `Forbidden`, with who may.
"""

from __future__ import annotations

from common.domain import Actor
from common.errors import Forbidden, NotFound, Words
from tasks.domain.task import Task


def sees(actor: Actor, task: Task) -> bool:
    """True when the task concerns a unit of the actor, or the actor in person."""
    concerned = actor.acts_for(task.lead_unit_id, *task.coordinator_unit_ids)
    return concerned or (actor.kind == "person" and actor.id in (task.responsible_id, task.approver_id))


def check_sees(actor: Actor, task: Task) -> None:
    """Raise `NotFound` unless the actor sees the task."""
    if not sees(actor, task):
        raise NotFound.of(Words(*Task.noun), task.id)


def check_manages(actor: Actor, task: Task) -> None:
    """Raise unless the actor acts for the lead unit: amend, publish, assign, pause, resume, cancel."""
    check_sees(actor, task)
    if not actor.acts_for(task.lead_unit_id):
        raise Forbidden(
            Words(
                "Chỉ đơn vị chủ trì hoặc cơ quan thường trực làm được việc này.",
                "Only the lead unit or the standing agency may.",
            )
        )


def check_does(actor: Actor, task: Task) -> None:
    """Raise unless the actor is the responsible person, or a system that acts for the lead unit."""
    check_sees(actor, task)
    if actor.id != task.responsible_id if actor.kind == "person" else not actor.acts_for(task.lead_unit_id):
        raise Forbidden(Words("Chỉ người chịu trách nhiệm làm được việc này.", "Only the responsible person may do this."))


def check_reviews(actor: Actor, task: Task) -> None:
    """Raise unless the actor is the approver, or a system that acts for the lead unit."""
    check_sees(actor, task)
    if actor.id != task.approver_id if actor.kind == "person" else not actor.acts_for(task.lead_unit_id):
        raise Forbidden(Words("Chỉ người duyệt của nhiệm vụ làm được việc này.", "Only the task's approver may do this."))


def check_acts_for_province(actor: Actor) -> None:
    """Raise `Forbidden` for an actor who is limited to some units: the committee's settings are the whole province's."""
    if actor.units is not None:
        raise Forbidden(
            Words(
                "Thiết lập của Ban Chỉ đạo là của toàn tỉnh: cần quyền không giới hạn đơn vị.",
                "The committee's settings are the whole province's: this needs access that is not limited to units.",
            )
        )


def check_standing_agency(actor: Actor) -> None:
    """Raise `Forbidden` for an actor who is limited to some units: reports and scores are drawn up for the whole province
    (cơ quan thường trực: a role, whoever holds it; DOMAIN 5.3).
    """
    if actor.units is not None:
        raise Forbidden(
            Words(
                "Chỉ cơ quan thường trực làm được việc này: cần quyền không giới hạn đơn vị.",
                "Only the standing agency may: this needs access that is not limited to units.",
            )
        )
