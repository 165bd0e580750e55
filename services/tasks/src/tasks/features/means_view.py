"""What callers see of a task's means: its evidence with what was said of it, and the criteria that it shows met."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from common.http import View
from tasks.domain.means import Evidence, Reviewed, Verdict
from tasks.domain.product import EvidenceKind
from tasks.domain.task import Task


class ReviewView(View):
    at: datetime
    by: str = Field(description="Who saw it")
    verdict: Verdict
    words: str
    reason_code: str | None


class EvidenceView(View):
    id: str
    kind: EvidenceKind
    title: str
    url: str | None
    file: str | None = Field(description="Where the file is kept; `sha256` says which bytes are meant")
    sha256: str | None
    criteria: list[str] = Field(description="The criteria that it shows met, in their words")
    added_at: datetime
    added_by: str
    state: Reviewed = Field(description="What was rejected or superseded proves nothing")
    superseded_by: str | None
    reviews: list[ReviewView] = Field(description="Oldest first; the last one that decided counts")


class CriterionView(View):
    number: int = Field(description="Its place, from 1: evidence names it by that")
    words: str
    evidence_ids: list[str] = Field(description="Evidence that counts and shows it met")


class MeansView(View):
    """What stands beside a task whole."""

    criteria: list[CriterionView]
    evidence: list[EvidenceView]


def evidence_views(pieces: Sequence[Evidence]) -> list[dict[str, Any]]:
    return [one.model_dump() | {"state": one.state} for one in pieces]


def in_whole(task: Task) -> dict[str, Any]:
    """What a task whole shows of its means, in the place of what it stores."""
    criteria = [
        CriterionView(
            number=number,
            words=words,
            evidence_ids=[one.id for one in task.evidence if one.counts and words in one.criteria],
        )
        for number, words in enumerate(task.criteria, 1)
    ]
    return {"criteria": criteria, "evidence": evidence_views(task.evidence)}
