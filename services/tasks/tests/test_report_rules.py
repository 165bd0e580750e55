"""What a frozen report says, and what it says of changes: without a server."""

from __future__ import annotations

import csv
import hashlib
import json
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Invalid
from services.tasks.tests.task_world import A, B, a_task
from tasks.domain.committee import Committee
from tasks.domain.directive import Directive
from tasks.domain.matters import HandOver, OpenPeriod, Said
from tasks.domain.means import Evidence, NoWork
from tasks.domain.month import Month
from tasks.domain.periods import Period, state_anew
from tasks.domain.report import (
    STATUS_WORDS,
    Frozen,
    Report,
    ReportBody,
    canonical,
    figures_of,
    late_key,
    late_rows,
    outcome_of,
    period_key,
    period_row,
    period_stood_on,
    periods_from,
    row_of,
    status_of,
    stood_on,
    submission_row,
)
from tasks.domain.reporting import ReportPlan, Submission
from tasks.domain.task import Task
from tasks.domain.timeliness import timeliness

DATA = Path(__file__).parents[3] / "data"
PLAN = ReportPlan(id="committee", title="Báo cáo tháng", first_period="2026-10")
OCTOBER, NOVEMBER = date(2026, 10, 24), date(2026, 11, 24)
NAMES = {A: "Phường Hà Giang 1", B: "Phường Hà Giang 2"}


def report(tasks: list[Task], day: date, previous: Any = None, rules: Committee | None = None) -> tuple[Report, dict[str, Any]]:
    rules = rules or Committee()
    frozen = Frozen(
        plan=PLAN,
        period=str(Month.of(day)),
        as_of=datetime(day.year, day.month, day.day, 1, tzinfo=UTC),
        day=day,
        committee=rules,
        rows=[row_of(task, day, rules, NAMES, {}) for task in tasks],
        previous=None if previous is None else previous[1],
        previous_sha256=None if previous is None else previous[0].sha256,
    )
    made, body = Report.freeze(frozen, "system:tasks")
    return made, json.loads(body.data())


def one(task_id: str = "t1", **changes: Any) -> Task:
    return a_task(**{"id": task_id, "state": "in_progress", "due_on": date(2026, 10, 15), **changes})


def done(task_id: str, due: date, on: date) -> Task:
    return a_task(id=task_id, state="completed", due_on=due, submitted_on=on, completed_on=on)


def changed(before: list[Task], after: list[Task], rules: Committee | None = None) -> list[dict[str, Any]]:
    return list(report(after, NOVEMBER, report(before, OCTOBER), rules)[1]["changes"])


def test_what_happened_since_belongs_to_this_month() -> None:
    before = [one("done-late-since"), one("due-since", due_on=date(2026, 11, 5))]
    after = [done("done-late-since", date(2026, 10, 15), date(2026, 11, 3)), one("due-since", due_on=date(2026, 11, 5))]
    found = changed(before, after)
    assert [(change["task_id"], change["late"], change["belongs_to"]) for change in found] == [
        ("done-late-since", False, "2026-11"),
        ("due-since", False, "2026-11"),
    ]
    assert found[1]["before"] == {"timeliness": "in_time"}
    assert found[1]["after"] == {"timeliness": "overdue"}


@pytest.mark.parametrize(
    ("before", "after", "belongs_to"),
    [
        ([one()], [one(due_on=date(2026, 11, 30))], "2026-10"),  # its day was moved after it had been called overdue
        ([one()], [done("t1", date(2026, 10, 15), date(2026, 10, 14))], "2026-10"),  # it had been handed in after all
        ([one(due_on=date(2026, 9, 30))], [done("t1", date(2026, 9, 30), date(2026, 9, 29))], "2026-09"),
        ([], [one(due_on=date(2026, 8, 1))], "2026-08"),  # it should have been in the report
        ([one(due_on=date(2026, 12, 1))], [one(due_on=date(2026, 10, 1))], "2026-10"),
    ],
)
def test_a_late_change_says_to_which_month_it_belongs(before: list[Task], after: list[Task], belongs_to: str) -> None:
    (found,) = changed(before, after)
    assert (found["late"], found["belongs_to"]) == (True, belongs_to)


