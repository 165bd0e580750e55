"""What the tasks service publishes: the register (units, people), directives, and the life of tasks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import Code, DirectiveId, LocalDay, Moment, PersonId, TaskId, Timeliness, Title, UnitId


class _Unit(Event):
    unit_id: UnitId
    code: Annotated[str, Field(examples=["00694"])]
    level: Annotated[str, Field(examples=["commune"])]
    full_name: Annotated[str, Field(examples=["Phường Hà Giang 1"])]
    parent_id: UnitId | None = None
    valid_from: LocalDay | None = None
    valid_to: LocalDay | None = None


class UnitRegistered(_Unit, type="tasks.unit.registered.v1", key="unit_id"):
    """A unit stands in the register, for the days between `valid_from` and `valid_to`, both included."""


class UnitChanged(_Unit, type="tasks.unit.changed.v1", key="unit_id"):
    """The register's entry of a unit was corrected, or its end was set."""


class _Succession(Event):
    succession_id: Annotated[str, Field(examples=["vn:commune:00688@pre>vn:commune:00694@2025-07-01"])]
    from_unit_id: UnitId
    to_unit_id: UnitId
    kind: Literal["whole", "partial", "unchanged", "merge"]
    effective_on: LocalDay


class SuccessionRegistered(_Succession, type="tasks.succession.registered.v1", key="succession_id"):
    """One unit follows another, whole or in part, on a day."""


class SuccessionChanged(_Succession, type="tasks.succession.changed.v1", key="succession_id"):
    """What the register says of a succession was corrected."""


class _Person(Event):
    person_id: PersonId
    unit_id: UnitId
    position: Annotated[
        str,
        Field(description="unit_head, deputy_head, officer, standing_agency, committee_leader", examples=["officer"]),
    ]
    audiences: Annotated[list[str], Field(description="Audience ids of the digital literacy movement", examples=[["AUD-CBCC"]])]
    active: bool = True


class PersonRegistered(_Person, type="tasks.person.registered.v1", key="person_id"):
    """A person holds a position in a unit."""


class PersonChanged(_Person, type="tasks.person.changed.v1", key="person_id"):
    """A person moved, changed position, or left."""


class _Directive(Event):
    directive_id: DirectiveId
    number: Annotated[str, Field(description="As written", examples=["57-NQ/TW"])]
    issuer: Annotated[str, Field(examples=["Politburo"])]
    issued_on: LocalDay | None = None
    parent_id: DirectiveId | None = None
    issuer_unit_id: Annotated[UnitId | None, Field(description="The unit of the register that issued it")] = None
    asked_levels: list[str] = Field(
        default_factory=list, description="Levels of units that it asks to concretise it", examples=[["commune"]]
    )
    asked_unit_ids: list[UnitId] = Field(
        default_factory=list, description="Units that it asks beside them", examples=[["agency:HG-KHCN"]]
    )
    asked_working_days: Annotated[
        int | None, Field(description="Within how many working days, if it says so", examples=[20])
    ] = None


class DirectiveRegistered(_Directive, type="tasks.directive.registered.v1", key="directive_id"):
    """A paper or meeting conclusion that gives tasks (văn bản chỉ đạo) was registered."""


class DirectiveChanged(_Directive, type="tasks.directive.changed.v1", key="directive_id"):
    """The register's entry of a paper was corrected."""


class _ByPaper(_Directive):
    by_id: Annotated[DirectiveId | None, Field(description="The paper that does it, when it is registered")] = None
    effective_on: LocalDay


class DirectiveAmended(_ByPaper, type="tasks.directive.amended.v1", key="directive_id"):
    """Another paper changed parts of it (sửa đổi, bổ sung); it stays in force."""


class DirectiveEnded(_ByPaper, type="tasks.directive.ended.v1", key="directive_id"):
    """It is in force no more: another paper took its place, it was repealed, or its issuer withdrew it."""

    how: Literal["replaced", "repealed", "withdrawn"]


