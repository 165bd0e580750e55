"""Periods of a task that repeats (kỳ báo cáo): each has its own days, result and timeliness.

Regular and yearly tasks, open-ended ones and ranges of years have them from the day of publication on: nobody is blamed for
periods before the task was given. "Và duy trì" has them once the first phase was accepted, "báo cáo đầu ..., hằng tháng"
after the first day; a task on an event has one for each occurrence, opened by whoever saw it (`deadline_patterns.csv`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from common.contracts import tasks as events
from common.contracts import tasks_means as events_of_means
from common.contracts.fields import Timeliness
from common.domain import Day, Document, local_day
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.committee import Committee
from tasks.domain.deadline import Cadence, Kind, first_of_months, last_day
from tasks.domain.matters import OpenPeriod, Said
from tasks.domain.means import Evidence, NoWork, Review, lacks_kind
from tasks.domain.proof import review
from tasks.domain.task import NEAR, PASSED, RUNNING, Changes, Task, to_be_told

PeriodState = Literal["in_progress", "submitted", "completed", "without_work"]
MONTHS: dict[Cadence, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
AT_MOST = 24
"""Periods that one look opens; the rest is opened by the next one."""


class Span(NamedTuple):
    """A period of the calendar: `starts_on` to `ends_on`, both included, its result due on `due_on`."""

    key: str
    starts_on: date
    ends_on: date
    due_on: date


class Period(Document):
    """One period of one task, or one occurrence of what it waits for. It changes only together with its task."""

    noun: ClassVar = ("kỳ báo cáo", "period")
    task_id: str
    key: str
    starts_on: Day
    ends_on: Day
    due_on: Day
    occasion: str = ""
    """What happened, for an occurrence (`Kind.ON_EVENT`)."""
    state: PeriodState = "in_progress"
    report: str = ""
    evidence: list[Evidence] = Field(default_factory=list)
    submitted_on: Day | None = None
    completed_on: Day | None = None
    no_work: list[NoWork] = Field(default_factory=list)
    """Every time it was said that there was no work; the last one may wait for its answer."""
    told: int = 0
    """As `Task.told`: 0 nobody was told of the due day, 1 that it is near, 2 that it has passed."""
    climbed: int | None = None
    """Days of the last step of lateness that was said of it (`tasks.domain.steps`); None when none was."""

    @property
    def deadline_kind(self) -> str:
        """Of a period with a day: what its timeliness asks for (`timeliness.Standing`)."""
        return Kind.DATE.value

    @staticmethod
    def id_of(task_id: str, key: str) -> str:
        return f"{task_id}/{key}"


# --- the calendar ---


def calendar_of(task: Task, rules: Committee) -> Cadence | None:
    """How often a result of the task is due: as said for the task or by its words, else as the committee decided."""
    if task.calendar is not None:
        return task.calendar
    if task.deadline_kind == Kind.RECURRING:
        return rules.regular_calendar
    return rules.maintain_calendar if task.deadline_kind == Kind.DATE_THEN_MAINTAIN else None


def span_of(day: date, cadence: Cadence, rules: Committee, due_day: int | None = None) -> Span:
    """The period that holds a day. Its result is due by `due_day` of its last month, the committee's day when None."""
    months = MONTHS[cadence]
    first = first_of_months(day, months)
    last = last_day(first.year, first.month + months - 1)
    due = last.replace(day=min(due_day or rules.period_due_day, last.day))
    key = {
        "month": f"{first:%Y-%m}",
        "quarter": f"{first.year}-Q{first.month // 3 + 1}",
        "half_year": f"{first.year}-H{first.month // 6 + 1}",
        "year": f"{first.year}",
    }[cadence]
    return Span(key, first, last, rules.working_days.shifted(due, rules.weekend_rule))


def begins_on(task: Task) -> date | None:
    """The first day that periods of the task cover; None while there is nothing to report on."""
    match task.deadline_kind:
        case Kind.DATE_THEN_MAINTAIN:
            first = None if task.completed_on is None or task.due_on is None else max(task.completed_on, task.due_on)
            return None if first is None else first + timedelta(days=1)
        case Kind.FIRST_THEN_MONTHLY:
            return None if task.due_on is None else max(task.due_on + timedelta(days=1), task.published_on or date.min)
    return None if task.published_on is None else max(task.published_on, task.starts_on or date.min)