def test_lateness_read_anew_is_a_late_change() -> None:
    task = done("t1", date(2026, 10, 15), date(2026, 10, 15)).model_copy(update={"completed_on": date(2026, 10, 20)})
    assert changed([task], [task]) == []
    (found,) = changed([task], [task], Committee(lateness_counts="approval"))
    assert (found["fields"], found["late"], found["belongs_to"]) == (["timeliness"], True, "2026-10")


def test_the_day_that_counts_is_the_one_that_the_committee_says() -> None:
    task = done("t1", date(2026, 10, 15), date(2026, 10, 15)).model_copy(update={"completed_on": date(2026, 10, 20)})
    row = row_of(task, OCTOBER, Committee(), NAMES, {})
    stood = {counts: stood_on(row, OCTOBER, counts) for counts in ("submission", "approval")}
    assert stood == {"submission": "done_in_time", "approval": "done_late"}
    assert stood_on(row, date(2026, 10, 15), "approval") == "open", "its day has not ended and nobody has approved it"
    assert stood_on(row, date(2026, 10, 16), "approval") == "overdue"


def test_new_and_gone_tasks_are_named() -> None:
    found = changed([one("gone")], [one("new", due_on=date(2026, 12, 1))])
    assert [(change["task_id"], change["kind"], change["late"]) for change in found] == [
        ("gone", "left", False),
        ("new", "new", False),
    ]
    assert changed([one()], [one()]) == []


def test_a_report_names_the_one_before_by_its_digest() -> None:
    first = report([one()], OCTOBER)
    second = report([one()], NOVEMBER, first)
    assert first[1]["previous"] is None
    assert second[1]["previous"] == {"period": "2026-10", "sha256": first[0].sha256}


def test_figures_are_as_of_the_day_and_link_up() -> None:
    tasks = [one("a"), one("b", lead_unit_id=B, due_on=date(2026, 10, 25)), one("c", lead_unit_id=None, due_on=None)]
    made, body = report(tasks, OCTOBER)
    assert made.figures.by_timeliness == {"nearly_due": 1, "no_due_date": 1, "overdue": 1}
    assert [(unit.unit_id, unit.total) for unit in made.figures.by_unit] == [("", 1), (A, 1), (B, 1)]
    assert [(row["task_id"], row["days_overdue"], row["lead"]) for row in late_rows(body)] == [("a", 9, NAMES[A])]
    assert all("responsible_id" not in row for row in late_rows(body)), "nobody is named in public"


def test_a_row_names_papers_and_bodies_as_they_are_registered_or_else_as_they_were_written() -> None:
    paper = Directive(id="d", number="11-KH/BCĐ", issuer="Ban Chỉ đạo")
    proof = {"kind": "document", "added_at": datetime(2026, 10, 1, tzinfo=UTC), "added_by": "x"}
    pieces = [Evidence(id="e1", title="cũ", superseded_by="e2", **proof), Evidence(id="e2", title="mới", **proof)]
    task = one(directive_id="d", source="57-NQ/TW", coordinator_unit_ids=[B, "gone"], coordinators_written="c", evidence=pieces)
    row = row_of(task, OCTOBER, Committee(), NAMES, {"d": paper})
    assert (row["assigning_document"], row["coordinators"]) == ("11-KH/BCĐ", [NAMES[B], "gone"])
    assert [piece["title"] for piece in row["evidence"]] == ["mới"], "what was superseded proves nothing"
    bare = one(source="57-NQ/TW", coordinators_written="các xã", lead_unit_id=None, lead_written="Sở cũ")
    row = row_of(bare, OCTOBER, Committee(), NAMES, {"": paper})
    assert row_of(bare, OCTOBER, Committee(), NAMES, {})["assigning_document"] == "57-NQ/TW"
    assert (row["coordinators"], row["lead"]) == (["các xã"], "Sở cũ")
    assert row_of(one(), OCTOBER, Committee(), NAMES, {})["coordinators"] == []


