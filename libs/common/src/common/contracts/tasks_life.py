"""What the tasks service publishes of a task's working life: extensions, disputes, reopening, escalations, promises."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.contracts.fields import LocalDay, UnitId
from common.contracts.tasks import _DuePeriod, _Task  # by name: types of fields are not found through an alias

Number = Annotated[int, Field(ge=1, description="1, 2, 3 ... of the same task", examples=[1])]
Level = Annotated[
    str,
    Field(
        description="responsible, unit_head, approver, standing_agency, committee_leader: who has to act or to know",
        examples=["standing_agency"],
    ),
]
DisputeKind = Literal["not_our_function", "wrong_status", "wrong_score", "wording"]
DaysLate = Annotated[int, Field(description="Days since its clock was to stop; negative before that day", examples=[5])]


class _Extension(_Task):
    number: Number
    wanted_on: Annotated[LocalDay, Field(description="The day that was asked for")]


class ExtensionRequested(_Extension, type="tasks.task.extension_requested.v1", key="task_id"):
    """Another due day was asked for (xin gia hạn); `due_on` holds until somebody with the authority decides."""

    level: Level


class ExtensionGranted(_Extension, type="tasks.task.extension_granted.v1", key="task_id"):
    """A later due day was granted (gia hạn): `due_on` is that day from now on."""

    due_before: LocalDay
    original_due_on: Annotated[LocalDay, Field(description="The first due day of the task")]


class ExtensionRefused(_Extension, type="tasks.task.extension_refused.v1", key="task_id"):
    """The due day stays as it was, on recorded words."""


class _Dispute(_Task):
    number: Number
    dispute: DisputeKind
    level: Level


class _OpenDispute(_Dispute):
    answer_by: Annotated[LocalDay, Field(description="The last day for this level to answer")]


class TaskDisputed(_OpenDispute, type="tasks.task.disputed.v1", key="task_id"):
    """The lead unit says that the task is not its function, or its status, score or wording is wrong (kiến nghị)."""


class DisputeRaised(_OpenDispute, type="tasks.task.dispute_raised.v1", key="task_id"):
    """A dispute was not answered in time: it goes one level up, to `level`."""


class DisputeUpheld(_Dispute, type="tasks.task.dispute_upheld.v1", key="task_id"):
    """The dispute was answered in the unit's favour. Of one about the function, `lead_unit_id` is the unit
    that led until now.
    """


class DisputeRejected(_Dispute, type="tasks.task.dispute_rejected.v1", key="task_id"):
    """The dispute was answered against the unit, on recorded words."""


class TaskReopened(_Task, type="tasks.task.reopened.v1", key="task_id"):
    """A completed task is in progress again, by decision of its approver or the standing agency."""


class _Late(_Task):
    days_late: DaysLate
    counted_from: Annotated[LocalDay, Field(description="The due day, or the later day on which its clock ran again")]


class TaskEscalated(_Late, type="tasks.task.escalated.v1", key="task_id"):
    """The clock brought a late task before the next level; once for each step and due day."""

    level: Level


class PeriodEscalated(_DuePeriod, type="tasks.task.period_escalated.v1", key="task_id"):
    """The clock brought a period whose result was not handed in before the next level; once for each step and period."""

    days_late: DaysLate
    level: Level


class RemedyPlanAsked(_Late, type="tasks.task.remedy_plan_asked.v1", key="task_id"):
    """The clock asks for a remedy plan (phương án khắc phục); once for each due day."""


class RemedyPlanGiven(_Task, type="tasks.task.remedy_plan_given.v1", key="task_id"):
    """The unit said how it will catch up; the words stay in the task."""

    number: Number
    milestones_on: Annotated[list[LocalDay], Field(description="Its new milestones", examples=[["2026-12-04", "2026-12-11"]])]


class CommitmentAsked(_Late, type="tasks.task.commitment_asked.v1", key="task_id"):
    """The clock asks for a letter of commitment (cam kết); once for each due day."""


class CommitmentGiven(_Task, type="tasks.task.commitment_given.v1", key="task_id"):
    """The unit committed itself to a day. The due day stays: the task goes on being late."""

    number: Number
    committed_on: Annotated[LocalDay, Field(description="The day by whose end the result will be handed in")]


class CommitmentBroken(_Task, type="tasks.task.commitment_broken.v1", key="task_id"):
    """The day of a commitment passed without the result; once for each commitment."""

    number: Number
    committed_on: Annotated[LocalDay, Field(description="The day by whose end the result should have been handed in")]
    level: Level


class RemedyPlanReminded(_Task, type="tasks.task.remedy_plan_reminded.v1", key="task_id"):
    """A remedy plan that was asked for was not given: said again after so many days."""

    asked_on: LocalDay
    times: Annotated[int, Field(ge=1, description="How often since it was asked for", examples=[1])]


class TaskReleased(_Task, type="tasks.task.released.v1", key="task_id"):
    """A dispute about the function was upheld: the task is without lead and responsible person, to be assigned anew."""

    former_lead_unit_id: UnitId | None = None
