"""What the Steering Committee decides for itself."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.contracts.tasks import CommitteeSettingsChanged
from common.domain import Aggregate, Day
from tasks.domain.deadline import Cadence
from tasks.domain.matters import DecidedBy, Told
from tasks.domain.means import Priority, ResourceKind
from tasks.domain.working_days import WeekendRule, WorkingDays

COMMITTEE_ID = "committee"


class Escalation(BaseModel):
    """One step of the ladder: after so many days of lateness this level is told, once."""

    model_config = ConfigDict(frozen=True)
    days: int
    level: Told


_ESCALATIONS = (
    Escalation(days=3, level="unit_head"),
    Escalation(days=5, level="standing_agency"),
    Escalation(days=10, level="committee_leader"),
)


class PriorityWeights(BaseModel):
    """What a task of each priority weighs; one without a mark weighs as a normal one."""

    model_config = ConfigDict(frozen=True)
    high: int
    normal: int
    low: int

    def of(self, priority: Priority | None) -> int:
        weights: dict[Priority, int] = {"high": self.high, "normal": self.normal, "low": self.low}
        return weights[priority or "normal"]


class Committee(Aggregate):
    """Settings of the committee (Ban Chỉ đạo). There is one."""

    noun: ClassVar = ("thiết lập của Ban Chỉ đạo", "committee settings")
    id: str = COMMITTEE_ID
    authority_required: bool = False
    """Ask for the sixth clear, authority (rõ thẩm quyền; 659/TB-VPCP of 29 Nov 2025, 226-KL/TW), beside the five."""
    nearly_due_days: int = 3
    """A task is nearly due when so few days are left, the due day itself included. 3, 5, 7 and 14 occur in four real
    places, so it is a setting (11-KH/BCĐ counts 5)."""
    lateness_counts: Literal["submission", "approval"] = "submission"
    """Which day is held against the due day: the sources do not settle it (golden case G044)."""

    regular_calendar: Cadence | None = None
    """The reporting calendar of "thường xuyên", which does not say how often; None has each task asked about."""
    maintain_calendar: Cadence = "month"
    """How often "và duy trì" is looked at: the words do not say it. Reports on R57 are monthly (126/QĐ-BCĐCP)."""
    period_due_day: int = 31
    """Day of its last month by which the result of a period is due: the 22nd and the 25th occur, the words seldom say one.
    A month that is shorter ends earlier: 31 is always the last day."""
    weekend_rule: WeekendRule = "keep"
    """Which way a computed due day moves from a day off: written in none of the texts that were read (DOMAIN 10.8)."""
    holidays: list[Day] = Field(default_factory=list)
    worked_days: list[Day] = Field(default_factory=list)
    """Weekend days that are worked in exchange for a day off."""
    due_after_parent: Literal["finding", "refused"] = "finding"
    """What a due day after that of a task above is: no source forbids it, and 11-KH/BCĐ itself sets days before its own."""
    ask_again_days: int = 30
    """How often it is said again that a task still waits for another body."""
    remind_again_days: int = 7
    """Calendar days before a unit is reminded again of what it owes, a paper that concretises a directive or a remedy plan: no
    text read says how often (11-KH/BCĐ checks weekly)."""

    extension_decided_by: DecidedBy = "by_source"
    """Who grants an extension: by the source of the deadline, the standing agency for one that a superior's paper set, else the
    approver. An extension is only by authority (11-KH/BCĐ); which authority, the articles that were read do not say
    (18/2016/QĐ-UBND: DOMAIN 10.7), so that the default is ours."""
    dispute_answer_days: int = 5
    """Working days in which a level answers a dispute, then it goes one level up. The number is ours."""
    escalations: list[Escalation] = Field(default_factory=lambda: list(_ESCALATIONS))
    """Who is told of a late task after how many days. The steps are ours, but for the 5 days from which 11-KH/BCĐ calls a task
    so late that it needs a remedy plan. That its day has passed is told to the responsible person, the approver and the head
    by itself, at once."""
    remedy_plan_days: int | None = 5
    """Days after the due day when a remedy plan is asked for (11-KH/BCĐ: 5 days or more); a negative number asks before the
    day, of a task at risk; None never."""
    commitment_days: int | None = 1
    """Days after the due day when a letter of commitment is asked for: 624/TB-VPCP asks every body with a late task, and says
    no number; None never."""

    evidence_source_required: bool = False
    """Every piece of evidence needs a link, or a file reference with its SHA-256. A paper may as well be proven by its number
    in its title, as offices do today, so that the default asks for neither."""
    evidence_reviewed: bool = False
    """No result is approved while a piece of its evidence was neither accepted nor rejected. The sources ask for verifiable
    evidence (11-KH/BCĐ) and say nothing of a step of its own: communes with few staff approve in one (DOMAIN 1.6)."""
    criteria_proven: bool = True
    """No result is approved while no evidence shows one of its criteria met: a task is done only with verifiable evidence
    (11-KH/BCĐ; DOMAIN 2.1)."""

    resources_required: list[ResourceKind] = Field(default_factory=list)
    """What has to be planned before a task is published. 624/TB-VPCP has "give task, give money" as a principle, and none of
    the 225 real rows names any (DOMAIN 1.2): by default tasks without resources are marked, not refused."""
    money_granted_by: Literal["approver", "standing_agency"] = "approver"
    """Who records money as granted: whose this is, no text read says; never the side that spends it."""
    broken_commitment_told: Told = "standing_agency"
    """Who is told that a commitment was broken: the level above the unit; 624/TB-VPCP asks for letters, and says of none that
    was not kept what follows."""

    focus_set_by: Literal["approver", "standing_agency"] = "standing_agency"
    """Who sets priorities and the short list: the meeting asked the committee to pick what can be done (DOMAIN 0), and the
    standing agency acts for it; the sources name no one."""
    priority_weights: PriorityWeights | None = None
    """How much an open task weighs in the load of units and people, by its priority; None: all weigh the same. No source
    weighs tasks."""

    @property
    def working_days(self) -> WorkingDays:
        return WorkingDays(frozenset(self.holidays), frozenset(self.worked_days))

    def decide(self, changes: dict[str, object]) -> bool:
        """Change settings. False when nothing differs."""
        changed = sorted(name for name, value in changes.items() if getattr(self, name) != value)
        differs = self.adopt(changes)
        if differs:
            self.record(
                CommitteeSettingsChanged(
                    fields=changed,
                    committee_id=self.id,
                    authority_required=self.authority_required,
                    nearly_due_days=self.nearly_due_days,
                    lateness_counts=self.lateness_counts,
                )
            )
        return differs
