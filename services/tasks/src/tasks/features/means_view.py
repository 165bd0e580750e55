"""What callers see of a task's means: evidence with what was said of it, the criteria that it shows met, resources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from common.http import View
from tasks.domain.exact import Exact
from tasks.domain.means import Evidence, ResourceKind, Reviewed, Verdict
from tasks.domain.product import EvidenceKind
from tasks.domain.resources import lacking
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


class MoneyView(View):
    number: int = Field(description="As events name the fund")
    source: str
    planned: int | None
    granted: int | None
    spent: int
    overspent: bool


class EquipmentView(View):
    what: str
    number: int


class ResourcesView(View):
    people: int | None
    months: Exact | None = Field(description="Person-months over all of them")
    money: list[MoneyView] = Field(description="By fund, in whole đồng")
    equipment: list[EquipmentView]
    lacking: list[ResourceKind] = Field(description="What nobody has planned")


class MeansView(View):
    """What stands beside a task whole."""

    criteria: list[CriterionView]
    evidence: list[EvidenceView]
    resources: ResourcesView


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
    return {"criteria": criteria, "evidence": evidence_views(task.evidence), "resources": _resources(task)}


def _resources(task: Task) -> dict[str, Any]:
    money = [one.model_dump() | {"overspent": one.overspent} for one in task.resources.money]
    return task.resources.model_dump() | {"money": money, "lacking": lacking(task)}
