"""An enrolment as callers see it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from common.http import View
from training.domain.enrolment import Enrolment, State


class EnrolmentView(View):
    id: str
    programme_id: str
    person_id: str
    unit_id: str
    position: str
    wave: int
    state: State
    active: bool = Field(description="False while the person is out of office: they are not counted")
    enrolled_at: datetime
    opened_at: datetime | None
    completed_at: datetime | None

    @classmethod
    def of(cls, enrolment: Enrolment) -> EnrolmentView:
        return cls.model_validate(enrolment.model_dump(include=set(cls.model_fields)))