class _Task(Event):
    """What everybody who reacts to a task needs: whose it is, and when it is due."""

    task_id: TaskId
    title: Title
    lead_unit_id: UnitId | None = None
    responsible_id: PersonId | None = None
    approver_id: PersonId | None = None
    due_on: LocalDay | None = None


OfTask = _Task
"""What every event of a task is, for whoever records one by its type."""


class TaskDrafted(_Task, type="tasks.task.drafted.v1", key="task_id"):
    """A task was written down or imported; nobody has to do it yet."""

    directive_id: DirectiveId | None = None
    reference: Annotated[
        str | None, Field(description="Its id in the plan that it was imported from", examples=["NQ03-114"])
    ] = None
    parent_task_ids: list[TaskId] = Field(default_factory=list, description="The tasks above that it carries out")


class TaskAmended(_Task, type="tasks.task.amended.v1", key="task_id"):
    """Its content was changed; `fields` names what."""

    fields: Annotated[list[str], Field(examples=[["due_on", "product"]])]
    parent_task_ids: list[TaskId] = Field(
        default_factory=list, description="The tasks above that it carries out, as they stand now"
    )


class TaskPublished(_Task, type="tasks.task.published.v1", key="task_id"):
    """It met every clear and was issued."""


class TaskAssigned(_Task, type="tasks.task.assigned.v1", key="task_id"):
    """It was given to the responsible person."""


class TaskAccepted(_Task, type="tasks.task.accepted.v1", key="task_id"):
    """The responsible person took it on."""


class TaskRefused(_Task, type="tasks.task.refused.v1", key="task_id"):
    """The responsible person handed it back to whoever assigned it (từ chối nhiệm vụ)."""

    reason_code: Code


class ProgressReported(_Task, type="tasks.task.progress_reported.v1", key="task_id"):
    """The responsible person said how far it is (báo cáo tiến độ)."""

    percent: Annotated[int, Field(ge=0, le=100, examples=[40])]


class EvidenceAdded(_Task, type="tasks.task.evidence_added.v1", key="task_id"):
    """Something that proves the result was added (minh chứng); its content stays where it is."""

    evidence_id: Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d007"])]
    kind: Annotated[str, Field(examples=["document"])]
    sha256: Annotated[
        str | None,
        Field(
            description="Of the file, when there is one",
            examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ] = None


class TaskSubmitted(_Task, type="tasks.task.submitted.v1", key="task_id"):
    """Its result was handed in for approval."""

    submitted_at: Moment
    missing_parts: list[int] = Field(
        default_factory=list, description="Numbers of the coordinators' parts that the lead has not accepted", examples=[[2]]
    )


class TaskReturned(_Task, type="tasks.task.returned.v1", key="task_id"):
    """The approver sent it back to be mended."""

    reason_code: Code


class TaskCompleted(_Task, type="tasks.task.completed.v1", key="task_id"):
    """The approver accepted the result, with evidence."""

    completed_at: Moment
    timeliness: Timeliness


class TaskPaused(_Task, type="tasks.task.paused.v1", key="task_id"):
    """Its clock was stopped by somebody with the authority to."""


class TaskResumed(_Task, type="tasks.task.resumed.v1", key="task_id"):
    """Its clock runs again."""


class TaskCancelled(_Task, type="tasks.task.cancelled.v1", key="task_id"):
    """It needs not be done any more."""


class TaskFellDueSoon(_Task, type="tasks.task.fell_due_soon.v1", key="task_id"):
    """The clock said that few days are left; once for each due day."""

    days_left: Annotated[int, Field(examples=[3])]


class TaskBecameOverdue(_Task, type="tasks.task.became_overdue.v1", key="task_id"):
    """The clock said that the due day has passed; once for each due day."""


class _Period(_Task):
    """One period of a task that repeats (kỳ báo cáo), or one occurrence of what a task waits for."""

    period: Annotated[str, Field(description="Its key within the task", examples=["2026-11"])]


class _DuePeriod(_Period):
    period_due_on: LocalDay


class PeriodOpened(_DuePeriod, type="tasks.task.period_opened.v1", key="task_id"):
    """A period began: its own result is due on its own day."""

    starts_on: LocalDay
    ends_on: LocalDay


class PeriodEvidenceAdded(_Period, type="tasks.task.period_evidence_added.v1", key="task_id"):
    """Something that proves the result of a period was added; its content stays where it is."""

    evidence_id: Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d007"])]
    kind: Annotated[str, Field(examples=["document"])]
    sha256: Annotated[str | None, Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])] = None


