"""Fields that events share, each with an example from which the golden samples are made; days and moments of requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticKnownError

UnitId = Annotated[
    str,
    Field(
        description="`unit_uid` of the register: never the statistics code, which mergers reuse",
        examples=["vn:commune:00694@2025-07-01"],
    ),
]
PersonId = Annotated[
    str,
    Field(description="Opaque id of a person; the name is kept in one place and never in an event", examples=["per-0193a1"]),
]
TaskId = Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d001"])]
DirectiveId = Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d002"])]
CourseId = Annotated[str, Field(examples=["C-INFOSEC"])]
ProgrammeId = Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d003"])]
EnrolmentId = Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d004"])]
NoticeId = Annotated[str, Field(examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d005"])]
ClientId = Annotated[str, Field(examples=["prov-gate-7f3a"])]
Title = Annotated[str, Field(description="Short title in Vietnamese", examples=["Rà soát tài khoản người dùng"])]
LocalDay = Annotated[date, Field(description="A day in Asia/Ho_Chi_Minh", examples=["2026-11-30"])]
Moment = Annotated[datetime, Field(description="RFC 3339, UTC", examples=["2026-11-24T03:15:00Z"])]
Code = Annotated[str, Field(description="A stable code, lower case", examples=["not_our_function"])]
Timeliness = Literal["in_time", "nearly_due", "overdue", "done_in_time", "done_late", "no_due_date", "waiting", "paused"]


def _written_as(form: str, kind: Literal["date_type", "datetime_type"]) -> Callable[[Any], Any]:
    written = re.compile(form, re.ASCII)

    def check(value: Any) -> Any:
        if isinstance(value, date) or (isinstance(value, str) and written.fullmatch(value)):
            return value
        raise PydanticKnownError(kind)

    return check


IsoDay = Annotated[date, BeforeValidator(_written_as(r"\d{4}-\d{2}-\d{2}", "date_type"))]
"""A day in a request: ISO 8601 as `2026-11-30` and nothing else. A plain `date` takes numbers too: 0 is 1 January 1970."""
IsoMoment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_as(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", "datetime_type")),
]
"""A moment in a request: RFC 3339 with its offset and nothing else."""
