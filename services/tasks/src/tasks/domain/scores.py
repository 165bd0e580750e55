"""Scores as they are kept: what people said of a unit's month, and each score that was computed of it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import ClassVar
from uuid import UUID, uuid5

from pydantic import BaseModel, Field

from common.contracts.tasks_reports import ScoreComputed, ScoreFactsEntered
from common.domain import Aggregate, Day
from tasks.domain.exact import written
from tasks.domain.month import Month
from tasks.domain.periods import Period, stated_no_work
from tasks.domain.reporting import ReportPlan, Submission
from tasks.domain.rubric import Rubric
from tasks.domain.scoring import Deduction, Fact, ScoringRules, Sum
from tasks.domain.task import FINISHED, Task
from tasks.domain.text import tokens

_NAMESPACE = UUID("c2ef7a06-52f0-5c65-9d0b-6a2a6f0d7a11")


class Entry(BaseModel):
    """One thing that the standing agency said; later ones of the same criterion or penalty replace it, and it stays."""

    at: datetime
    by: str
    fact: Fact | None = None
    deduction: Deduction | None = None
    staff: int | None = None


class ScoreFacts(Aggregate):
    """What the platform cannot know of a unit's month, told with its source."""

    noun: ClassVar = ("số liệu chấm điểm", "score facts")
    unit_id: str
    period: str
    entries: list[Entry] = Field(default_factory=list)

    @staticmethod
    def id_of(period: str, unit_id: str) -> str:
        return f"{period}/{unit_id}"

    def enter(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)
        named = [name for name in map(_named, entries) if name is not None]
        self.record(ScoreFactsEntered(facts_id=self.id, unit_id=self.unit_id, period=self.period, entries=named))

    def facts(self) -> dict[str, Fact]:
        """By criterion, the latest said of each."""
        return {entry.fact.criterion: entry.fact for entry in self.entries if entry.fact is not None}

    def deductions(self) -> list[Deduction]:
        """The latest said of each penalty; said to have happened no time, it is withdrawn."""
        latest = {entry.deduction.penalty: entry.deduction for entry in self.entries if entry.deduction is not None}
        return [one for one in latest.values() if one.times]

    def staff(self) -> int | None:
        return next((entry.staff for entry in reversed(self.entries) if entry.staff is not None), None)


def _named(entry: Entry) -> str | None:
    if entry.fact is not None:
        return entry.fact.criterion
    return entry.deduction.penalty if entry.deduction is not None else None


class Score(Aggregate):
    """One score of a unit's month. It is never changed: what is computed anew stands beside it under the next number."""

    noun: ClassVar = ("điểm", "score")
    unit_id: str
    period: str
    number: int
    level: str
    rubric_id: str
    missing_fact: str
    penalties_from: str
    on: Day
    """The day against which tasks were held."""
    at: datetime
    by: str
    because: str
    sum: Sum

    @staticmethod
    def id_of(unit_id: str, period: str, number: int) -> str:
        return str(uuid5(_NAMESPACE, f"{unit_id}\n{period}\n{number}"))

    def compute(self) -> Score:
        self.record(
            ScoreComputed(
                score_id=self.id,
                unit_id=self.unit_id,
                period=self.period,
                number=self.number,
                unit_score=None if self.sum.score is None else written(self.sum.score),
                provisional=self.sum.provisional,
                rubric_id=self.rubric_id,
            )
        )
        return self

    def says_the_same(self, other: Score) -> bool:
        """True when the same was found by the same rules: then there is nothing new to keep."""
        names = ("rubric_id", "missing_fact", "penalties_from", "level", "sum")
        return all(getattr(self, name) == getattr(other, name) for name in names)


# --- facts that the platform has ---


@dataclass(frozen=True, slots=True)
class FellDue:
    """What fell due in a month: a task by its own day, or one of its periods; `late` when it missed that day."""

    task: Task
    period: Period | None
    issuer: str
    """The body that gave the task."""
    late: bool

    @property
    def key(self) -> str:
        return self.task.id if self.period is None else self.period.id

    def counts(self, on: date) -> bool:
        return _counts(self.task, on) if self.period is None else _period_counts(self.task, self.period, on, late=self.late)


