"""What the tasks service publishes of concretisation (cụ thể hóa): which unit owes a paper, or says that it owes none."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import DirectiveId, LocalDay, UnitId


class _Concretisation(Event):
    concretisation_id: Annotated[
        str,
        Field(
            description="A directive and a unit",
            examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d002/vn:commune:00694@2025-07-01"],
        ),
    ]
    directive_id: DirectiveId
    unit_id: UnitId
    number: Annotated[str, Field(description="The directive's number as written", examples=["57-NQ/TW"])]
    issued_on: LocalDay | None = None


class ConcretisationReminded(_Concretisation, type="tasks.concretisation.reminded.v1", key="concretisation_id"):
    """A unit that has registered no paper of its own below a directive was asked for it (đôn đốc)."""

    silent_working_days: Annotated[
        int | None,
        Field(description="Since the directive's issue, or since the unit exists; null: its day is not known", examples=[21]),
    ] = None
    due_on: Annotated[LocalDay | None, Field(description="When the directive wants it, if it says so")] = None
    times: Annotated[int, Field(ge=1, description="How often the unit has been reminded of it", examples=[1])]


class NotApplicableClaimed(_Concretisation, type="tasks.concretisation.claimed.v1", key="concretisation_id"):
    """A unit said that a directive does not concern it (không áp dụng); its words stand in the directive's history."""


class NotApplicableConfirmed(_Concretisation, type="tasks.concretisation.confirmed.v1", key="concretisation_id"):
    """The standing agency confirmed that a directive does not concern a unit."""


class NotApplicableRejected(_Concretisation, type="tasks.concretisation.rejected.v1", key="concretisation_id"):
    """The standing agency said that a directive concerns the unit all the same: it still owes its paper."""
