"""Decide how clears and lateness are judged, for the whole province."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, get_args

from fastapi import Response
from pydantic import AfterValidator, Field

from common.contracts.fields import IsoDay
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.committee import Committee, Escalation, PriorityWeights
from tasks.domain.deadline import Cadence
from tasks.domain.matters import DecidedBy, Told
from tasks.domain.means import ResourceKind
from tasks.domain.permissions import check_acts_for_province
from tasks.domain.steps import FEWEST, MOST
from tasks.domain.text import each_once
from tasks.domain.working_days import WeekendRule
from tasks.features.merge_patch import MergePatch
from tasks.features.show_committee import CommitteeView
from tasks.store import COMMITTEE, committee

routes = Routes("committee")


def _sorted(days: list[date]) -> list[date]:
    return sorted(set(days))


class GivenEscalation(Command):
    days: Annotated[int, Field(strict=True, ge=1, le=MOST, description="Days after the due day")]
    level: Told


def _steps(given: list[GivenEscalation]) -> list[Escalation]:
    """Each once, by days; on the same day the lower level first."""
    steps = {Escalation(days=one.days, level=one.level) for one in given}
    return sorted(steps, key=lambda step: (step.days, get_args(Told).index(step.level)))


Weight = Annotated[int, Field(strict=True, ge=0, le=100)]


class GivenWeights(Command):
    high: Weight
    normal: Weight
    low: Weight


def _weights(given: GivenWeights | None) -> PriorityWeights | None:
    return None if given is None else PriorityWeights(**given.model_dump())


class CommitteeSettings(MergePatch):
    """The given settings change, the others stay."""

    authority_required: Annotated[bool, Field(strict=True, description="Ask for the sixth clear (rõ thẩm quyền)")] = False
    nearly_due_days: Annotated[int, Field(strict=True, ge=0, le=60)] = 3
    lateness_counts: Annotated[
        Literal["submission", "approval"], Field(description="Which day is held against the due day")
    ] = "submission"
    regular_calendar: Annotated[
        Cadence | None, Field(description="The calendar of «thường xuyên»; null asks about each task")
    ] = None
    maintain_calendar: Annotated[Cadence, Field(description="How often «và duy trì» is looked at")] = "month"
    period_due_day: Annotated[
        int,
        Field(strict=True, ge=1, le=31, description="Day of its last month by which a period's result is due; 31: the last"),
    ] = 31
    weekend_rule: Annotated[WeekendRule, Field(description="Which way a computed due day moves from a day off")] = "keep"
    holidays: Annotated[list[IsoDay], Field(default_factory=list, max_length=400), AfterValidator(_sorted)]
    worked_days: Annotated[
        list[IsoDay],
        Field(default_factory=list, max_length=400, description="Weekend days that are worked"),
        AfterValidator(_sorted),
    ]
    due_after_parent: Annotated[
        Literal["finding", "refused"], Field(description="A task that is due after the task above it")
    ] = "finding"
    ask_again_days: Annotated[int, Field(strict=True, ge=1, le=366)] = 30
    extension_decided_by: Annotated[
        DecidedBy,
        Field(description="by_source: of a deadline that a superior's paper set the standing agency, else the approver"),
    ] = "by_source"
    dispute_answer_days: Annotated[
        int, Field(strict=True, ge=1, le=60, description="Working days until a dispute goes one level up")
    ] = 5
    escalations: Annotated[
        list[GivenEscalation],
        Field(default_factory=list, max_length=20, description="Who is told of a late task, step by step"),
        AfterValidator(_steps),
    ]
    remedy_plan_days: Annotated[
        int | None,
        Field(strict=True, ge=FEWEST, le=MOST, description="Days after the due day (negative: before); null: never asked for"),
    ] = 5
    commitment_days: Annotated[
        int | None, Field(strict=True, ge=1, le=MOST, description="Days after the due day; null: never asked for")
    ] = 1
    remind_again_days: Annotated[
        int,
        Field(strict=True, ge=1, le=366, description="Days before a unit is reminded again of a paper or plan that it owes"),
    ] = 7
    evidence_source_required: Annotated[
        bool, Field(strict=True, description="Evidence needs a link, or a file reference with its SHA-256")
    ] = False
    evidence_reviewed: Annotated[
        bool, Field(strict=True, description="Nothing is approved while a piece of its evidence was not reviewed")
    ] = False
    criteria_proven: Annotated[
        bool, Field(strict=True, description="Nothing is approved while a criterion has no evidence")
    ] = True
    resources_required: Annotated[
        list[ResourceKind],
        Field(default_factory=list, max_length=3, description="What has to be planned before a task is published"),
        AfterValidator(each_once),
    ]
    money_granted_by: Annotated[Literal["approver", "standing_agency"], Field(description="Who records money as granted")] = (
        "approver"
    )
    broken_commitment_told: Annotated[Told, Field(description="Who is told of a commitment that was not kept")] = (
        "standing_agency"
    )
    focus_set_by: Annotated[
        Literal["approver", "standing_agency"], Field(description="Who sets priorities and the short list")
    ] = "standing_agency"
    priority_weights: Annotated[
        GivenWeights | None,
        Field(description="What a task weighs in the load of units and people; null: all the same"),
        AfterValidator(_weights),
    ] = None


class SetCommittee(Command):
    expected_version: int | None
    changes: dict[str, Any]


async def handle(command: SetCommittee, uow: UnitOfWork) -> Committee:
    """Raises `Forbidden` for a caller who is limited to some units, `StaleVersion` when it was decided otherwise meanwhile."""
    check_acts_for_province(uow.actor)
    rules = await committee(uow)
    check_version(rules, command.expected_version)
    return uow.save(COMMITTEE, rules) if rules.decide(command.changes) else rules


@routes.patch("/committee", response_model=CommitteeView)
async def set_committee(body: CommitteeSettings, effect: Annotated[Effect, writes("committee:write")]) -> Response:
    """Change the given settings (JSON merge patch); they hold at once, for every task."""
    command = SetCommittee(expected_version=effect.if_match, changes=body.given())
    return await effect.run(handle, command, CommitteeView.of)
