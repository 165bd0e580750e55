"""What callers see of a task's means: evidence with what was said of it, the criteria that it shows met,
resources, parts of coordinators, marks that people set, parties.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from common.http import View
from tasks.domain.exact import Exact
from tasks.domain.means import Evidence, Feasibility, PartDecision, PartyKind, Priority, ResourceKind, Reviewed, Verdict
from tasks.domain.parts import PartStanding, standing_of_part
from tasks.domain.product import EvidenceKind
from tasks.domain.resources import lacking
from tasks.domain.task import Task
from tasks.features.life_view import SaidView


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


class HandedInView(SaidView):
    url: str | None
    file: str | None
    sha256: str | None


class PartAnswerView(SaidView):
    decision: PartDecision


class PartView(View):
    number: int
    unit_id: str
    due_on: date
    asked: SaidView
    state: Literal["asked", "submitted", "accepted", "withdrawn"]
    stands: PartStanding = Field(description="Computed from the clock, never stored")
    submitted_on: date | None
    handed_in: list[HandedInView] = Field(description="Every time, the last one counts")
    answers: list[PartAnswerView]


class FeasibilityView(SaidView):
    value: Feasibility


class PriorityView(SaidView):
    value: Priority


class RatingView(View):
    feasibility: FeasibilityView | None
    priority: PriorityView | None
    focus: SaidView | None = Field(description="Who put it on the short list, when, and why")


class PartyView(View):
    id: str = Field(description="Opaque: events name the party by it alone")
    kind: PartyKind
    label: str = Field(description="What it is called, by role")
    unit_id: str = Field(description="The unit through which it is reached")
    named: SaidView
    reached: list[SaidView]
    removed: SaidView | None


class MeansView(View):
    """What stands beside a task whole."""

    criteria: list[CriterionView]
    evidence: list[EvidenceView]
    resources: ResourcesView
    parties: list[PartyView] = Field(description="Who takes part without an account")
    rating: RatingView
    parts: list[PartView] = Field(description="Of coordinating units, by number")
    submitted_without: list[int] = Field(description="Parts that were missing when its result was last handed in")


def evidence_views(pieces: Sequence[Evidence]) -> list[dict[str, Any]]:
    return [one.model_dump() | {"state": one.state} for one in pieces]


def in_whole(task: Task, today: date) -> dict[str, Any]:
    """What a task whole shows of its means, in the place of what it stores."""
    criteria = [
        CriterionView(
            number=number,
            words=words,
            evidence_ids=[one.id for one in task.evidence if one.counts and words in one.criteria],
        )
        for number, words in enumerate(task.criteria, 1)
    ]
    return {
        "criteria": criteria,
        "evidence": evidence_views(task.evidence),
        "resources": _resources(task),
        "parts": [one.model_dump() | {"stands": standing_of_part(one, today)} for one in task.parts],
    }


def _resources(task: Task) -> dict[str, Any]:
    money = [one.model_dump() | {"overspent": one.overspent} for one in task.resources.money]
    return task.resources.model_dump() | {"money": money, "lacking": lacking(task)}
