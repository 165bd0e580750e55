"""What the tasks service publishes of a reorganisation (sắp xếp đơn vị): rehearsed, decided, ordered, and every hand-over."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import LocalDay

Tasks = Annotated[int, Field(ge=0, description="A number of tasks", examples=[12])]


class _Reorganisation(Event):
    reorganisation_id: Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d009"])]
    effective_on: Annotated[LocalDay, Field(description="Tasks change hands from the midnight with which this day begins")]


class ReorganisationRehearsed(_Reorganisation, type="tasks.reorganisation.rehearsed.v1", key="reorganisation_id"):
    """It was worked out what a list of successions would do to the tasks that are alive; nothing has changed."""

    number: Annotated[int, Field(ge=1, description="1, 2, 3 ... of the same reorganisation", examples=[1])]
    units: Annotated[int, Field(ge=0, description="Units that end or give a part away", examples=[335])]
    tasks: Tasks
    undecided: Annotated[Tasks, Field(description="Tasks that wait for somebody's choice")]


class ReorganisationDiscarded(_Reorganisation, type="tasks.reorganisation.discarded.v1", key="reorganisation_id"):
    """It was called off before anything was handed over; what was rehearsed and decided stays on record."""