def test_what_was_done_on_the_day_itself_had_been_done_then() -> None:
    row = row_of(done("t1", date(2026, 10, 15), date(2026, 10, 20)), OCTOBER, Committee(), NAMES, {})
    stood = [stood_on(row, date(2026, 10, day), "submission") for day in (15, 19, 20)]
    assert stood == ["open", "overdue", "done_late"]
    undated = row_of(one(due_on=None), OCTOBER, Committee(), NAMES, {})
    assert stood_on(undated, OCTOBER, "submission") == "open"
    assert stood_on({**undated, "submitted_on": "2026-10-24"}, OCTOBER, "submission") == "done"
    assert stood_on({**undated, "state": "cancelled"}, OCTOBER, "submission") == "cancelled"


def test_a_units_own_report_stands_with_its_first_moment_and_its_last_word() -> None:
    own = Submission(id="s", plan_id="committee", period="2026-11", unit_id=A)
    for day, no_work in ((24, True), (26, False)):
        own.hand_in(datetime(2026, 11, day, 3, 0, 0, 123456, tzinfo=UTC), "x", date(2026, 11, 22), "", no_work=no_work)
    assert submission_row(own) == {
        "unit_id": A, "period": "2026-11", "submitted_at": "2026-11-24T03:00:00.123Z", "days_late": 2, "no_work": False,
    }  # fmt: skip


def test_a_report_has_canonical_bytes_and_tells_its_figures() -> None:
    made, body = report([one(), one("t2", lead_unit_id=None), done("t3", date(2026, 10, 15), date(2026, 10, 15))], OCTOBER)
    data = canonical(body)
    assert data == rfc8785.dumps(body), "canonical by another implementation"
    assert (made.sha256, made.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert [(unit.unit_id, unit.name) for unit in made.figures.by_unit] == [("", ""), (A, NAMES[A])]
    (event,) = made.take_recorded()
    assert event.model_dump(include={"tasks", "overdue"}) == {"tasks": 3, "overdue": 2}
    (quiet,) = report([], OCTOBER)[0].take_recorded()
    assert quiet.model_dump(include={"tasks", "overdue", "late_changes"}) == {"tasks": 0, "overdue": 0, "late_changes": 0}


@pytest.mark.parametrize(
    ("state", "stands", "code"),
    [
        ("draft", "in_time", "not_issued"),
        ("published", "in_time", "assigned"),
        ("assigned", "no_due_date", "assigned"),
        ("in_progress", "in_time", "in_progress"),
        ("in_progress", "nearly_due", "at_risk"),
        ("assigned", "overdue", "overdue"),
        ("assigned", "waiting", "waiting_upstream"),
        ("submitted", "in_time", "submitted"),
        ("completed", "done_in_time", "done_on_time"),
        ("completed", "done_late", "done_late"),
        ("completed", "no_due_date", "done_no_deadline"),
        ("completed", "overdue", "overdue"),  # by a period that goes on when it is done
        ("completed", "nearly_due", "at_risk"),
        ("paused", "paused", "paused"),
        ("cancelled", None, "cancelled"),
    ],
)
def test_each_standing_has_its_code_of_the_list_and_words(state: str, stands: str | None, code: str) -> None:
    assert status_of(state, stands) == code
    assert STATUS_WORDS[code]
    with (DATA / "status_codes.csv").open(encoding="utf-8", newline="") as lines:
        listed = {row["our_code(proposal)"] for row in csv.DictReader(lines)}
    assert code in listed | {"not_issued", "cancelled"}


STATES = st.sampled_from(["published", "assigned", "in_progress", "submitted", "completed", "paused", "cancelled"])
DAYS = st.one_of(st.none(), st.dates(date(2026, 9, 1), date(2026, 12, 31)))


@st.composite
def any_task(draw: Any, number: int = 0) -> Task:
    state = draw(STATES)
    handed_in = draw(st.dates(date(2026, 9, 1), OCTOBER)) if state in ("submitted", "completed") else None
    return a_task(
        id=f"t{number}-{draw(st.integers(0, 999))}",
        title=draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)),
        state=state,
        due_on=draw(DAYS),
        lead_unit_id=draw(st.sampled_from([A, B, None])),
        submitted_on=handed_in,
        completed_on=handed_in if state == "completed" else None,
    )


