"""Periods of tasks that repeat, and clocks that wait: the rules, without a database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import FieldProblem, RuleBroken, Words
from services.tasks.tests.task_world import NOW, PEOPLE_OF, TODAY, a_task
from services.tasks.tests.task_world import open_periods as some_periods
from tasks.domain.clears import Facts, clears
from tasks.domain.committee import Committee
from tasks.domain.deadline import last_day
from tasks.domain.directive import Directive
from tasks.domain.fate import ask_dropped, ask_fate, decide_fate, name_again
from tasks.domain.leads import Names
from tasks.domain.matters import OpenPeriod, Said
from tasks.domain.means import Evidence, Review
from tasks.domain.periods import (
    AT_MOST,
    MONTHS,
    Period,
    add_evidence,
    close,
    confirm_no_work,
    last_due,
    open_occurrence,
    open_of,
    open_periods,
    reject_no_work,
    review_evidence,
    send_back,
    span_of,
    state_anew,
    state_no_work,
    stated_no_work,
    submit,
    tell_of_period,
)
from tasks.domain.reading import read_words
from tasks.domain.task import State, Task
from tasks.domain.timeliness import own_timeliness, timeliness
from tasks.domain.waiting import ask_again, days_waited, start_clock, starts_clocks, stop_clock, waits

RULES = Committee()
EMPTY_WORDS = Words("Chưa đủ.", "Not enough.")


def worded(words: str, **changes: Any) -> Task:
    """A task in progress since 24 November 2026 whose deadline is worded so."""
    read = read_words({"deadline_written": words})
    return a_task(**{"state": "in_progress", "published_on": date(2026, 11, 24), "due_on": None, **read, **changes})


def opened(task: Task, day: str, rules: Committee = RULES) -> list[tuple[str, str]]:
    """Periods that are opened by a look on a day: key and due day."""
    return [(period.key, str(period.due_on)) for period in open_periods(task, rules, date.fromisoformat(day))]


def test_a_monthly_task_has_a_period_a_month_from_its_publication_on() -> None:
    task = worded("Hằng tháng, trước ngày 25")
    assert opened(task, "2026-11-24") == [("2026-11", "2026-11-25")]
    assert opened(task, "2026-11-24") == [], "the same look again opens nothing"
    assert task.look_on == date(2026, 12, 1)
    assert opened(task, "2027-02-01") == [("2026-12", "2026-12-25"), ("2027-01", "2027-01-25"), ("2027-02", "2027-02-25")]


def test_a_period_whose_day_had_passed_before_the_task_was_given_is_due_at_its_end() -> None:
    assert opened(worded("Hằng tháng, trước ngày 22"), "2026-11-24") == [("2026-11", "2026-11-30")]


# --- what the task keeps of its periods ---

MONTHLY = "Hằng tháng, trước ngày 25"


@given(st.randoms(use_true_random=False))
def test_a_task_says_of_its_periods_what_they_say_whatever_happens_to_them(chance: Random) -> None:
    task, kept, day = worded(MONTHLY, evidence_kind=None), dict[str, Period](), date(2026, 11, 24)
    said = Said(at=NOW, by="person:x", words="Không phát sinh")
    for _ in range(chance.randint(1, 12)):
        day += timedelta(days=chance.randint(0, 25))
        now = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
        before = task.take_saved()
        was = None if before is None else (before.open_periods, list(before.open_periods))
        for opened_now in open_periods(task, RULES, day):
            kept[opened_now.key] = opened_now
        period = chance.choice(list(kept.values()))
        commands: list[Callable[[], None]] = [
            partial(submit, task, period, now, "Đã làm"),
            partial(send_back, task, period, "incomplete", "Thiếu"),
            partial(close, task, period, now, "done_late", "Đạt"),
            partial(state_no_work, task, period, said),
            partial(confirm_no_work, task, period, said),
            partial(reject_no_work, task, period, said),
        ]
        with suppress(RuleBroken):
            chance.choice(commands)()
        assert task.open_periods == open_of(kept.values())
        assert task.last_period_due_on == last_due(kept.values())
        assert not state_anew(task, list(kept.values())), "nothing to mend"
        assert was is None or was[0] == was[1], "what it remembers of how it was saved stays"
    task.open_periods, task.last_period_due_on = [], None
    assert state_anew(task, list(kept.values())), "one that an older version wrote is mended"
    assert (task.open_periods, task.last_period_due_on) == (open_of(kept.values()), last_due(kept.values()))


def due(day: int, handed_in: int | None = None, key: str = "p") -> OpenPeriod:
    """A period that is due on a day of November 2026, and was handed in on another one."""
    return OpenPeriod(
        key=key, due_on=date(2026, 11, day), submitted_on=None if handed_in is None else date(2026, 11, handed_in)
    )


@pytest.mark.parametrize(
    ("periods", "by_submission", "by_approval"),
    [
        ([], "no_due_date", "no_due_date"),
        ([due(30)], "in_time", "in_time"),
        ([due(27)], "nearly_due", "nearly_due"),
        ([due(24)], "nearly_due", "nearly_due"),  # the due day itself is not late
        ([due(23)], "overdue", "overdue"),
        ([due(30), due(23)], "overdue", "overdue"),  # late for one, it is late
        ([due(23, handed_in=23)], "in_time", "overdue"),  # in time, and not approved yet
        ([due(22, handed_in=23)], "overdue", "overdue"),  # too late, until it is approved as that
        ([due(24, handed_in=20)], "in_time", "in_time"),  # nobody hurries who has handed in
        ([due(23, handed_in=20), due(26)], "nearly_due", "overdue"),
    ],
)
def test_a_task_stands_as_the_worst_of_its_periods(periods: list[OpenPeriod], by_submission: str, by_approval: str) -> None:
    task = worded("Thường xuyên", open_periods=periods)
    stands = [timeliness(task, date(2026, 11, 24), Committee(lateness_counts=c)) for c in ("submission", "approval")]
    assert stands == [by_submission, by_approval]


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({"due_on": date(2026, 11, 20)}, "overdue"),  # by its own day
        ({"due_on": date(2026, 12, 31)}, "overdue"),  # by that of its period
        ({"state": "paused"}, "paused"),
        ({"state": "cancelled"}, None),
        ({"deadline_kind": "on_event"}, "overdue"),
    ],
)
def test_its_own_day_and_its_state_count_beside_its_periods(changes: dict[str, Any], stands: str | None) -> None:
    task = worded("Thường xuyên", open_periods=[due(23)], **changes)
    assert timeliness(task, date(2026, 11, 24), RULES) == stands


@given(st.randoms(use_true_random=False), st.sampled_from(["submission", "approval"]), st.integers(0, 4))
def test_the_worst_of_its_own_day_and_of_its_periods(chance: Random, counts: Any, near: int) -> None:
    rules = Committee(lateness_counts=counts, nearly_due_days=near)
    state = chance.choice(["in_progress", "submitted", "completed"])
    task = a_task(
        state=state,
        deadline_kind="date_then_maintain",
        due_on=chance.choice([None, TODAY + timedelta(days=chance.randint(-5, 5))]),
        submitted_on=None if state == "in_progress" else TODAY - timedelta(days=chance.randint(0, 5)),
        completed_on=TODAY if state == "completed" else None,
        open_periods=some_periods(chance),
    )
    own = own_timeliness(task, TODAY, rules)
    stands = [own, *(own_timeliness(one, TODAY, rules) for one in task.owed_periods)]
    worst = next((one for one in ("overdue", "nearly_due") if one in stands), None)
    assert timeliness(task, TODAY, rules) == (worst or ("in_time" if own == "no_due_date" and task.owed_periods else own))


def test_with_the_whole_what_was_not_due_yet_is_accepted_and_what_was_missed_stays_missed() -> None:
    task = worded("Thường xuyên", open_periods=[due(10, key="a"), due(24, key="b"), due(30, key="c")])
    task.state, task.completed_on = "completed", date(2026, 11, 24)
    assert [one.key for one in task.owed_periods] == ["a"]
    assert [task.owes(date(2026, 11, day)) for day in (23, 24)] == [True, False]
    task.deadline_kind = "date_then_maintain"
    assert [one.key for one in task.owed_periods] == ["a", "b", "c"], "its periods go on"
    period = Period(
        id="t1/b", task_id="t1", key="b", starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 30), due_on=date(2026, 11, 24)
    )
    assert tell_of_period(task, period, date(2026, 11, 25), 3)
    task.deadline_kind, period.told = "recurring", 0
    assert not tell_of_period(task, period, date(2026, 11, 25), 3), "nobody is told of what is owed no more"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Định kỳ hằng quý", [("2026-Q4", "2026-12-31")]),
        ("6 tháng một lần", [("2026-H2", "2026-12-31")]),
        ("Hằng năm", [("2026", "2026-12-31")]),
        ("2026 - 2028", [("2026", "2026-12-31")]),
        ("2025 - 2026", []),  # the year that is left ends with the task itself
        ("Thường xuyên", []),
        ("30/11/2026", []),
        ("2025 và những năm tiếp theo", []),
        ("Bắt đầu từ 25/7/2026", []),
        ("Khi có nhiệm vụ chậm", []),
    ],
)
def test_words_that_say_how_often_open_periods_and_others_do_not(words: str, expected: list[tuple[str, str]]) -> None:
    assert opened(worded(words), "2026-11-24") == expected


def test_regular_work_has_the_calendar_that_the_committee_or_somebody_gives_it() -> None:
    assert opened(worded("Thường xuyên"), "2026-11-24", Committee(regular_calendar="quarter")) == [("2026-Q4", "2026-12-31")]
    assert opened(worded("Thường xuyên", calendar="month"), "2026-11-24") == [("2026-11", "2026-11-30")]
    asleep = worded("Thường xuyên")
    assert opened(asleep, "2026-11-24") == []
    assert asleep.look_on == date(2026, 11, 25), "the committee may decide any day"


def test_a_start_with_a_calendar_has_no_period_before_it() -> None:
    task = worded("Bắt đầu từ 25/12/2026", calendar="month")
    assert opened(task, "2026-12-24") == []
    assert task.look_on == date(2026, 12, 25)
    assert opened(task, "2026-12-25") == [("2026-12", "2026-12-31")]


def test_keeping_up_begins_when_the_first_phase_was_accepted() -> None:
    task = worded("Hoàn thành trước 30/12/2026 và duy trì liên tục")
    assert task.due_on == date(2026, 12, 30)
    assert opened(task, "2027-03-01") == []
    task.state, task.completed_on = "completed", date(2026, 12, 20)
    assert opened(task, "2027-01-31") == [("2026-12", "2026-12-31"), ("2027-01", "2027-01-31")]
    quarterly = worded("Hoàn thành trước 30/12/2026 và duy trì", state="completed", completed_on=date(2027, 1, 5))
    assert opened(quarterly, "2027-01-31", Committee(maintain_calendar="quarter")) == [("2027-Q1", "2027-03-31")]


def test_monthly_reports_follow_the_first_by_the_clock_also_when_it_is_done() -> None:
    task = worded("Báo cáo đầu trước 25/12/2026; cập nhật hằng tháng")
    assert opened(task, "2026-12-25") == []
    assert opened(task, "2026-12-26") == [("2026-12", "2026-12-31")]
    task.state, task.completed_on = "completed", date(2026, 12, 24)
    assert opened(task, "2027-01-01") == [("2027-01", "2027-01-31")]


def test_an_open_ended_task_is_asked_every_year_and_is_never_done() -> None:
    task = worded("2025 và những năm tiếp theo", calendar="year", evidence_kind=None)
    assert opened(task, "2026-11-24") == [("2026", "2026-12-31")]
    stands = [timeliness(task, day, RULES) for day in (date(2026, 12, 1), date(2027, 1, 1))]
    assert stands == ["in_time", "overdue"], "of this year's period"
    assert own_timeliness(task, date(2030, 1, 1), RULES) == "no_due_date"
    with pytest.raises(RuleBroken) as broken:
        task.submit(NOW, "")
    assert [one.code for one in broken.value.errors] == ["never_done"]


def test_a_period_within_a_pause_is_passed_over_and_the_one_in_which_work_goes_on_is_not() -> None:
    task = worded("Hằng tháng")
    assert opened(task, "2026-11-24") == [("2026-11", "2026-11-30")]
    task.state = "paused"
    assert opened(task, "2027-01-15") == []
    assert task.look_on == date(2027, 2, 1)
    task.state = "in_progress"
    assert opened(task, "2027-01-20") == [("2027-01", "2027-01-31")], "December passed within the pause"


def test_the_borders_of_periods() -> None:
    """A day counts to both ends: due on the day of publication, begun on the last due day, paused on its last day."""
    assert opened(worded("Hằng tháng, trước ngày 24"), "2026-11-24") == [("2026-11", "2026-11-24")]
    ends = worded("Hằng tháng", due_on=date(2026, 12, 1))
    assert [key for key, _ in opened(ends, "2027-01-05")] == ["2026-11", "2026-12"]
    assert ends.look_on is None
    paused = worded("Hằng tháng", state="paused")
    assert opened(paused, "2026-11-30") == []
    paused.state = "in_progress"
    assert [key for key, _ in opened(paused, "2026-11-30")] == ["2026-11"]
    task = worded("Hằng tháng")
    (period,) = open_periods(task, RULES, date(2026, 11, 24))
    task.take_lines()
    tell_of_period(task, period, date(2026, 11, 30), 3)
    assert [what for what, _, _ in task.take_lines()] == ["period_fell_due_soon"], "the due day itself is not late"


def test_a_calendar_makes_the_time_clear_and_words_that_do_not_say_how_often_do_not() -> None:
    def against(task: Task, rules: Committee = RULES) -> list[str]:
        found = clears(task, Facts(PEOPLE_OF, Names(()).read(""), rules))
        return [reason.code for clear in found if clear.key == "time" for reason in clear.against]

    assert against(worded("Hằng năm")) == []
    assert against(worded("Thường xuyên")) == ["deadline_recurring"]
    assert against(worded("Thường xuyên"), Committee(regular_calendar="month")) == []
    assert against(worded("2025 và những năm tiếp theo")) == ["deadline_open_ended"]
    assert against(worded("2025 và những năm tiếp theo", calendar="year")) == []
    assert against(worded("Trước tháng 6/2026")) == ["deadline_ambiguous"]


@given(
    st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.integers(0, 900), st.sampled_from(sorted(MONTHS)), st.integers(1, 31),
    st.sampled_from(["keep", "before", "after"]),
)  # fmt: skip
def test_periods_cover_every_day_once_and_each_is_due_no_earlier_than_it_begins(
    published: date, days: int, cadence: Any, due_day: int, rule: Any
) -> None:
    rules, today = Committee(period_due_day=due_day, weekend_rule=rule), published + timedelta(days=days)
    task, found = a_task(state="published", published_on=published, due_on=None, calendar=cadence), list[Period]()
    while task.opened_until is None or (task.look_on or today) <= today:
        found += open_periods(task, rules, today)
    assert found[0].starts_on == published
    assert found[-1].starts_on <= today <= found[-1].ends_on
    for one, following in pairwise(found):
        assert following.starts_on == one.ends_on + timedelta(days=1)
    assert len({one.key for one in found}) == len(found)
    assert all(one.starts_on <= one.due_on for one in found)
    if rule == "keep":
        assert all(one.due_on <= one.ends_on for one in found)


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.sampled_from(sorted(MONTHS)))
def test_the_period_of_a_day_holds_it_and_ends_with_a_month(day: date, cadence: Any) -> None:
    span = span_of(day, cadence, RULES)
    assert span.starts_on <= day <= span.ends_on == last_day(span.ends_on.year, span.ends_on.month)


def test_a_period_is_told_of_once_near_and_once_late_and_has_its_own_timeliness() -> None:
    task = worded("Hằng tháng")
    (period,) = open_periods(task, RULES, date(2026, 11, 24))
    said = [(day, tell_of_period(task, period, date(2026, 11, day), 3)) for day in (26, 27, 28)]
    assert said == [(26, False), (27, True), (28, False)]
    assert tell_of_period(task, period, date(2026, 12, 1), 3)
    assert not tell_of_period(task, period, date(2026, 12, 2), 3)
    assert [own_timeliness(period, date(2026, 11, day), RULES) for day in (26, 27)] == ["in_time", "nearly_due"]
    assert own_timeliness(period, date(2026, 12, 1), RULES) == "overdue"


def test_one_look_opens_so_many_periods_and_the_next_goes_on_from_there() -> None:
    task = worded("Hằng tháng")
    first = opened(task, "2030-01-01")
    assert (AT_MOST, len(first), first[-1][0], task.look_on) == (24, 24, "2028-10", date(2028, 11, 1))
    assert [key for key, _ in opened(task, "2028-12-31")] == ["2028-11", "2028-12"]


@pytest.mark.parametrize(
    ("day", "key", "due"),
    [
        ("2026-01-01", "2026-H1", "2026-06-30"),
        ("2026-06-30", "2026-H1", "2026-06-30"),
        ("2026-07-01", "2026-H2", "2026-12-31"),
        ("2026-03-31", "2026-Q1", "2026-03-31"),
        ("2026-04-01", "2026-Q2", "2026-06-30"),
        ("2026-09-30", "2026-Q3", "2026-09-30"),
    ],
)
def test_the_key_of_a_period_names_its_place_in_the_year(day: str, key: str, due: str) -> None:
    span = span_of(date.fromisoformat(day), "half_year" if "H" in key else "quarter", RULES)
    assert (span.key, str(span.due_on)) == (key, due)


@pytest.mark.parametrize("state", get_args(State))
def test_nobody_is_told_of_a_period_while_no_clock_runs(state: State) -> None:
    task = worded("Hằng tháng")
    (period,) = open_periods(task, RULES, date(2026, 11, 24))
    task.state = state
    assert tell_of_period(task, period, date(2026, 12, 1), 3) is (state not in ("draft", "paused", "cancelled"))
    handed_in = period.model_copy(update={"state": "submitted", "told": 0})
    assert not tell_of_period(task, handed_in, date(2026, 12, 1), 3)


def in_a_period(**changes: Any) -> tuple[Task, Period]:
    task = worded("Hằng tháng", **changes)
    (period,) = open_periods(task, RULES, date(2026, 11, 24))
    task.take_recorded()
    return task, period


def proof(key: str = "e1") -> Evidence:
    return Evidence(id=key, kind="document", title="Báo cáo", added_at=NOW, added_by="person:per-doer")


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(RuleBroken) as broken:
        act()
    return broken.value.errors[0].code


def test_a_period_is_handed_in_with_evidence_sent_back_mended_and_closed() -> None:
    task, period = in_a_period()
    assert code_of(lambda: submit(task, period, NOW, "xong")) == "evidence_missing"
    assert code_of(lambda: close(task, period, NOW, "done_in_time", "")) == "wrong_period_state"
    add_evidence(task, period, proof())
    submit(task, period, NOW, "xong")
    assert (period.state, period.submitted_on, period.report) == ("submitted", date(2026, 11, 24), "xong")
    assert code_of(lambda: add_evidence(task, period, proof("e2"))) == "wrong_period_state"
    send_back(task, period, "incomplete", "thiếu số liệu")
    assert (period.state, period.submitted_on) == ("in_progress", None)
    assert code_of(lambda: send_back(task, period, "incomplete", "")) == "wrong_period_state"
    submit(task, period, NOW, "đã bổ sung")
    review_evidence(task, period, period.evidence[0], Review(at=NOW, by="person:per-head", verdict="accepted", words=""))
    unproven = [FieldProblem("evidence", "evidence_unreviewed", EMPTY_WORDS, EMPTY_WORDS)]
    assert code_of(lambda: close(task, period, NOW, "done_in_time", "", unproven)) == "evidence_unreviewed"
    close(task, period, NOW, "done_in_time", "được")
    assert (period.state, period.completed_on) == ("completed", date(2026, 11, 24))
    names = [event.type.split(".")[2] for event in task.take_recorded()]
    assert names == [
        "period_evidence_added", "period_submitted", "period_returned", "period_submitted", "evidence_accepted",
        "period_closed",
    ]  # fmt: skip


@pytest.mark.parametrize(("state", "runs"), [
    ("draft", False), ("published", True), ("assigned", True), ("in_progress", True), ("submitted", True), ("completed", True),
    ("paused", False), ("cancelled", False),
])  # fmt: skip
def test_a_period_is_worked_on_while_its_task_runs(state: State, runs: bool) -> None:
    task, period = in_a_period()
    task.state = state
    if runs:
        add_evidence(task, period, proof())
    else:
        assert code_of(lambda: add_evidence(task, period, proof())) == "wrong_state"
        assert code_of(lambda: confirm_no_work(task, period, said())) == "wrong_state"


def said(words: str = "") -> Said:
    return Said.now(NOW, "person:per-doer", words)


def test_no_work_is_stated_and_answered_and_is_no_result_meanwhile() -> None:
    task, period = in_a_period()
    assert code_of(lambda: confirm_no_work(task, period, said())) == "nothing_stated"
    state_no_work(task, period, said("không phát sinh"))
    assert stated_no_work(period) is period.no_work[0]
    assert (period.state, period.submitted_on) == ("submitted", date(2026, 11, 24))
    assert code_of(lambda: close(task, period, NOW, "done_in_time", "")) == "no_work_stated"
    assert code_of(lambda: send_back(task, period, "incomplete", "")) == "no_work_stated"
    reject_no_work(task, period, said("vẫn phải báo cáo"))
    assert (period.state, period.submitted_on, stated_no_work(period)) == ("in_progress", None, None)
    state_no_work(task, period, said())
    confirm_no_work(task, period, said())
    assert (period.state, period.submitted_on) == ("without_work", None)
    assert [one.state for one in period.no_work] == ["rejected", "confirmed"]


def test_an_occurrence_is_opened_of_what_waits_for_an_event_alone() -> None:
    task = worded("Khi có nhiệm vụ chậm")
    period = open_occurrence(task, 7, date(2026, 11, 24), date(2026, 11, 30), "NV 9 chậm")
    assert (period.key, period.starts_on, period.ends_on, period.due_on, period.occasion) == (
        "E0007", date(2026, 11, 24), date(2026, 11, 30), date(2026, 11, 30), "NV 9 chậm",
    )  # fmt: skip
    past = open_occurrence(task, 8, date(2026, 11, 24), date(2026, 11, 20), "đã qua")
    assert (past.ends_on, past.due_on) == (date(2026, 11, 24), date(2026, 11, 20))
    assert (
        code_of(lambda: open_occurrence(worded("Hằng tháng"), 1, date(2026, 11, 24), date(2026, 11, 30), "")) == "not_on_event"
    )
    task.state = "paused"
    assert code_of(lambda: open_occurrence(task, 9, date(2026, 11, 24), date(2026, 11, 30), "")) == "wrong_state"


# --- clocks that wait ---


def paper(**changes: Any) -> Directive:
    fields = {"id": "d-up", "number": "05-KH/BCĐTW", "issuer": "Central SC", "issued_on": date(2026, 12, 4)}
    return Directive.model_validate({**fields, "awaited_as": ["Trung ương"], **changes})


def waiting(words: str = "30 ngày sau khi Trung ương ban hành", **changes: Any) -> Task:
    return Task(id="w", created_at=NOW, title="Cụ thể hóa", **{**read_words({"deadline_written": words}), **changes}).draft()


def test_a_paper_dates_what_waited_and_the_days_are_booked_to_its_body() -> None:
    task = waiting()
    assert waits(task)
    assert [days_waited(task, date(2026, month, day)) for month, day in ((11, 23), (11, 24), (12, 1))] == [0, 0, 7]
    assert start_clock(task, paper(), RULES)
    assert task.clock is not None
    assert (task.due_on, task.clock.days_waited, days_waited(task, date(2027, 5, 1))) == (date(2027, 1, 3), 10, 10)
    assert not start_clock(task, paper(), RULES), "the same paper again changes nothing"
    assert not start_clock(task, paper(id="d-other"), RULES), "another paper does not move it"


def test_working_days_leave_out_the_holidays_of_the_committee() -> None:
    task, off = waiting("5 ngày làm việc sau khi Trung ương ban hành"), Committee(holidays=[date(2026, 12, 8)])
    start_clock(task, paper(), RULES)
    assert task.due_on == date(2026, 12, 11)
    task = waiting("5 ngày làm việc sau khi Trung ương ban hành")
    start_clock(task, paper(), off)
    assert task.due_on == date(2026, 12, 14)


def test_a_corrected_paper_moves_what_it_dated_a_withdrawn_one_lets_it_wait_again_with_history() -> None:
    task = waiting()
    task.take_lines()
    start_clock(task, paper(), RULES)
    assert start_clock(task, paper(issued_on=date(2026, 12, 14)), RULES)
    assert task.due_on == date(2027, 1, 13)
    assert stop_clock(task, paper())
    assert waits(task)
    assert [(what, changes["due_on"]) for what, _, changes in task.take_lines()] == [
        ("clock_started", [None, "2027-01-03"]),
        ("clock_started", ["2027-01-03", "2027-01-13"]),
        ("clock_stopped", ["2027-01-13", None]),
    ]


def test_a_day_that_people_set_is_theirs_and_no_paper_moves_it() -> None:
    task = waiting()
    start_clock(task, paper(), RULES)
    task.amend({"due_on": date(2027, 2, 1)}, date(2026, 11, 24))
    assert not start_clock(task, paper(issued_on=date(2026, 12, 14)), RULES)
    assert not stop_clock(task, paper())
    assert task.due_on == date(2027, 2, 1)


@pytest.mark.parametrize("change", [{"deadline_written": "20 ngày sau khi Trung ương ban hành"}, {"due_on": None}])
def test_another_rule_or_a_day_taken_away_waits_for_the_paper_anew(change: dict[str, Any]) -> None:
    task = waiting()
    start_clock(task, paper(), RULES)
    task.amend(read_words(change, deadline_before=task.deadline_written), date(2026, 11, 24))
    assert waits(task)
    assert start_clock(task, paper(), RULES)
    assert task.due_on == date(2026, 12, 4) + timedelta(days=task.waits_days or 0)


def test_what_another_body_dates_itself_is_asked_about_again_every_so_many_days() -> None:
    task = waiting("Theo kế hoạch của Bộ Công an")
    assert not start_clock(task, paper(awaited_as=["Bộ Công an"]), RULES)
    sample = waiting("Theo kế hoạch của Bộ Công an", sample="foreign")
    assert not ask_again(sample, RULES, date(2027, 11, 24)), "another province's plan asks nobody"
    days = [day for day in range(100) if ask_again(task, RULES, date(2026, 11, 24) + timedelta(days=day))]
    assert days == [30, 60, 90]


@given(st.dates(date(2026, 1, 1), date(2028, 1, 1)), st.integers(1, 365))
def test_the_due_day_is_so_many_days_after_the_paper(issued: date, days: int) -> None:
    task = waiting(f"{days} ngày sau khi Trung ương ban hành")
    start_clock(task, paper(issued_on=issued), RULES)
    assert task.due_on == issued + timedelta(days=days)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"state": "completed"}, False),
        ({"state": "cancelled"}, False),
        ({"due_on": date(2027, 1, 1)}, False),
        ({"waits_for": ""}, False),
    ],
)
def test_a_task_waits_while_it_is_to_be_done_and_has_no_day(fields: dict[str, Any], expected: bool) -> None:
    task = waiting().model_copy(update=fields)
    assert waits(task) is expected
    assert days_waited(task, date(2026, 12, 1)) == (7 if expected else 0)
    assert start_clock(task, paper(), RULES) is expected


@pytest.mark.parametrize(
    ("changes", "starts"),
    [
        ({}, True), ({"ended_how": "replaced"}, True), ({"ended_how": "withdrawn"}, False), ({"awaited_as": []}, False),
        ({"issued_on": None}, False),
    ],
)  # fmt: skip
def test_which_papers_start_clocks(changes: dict[str, Any], starts: bool) -> None:
    assert starts_clocks(paper(**changes)) is starts


def test_a_paper_that_is_older_than_the_wait_was_not_waited_for_and_its_day_off_is_moved_as_decided() -> None:
    task = waiting("30 ngày sau khi Trung ương ban hành", told=2)
    assert start_clock(task, paper(issued_on=date(2026, 11, 6)), Committee(weekend_rule="after"))
    assert task.clock is not None
    assert (task.clock.days_waited, task.told) == (0, 0)
    assert task.due_on == date(2026, 12, 7), "6 December 2026 is a Sunday"
    assert not start_clock(waiting(), paper(issued_on=None), RULES)


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_what_is_over_keeps_the_day_that_a_paper_gave_it(state: Any) -> None:
    task = waiting()
    start_clock(task, paper(), RULES)
    task.state = state
    assert not start_clock(task, paper(issued_on=date(2026, 12, 14)), RULES)
    assert not stop_clock(task, paper())
    task.state = "assigned"
    assert not stop_clock(task, paper(id="d-other"))
    assert stop_clock(task, paper())
    assert (task.clock, task.told) == (None, 0)
    assert not stop_clock(task, paper())


def test_a_task_that_waits_says_when_it_is_asked_about_next() -> None:
    task = waiting("Theo kế hoạch của Bộ Công an")
    for days, said, following in ((0, False, 30), (29, False, 30), (30, True, 60), (31, False, 60), (95, True, 120)):
        assert ask_again(task, RULES, date(2026, 11, 24) + timedelta(days=days)) is said
        assert task.look_on == date(2026, 11, 24) + timedelta(days=following)
    sample = waiting("Theo kế hoạch của Bộ Công an", sample="foreign", look_on=date(2026, 11, 24))
    assert not ask_again(sample, RULES, date(2027, 11, 24))
    assert sample.look_on is None


# --- what becomes of it ---


def test_a_task_of_an_ended_paper_asks_once_and_goes_on_or_is_cancelled_on_words() -> None:
    ended = paper(ended_how="replaced", ended_by_id="d-new")
    task = a_task(state="in_progress", directive_id="d-up")
    assert ask_fate(task, ended)
    assert not ask_fate(task, ended)
    decide_fate(task, "goes_on", None, "Việc vẫn cần")
    assert (task.state, task.asks, task.directive_id) == ("in_progress", None, "d-up")
    assert not ask_fate(task, ended), "it was decided"
    with pytest.raises(RuleBroken):
        decide_fate(task, "cancelled", None, "Không ai hỏi")
    other = a_task(state="draft", directive_id="d-up")
    ask_fate(other, ended)
    decide_fate(other, "cancelled", None, "Không còn căn cứ")
    assert other.state == "cancelled"
    assert [what for what, _, _ in other.take_lines()] == ["fate_asked", "fate_decided", "cancelled"]
    assert not ask_fate(a_task(state="completed", directive_id="d-up"), ended)


def test_what_is_decided_of_a_row_that_was_left_out_settles_no_paper() -> None:
    ended = paper(ended_how="repealed")
    task = a_task(directive_id="d-up", reference="NQ03-1")
    ask_dropped(task)
    decide_fate(task, "goes_on", None, "Vẫn cần làm")
    assert ask_fate(task, ended), "of its paper nobody has decided"
    decide_fate(task, "goes_on", "d-new", "Theo văn bản mới")
    assert (task.directive_id, task.settled_papers) == ("d-new", ["d-up"])
    assert task.take_lines()[-1][2] == {"directive_id": ["d-up", "d-new"]}
    assert [event.model_dump().get("reference") for event in task.take_recorded()][:1] == ["NQ03-1"]
    assert not ask_fate(task, ended), "another paper gives it now"
    gone = a_task(directive_id="d-up")
    ask_fate(gone, ended)
    decide_fate(gone, "cancelled", "d-new", "Thôi")
    assert (gone.state, gone.directive_id) == ("cancelled", "d-up")
    assert not ask_dropped(gone)


def test_midnight_in_the_province_decides_on_which_day_a_draft_began_to_wait() -> None:
    late = Task(
        id="m", created_at=datetime(2026, 11, 24, 17, 30, tzinfo=UTC), title="x",
        **read_words({"deadline_written": "30 ngày sau khi Trung ương ban hành"}),
    ).draft()  # fmt: skip
    assert late.waiting_since == date(2026, 11, 25)


def test_a_task_that_its_plan_no_longer_names_is_asked_about_once() -> None:
    task = a_task(reference="NQ03-1")
    assert not name_again(task), "it never left"
    assert ask_dropped(task)
    assert (task.asks, task.off_plan) == ("dropped_from_plan", True)
    assert not ask_dropped(task)
    decide_fate(task, "goes_on", None, "Vẫn cần làm")
    assert (task.asks, task.settled_papers) == (None, [])
    assert not ask_dropped(task), "it was decided, and the plan still does not name it"
    assert name_again(task)
    assert (task.asks, task.off_plan) == (None, False)
    assert ask_dropped(task), "left out anew"
    decide_fate(task, "cancelled", None, "Không cần nữa")
    assert task.state == "cancelled"
    for state in ("completed", "cancelled"):
        assert not ask_dropped(a_task(state=state))


def test_a_paper_that_ends_is_asked_about_also_where_the_plan_dropped_the_task() -> None:
    ended = Directive(id="d-up", number="03/NQ-CP", issuer="Chính phủ", ended_how="repealed")
    task = a_task(directive_id="d-up")
    ask_dropped(task)
    assert ask_fate(task, ended)
    assert task.asks == "directive_ended"
    assert name_again(task)
    assert task.asks == "directive_ended", "its paper has ended all the same"
    decide_fate(task, "goes_on", None, "Vẫn cần làm")
    assert task.settled_papers == ["d-up"]
    asked = a_task(directive_id="d-up")
    ask_fate(asked, ended)
    ask_dropped(asked)
    assert asked.asks == "directive_ended", "one decision is enough"