def facts_of_tasks(due: Sequence[FellDue], rules: ScoringRules, on: date) -> list[Fact]:
    """Tasks done on time, as a ratio, for each criterion that tasks answer.

    Counted is what the unit led and what fell due in the month, once its day has passed or it is done (ours: the form says
    "done on time" and not of what); periods as the committee says (`ScoringRules.periods`). What is paused or cancelled, whose
    clock does not run, is not, nor is a period without work. With nothing to count the criterion does not apply.
    """
    found = []
    for criterion, issuers in rules.given_by.items():
        counted = [one for one in due if _given_by(one.issuer, issuers) and one.counts(on)]
        if rules.periods == "left_out":
            counted = [one for one in counted if one.period is None]
        if not counted:
            found.append(Fact(criterion=criterion, applies=False, source="Không có nhiệm vụ đến hạn.", origin="tasks"))
            continue
        late = [one for one in counted if one.late]
        behind = {one.task.id for one in late}
        if rules.periods == "once":
            missed, whole = len(behind), len({one.task.id for one in counted})
        else:
            missed, whole = len(late), len(counted)
        part, periods = whole - missed, sum(one.period is not None for one in counted)
        among = f", kể cả {periods} kỳ của nhiệm vụ định kỳ" if periods else ""
        source = f"{part}/{whole} nhiệm vụ đến hạn trong kỳ hoàn thành đúng hạn{among}, tính đến {on:%d/%m/%Y}."
        found.append(
            Fact(
                criterion=criterion,
                part=Fraction(part),
                whole=Fraction(whole),
                source=source,
                origin="tasks",
                task_ids=sorted(behind),
                period_ids=sorted(one.key for one in late if one.period is not None),
            )
        )
    return found


def _period_counts(task: Task, period: Period, on: date, *, late: bool) -> bool:
    if period.state in ("completed", "without_work"):
        return period.state == "completed"
    stated = stated_no_work(period) is not None and not late  # whether there was work is still to be answered
    return task.owes(period.due_on) and period.due_on < on and not stated


def _counts(task: Task, on: date) -> bool:
    if task.state in FINISHED:
        return True
    return task.state not in ("draft", "paused", "cancelled") and task.due_on is not None and task.due_on < on


def _given_by(issuer: str, names: Sequence[str]) -> bool:
    """True when the name of the body holds one of these names, word by word, whatever its case and tone marks."""
    words = " ".join(["", *tokens(issuer), ""])
    return any(f" {' '.join(tokens(name))} " in words for name in names if tokens(name))


def facts_of_submission(
    plan: ReportPlan, period: Month, submission: Submission | None, rules: ScoringRules, rubric: Rubric, on: date
) -> tuple[list[Fact], list[Deduction]]:
    """What a unit's report of the month says by having come in time, late, or not at all (rows M-I-1, M-II-7, M-P-1, M-P-2)."""
    due = plan.unit_due(period)
    if submission is None and on <= due:
        return [], []
    late = submission.days_late if submission is not None else (on - due).days
    source = (
        f"Đơn vị chưa nộp báo cáo, hạn {due:%d/%m/%Y}."
        if submission is None
        else f"Nộp báo cáo chậm {late} ngày, hạn {due:%d/%m/%Y}." if late else f"Nộp báo cáo đúng hạn {due:%d/%m/%Y}."
    )  # fmt: skip
    case = "no" if late else "yes"
    facts = [
        Fact(criterion=name, case=case, source=source, origin="submissions")
        for name in rules.report_on_time
        if rubric.criterion(name) is not None
    ]
    penalty = rules.late_by_more if late > 1 else rules.late_by_one_day
    known = late > 0 and rubric.penalty(penalty) is not None
    return facts, [Deduction(penalty=penalty, source=source, origin="submissions")] if known else []


def over_quarter(criterion: str, months: Sequence[ScoreFacts]) -> Fact | None:
    """What was said of a criterion in the months of the quarter so far, added up (row M-N-2: fewer than 30 staff)."""
    facts = [(month.period, month.facts().get(criterion)) for month in months]
    told = [(period, fact.value) for period, fact in facts if fact is not None and fact.value is not None]
    if not told:
        return None
    value = sum((value for _, value in told), Fraction(0))
    source = "Cộng dồn theo quý: " + "; ".join(f"{period}: {written(value)}" for period, value in told)
    return Fact(criterion=criterion, value=value, source=source, origin="quarter")
