"""A programme as callers see it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from common.http import View
from training.domain.programme import Programme


class ProgrammeView(View):
    id: str
    title: str
    course_ids: list[str]
    threshold_percent: int
    audiences: dict[str, int] = Field(description="Audience: the wave in which it learns")
    created_at: datetime

    @classmethod
    def of(cls, programme: Programme) -> ProgrammeView:
        return cls.model_validate(programme.model_dump(include=set(cls.model_fields)))