TASKS = st.lists(any_task(), max_size=6, unique_by=lambda task: task.id)


@given(TASKS)
@settings(max_examples=80)
def test_every_report_has_its_bytes_and_its_figures_add_up(tasks: list[Task]) -> None:
    made, body = report(tasks, OCTOBER)
    data = canonical(body)
    assert data == rfc8785.dumps(body), "canonical by another implementation"
    assert hashlib.sha256(data).hexdigest() == made.sha256
    assert ReportBody.pack("r", data).data() == data
    figures = made.figures
    assert figures.total == len(tasks) == sum(figures.by_state.values()) == sum(unit.total for unit in figures.by_unit)
    assert sum(figures.by_timeliness.values()) == figures.total - figures.by_state.get("cancelled", 0)
    for name, count in figures.by_timeliness.items():
        assert count == sum(timeliness(task, OCTOBER, Committee()) == name for task in tasks)
        assert count == sum(unit.by_timeliness.get(name, 0) for unit in figures.by_unit)


@given(TASKS, TASKS)
@settings(max_examples=80)
def test_changes_lead_from_one_report_to_the_next(before: list[Task], after: list[Task]) -> None:
    first = report(before, OCTOBER)
    second = report(after, NOVEMBER, first)
    rows = {row["task_id"]: dict(row) for row in first[1]["rows"]}
    for change in second[1]["changes"]:
        assert change["late"] == (change["belongs_to"] < "2026-11")
        if change["kind"] == "left":
            del rows[change["task_id"]]
        elif change["kind"] == "changed":
            assert all(rows[change["task_id"]][name] == value for name, value in change["before"].items())
            rows[change["task_id"]] |= change["after"]
        else:
            rows[change["task_id"]] = change["after"]
    compared = ("title", "lead_unit_id", "state", "timeliness", "overdue_periods", "due_on", "submitted_on", "completed_on")
    wanted = {row["task_id"]: {name: row[name] or None for name in compared} for row in second[1]["rows"]}
    assert {key: {name: row.get(name) or None for name in compared} for key, row in rows.items()} == wanted


# --- periods of tasks that repeat ---


def period(due_on: date, *, key: str = "2026-10", task_id: str = "r", **changes: Any) -> Period:
    fields = {"id": f"{task_id}/{key}", "task_id": task_id, "key": key, "starts_on": due_on.replace(day=1), "ends_on": due_on}
    return Period.model_validate({**fields, "due_on": due_on, **changes})


def repeating(*periods: Period, **changes: Any) -> Task:
    task = one(**{"id": "r", "deadline_kind": "recurring", "due_on": None, "calendar": "month", **changes})
    state_anew(task, periods)
    return task


LAST = date(2026, 10, 31)
STATED = NoWork(stated=Said(at=datetime(2026, 10, 30, tzinfo=UTC), by="person:x", words="Không phát sinh"))


