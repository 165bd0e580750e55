"""A rubric as callers see it: the words of each row beside what they were read as."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from common.http import View
from tasks.domain.rubric import Class, Criterion, Penalty, Remark, Rubric


class RubricLine(View):
    """A rubric in a list."""

    id: str
    name: str
    source: str
    valid_from: date
    valid_to: date | None
    sha256: str = Field(description="Of the table as it was sent")

    @classmethod
    def of(cls, rubric: Rubric) -> RubricLine:
        return cls.model_validate(_told(rubric))


class RubricView(RubricLine):
    """A rubric whole."""

    criteria: list[Criterion]
    penalties: list[Penalty]
    classes: list[Class]
    remarks: list[Remark] = Field(description="Rows that neither earn nor cost points, as written")
    implied: list[str] = Field(description="Criteria of which no words say what their lowest values earn: nothing")

    @classmethod
    def of(cls, rubric: Rubric) -> RubricView:
        implied = [one.id for one in rubric.criteria if one.implied]
        content = rubric.model_dump(include={"criteria", "penalties", "classes", "remarks"})
        return cls.model_validate(_told(rubric) | content | {"implied": implied})


def _told(rubric: Rubric) -> dict[str, Any]:
    names = ("id", "name", "source", "valid_from", "valid_to")
    return {name: getattr(rubric, name) for name in names} | {"sha256": rubric.digest}