def spans_ahead(task: Task, rules: Committee) -> Iterator[Span]:
    """The periods that are still to be opened, in order; endless for a task that is. The first may begin in its middle."""
    cadence, first = calendar_of(task, rules), begins_on(task)
    if cadence is None or first is None or not (task.state in (*RUNNING, "paused") or task.goes_on_when_done):
        return
    if task.opened_until is not None:
        first = max(first, task.opened_until + timedelta(days=1))
    while True:
        span = span_of(first, cadence, rules, task.period_day)
        span = span._replace(starts_on=first, due_on=span.due_on if span.due_on >= first else span.ends_on)
        if _beyond_the_end(task, span):
            return
        yield span
        first = span.ends_on + timedelta(days=1)


def _beyond_the_end(task: Task, span: Span) -> bool:
    """True when the task ends before the period does: its own due day takes the place of the last checkpoint of a range."""
    if task.due_on is None or task.deadline_kind in (Kind.DATE_THEN_MAINTAIN, Kind.FIRST_THEN_MONTHLY):
        return False
    return span.ends_on >= task.due_on if task.deadline_kind == Kind.YEAR_RANGE else span.starts_on > task.due_on


# --- what the task keeps of them ---


def open_of(periods: Iterable[Period]) -> list[OpenPeriod]:
    """What a task keeps of its periods: those that are not closed, by due day."""
    still = [one for one in periods if one.state in ("in_progress", "submitted")]
    found = [OpenPeriod(key=one.key, due_on=one.due_on, submitted_on=one.submitted_on) for one in still]
    return sorted(found, key=_by_day)


def _by_day(one: OpenPeriod) -> tuple[date, str]:
    return one.due_on, one.key


def last_due(periods: Iterable[Period]) -> date | None:
    """The latest due day of these periods."""
    return max((one.due_on for one in periods), default=None)


def state_anew(task: Task, periods: Sequence[Period]) -> bool:
    """Say of a task what all its periods say. False when it said so already."""
    found = {"open_periods": open_of(periods), "last_period_due_on": last_due(periods)}
    return task.adopt(found)


def _keep(task: Task, period: Period) -> None:
    """A new list each time: what the task remembers of how it was saved holds the old one."""
    others = [one for one in task.open_periods if one.key != period.key]
    task.open_periods = sorted([*others, *open_of([period])], key=_by_day)
    task.last_period_due_on = max(task.last_period_due_on or period.due_on, period.due_on)


# --- the clock ---


def open_periods(task: Task, rules: Committee, today: date) -> list[Period]:
    """Open the periods that have begun by a day, at most `AT_MOST`, and say when to look again.

    A period that lies wholly within a pause is passed over; the one in which the task goes on is opened then.
    """
    opened: list[Period] = []
    undecided = task.deadline_kind == Kind.RECURRING and calendar_of(task, rules) is None and task.state in RUNNING
    task.look_on = today + timedelta(days=1) if undecided else None
    paused = task.state == "paused"
    for span in spans_ahead(task, rules):
        if paused and span.ends_on >= today:
            task.look_on = span.ends_on + timedelta(days=1)
            break
        if span.starts_on > today or len(opened) == AT_MOST:
            task.look_on = span.starts_on
            break
        task.opened_until = span.ends_on
        if not paused:
            opened.append(_opened(task, span))
    return opened


def open_occurrence(task: Task, number: int, today: date, due_on: date, occasion: str) -> Period:
    """Open an occurrence of a task on an event: its words are the template, `occasion` is what happened.

    Raises `RuleBroken` for a task that waits for no event, or whose clock does not run.
    """
    if task.deadline_kind != Kind.ON_EVENT:
        message = Words("Nhiệm vụ này không chờ sự việc nào.", "This task waits for no event.")
        repair = Words("Chỉ mở cho việc «khi có ...».", "Only tasks 'when there is ...' have occurrences.")
        raise RuleBroken(
            message, [FieldProblem("deadline_kind", "not_on_event", message, repair, task.deadline_written or None)]
        )
    _check_runs(task)
    return _opened(task, Span(f"E{number:04d}", today, max(today, due_on), due_on), occasion)