@pytest.mark.parametrize(
    ("changes", "task", "by_submission", "by_approval"),
    [
        ({}, {}, "missing", "missing"),
        ({"state": "submitted", "submitted_on": LAST}, {}, "in_time", "late"),  # not approved by its day
        ({"state": "submitted", "submitted_on": date(2026, 11, 1)}, {}, "late", "late"),
        ({"state": "completed", "submitted_on": LAST, "completed_on": date(2026, 11, 5)}, {}, "in_time", "late"),
        ({"state": "completed", "submitted_on": LAST, "completed_on": LAST}, {}, "in_time", "in_time"),
        ({"state": "completed", "submitted_on": date(2026, 11, 2), "completed_on": date(2026, 11, 5)}, {}, "late", "late"),
        ({"state": "without_work"}, {}, "without_work", "without_work"),
        ({"state": "submitted", "submitted_on": LAST, "no_work": [STATED]}, {}, "without_work", "late"),  # not answered
        ({"state": "submitted", "submitted_on": date(2026, 11, 1), "no_work": [STATED]}, {}, "late", "late"),
        ({}, {"state": "paused"}, "paused", "paused"),
        ({}, {"state": "cancelled"}, None, None),
        ({"state": "completed", "submitted_on": LAST, "completed_on": LAST}, {"state": "cancelled"}, "in_time", "in_time"),
        ({}, {"state": "completed", "completed_on": LAST}, None, None),  # accepted as a whole by that day
        ({}, {"state": "completed", "completed_on": date(2026, 11, 1)}, "missing", "missing"),
    ],
)
def test_how_a_period_was_met(changes: dict[str, Any], task: dict[str, Any], by_submission: Any, by_approval: Any) -> None:
    met = period(LAST, **changes)
    found = [
        outcome_of(repeating(met, **task), met, NOVEMBER, Committee(lateness_counts=counts))
        for counts in ("submission", "approval")
    ]
    assert found == [by_submission, by_approval]


@given(st.lists(st.dates(date(2026, 9, 1), date(2027, 3, 1)), min_size=1, max_size=8, unique=True))
def test_each_period_stands_in_one_report_once_its_day_has_passed(days: list[date]) -> None:
    told: list[tuple[date, str]] = []
    previous: dict[str, Any] | None = None
    for month in Month(2026, 10).until(Month(2027, 3)):
        day = PLAN.closes(month) + timedelta(days=1)
        since = periods_from(previous, month)
        assert since == (month.first if previous is None else PLAN.closes(month.plus(-1)) + timedelta(days=1))
        told += [(due_on, str(month)) for due_on in days if since <= due_on < day]
        previous = {"day": day.isoformat()}
    assert sorted(due_on for due_on, _ in told) == sorted(due for due in days if date(2026, 10, 1) <= due <= date(2027, 3, 1))
    assert all(due_on < PLAN.closes(Month.read(month)) + timedelta(days=1) for due_on, month in told)


def test_periods_are_counted_under_who_led_the_task_on_their_day() -> None:
    moved = HandOver(
        reorganisation_id="x", on=date(2026, 11, 1), at=datetime(2026, 11, 1, tzinfo=UTC), from_unit_id=B, to_unit_id=A,
        coordinators_before=[],
    )  # fmt: skip
    october, november = period(LAST), period(date(2026, 11, 20), key="2026-11", state="without_work")
    task = repeating(october, november, handovers=[moved])
    rows = [period_row(task, october, "missing", NAMES), period_row(task, november, "without_work", NAMES)]
    figures = figures_of([row_of(task, NOVEMBER, Committee(), NAMES, {})], rows)
    assert figures.periods == {"missing": 1, "without_work": 1}
    assert [(unit.unit_id, unit.name, unit.total, unit.periods) for unit in figures.by_unit] == [
        (A, NAMES[A], 1, {"without_work": 1}),
        (B, NAMES[B], 0, {"missing": 1}),
    ]
    assert (rows[0]["due_on"], rows[0]["state"], rows[0]["submitted_on"]) == ("2026-10-31", "in_progress", None)
    assert sorted(rows, key=period_key) == rows