class PeriodSubmitted(_DuePeriod, type="tasks.task.period_submitted.v1", key="task_id"):
    """The result of a period was handed in for approval."""

    submitted_at: Moment


class PeriodReturned(_Period, type="tasks.task.period_returned.v1", key="task_id"):
    """The approver sent the result of a period back to be mended."""

    reason_code: Code


class PeriodClosed(_DuePeriod, type="tasks.task.period_closed.v1", key="task_id"):
    """The approver accepted the result of a period."""

    completed_at: Moment
    timeliness: Timeliness


class PeriodFellDueSoon(_DuePeriod, type="tasks.task.period_fell_due_soon.v1", key="task_id"):
    """The clock said that few days of a period are left; once."""

    days_left: Annotated[int, Field(examples=[3])]


class PeriodBecameOverdue(_DuePeriod, type="tasks.task.period_became_overdue.v1", key="task_id"):
    """The clock said that the due day of a period has passed; once."""


class _Waiting(_Task):
    """A task whose clock waits for a paper of another body."""

    waits_for: Annotated[str, Field(description="The body, as the plan words it", examples=["Trung ương"])]


class ClockStarted(_Waiting, type="tasks.task.clock_started.v1", key="task_id"):
    """The paper that a relative deadline waited for was registered, or its day corrected: `due_on` counts from it.

    The days until then are booked to the body waited for, not to the unit that waited.
    """

    paper_id: DirectiveId
    paper_issued_on: LocalDay
    due_before: Annotated[LocalDay | None, Field(description="What the due day was until now")] = None
    days_waited: Annotated[int, Field(ge=0, examples=[12])]


class ClockStopped(_Waiting, type="tasks.task.clock_stopped.v1", key="task_id"):
    """The paper that had started the clock was withdrawn: the task waits again."""

    paper_id: DirectiveId
    due_before: LocalDay


class StillWaits(_Waiting, type="tasks.task.still_waits.v1", key="task_id"):
    """The clock said that a task goes on waiting for another body: time to ask again."""

    days_waited: Annotated[int, Field(ge=0, examples=[30])]


class FateAsked(_Task, type="tasks.task.fate_asked.v1", key="task_id"):
    """The paper that gave the task is in force no more: somebody has to say what becomes of it."""

    paper_id: DirectiveId
    replaced_by_id: DirectiveId | None = None


class _InPlan(_Task):
    reference: Annotated[
        str | None, Field(description="Its id in the plan that it was imported from", examples=["NQ03-114"])
    ] = None


class TaskDroppedFromPlan(_InPlan, type="tasks.task.dropped_from_plan.v1", key="task_id"):
    """Its plan was sent again without it: somebody has to say what becomes of it."""


class TaskBackInPlan(_InPlan, type="tasks.task.back_in_plan.v1", key="task_id"):
    """Its plan names it again."""


class FateDecided(_Task, type="tasks.task.fate_decided.v1", key="task_id"):
    """It was decided what becomes of a task whose paper is in force no more, or that its plan no longer names."""

    decision: Literal["goes_on", "cancelled"]
    basis_id: Annotated[DirectiveId | None, Field(description="The paper by which it goes on")] = None


class CommitteeSettingsChanged(Event, type="tasks.committee.settings_changed.v1", key="committee_id"):
    """The committee decided how clears and lateness are judged."""

    committee_id: Annotated[str, Field(examples=["committee"])]
    authority_required: bool
    nearly_due_days: Annotated[int, Field(ge=0, le=60, examples=[3])]
    lateness_counts: Literal["submission", "approval"]
    fields: list[str] = Field(
        default_factory=list, description="Which settings changed; GET /v1/committee has them all", examples=[["holidays"]]
    )
