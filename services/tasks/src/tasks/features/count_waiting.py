"""Who keeps whom waiting: days booked to each body whose paper plans wait for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.domain import local_day
from common.http import Call, Items, Routes, View, reads
from tasks.store import count_waits

routes = Routes("tasks")


class WaitedFor(View):
    body: str = Field(description="As plans word it", examples=["Trung ương"])
    waiting: int = Field(description="Tasks that wait for it now")
    dated: int = Field(description="Tasks that its papers have dated")
    days: int = Field(description="Days booked to it, over all these tasks, up to today")
    longest: int = Field(description="The longest wait of one task, in days")


@routes.get("/summary/waiting", response_model=Items[WaitedFor])
async def count_waiting(call: Annotated[Call, reads("summary:read")]) -> Response:
    """Over the tasks that the caller may see: by body, most days first."""
    counted = await count_waits(call.reader, call.actor, local_day(call.units.clock()))
    return call.one(Items[WaitedFor](items=[WaitedFor(**asdict(one)) for one in counted], next_cursor=None))