def _opened(task: Task, span: Span, occasion: str = "") -> Period:
    task.tell(
        events.PeriodOpened, "period_opened", occasion, {"period": [None, span.key], "period_due_on": [None, span.due_on]},
        period=span.key, starts_on=span.starts_on, ends_on=span.ends_on, period_due_on=span.due_on,
    )  # fmt: skip
    period = Period(id=Period.id_of(task.id, span.key), task_id=task.id, occasion=occasion, **span._asdict())
    _keep(task, period)
    return period


def tell_of_period(task: Task, period: Period, today: date, nearly_due_days: int) -> bool:
    """Say once that the due day of a period is near, and once that it has passed. True when something was said."""
    if period.state != "in_progress" or not task.owes(period.due_on):
        return False
    told = to_be_told(period.due_on, period.told, today, nearly_due_days)
    period.told = told or period.told
    changes: Changes = {"period": [None, period.key]}
    said = {"period": period.key, "period_due_on": period.due_on}
    if told == PASSED:
        task.tell(events.PeriodBecameOverdue, "period_became_overdue", "", changes, **said)
    elif told == NEAR:
        left = (period.due_on - today).days
        task.tell(events.PeriodFellDueSoon, "period_fell_due_soon", "", changes, **said, days_left=left)
    return bool(told)


# --- its life ---


def add_evidence(task: Task, period: Period, evidence: Evidence) -> None:
    """Add what shows the result of the period."""
    _in(task, period, "in_progress")
    period.evidence.append(evidence)
    task.tell(
        events.PeriodEvidenceAdded, "period_evidence_added", evidence.title,
        {"period": [None, period.key], "evidence": [None, evidence.id]},
        period=period.key, evidence_id=evidence.id, kind=evidence.kind, sha256=evidence.sha256,
    )  # fmt: skip


def submit(task: Task, period: Period, now: datetime, words: str) -> None:
    """Hand in the result of the period: its report in words, and evidence of the kind that the task asks for."""
    _in(task, period, "in_progress")
    if lacks_kind(task.evidence_kind, period.evidence):
        message = Words("Chưa có minh chứng của kỳ này.", "There is no evidence of this period's result.")
        repair = Words("Hãy gọi add-evidence của kỳ trước khi trình.", "Call add-evidence of the period before you submit.")
        raise RuleBroken(message, [FieldProblem("evidence", "evidence_missing", message, repair, task.product or None)])
    period.report = words
    _move(task, period, "submitted", local_day(now))
    task.tell(
        events.PeriodSubmitted, "period_submitted", words, {"period": [None, period.key]},
        period=period.key, period_due_on=period.due_on, submitted_at=now,
    )  # fmt: skip


def send_back(task: Task, period: Period, reason_code: str, words: str) -> None:
    """The approver sends the period's result back to be mended."""
    _in(task, period, "submitted")
    _check_result(period)
    _move(task, period, "in_progress", None)
    task.tell(
        events.PeriodReturned, "period_returned", words,
        {"period": [None, period.key], "reason_code": [None, reason_code]}, period=period.key, reason_code=reason_code,
    )  # fmt: skip


def review_evidence(task: Task, period: Period, evidence: Evidence, given: Review) -> None:
    """Say of a piece of the period's evidence that it was seen, accepted or rejected, before the period is closed."""
    _in(task, period, "in_progress", "submitted")
    review(task, evidence, given, period.key)


def close(
    task: Task, period: Period, now: datetime, timeliness: Timeliness, words: str, unproven: Iterable[FieldProblem] = ()
) -> None:
    """The approver accepts the period's result: it is closed, in time or late. Raises `RuleBroken` with what is `unproven`."""
    _in(task, period, "submitted")
    _check_result(period)
    if problems := list(unproven):
        raise RuleBroken(Words("Kết quả của kỳ chưa được chứng minh đủ.", "The period's result is not proven."), problems)
    period.completed_on = local_day(now)
    _move(task, period, "completed", period.submitted_on)
    task.tell(
        events.PeriodClosed, "period_closed", words, {"period": [None, period.key], "timeliness": [None, timeliness]},
        period=period.key, period_due_on=period.due_on, completed_at=now, timeliness=timeliness,
    )  # fmt: skip