def test_the_late_list_names_the_period_and_the_task_itself_apart() -> None:
    september, october = period(date(2026, 9, 30), key="2026-09"), period(LAST)
    tasks = [
        repeating(september, october),
        one("plain", due_on=date(2026, 10, 15)),
        repeating(due_on=date(2026, 10, 1), id="both"),
    ]
    tasks[2].open_periods = [OpenPeriod(key="2026-10", due_on=LAST)]
    body = report(tasks, NOVEMBER)[1]
    late = [(row["task_id"], row["period"], row["due_on"], row["days_overdue"]) for row in late_rows(body)]
    assert late == [
        ("r", "2026-09", "2026-09-30", 55),
        ("both", None, "2026-10-01", 54),
        ("plain", None, "2026-10-15", 40),
        ("both", "2026-10", "2026-10-31", 24),
        ("r", "2026-10", "2026-10-31", 24),
    ]
    assert [late_key(row) for row in late_rows(body)] == sorted(late_key(row) for row in late_rows(body))
    assert body["figures"]["by_timeliness"] == {"overdue": 3}
    row = next(row for row in body["rows"] if row["task_id"] == "r")
    assert (row["timeliness"], row["own_timeliness"], row["status"]) == ("overdue", "no_due_date", "overdue")


@pytest.mark.parametrize(
    ("changes", "task", "stood"),
    [
        ({}, {}, "overdue"),
        ({"state": "completed", "submitted_on": NOVEMBER, "completed_on": NOVEMBER}, {}, "done_late"),
        ({"state": "completed", "submitted_on": date(2026, 12, 1), "completed_on": date(2026, 12, 1)}, {}, "overdue"),
        ({"state": "without_work"}, {}, "cancelled"),
        ({}, {"state": "cancelled"}, "cancelled"),
    ],
)
def test_how_a_period_stood_by_what_is_known_later(changes: dict[str, Any], task: dict[str, Any], stood: str) -> None:
    met = period(LAST, **changes)
    assert period_stood_on(repeating(met, **task), met, NOVEMBER, "submission") == stood


def test_a_period_that_comes_to_be_late_is_a_change_of_this_month_and_none_against_an_older_format() -> None:
    task = repeating(period(LAST))
    (found,) = changed([task], [task])
    assert (found["fields"], found["late"]) == (["timeliness", "overdue_periods"], False)
    assert found["after"]["overdue_periods"] == [{"period": "2026-10", "due_on": "2026-10-31"}]
    made, body = report([one("x", due_on=date(2026, 12, 20))], OCTOBER)
    older = {**body, "rows": [{name: row[name] for name in row if name not in NEW} for row in body["rows"]]}
    assert report([one("x", due_on=date(2026, 12, 20))], NOVEMBER, (made, older))[1]["changes"] == []


NEW = ("own_timeliness", "overdue_periods")
"""Fields of rows that `roviec-monthly-report/2` did not have."""


def test_rows_of_an_older_report_are_late_by_their_own_day() -> None:
    body = report([one("a"), repeating(due_on=None)], NOVEMBER)[1]
    older = {**body, "rows": [{name: row[name] for name in row if name not in NEW} for row in body["rows"]]}
    assert [(row["task_id"], row["period"]) for row in late_rows(older)] == [("a", None)]


# --- the calendar ---


def test_days_follow_each_other_and_are_decided_once() -> None:
    plan = ReportPlan(id="p", title="t", first_period="2026-11")
    assert plan.decide({}), "putting it into force is a fact"
    plan.version = 1
    assert not plan.decide({"last_day": 23})
    with pytest.raises(Invalid) as wrong:
        plan.decide({"last_day": 21})
    assert [problem.code for problem in wrong.value.errors] == ["days_out_of_order"]


def test_a_month_closes_when_its_last_day_has_ended() -> None:
    assert [str(PLAN.newest_closed(date(2026, 11, day))) for day in (23, 24)] == ["2026-10", "2026-11"]
    at_the_end = PLAN.model_copy(update={"last_day": 31, "report_day": 31, "weekend": "after"})
    assert at_the_end.closes(Month(2026, 10)) == date(2026, 11, 2), "31 October 2026 is a Saturday"
    assert [str(at_the_end.newest_closed(date(2026, 11, day))) for day in (2, 3)] == ["2026-09", "2026-10"]


