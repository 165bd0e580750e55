"""The rules of working life without a server: who decides, what the ladder says, when a promise is kept, which index serves."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain import Actor, local_day
from common.errors import Forbidden, RuleBroken
from services.tasks.tests.task_world import DOER, HEAD, NOW, PROVINCE, SCOPES, SYSTEM_A, SYSTEM_B, TODAY, A, B, a_task
from tasks.domain.authority import check_asks, check_decides, check_not_own, check_not_pushed_up, check_rates
from tasks.domain.catch_up import give_remedy_plan, standing_of
from tasks.domain.committee import Committee, Escalation
from tasks.domain.directory import Unit
from tasks.domain.dispute import dispute, is_disputed, raise_dispute, reject_dispute, uphold_dispute
from tasks.domain.extension import grant_extension, level_of_extension, refuse_extension, request_extension
from tasks.domain.matters import Commitment, Milestone, Said
from tasks.domain.means import Evidence, Review
from tasks.domain.pending import pending
from tasks.domain.periods import Period
from tasks.domain.report import row_of
from tasks.domain.report_forms import csv_of, page_of
from tasks.domain.steps import climb, climb_period, climbed, counted_from
from tasks.domain.task import Clock, State, Task
from tasks.domain.timeliness import timeliness
from tasks.store import TASKS

RULES = Committee()
DUE = date(2026, 11, 30)
AGENCY = Actor("person", "per-agency", SCOPES)
DAYS = st.integers(-10, 40)
LADDER = st.lists(
    st.builds(Escalation, days=st.integers(1, 20), level=st.sampled_from(["unit_head", "standing_agency", "committee_leader"])),
    max_size=5,
    unique=True,
)


def said(words: str = "lý do", now: datetime = NOW) -> Said:
    return Said.now(now, "person:per-doer", words)


def whats(task: Task) -> list[str]:
    return [what for what, _, _ in task.take_lines()]


def codes(broken: pytest.ExceptionInfo[RuleBroken]) -> list[str]:
    return [problem.code for problem in broken.value.errors]


# --- who decides ---


@pytest.mark.parametrize(
    ("actor", "position", "levels"),
    [
        (HEAD, "unit_head", ["approver"]),
        (DOER, "officer", []),
        (SYSTEM_A, None, []),
        (AGENCY, "standing_agency", ["approver", "standing_agency"]),
        (AGENCY, "committee_leader", ["approver", "standing_agency", "committee_leader"]),
        (PROVINCE, None, ["approver", "standing_agency", "committee_leader"]),
    ],
)
def test_a_level_decides_what_waits_for_it_or_for_a_lower_one(actor: Actor, position: Any, levels: list[str]) -> None:
    allowed = []
    for level in ("approver", "standing_agency", "committee_leader"):
        try:
            check_decides(actor, a_task(), level, position)
            allowed.append(level)
        except Forbidden:
            pass
    assert allowed == levels


def test_nobody_decides_on_their_own_request() -> None:
    with pytest.raises(Forbidden):
        check_not_own(HEAD, "person:per-head")
    check_not_own(HEAD, "person:per-doer")
    check_not_own(PROVINCE, str(PROVINCE))


@pytest.mark.parametrize(
    ("changes", "setting", "level"),
    [
        ({}, "by_source", "approver"),
        ({"directive_id": "d"}, "by_source", "standing_agency"),
        ({"parent_reference": "NV 9"}, "by_source", "standing_agency"),
        ({"clock": Clock(directive_id="d", issued_on=DUE, due_on=DUE, days_waited=0)}, "by_source", "standing_agency"),
        ({"approver_id": None}, "by_source", "standing_agency"),
        ({"directive_id": "d"}, "approver", "approver"),
        ({"approver_id": None}, "approver", "standing_agency"),
        ({}, "standing_agency", "standing_agency"),
    ],
)
def test_who_grants_an_extension_is_the_committees_setting(changes: dict[str, Any], setting: Any, level: str) -> None:
    assert level_of_extension(a_task(**changes), Committee(extension_decided_by=setting)) == level


@pytest.mark.parametrize(
    ("actor", "asks", "rates"),
    [
        (PROVINCE, True, True),
        (SYSTEM_A, True, True),
        (SYSTEM_B, False, False),
        (HEAD, True, True),
        (Actor("person", "per-doer", SCOPES, frozenset({B})), True, True),
        (Actor("person", "per-head", SCOPES, frozenset({B})), False, True),
        (Actor("person", "per-other", SCOPES, frozenset({B})), False, False),
        (Actor("client", "per-doer", SCOPES, frozenset({B})), False, False),
        (Actor("client", "per-head", SCOPES, frozenset({B})), False, False),
    ],
)
def test_the_lead_unit_asks_and_rates_who_does_it_as_well_and_the_approver_rates(actor: Actor, asks: bool, rates: bool) -> None:
    for check, allowed in ((check_asks, asks), (check_rates, rates)):
        with nullcontext() if allowed else pytest.raises(Forbidden):
            check(actor, a_task(coordinator_unit_ids=[B]))


def a_unit(level: str) -> Unit:
    return Unit(id=level, code="1", level=level, name=level, full_name=level)


@pytest.mark.parametrize(
    ("own", "other", "up"),
    [
        ("commune", "department", True),
        ("commune", "district", True),
        ("department", "central", True),
        ("commune_body", "commune", True),
        ("commune", "commune", False),
        ("department", "commune", False),
        ("commune", "an unknown level", False),
    ],
)
def test_up_is_a_higher_level_alone(own: str, other: str, up: bool) -> None:
    caller = Actor("client", "both", SCOPES, frozenset({A, B}))
    if up:
        with pytest.raises(RuleBroken) as broken:
            check_not_pushed_up(caller, a_unit(own), a_unit(other))
        assert codes(broken) == ["pushed_up"]
        assert "226-KL/TW" in broken.value.detail.vi
    else:
        check_not_pushed_up(caller, a_unit(own), a_unit(other))
    check_not_pushed_up(PROVINCE, a_unit(own), a_unit(other))
    check_not_pushed_up(SYSTEM_B, None, a_unit(other))


# --- extensions ---


@given(asked=st.integers(1, 60), granted=st.none() | st.integers(1, 60), looked=st.integers(0, 90))
def test_timeliness_holds_against_the_granted_day_and_the_first_is_kept(asked: int, granted: int | None, looked: int) -> None:
    task, today = a_task(state="in_progress", told=2), DUE + timedelta(days=looked)
    request_extension(task, DUE + timedelta(days=asked), said(), RULES)
    assert (task.due_on, task.original_due_on) == (DUE, None), "asking moves nothing"
    grant_extension(task, said("được"), None if granted is None else DUE + timedelta(days=granted))
    assert task.due_on == DUE + timedelta(days=granted or asked)
    assert (task.original_due_on, task.told) == (DUE, 0)
    assert (timeliness(task, today, RULES) == "overdue") == (looked > (granted or asked))


def test_an_extension_is_later_than_the_day_that_holds_and_the_very_first_day_stays_the_first() -> None:
    task = a_task(state="in_progress")
    with pytest.raises(RuleBroken) as broken:
        request_extension(task, DUE, said(), RULES)
    assert codes(broken) == ["extension_not_later"]
    for number in (1, 2):
        request_extension(task, DUE + timedelta(days=number), said(), RULES)
        with pytest.raises(RuleBroken):
            grant_extension(task, said(), task.due_on)
        grant_extension(task, said())
    assert (task.due_on, task.original_due_on) == (DUE + timedelta(days=2), DUE)


@pytest.mark.parametrize(("wanted", "asked"), [(-1, []), (0, []), (1, ["day_has_passed"])])
def test_a_late_task_is_extended_from_today_on(wanted: int, asked: list[str]) -> None:
    """`wanted` days before today, of a task that was due long ago."""
    task = a_task(state="in_progress", due_on=date(2026, 11, 1))
    with pytest.raises(RuleBroken) if asked else nullcontext() as broken:
        request_extension(task, TODAY - timedelta(days=wanted), said(), RULES)
    assert ([] if broken is None else codes(broken)) == asked


def test_extensions_are_numbered_and_one_waits_at_a_time() -> None:
    task = a_task(state="in_progress")
    for number in (1, 2):
        request_extension(task, DUE + timedelta(days=number), said(), RULES)
        with pytest.raises(RuleBroken) as broken:
            request_extension(task, DUE + timedelta(days=9), said(), RULES)
        assert codes(broken) == ["extension_pending"]
        refuse_extension(task, said("không"))
    assert [(one.number, one.state) for one in task.extensions] == [(1, "refused"), (2, "refused")]
    for decide in (grant_extension, refuse_extension):
        with pytest.raises(RuleBroken) as broken:
            decide(task, said())
        assert codes(broken) == ["nothing_asked"]


@pytest.mark.parametrize(("written", "quote"), [("thường xuyên", "thường xuyên"), ("", None)])
def test_what_has_no_due_day_is_not_extended(written: str, quote: str | None) -> None:
    task = a_task(state="in_progress", due_on=None, deadline_written=written)
    with pytest.raises(RuleBroken) as broken:
        request_extension(task, DUE, said(), RULES)
    assert [(one.code, one.quote) for one in broken.value.errors] == [("no_due_day", quote)]
    asked = a_task(state="in_progress")
    request_extension(asked, DUE + timedelta(days=1), said(), RULES)
    asked.due_on = None  # taken back since
    with pytest.raises(RuleBroken) as broken:
        grant_extension(asked, said())
    assert "30/11/2026" in broken.value.errors[0].message.vi, "the day that held when it was asked"


@pytest.mark.parametrize("state", ["published", "assigned", "in_progress", "paused"])
def test_the_due_day_of_an_issued_task_is_amended_by_authority_alone(state: State) -> None:
    for changes in ({"due_on": DUE + timedelta(days=9)}, {"deadline_written": "9/12/2026"}, {"due_on": None}):
        task = a_task(state=state)
        with pytest.raises(RuleBroken) as broken:
            task.amend(changes, TODAY, corrects_due_day=False)
        assert codes(broken) == ["due_day_issued"]
        assert "request-extension" in broken.value.errors[0].repair.vi
        assert task.due_on == DUE
        assert task.amend(changes, TODAY, corrects_due_day=True)
    assert a_task(state="draft").amend({"due_on": DUE + timedelta(days=9)}, TODAY, corrects_due_day=False)
    assert a_task(state=state, due_on=None).amend({"due_on": DUE}, TODAY, corrects_due_day=False), (
        "one that had none gets its first"
    )


def test_what_a_paper_moved_beyond_the_wanted_day_is_not_moved_back() -> None:
    task = a_task(state="in_progress")
    request_extension(task, DUE + timedelta(days=5), said(), RULES)
    task.due_on = DUE + timedelta(days=9)
    with pytest.raises(RuleBroken) as broken:
        grant_extension(task, said())
    assert codes(broken) == ["extension_not_later"]
    assert task.due_on == DUE + timedelta(days=9)


# --- disputes ---


@pytest.mark.parametrize("state", ["submitted", "completed", "paused"])
def test_what_was_handed_in_was_theirs_but_its_status_can_be_disputed(state: State) -> None:
    with pytest.raises(RuleBroken):
        dispute(a_task(state=state), "not_our_function", said(), RULES)
    task = a_task(state=state)
    dispute(task, "wrong_status", said(), RULES)
    assert is_disputed(task)
    assert pending(task) == ["dispute"]


def test_a_function_that_is_upheld_too_late_is_not_taken_away() -> None:
    task = a_task(state="in_progress")
    dispute(task, "not_our_function", said(), RULES)
    task.state = "submitted"
    with pytest.raises(RuleBroken):
        uphold_dispute(task, said())
    reject_dispute(task, said())
    assert task.lead_unit_id == A


def test_what_was_taken_from_a_unit_begins_anew_for_the_next_one() -> None:
    task, after = a_task(state="in_progress"), datetime(2026, 12, 10, 3, 0, tzinfo=UTC)
    request_extension(task, DUE + timedelta(days=30), said(), RULES)
    climb(task, RULES, DUE + timedelta(days=10))
    dispute(task, "not_our_function", said(), RULES)
    uphold_dispute(task, said("đúng", after))
    assert (task.state, task.lead_unit_id, task.responsible_id) == ("published", None, None)
    assert (task.extensions[0].state, pending(task), counted_from(task)) == ("refused", [], date(2026, 12, 10))
    assert whats(task)[-3:] == ["dispute_upheld", "extension_refused", "released"]
    assert not climb(task, RULES, date(2026, 12, 10))


def test_a_dispute_begins_with_the_approver_and_disputes_are_numbered() -> None:
    task = a_task(state="in_progress")
    for number in (1, 2):
        dispute(task, "wording", said(), RULES)
        assert (task.disputes[-1].number, task.disputes[-1].level) == (number, "approver")
        assert uphold_dispute(task, said("đúng")) is task.disputes[-1]
    with pytest.raises(RuleBroken) as broken:
        reject_dispute(task, said())
    assert codes(broken) == ["nothing_disputed"]


def test_a_dispute_without_an_approver_begins_at_the_standing_agency_and_ends_at_the_leader() -> None:
    task = a_task(state="in_progress", approver_id=None)
    dispute(task, "wording", said(), RULES)
    assert task.disputes[0].answer_by == date(2026, 12, 1), "five working days over a weekend"
    for today, raised in ((date(2026, 12, 1), False), (date(2026, 12, 2), True), (date(2026, 12, 2), False)):
        assert raise_dispute(task, today, RULES) is raised
    assert (task.disputes[0].level, task.disputes[0].answer_by) == ("committee_leader", date(2026, 12, 9))
    assert not raise_dispute(task, date(2027, 1, 1), RULES), "no level is above"
    cancelled = a_task(state="in_progress")
    dispute(cancelled, "wording", said(), RULES)
    cancelled.cancel("thôi")
    assert not raise_dispute(cancelled, date(2027, 1, 1), RULES)
    assert not is_disputed(cancelled)


def test_the_day_of_handing_in_is_corrected_of_a_wrong_status_alone() -> None:
    handed_in = date(2026, 11, 20)
    for kind, day in (("wording", date(2026, 11, 19)), ("wrong_status", handed_in), ("wrong_status", date(2026, 11, 21))):
        task = a_task(state="submitted", submitted_on=handed_in)
        dispute(task, kind, said(), RULES)  # type: ignore[arg-type]
        with pytest.raises(RuleBroken) as broken:
            uphold_dispute(task, said(), day)
        (problem,) = broken.value.errors
        assert (problem.field, problem.code, problem.quote) == ("handed_in_on", "no_day_to_correct", day.isoformat())
        assert task.disputes[0].state == "open"
    working = a_task(state="in_progress")
    dispute(working, "wrong_status", said(), RULES)
    with pytest.raises(RuleBroken):
        uphold_dispute(working, said(), date(2026, 11, 1))
    task = a_task(state="submitted", submitted_on=handed_in)
    dispute(task, "wrong_status", said(), RULES)
    uphold_dispute(task, said(), date(2026, 11, 19))
    assert task.submitted_on == date(2026, 11, 19)
    assert task.take_lines()[-1][2]["submitted_on"] == ["2026-11-20", "2026-11-19"]


@pytest.mark.parametrize("state", get_args(State))
def test_what_waits_for_somebody_about_a_task(state: State) -> None:
    """What is over waits for nobody; evidence that was rejected is to be mended while the work goes on."""
    task = a_task(state="in_progress")
    request_extension(task, DUE + timedelta(days=1), said(), RULES)
    verdict = Review(at=NOW, by="person:per-head", verdict="rejected", words="mờ")
    task.evidence = [Evidence(id="e", kind="document", title="t", added_at=NOW, added_by="x", reviews=[verdict])]
    task.state = state
    expected = [] if state in ("completed", "cancelled") else ["extension"]
    assert pending(task) == expected + (["evidence"] if state == "in_progress" else [])
    task.evidence[0].reviews.append(verdict.model_copy(update={"verdict": "accepted"}))
    assert pending(task) == expected


# --- the ladder ---


@given(ladder=LADDER, days=st.lists(DAYS, min_size=1, max_size=8))
def test_however_the_clock_looks_each_step_is_said_once_and_none_too_early(ladder: list[Escalation], days: list[int]) -> None:
    rules = Committee(escalations=ladder, remedy_plan_days=None, commitment_days=None)
    task, heard = a_task(state="in_progress"), []
    for late in days:  # in any order: clocks of machines go back as well
        climb(task, rules, DUE + timedelta(days=late))
        heard += [changes["level"][1] for _, _, changes in task.take_lines()]
    reached = sorted(step.level for step in ladder if step.days <= max(days))
    assert sorted(heard) == reached


def test_a_step_that_was_missed_is_made_up_for_and_a_task_at_risk_is_asked_before_its_day() -> None:
    task = a_task(state="in_progress")
    climb(task, RULES, DUE + timedelta(days=12))
    assert whats(task) == ["commitment_asked", "escalated", "remedy_plan_asked", "escalated", "escalated"]
    early = a_task(state="in_progress")
    rules = Committee(remedy_plan_days=-2)
    assert [climb(early, rules, DUE + timedelta(days=days)) for days in (-3, -2, -2, -1)] == [False, True, False, False]
    assert pending(early) == ["remedy_plan"]
    give_remedy_plan(early, said(now=NOW + timedelta(days=4)), [Milestone(due_on=date(2026, 11, 29), words="Xong")])
    assert pending(early) == []


@pytest.mark.parametrize("state", ["draft", "submitted", "completed", "paused", "cancelled"])
def test_nothing_is_said_while_no_clock_runs(state: State) -> None:
    assert not climb(a_task(state=state), RULES, date(2027, 6, 1))
    assert not climb(a_task(state="in_progress", due_on=None), RULES, date(2027, 6, 1))


def test_after_a_pause_lateness_counts_from_the_day_on_which_it_goes_on_but_never_before_the_due_day() -> None:
    task = a_task(state="in_progress")
    task.pause("chờ hướng dẫn")
    task.resume(DUE - timedelta(days=3))
    assert counted_from(task) == DUE
    climb(task, RULES, DUE + timedelta(days=3))
    assert climbed(task) == 3
    task.pause("chờ hướng dẫn")
    task.resume(DUE + timedelta(days=8))
    assert (counted_from(task), climbed(task)) == (DUE + timedelta(days=8), None)
    assert not climb(task, RULES, DUE + timedelta(days=8))


def november(**changes: Any) -> Period:
    days = {"starts_on": date(2026, 11, 1), "ends_on": DUE, "due_on": DUE}
    return Period.model_validate({"id": "t1/2026-11", "task_id": "t1", "key": "2026-11", **days, **changes})


@given(ladder=LADDER, days=st.lists(DAYS, min_size=1, max_size=8))
def test_a_period_climbs_a_ladder_of_its_own_each_step_once(ladder: list[Escalation], days: list[int]) -> None:
    rules = Committee(escalations=ladder)
    task, period, heard = a_task(state="in_progress", due_on=None), november(), []
    for late in days:
        climb_period(task, period, rules, DUE + timedelta(days=late))
        lines = task.take_lines()
        assert {what for what, _, _ in lines} <= {"period_escalated"}, "no plan and no commitment is asked for a period"
        heard += [changes["level"][1] for _, _, changes in lines]
    assert sorted(heard) == sorted(step.level for step in ladder if step.days <= max(days))
    assert task.steps is None, "the task's own ladder is another one"


def test_a_period_that_was_handed_in_is_not_brought_before_anybody_and_sent_back_it_goes_on_where_it_was() -> None:
    task, period = a_task(state="in_progress", due_on=None), november()
    assert climb_period(task, period, RULES, DUE + timedelta(days=3))
    assert [event.subject for event in task.take_recorded()] == ["t1"]
    period.state = "submitted"
    assert not climb_period(task, period, RULES, DUE + timedelta(days=9))
    period.state = "in_progress"
    task.take_lines()
    climb_period(task, period, RULES, DUE + timedelta(days=9))
    assert [changes for _, _, changes in task.take_lines()] == [
        {"period": [None, "2026-11"], "level": [None, "standing_agency"], "days_late": [None, 9]}
    ]


def test_of_a_period_nothing_is_said_in_a_pause_and_one_that_is_owed_no_more_is_done_with() -> None:
    period, later = november(), DUE + timedelta(days=30)
    assert not climb_period(a_task(state="paused", due_on=None), period, RULES, later)
    assert period.climbed is None
    for state in ("cancelled", "completed"):
        task, period = a_task(state=state, completed_on=DUE, due_on=None), november()
        assert climb_period(task, period, RULES, later)
        assert (whats(task), climb_period(task, period, RULES, later)) == ([], False)
    missed = a_task(state="completed", completed_on=DUE + timedelta(days=1), due_on=None)
    assert climb_period(missed, november(), RULES, later), "what was missed before the whole was accepted stays missed"
    assert len(whats(missed)) == 3


# --- promises ---


@pytest.mark.parametrize(
    ("counts", "changes", "today", "stands"),
    [
        ("submission", {"state": "in_progress"}, 10, "open"),
        ("submission", {"state": "in_progress"}, 11, "broken"),
        ("submission", {"state": "submitted", "submitted_on": date(2026, 12, 10)}, 20, "kept"),
        ("submission", {"state": "submitted", "submitted_on": date(2026, 12, 11)}, 20, "broken"),
        ("approval", {"state": "submitted", "submitted_on": date(2026, 12, 9)}, 10, "open"),
        ("approval", {"state": "submitted", "submitted_on": date(2026, 12, 9)}, 11, "broken"),
        (
            "approval",
            {"state": "completed", "submitted_on": date(2026, 12, 9), "completed_on": date(2026, 12, 10)},
            20,
            "kept",
        ),
    ],
)
def test_a_promise_is_held_as_a_due_day_is(counts: Any, changes: dict[str, Any], today: int, stands: str) -> None:
    promise = Commitment(number=1, given=said(), day=date(2026, 12, 10))
    rules = Committee(lateness_counts=counts)
    assert standing_of(a_task(**changes), promise, date(2026, 12, today), rules) == stands


# --- reports ---


def test_the_report_shows_both_days_and_an_older_one_gives_the_bytes_it_gave() -> None:
    task = a_task(state="in_progress", original_due_on=date(2026, 11, 15))
    dispute(task, "wrong_status", said(), RULES)
    row = row_of(task, DUE, RULES, {}, {})
    assert (row["due_on"], row["original_due_on"], row["disputed"]) == ("2026-11-30", "2026-11-15", True)
    old_row = {name: value for name, value in row.items() if name not in ("original_due_on", "disputed")}
    figures = {"by_timeliness": {}, "by_unit": [], "by_state": {}, "total": 1}
    body: dict[str, Any] = {
        "plan": {"title": "t"}, "period": "2026-11", "as_of": "2026-11-30T00:00:00.000Z", "figures": figures, "changes": [],
        "previous": None, "day": "2026-11-30", "late_submissions": [], "submissions": [],
    }  # fmt: skip
    new, old = ({**body, "format": f"roviec-monthly-report/{n}", "rows": [one]} for n, one in ((2, row), (1, old_row)))
    assert "Hạn ban đầu" in csv_of(new).decode()
    assert "Hạn ban đầu" not in csv_of(old).decode()
    assert "15/11/2026" in page_of(new, "x").decode()
    assert "đang có kiến nghị" in page_of(new, "x").decode()
    assert "kiến nghị" not in page_of(old, "x").decode()


# --- what jobs look for ---


def test_the_keys_that_the_jobs_look_for_stand_in_what_is_stored() -> None:
    task = a_task(state="in_progress")
    dispute(task, "wording", said(), RULES)
    climb(task, RULES, DUE + timedelta(days=3))
    kept = TASKS.dump(task)["_d"]
    assert (kept["late"], kept["climbed"], kept["answer_by"]) == ("2026-11-30/t1", 3, "2026-12-01/t1")
    assert (kept["untold"], kept["due"]) == ("2026-11-30/t1", "2026-11-30/t1")
    assert sorted(kept["pending"]) == ["commitment", "dispute"]
    assert local_day(datetime(2026, 11, 30, 17, 0, tzinfo=UTC)) == DUE + timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "untold", "due"),
    [
        ({"told": 1}, None, "2026-11-30/t1"),
        ({"told": 2}, None, None),
        ({"state": "submitted"}, None, None),
        ({"state": "draft"}, None, None),
        ({"due_on": None}, None, None),
    ],
)
def test_what_the_clock_has_yet_to_say_stands_under_a_key(changes: dict[str, Any], untold: str | None, due: str | None) -> None:
    kept = TASKS.dump(a_task(**{"state": "in_progress", **changes}))["_d"]
    assert (kept["untold"], kept["due"]) == (untold, due)
