"""Facts that any service may publish about itself, on its own topic."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.contracts.base import Event


class RecordsRedriven(Event, type="platform.redrive.ordered.v1", key="redrive_id"):
    """An operator had records that were set aside applied again, or given up."""

    redrive_id: Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d006"])]
    records: Annotated[list[str], Field(description="Event ids, or topic/partition/offset", examples=[["tasks-events/3/118"]])]
    given_up: Annotated[bool, Field(description="True when they were skipped, not applied")]
