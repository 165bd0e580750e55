"""What the tasks service publishes of a task's means: evidence, resources, parts of others, marks, parties, no work."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.contracts.fields import Code, LocalDay, UnitId
from common.contracts.tasks import _Task  # by its name: types of fields are not found through an alias

EvidenceId = Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d007"])]
OfPeriod = Annotated[str | None, Field(description="Of the result of this period, if of one", examples=["2026-11"])]


class _Evidence(_Task):
    evidence_id: EvidenceId
    period: OfPeriod = None


class EvidenceSeen(_Evidence, type="tasks.task.evidence_seen.v1", key="task_id"):
    """Somebody on the approver's side looked at it (đã xem); nothing is decided by that."""


class EvidenceAccepted(_Evidence, type="tasks.task.evidence_accepted.v1", key="task_id"):
    """The approver's side accepted the evidence."""


class EvidenceRejected(_Evidence, type="tasks.task.evidence_rejected.v1", key="task_id"):
    """The approver's side rejected the evidence, on recorded words: it proves nothing until another piece supersedes it."""

    reason_code: Annotated[Code | None, Field(examples=["unreadable"])] = None


class EvidenceSuperseded(_Evidence, type="tasks.task.evidence_superseded.v1", key="task_id"):
    """Another piece takes the place of this one, which stays as it was."""

    superseded_by: EvidenceId


Fund = Annotated[int, Field(ge=1, description="1, 2, 3 ... of the same task: its source and amounts stay there", examples=[1])]


class ResourcesPlanned(_Task, type="tasks.task.resources_planned.v1", key="task_id"):
    """Who and what the task is done with was planned or planned anew (nguồn lực); how much stays in the task."""

    planned: Annotated[list[Literal["people", "months", "money", "equipment"]], Field(examples=[["people", "money"]])]


class MoneyGranted(_Task, type="tasks.task.money_granted.v1", key="task_id"):
    """Money was granted from a fund (giao kinh phí), or another amount than before."""

    fund: Fund


class SpendingReported(_Task, type="tasks.task.spending_reported.v1", key="task_id"):
    """It was said how much of a fund is spent so far (giải ngân)."""

    fund: Fund


class TaskOverspent(_Task, type="tasks.task.overspent.v1", key="task_id"):
    """More is spent of a fund than was granted; told when it becomes so."""

    fund: Fund


class _Part(_Task):
    part: Annotated[int, Field(ge=1, description="1, 2, 3 ... of the same task", examples=[1])]
    unit_id: Annotated[UnitId, Field(description="The coordinating unit whose part it is")]
    part_due_on: Annotated[LocalDay, Field(description="The day by whose end the part is due")]


class PartAsked(_Part, type="tasks.task.part_asked.v1", key="task_id"):
    """The lead asks a coordinating unit for its part of the result (phần việc phối hợp); what, stays in the task."""


class PartSubmitted(_Part, type="tasks.task.part_submitted.v1", key="task_id"):
    """A coordinating unit handed in its part to the lead."""


class PartAccepted(_Part, type="tasks.task.part_accepted.v1", key="task_id"):
    """The lead accepted a part."""


class PartReturned(_Part, type="tasks.task.part_returned.v1", key="task_id"):
    """The lead sent a part back to be mended, on recorded words."""


class PartWithdrawn(_Part, type="tasks.task.part_withdrawn.v1", key="task_id"):
    """The lead needs the part no more, on recorded words."""


class PartFellDueSoon(_Part, type="tasks.task.part_fell_due_soon.v1", key="task_id"):
    """The clock said that few days are left for a part that its unit has not handed in; once."""

    days_left: Annotated[int, Field(examples=[3])]


class PartBecameOverdue(_Part, type="tasks.task.part_became_overdue.v1", key="task_id"):
    """The clock said that the day of a part has passed and that its unit has not handed it in; once."""


class TaskRated(_Task, type="tasks.task.rated.v1", key="task_id"):
    """Somebody said how feasible the task is, or how urgent; None where nothing is said (any more)."""

    feasibility: Annotated[Literal["feasible", "doubtful", "infeasible"] | None, Field(examples=["feasible"])] = None
    priority: Annotated[Literal["high", "normal", "low"] | None, Field(examples=["high"])] = None


class FocusSet(_Task, type="tasks.task.focus_set.v1", key="task_id"):
    """The task was put on the short list of what is done first (nhiệm vụ trọng tâm)."""


class FocusLifted(_Task, type="tasks.task.focus_lifted.v1", key="task_id"):
    """The task was taken from the short list."""


class _Party(_Task):
    party_id: Annotated[str, Field(description="Opaque; its label stands in the task alone", examples=["019a8f2e-9d01"])]
    party: Annotated[
        str,
        Field(description="prestigious_person, youth_union, firm, cooperative, other", examples=["prestigious_person"]),
    ]
    unit_id: Annotated[UnitId, Field(description="The unit through which it is reached")]


class PartyNamed(_Party, type="tasks.task.party_named.v1", key="task_id"):
    """Somebody without an account takes part in the task and is reached through a unit."""


class PartyReached(_Party, type="tasks.task.party_reached.v1", key="task_id"):
    """The unit said that it has reached the party, on recorded words."""


class PartyRemoved(_Party, type="tasks.task.party_removed.v1", key="task_id"):
    """The party takes part no more, on recorded words."""


class _NoWork(_Task):
    period: Annotated[str, Field(description="Its key within the task", examples=["2026-11"])]
    period_due_on: LocalDay


class NoWorkStated(_NoWork, type="tasks.task.no_work_stated.v1", key="task_id"):
    """Whoever does the task says that there was no work in this period (tháng không phát sinh), on recorded words."""


class PeriodWithoutWork(_NoWork, type="tasks.task.period_without_work.v1", key="task_id"):
    """The approver's side confirmed it: the period is closed without work, and counted neither late nor done."""


class NoWorkRejected(_NoWork, type="tasks.task.no_work_rejected.v1", key="task_id"):
    """The approver's side rejected it, on recorded words: a result of the period is due all the same."""