def test_no_day_comes_before_the_one_that_it_follows_also_where_weekends_move_it() -> None:
    october = Month(2026, 10)
    plan = PLAN.model_copy(update={"unit_day": 24, "last_day": 25, "report_day": 26})  # the 24th is a Saturday
    days = [(plan.unit_due(october).day, plan.closes(october).day, plan.report_due(october).day)]
    for weekend in ("before", "after"):
        moved = plan.model_copy(update={"weekend": weekend})
        days.append((moved.unit_due(october).day, moved.closes(october).day, moved.report_due(october).day))
    assert days == [(24, 25, 26), (23, 23, 26), (26, 26, 26)]
    late = PLAN.model_copy(update={"unit_day": 24, "last_day": 23, "report_day": 22})  # as an older version might have kept it
    assert (late.closes(october).day, late.report_due(october).day) == (24, 24)
    assert PLAN.report_due(Month(2026, 11)) == date(2026, 11, 25)


@pytest.mark.parametrize(("days", "shown"), [(5, 30), (1, 26), (0, 24)])
def test_the_late_list_is_public_after_the_appeal_window(days: int, shown: int) -> None:
    assert PLAN.model_copy(update={"appeal_days": days}).public_from(date(2026, 11, 24)) == date(2026, 11, shown)
    assert ReportPlan(id="p", title="t", first_period="2026-11").appeal_days == 5


@pytest.mark.parametrize(
    ("days", "taken"),
    [((22, 22, 22), True), ((22, 23, 23), True), ((23, 22, 25), False), ((22, 26, 25), False), ((22, 23, 25), True)],
)
def test_days_of_a_plan_follow_each_other(days: tuple[int, int, int], taken: bool) -> None:
    plan = ReportPlan(id="p", title="t", first_period="2026-11")
    with nullcontext() if taken else pytest.raises(Invalid):
        assert plan.decide(dict(zip(("unit_day", "last_day", "report_day"), days, strict=True)))
        assert [event.type for event in plan.take_recorded()] == ["tasks.report_plan.changed.v1"]


def test_a_submission_that_is_not_there_is_not_late() -> None:
    assert Submission(id=Submission.id_of("p", "2026-11", A), plan_id="p", period="2026-11", unit_id=A).days_late == 0
    assert Submission.id_of("p", "2026-11", "u") == "p/2026-11/u"


@given(st.dates(date(2025, 1, 1), date(2030, 1, 1)), st.integers(1, 31), st.sampled_from(["keep", "before", "after"]))
def test_what_is_closed_is_closed_and_the_next_is_not(today: date, last_day: int, weekend: Any) -> None:
    plan = PLAN.model_copy(update={"last_day": last_day, "unit_day": 1, "report_day": 31, "weekend": weekend})
    newest = plan.newest_closed(today)
    assert plan.closes(newest) < today <= plan.closes(newest.plus(1))


def test_a_unit_is_late_from_the_first_second_of_the_next_day_and_stays_so() -> None:
    own = Submission(id="s", plan_id="committee", period="2026-11", unit_id=A)
    due = PLAN.unit_due(Month(2026, 11))
    last_second = datetime(2026, 11, 22, 16, 59, 59, tzinfo=UTC)
    own.hand_in(last_second, "person:x", due, "", no_work=False)
    assert own.days_late == 0
    late = Submission(id="s", plan_id="committee", period="2026-11", unit_id=A)
    late.hand_in(last_second + timedelta(seconds=1), "person:x", due, "", no_work=True)
    late.hand_in(last_second + timedelta(days=9), "person:x", due, "", no_work=False)
    assert late.days_late == 1, "the first time counts"
    assert [event.type for event in late.take_recorded()] == ["tasks.submission.made.v1"] * 2


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "26-01", "2026-1", "1899-01", "2026-11-01", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        Month.read(text)


def test_months_add_up_over_years() -> None:
    assert [str(one) for one in Month(2026, 11).until(Month(2027, 1))] == ["2026-11", "2026-12", "2027-01"]
    assert str(Month(2026, 1).plus(-1)) == "2025-12"
    assert [str(one) for one in Month(2026, 11).quarter_so_far()] == ["2026-10", "2026-11"]
    assert Month(2026, 2).day(31, "keep") == date(2026, 2, 28)