def state_no_work(task: Task, period: Period, stated: Said) -> None:
    """Say that there was no work in the period ("no work this month", which avoids empty reports in a tool of the field;
    DOMAIN 1.4). It waits for its answer as a result does, so that it is not late meanwhile.
    """
    _in(task, period, "in_progress")
    period.no_work.append(NoWork(stated=stated))
    _move(task, period, "submitted", local_day(stated.at))
    _tell_no_work(events_of_means.NoWorkStated, "no_work_stated", task, period, stated)


def confirm_no_work(task: Task, period: Period, answered: Said) -> None:
    """Close the period as without work: it is neither late nor done."""
    waiting = _stated(task, period)
    waiting.state, waiting.answered = "confirmed", answered
    _move(task, period, "without_work", None)
    _tell_no_work(events_of_means.PeriodWithoutWork, "period_without_work", task, period, answered)


def reject_no_work(task: Task, period: Period, answered: Said) -> None:
    """Ask for a result all the same: the period is open again, by its own due day."""
    waiting = _stated(task, period)
    waiting.state, waiting.answered = "rejected", answered
    _move(task, period, "in_progress", None)
    _tell_no_work(events_of_means.NoWorkRejected, "no_work_rejected", task, period, answered)


def _move(task: Task, period: Period, state: PeriodState, submitted_on: date | None) -> None:
    period.state, period.submitted_on = state, submitted_on
    _keep(task, period)


def stated_no_work(period: Period) -> NoWork | None:
    """What was said of no work and waits for its answer."""
    return next((one for one in period.no_work if one.state == "stated"), None)


def _stated(task: Task, period: Period) -> NoWork:
    _check_runs(task)
    waiting = stated_no_work(period)
    if waiting is None:
        message = Words("Không có báo cáo «không phát sinh» nào chờ trả lời.", "No statement of no work waits for an answer.")
        repair = Words("Người chịu trách nhiệm báo bằng state-no-work.", "The responsible person says so by state-no-work.")
        raise RuleBroken(message, [FieldProblem("no_work", "nothing_stated", message, repair, period.key)])
    return waiting


def _check_result(period: Period) -> None:
    """Raise `RuleBroken` while it was said that there is no result."""
    waiting = stated_no_work(period)
    if waiting is not None:
        message = Words("Kỳ này được báo là không phát sinh việc.", "It was said that there was no work in this period.")
        repair = Words("Hãy gọi confirm-no-work hoặc reject-no-work.", "Call confirm-no-work or reject-no-work.")
        raise RuleBroken(message, [FieldProblem("no_work", "no_work_stated", message, repair, waiting.stated.words)])


def _tell_no_work(event: type[events.OfTask], what: str, task: Task, period: Period, said: Said) -> None:
    task.tell(event, what, said.words, {"period": [None, period.key]}, period=period.key, period_due_on=period.due_on)


def _in(task: Task, period: Period, *states: str) -> None:
    _check_runs(task)
    if period.state not in states:
        message = Words(f"Kỳ {period.key} đang ở trạng thái {period.state}.", f"Period {period.key} is {period.state}.")
        wanted = ", ".join(states)
        repair = Words(f"Chỉ làm được khi kỳ ở trạng thái {wanted}.", f"Possible only when it is {wanted}.")
        raise RuleBroken(message, [FieldProblem("state", "wrong_period_state", message, repair, period.state)])


def _check_runs(task: Task) -> None:
    if task.state in ("draft", "paused", "cancelled"):
        message = Words("Nhiệm vụ không ở trạng thái có kỳ báo cáo.", "The task is in no state to have periods.")
        repair = Words("Hãy ban hành hoặc tiếp tục nhiệm vụ trước.", "Publish or resume the task first.")
        raise RuleBroken(message, [FieldProblem("state", "wrong_state", message, repair, task.state)])
