"""What the tasks service publishes of a reorganisation (sắp xếp đơn vị): rehearsed, decided, ordered, and every hand-over."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import LocalDay, PersonId, TaskId, UnitId
from common.contracts.tasks import _Task  # by its name: types of fields are not found through an alias

Tasks = Annotated[int, Field(ge=0, description="A number of tasks", examples=[12])]


ReorganisationId = Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d009"])]
EffectiveOn = Annotated[LocalDay, Field(description="Tasks change hands from the midnight with which this day begins")]


class _Reorganisation(Event):
    reorganisation_id: ReorganisationId
    effective_on: EffectiveOn


class ReorganisationRehearsed(_Reorganisation, type="tasks.reorganisation.rehearsed.v1", key="reorganisation_id"):
    """It was worked out what a list of successions would do to the tasks that are alive; nothing has changed."""

    number: Annotated[int, Field(ge=1, description="1, 2, 3 ... of the same reorganisation", examples=[1])]
    units: Annotated[int, Field(ge=0, description="Units that end or give a part away", examples=[335])]
    tasks: Tasks
    undecided: Annotated[Tasks, Field(description="Tasks that wait for somebody's choice")]


class ReorganisationDiscarded(_Reorganisation, type="tasks.reorganisation.discarded.v1", key="reorganisation_id"):
    """It was called off before anything was handed over; what was rehearsed and decided stays on record."""


class ReorganisationDecided(_Reorganisation, type="tasks.reorganisation.decided.v1", key="reorganisation_id"):
    """The standing agency said whose tasks of units without one successor will be."""

    unit_ids: Annotated[
        list[UnitId], Field(description="Units, for all tasks that nobody decides about one by one", examples=[[]])
    ]
    task_ids: Annotated[list[TaskId], Field(examples=[["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d001"]])]


class ReorganisationOrdered(_Reorganisation, type="tasks.reorganisation.ordered.v1", key="reorganisation_id"):
    """Everything is decided: it is carried out from its day on."""


class TaskHandedOver(_Task, type="tasks.task.handed_over.v1", key="task_id"):
    """A reorganisation gave the task to the unit that follows its lead, or that follows one of its coordinators. Its life, its
    due day and what is open about it go on as they were.
    """

    reorganisation_id: ReorganisationId
    effective_on: EffectiveOn
    former_lead_unit_id: Annotated[
        UnitId | None, Field(description="The same as `lead_unit_id` when coordinators alone changed")
    ] = None
    coordinator_unit_ids: Annotated[list[UnitId], Field(description="From now on", examples=[[]])]


class UnitReceived(_Reorganisation, type="tasks.reorganisation.unit_received.v1", key="reorganisation_id"):
    """A reorganisation was carried out: what one unit has taken over by it, in one fact instead of one for each task."""

    unit_id: UnitId
    from_unit_ids: Annotated[list[UnitId], Field(examples=[["vn:commune:00688@pre"]])]
    tasks: Tasks
    person_ids: Annotated[
        list[PersonId],
        Field(description="Who is responsible for one of these tasks, or headed a former unit", examples=[["per-0193a1"]]),
    ]


class ReorganisationExecuted(_Reorganisation, type="tasks.reorganisation.executed.v1", key="reorganisation_id"):
    """Every task was handed over, once; the counts before and after were compared."""

    tasks: Tasks
    adds_up: Annotated[bool, Field(description="Nothing was lost or doubled, by state, by level and by paper")]
