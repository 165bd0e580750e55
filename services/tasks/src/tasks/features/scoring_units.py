"""What is known of a unit's month, gathered from where it stands: tasks, the unit's report, what people said."""

from __future__ import annotations

from datetime import date

from common.domain import Actor
from common.errors import FieldProblem, NotFound, RuleBroken, Words
from common.repository import Reader
from tasks.domain.directory import Unit
from tasks.domain.month import Month
from tasks.domain.periods import Period
from tasks.domain.reporting import Submission
from tasks.domain.rubric import Rubric
from tasks.domain.scores import FellDue, ScoreFacts, facts_of_submission, facts_of_tasks, over_quarter
from tasks.domain.scoring import Deduction, Fact, ScoringRules, Sum, score
from tasks.domain.task import Task
from tasks.domain.timeliness import own_timeliness
from tasks.store import (
    DIRECTIVES,
    REPORT_PLANS,
    SUBMISSIONS,
    UNITS,
    by_id,
    committee,
    facts_of_months,
    periods_due_in,
    rubric_on,
    tasks_due_in,
)


async def unit_seen(reader: Reader, actor: Actor, unit_id: str) -> Unit:
    """Raises `NotFound` for a unit that the register does not have or that is none of the actor's."""
    unit = await reader.get(UNITS, unit_id) if actor.acts_for(unit_id) else None
    if unit is None:
        raise NotFound.of(Words(*Unit.noun), unit_id)
    return unit


async def rubric_for(reader: Reader, period: Month) -> Rubric:
    """The rubric in force on the first day of a month. Raises `RuleBroken` when there is none."""
    rubric = await rubric_on(reader, period.first)
    if rubric is None:
        message = Words(
            f"Chưa có bộ tiêu chí hiệu lực vào {period.first:%d/%m/%Y}.", f"No rubric is in force on {period.first}."
        )
        repair = Words("Hãy đăng ký: POST /v1/rubrics.", "Register one: POST /v1/rubrics.")
        raise RuleBroken(message, [FieldProblem("period", "no_rubric", message, repair, str(period))])
    return rubric


async def compute(reader: Reader, unit: Unit, period: Month, rubric: Rubric, rules: ScoringRules, today: date) -> Sum:
    """The score of a unit's month as it stands today. What people said goes before what the platform found."""
    facts: dict[str, Fact] = {}
    deductions: dict[str, Deduction] = {}
    for fact in await _from_tasks(reader, unit, period, rules, today):
        facts[fact.criterion] = fact
    plan = await reader.get(REPORT_PLANS, rules.report_plan)
    if plan is not None:
        submission = await reader.get(SUBMISSIONS, Submission.id_of(plan.id, str(period), unit.id))
        found, late = facts_of_submission(plan, period, submission, rules, rubric, today)
        facts |= {fact.criterion: fact for fact in found}
        deductions |= {one.penalty: one for one in late}
    months = await facts_of_months(reader, unit.id, period.quarter_so_far())
    told = next((one for one in months if one.period == str(period)), ScoreFacts(id="", unit_id=unit.id, period=str(period)))
    facts |= told.facts()
    deductions |= {one.penalty: one for one in told.deductions()}
    if (small := rubric.small_unit_below) is not None and (staff := told.staff()) is not None and staff < small:
        summed = (over_quarter(criterion, months) for criterion in rules.over_quarter)
        facts |= {fact.criterion: fact for fact in summed if fact is not None}
    known = [fact for fact in facts.values() if rubric.criterion(fact.criterion) is not None]
    return score(rubric, known, list(deductions.values()), rules, unit.level)


async def _from_tasks(reader: Reader, unit: Unit, period: Month, rules: ScoringRules, today: date) -> list[Fact]:
    settings, due = await committee(reader), [(task, None) for task in await tasks_due_in(reader, unit.id, period)]
    both: list[tuple[Task, Period | None]] = [*due, *await periods_due_in(reader, unit.id, period)]
    papers = await by_id(reader, DIRECTIVES, [task.directive_id for task, _ in both])

    def fell_due(task: Task, one: Period | None) -> FellDue:
        stands = own_timeliness(task if one is None else one, today, settings)
        issuer = papers[task.directive_id].issuer if task.directive_id in papers else ""
        return FellDue(task, one, issuer, stands in ("overdue", "done_late"))

    return facts_of_tasks([fell_due(task, one) for task, one in both], rules, today)
