"""Pure rules of a task's means: what proves a result, with what it is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest

from common.contracts.tasks import TaskSubmitted
from common.contracts.tasks_means import PartBecameOverdue, PartFellDueSoon, TaskRated
from common.errors import Invalid, NotFound, RuleBroken
from services.tasks.tests.task_world import NOW, PEOPLE_OF, TODAY, A, B, a_task
from tasks.domain.clears import Facts, clears
from tasks.domain.committee import Committee, PriorityWeights
from tasks.domain.leads import Names
from tasks.domain.load import Carried, Load, load_of
from tasks.domain.marks import marks
from tasks.domain.matters import Said
from tasks.domain.means import Evidence, HandedIn, Part, Party, Review
from tasks.domain.parties import name_party, party_of, reach_party, remove_party
from tasks.domain.parts import (
    ask_part,
    check_parts_kept,
    decide_part,
    owing,
    part_of,
    standing_of_part,
    submit_part,
    tell_of_parts,
    untold_day,
)
from tasks.domain.periods import Period, close, confirm_no_work, reject_no_work, send_back, state_no_work, tell_of_period
from tasks.domain.proof import evidence_of, named_criteria, review, review_evidence, supersede, unproven
from tasks.domain.rating import mark
from tasks.domain.report import row_of
from tasks.domain.resources import grant_money, lacking, plan_resources, report_spending
from tasks.domain.task import Task
from tasks.domain.timeliness import own_timeliness
from tasks.store import PERIODS, TASKS, due_soon, overdue
from tests.queries import served

RULES = Committee()
FACTS = Facts(PEOPLE_OF, Names(()).read(""), RULES)


def codes(broken: pytest.ExceptionInfo[Any]) -> list[str]:
    return [problem.code for problem in broken.value.errors]


def whats(task: Task) -> list[str]:
    return [what for what, _, _ in task.take_lines()]


def a_piece(key: str = "e1", **changes: Any) -> Evidence:
    fields = {"id": key, "kind": "document", "title": f"Báo cáo {key}", "added_at": NOW, "added_by": "person:per-doer"}
    return Evidence.model_validate(fields | changes)


def a_review(verdict: str) -> Review:
    return Review.model_validate({"at": NOW, "by": "person:per-head", "verdict": verdict, "words": "lý do"})


# --- criteria ---


@pytest.mark.parametrize(
    ("words", "quote"),
    [
        ("Nâng cao chất lượng phục vụ", "Nâng cao"),
        ("Người dân hài lòng, tích cực hưởng ứng", "tích cực"),
        ("Nâng cao tỷ lệ hồ sơ trực tuyến lên 80 %", None),
        ("100 % tài khoản được rà soát", None),
        ("Có biên bản nghiệm thu", None),
    ],
)
def test_a_vague_criterion_is_a_finding_against_the_result(words: str, quote: str | None) -> None:
    found = {clear.key: clear.against for clear in clears(a_task(criteria=["Có báo cáo", words]), FACTS)}["result"]
    assert [(one.field, one.code, one.quote) for one in found] == (
        [] if quote is None else [("criteria.1", "criterion_vague", quote)]
    )


def test_evidence_names_the_criteria_that_there_are() -> None:
    task = a_task(criteria=["một", "hai"])
    assert named_criteria(task, [2, 1]) == ["hai", "một"]
    for number in (0, 3):
        with pytest.raises(Invalid) as broken:
            named_criteria(task, [1, number])
        assert [(one.field, one.quote) for one in broken.value.errors] == [("criteria.1", str(number))]


# --- evidence ---


@pytest.mark.parametrize(
    ("verdicts", "state", "counts"),
    [
        ([], "unreviewed", True),
        (["seen"], "unreviewed", True),
        (["accepted"], "accepted", True),
        (["rejected"], "rejected", False),
        (["rejected", "seen"], "rejected", False),
        (["rejected", "accepted"], "accepted", True),
        (["accepted", "rejected"], "rejected", False),
    ],
)
def test_the_last_review_that_decided_counts(verdicts: list[str], state: str, counts: bool) -> None:
    task = a_task(state="submitted", evidence=[a_piece()])
    for verdict in verdicts:
        review_evidence(task, task.evidence[0], a_review(verdict))
    piece = task.evidence[0]
    assert (piece.state, piece.counts, len(piece.reviews)) == (state, counts, len(verdicts))
    assert whats(task) == [f"evidence_{verdict}" for verdict in verdicts]


def test_what_was_superseded_stays_counts_no_more_and_is_not_reviewed() -> None:
    task = a_task(state="in_progress", evidence=[a_piece()])
    new = a_piece("e2")
    task.add_evidence(new)
    supersede(task, task.evidence, "e1", new)
    assert [(one.id, one.state, one.superseded_by) for one in task.evidence] == [
        ("e1", "superseded", "e2"), ("e2", "unreviewed", None),
    ]  # fmt: skip
    assert whats(task) == ["evidence_added", "evidence_superseded"]
    with pytest.raises(RuleBroken) as broken:
        review_evidence(task, task.evidence[0], a_review("accepted"))
    assert codes(broken) == ["evidence_superseded"]
    third = a_piece("e3")
    with pytest.raises(RuleBroken):
        supersede(task, [*task.evidence, third], "e1", third)
    for key in ("e3", "e9"):  # itself, and none
        with pytest.raises(Invalid) as unknown:
            supersede(task, [*task.evidence, third], key, third)
        assert codes(unknown) == ["evidence_unknown"]


@pytest.mark.parametrize("state", ["draft", "published", "assigned", "completed", "paused", "cancelled"])
def test_evidence_is_reviewed_until_the_result_is_approved(state: Any) -> None:
    task = a_task(state=state, evidence=[a_piece()])
    with pytest.raises(RuleBroken) as broken:
        review_evidence(task, task.evidence[0], a_review("accepted"))
    assert codes(broken) == ["wrong_state"]


def test_nobody_hands_in_on_rejected_evidence_alone() -> None:
    task = a_task(state="in_progress", evidence=[a_piece()])
    review_evidence(task, task.evidence[0], a_review("rejected"))
    with pytest.raises(RuleBroken) as broken:
        task.submit(NOW, "")
    assert codes(broken) == ["evidence_missing"]
    task.add_evidence(a_piece("e2"))
    task.submit(NOW, "")
    assert task.state == "submitted"


@pytest.mark.parametrize(
    ("rules", "verdicts", "missing"),
    [
        ({}, [], ["criterion_unproven"]),
        ({"criteria_proven": False}, [], []),
        ({"evidence_reviewed": True, "criteria_proven": False}, [], ["evidence_unreviewed"]),
        ({"evidence_reviewed": True, "criteria_proven": False}, ["seen"], ["evidence_unreviewed"]),
        ({"evidence_reviewed": True}, [], ["evidence_unreviewed", "criterion_unproven"]),
        ({"evidence_reviewed": True, "criteria_proven": False}, ["accepted"], []),
        ({"criteria_proven": False}, ["rejected"], ["evidence_missing"]),
        ({}, ["rejected"], ["evidence_missing", "criterion_unproven", "criterion_unproven"]),
    ],
)
def test_what_is_not_proven_is_the_committees_to_say(rules: dict[str, Any], verdicts: list[str], missing: list[str]) -> None:
    task = a_task(state="submitted", criteria=["một", "hai"], evidence=[a_piece(criteria=["một"])])
    for verdict in verdicts:
        review_evidence(task, task.evidence[0], a_review(verdict))
    found = unproven(task, task.evidence, Committee(**rules))
    assert [one.code for one in found] == missing
    if missing:
        with pytest.raises(RuleBroken) as broken:
            task.complete(NOW, "done_in_time", "", found)
        assert codes(broken) == missing
        assert task.state == "submitted"


def test_a_criterion_that_is_worded_anew_is_proven_anew() -> None:
    task = a_task(state="in_progress", criteria=["90 %"], evidence=[a_piece(criteria=["90 %"])])
    assert unproven(task, task.evidence, RULES) == []
    task.amend({"criteria": ["95 %"]}, TODAY)
    assert [one.quote for one in unproven(task, task.evidence, RULES)] == ["95 %"]


def test_the_report_shows_the_evidence_that_counts() -> None:
    task = a_task(state="in_progress", evidence=[a_piece(), a_piece("e2")])
    review_evidence(task, task.evidence[0], a_review("rejected"))
    assert [one["title"] for one in row_of(task, NOW.date(), RULES, {}, {})["evidence"]] == ["Báo cáo e2"]


# --- resources ---


def test_a_task_is_without_resources_until_somebody_names_one() -> None:
    task = a_task(state="draft")
    assert (marks(task), lacking(task)) == (["without_resources"], ["people", "money", "equipment"])
    assert plan_resources(task, {"money": [("Ngân sách tỉnh", 0)]}), "nothing needed is said as well"
    assert (marks(task), lacking(task)) == ([], ["people", "equipment"])
    assert plan_resources(task, {"people": 3, "months": Fraction(3, 2)})
    assert not plan_resources(task, {"people": 3})
    assert plan_resources(task, {"equipment": [("Máy quét", 2)]})
    assert lacking(task) == []
    assert [changes for _, _, changes in task.take_lines()] == [
        {"money": ["", "Ngân sách tỉnh: 0"]},
        {"months": [None, "1.5"], "people": [None, "3"]},
        {"equipment": ["", "Máy quét: 2"]},
    ]
    again = Task.model_validate(task.model_dump())
    assert (again.resources.months, again.resources.money[0].planned) == (Fraction(3, 2), 0)
    granted = a_task()
    grant_money(granted, "Quỹ", 5, "QĐ 1")
    assert "money" not in lacking(granted)


def test_funds_are_one_however_they_are_spelt_and_none_goes_that_is_in_use() -> None:
    task = a_task(state="in_progress")
    plan_resources(task, {"money": [("Ngân sách tỉnh", 100), ("Xã hội hóa", 50)]})
    grant_money(task, "NGÂN SÁCH TỈNH", 80, "QĐ 1")
    report_spending(task, "Xã hội hoá", 1, "")
    assert [(one.number, one.planned, one.granted, one.spent) for one in task.resources.money] == [
        (1, 100, 80, 0), (2, 50, None, 1),
    ]  # fmt: skip
    for kept, gone in (("Ngân sách tỉnh", "Xã hội hóa"), ("Xã hội hóa", "Ngân sách tỉnh")):
        with pytest.raises(RuleBroken) as broken:
            plan_resources(task, {"money": [(kept, 1)]})
        assert [(one.code, one.quote) for one in broken.value.errors] == [("fund_in_use", gone)]
    with pytest.raises(Invalid) as twice:
        plan_resources(task, {"money": [("Quỹ", 1), ("quỹ", 2)]})
    assert codes(twice) == ["fund_twice"]
    plan_resources(task, {"money": [("Ngân sách tỉnh", 90), ("Xã hội hóa", 50), ("Quỹ", 7)]})
    assert [(one.number, one.planned, one.granted) for one in task.resources.money] == [
        (1, 90, 80),
        (2, 50, None),
        (3, 7, None),
    ]
    plan_resources(task, {"money": [("Ngân sách tỉnh", 90), ("Xã hội hóa", 50)]})
    assert len(task.resources.money) == 2
    with pytest.raises(RuleBroken) as unknown:
        report_spending(task, "Quỹ", 1, "")
    assert codes(unknown) == ["fund_unknown"]


def test_more_spent_than_granted_is_marked_and_told_when_it_becomes_so() -> None:
    task = a_task(state="in_progress")
    grant_money(task, "Quỹ", 100, "QĐ 1")
    report_spending(task, "Quỹ", 100, "")
    assert marks(task) == []
    report_spending(task, "Quỹ", 101, "")
    report_spending(task, "Quỹ", 150, "")
    assert marks(task) == ["overspent"]
    grant_money(task, "Quỹ", 200, "QĐ 2")
    assert marks(task) == []
    grant_money(task, "Quỹ", 120, "QĐ 3")
    assert whats(task).count("overspent") == 2
    recorded = [event.model_dump(exclude_none=True) for event in task.take_recorded()]
    assert all(not {"granted", "spent", "planned"} & event.keys() for event in recorded), "no amount leaves the service"


@pytest.mark.parametrize(("state", "may"), [("draft", "pg"), ("completed", "s"), ("submitted", "pgs"), ("cancelled", "")])
def test_in_which_states_resources_are_planned_granted_and_spent(state: Any, may: str) -> None:
    task = a_task(state=state, resources={"money": [{"number": 1, "source": "Quỹ"}]})
    acts: dict[str, Callable[[], object]] = {
        "p": lambda: plan_resources(task, {"people": 1}),
        "g": lambda: grant_money(task, "Quỹ", 1, ""),
        "s": lambda: report_spending(task, "Quỹ", 1, ""),
    }
    for letter, act in acts.items():
        if letter in may:
            act()
        else:
            with pytest.raises(RuleBroken) as broken:
                act()
            assert codes(broken) == ["wrong_state"]


def test_the_gate_asks_for_the_resources_that_the_committee_names() -> None:
    task = a_task(state="draft")
    assert "resources" not in {clear.key for clear in clears(task, FACTS)}
    asked = Facts(PEOPLE_OF, Names(()).read(""), Committee(resources_required=["people", "money"]))
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["people_missing", "money_missing"]),
        ({"people": 1}, ["money_missing"]),
        ({"money": [("Quỹ", 0)]}, []),
    ]
    for given, missing in steps:
        plan_resources(task, given)
        assert [one.code for clear in clears(task, asked) if clear.key == "resources" for one in clear.against] == missing


# --- parts ---


def a_said(words: str = "lý do", day: date = TODAY) -> Said:
    return Said(at=datetime(day.year, day.month, day.day, 3, tzinfo=UTC), by="person:per-doer", words=words)


def handed_in(day: date) -> HandedIn:
    return HandedIn(**a_said("Xong", day).model_dump())


def with_part(due_on: date = date(2026, 11, 27), **changes: Any) -> Task:
    task = a_task(**{"state": "in_progress", "coordinator_unit_ids": [B], **changes})
    ask_part(task, B, due_on, a_said("Số liệu của xã B"))
    return task


@pytest.mark.parametrize(
    ("unit", "due_on", "wrong"),
    [
        (B, TODAY, []),
        (B, date(2026, 11, 30), []),
        (B, date(2026, 11, 23), ["day_has_passed"]),
        (B, date(2026, 12, 1), ["part_after_task"]),
        ("unit:c", TODAY, ["not_a_coordinator"]),
        (A, date(2026, 12, 1), ["not_a_coordinator", "part_after_task"]),
    ],
)
def test_a_part_is_asked_of_a_coordinator_by_a_day_within_the_tasks(unit: str, due_on: date, wrong: list[str]) -> None:
    task = a_task(state="published", coordinator_unit_ids=[A, B])
    if wrong:
        with pytest.raises(RuleBroken) as broken:
            ask_part(task, unit, due_on, a_said())
        assert codes(broken) == wrong
    else:
        ask_part(task, unit, due_on, a_said())
        assert (task.parts[0].number, whats(task)) == (1, ["part_asked"])


def test_a_part_goes_to_and_fro_between_its_unit_and_the_lead() -> None:
    task = with_part()
    part = task.parts[0]
    assert (owing(task), "parts_missing" in marks(task)) == ([B], True)
    with pytest.raises(RuleBroken) as broken:
        decide_part(task, part, "accept", a_said())
    assert codes(broken) == ["wrong_part_state"]
    submit_part(task, part, handed_in(TODAY))
    assert (owing(task), part.missing, "parts_missing" in marks(task)) == ([], True, True)
    with pytest.raises(RuleBroken):
        submit_part(task, part, handed_in(TODAY))
    decide_part(task, part, "return", a_said("Thiếu bảng"))
    assert (owing(task), part.submitted_on) == ([B], None)
    submit_part(task, part, handed_in(TODAY))
    decide_part(task, part, "accept", a_said("Đủ"))
    assert (owing(task), part.missing, "parts_missing" in marks(task)) == ([], False, False)
    for decision in ("withdraw", "return"):
        with pytest.raises(RuleBroken):
            decide_part(task, part, decision, a_said())
    assert [one.words for one in part.handed_in] == ["Xong", "Xong"], "every time stays"
    assert [(one.decision, one.words) for one in part.answers] == [("return", "Thiếu bảng"), ("accept", "Đủ")]
    assert whats(task) == ["part_asked", "part_submitted", "part_returned", "part_submitted", "part_accepted"]


@pytest.mark.parametrize(
    ("given", "today", "stands"),
    [(None, 27, "open"), (None, 28, "late"), (27, 30, "in_time"), (28, 30, "done_late")],
)
def test_a_part_stands_by_the_day_on_which_it_was_handed_in(given: int | None, today: int, stands: str) -> None:
    task = with_part()
    if given is not None:
        submit_part(task, task.parts[0], handed_in(date(2026, 11, given)))
    assert standing_of_part(task.parts[0], date(2026, 11, today)) == stands
    if given is None:
        decide_part(task, task.parts[0], "withdraw", a_said())
        assert standing_of_part(task.parts[0], date(2026, 11, today)) == "withdrawn"


def said_of_parts(task: Task, *days: int) -> list[tuple[int, str, int]]:
    """(day of November, what, number of the part) of what the clock says when it looks on these days."""
    found = []
    for day in days:
        whats(task)
        told = tell_of_parts(task, date(2026, 11, day), 3)
        lines = task.take_lines()
        assert told == bool(lines), "what is not said is not saved"
        found += [(day, what.removeprefix("part_"), changes["part"][1]) for what, _, changes in lines]
    return found


def test_of_a_part_it_is_said_once_that_its_day_is_near_and_once_that_it_has_passed() -> None:
    task = with_part()  # due on the 27th
    assert untold_day(task, 1) == untold_day(task, 2) == date(2026, 11, 27)
    looked = said_of_parts(task, 23, 24, 24, 25, 27)
    assert looked == [(24, "fell_due_soon", 1)]
    assert (untold_day(task, 1), untold_day(task, 2)) == (None, date(2026, 11, 27))
    assert said_of_parts(task, 28, 28, 29) == [(28, "became_overdue", 1)]
    assert untold_day(task, 2) is None
    near, passed = (one for one in task.take_recorded() if isinstance(one, PartFellDueSoon | PartBecameOverdue))
    assert isinstance(near, PartFellDueSoon)
    assert isinstance(passed, PartBecameOverdue)
    assert (near.unit_id, near.part_due_on, near.days_left, near.responsible_id) == (B, date(2026, 11, 27), 3, "per-doer")
    assert (passed.unit_id, passed.part, passed.due_on) == (B, 1, date(2026, 11, 30))


def test_what_passed_while_nobody_looked_is_said_of_each_part_in_one_go() -> None:
    task = with_part(date(2026, 11, 25))
    for day in (26, 29, 30):
        ask_part(task, B, date(2026, 11, day), a_said())
    assert said_of_parts(task, 28, 28) == [
        (28, "became_overdue", 1), (28, "became_overdue", 2), (28, "fell_due_soon", 3), (28, "fell_due_soon", 4),
    ]  # fmt: skip
    assert untold_day(task, 2) == date(2026, 11, 29), "the next one that the clock has to look for"


def test_a_part_that_was_sent_back_late_is_told_of_no_second_time() -> None:
    task = with_part()
    part = task.parts[0]
    assert said_of_parts(task, 27) == [(27, "fell_due_soon", 1)]
    submit_part(task, part, handed_in(date(2026, 11, 27)))
    assert said_of_parts(task, 28) == [], "it was handed in"
    decide_part(task, part, "return", a_said())
    assert said_of_parts(task, 28, 29) == [(28, "became_overdue", 1)]
    submit_part(task, part, handed_in(date(2026, 11, 29)))
    decide_part(task, part, "return", a_said())
    assert (said_of_parts(task, 30), untold_day(task, 2)) == ([], None)


@pytest.mark.parametrize("decisions", [["withdraw"], ["hand_in"], ["hand_in", "accept"], ["hand_in", "withdraw"]])
def test_nobody_is_told_of_a_part_that_is_not_owed(decisions: list[Any]) -> None:
    task = with_part()
    for decision in decisions:
        if decision == "hand_in":
            submit_part(task, task.parts[0], handed_in(TODAY))
        else:
            decide_part(task, task.parts[0], decision, a_said())
    assert (said_of_parts(task, 26, 28), untold_day(task, 2)) == ([], None)


@pytest.mark.parametrize(
    ("state", "told"),
    [("published", True), ("in_progress", True), ("submitted", True), ("paused", False), ("cancelled", False),
     ("completed", False)],
)  # fmt: skip
def test_the_day_of_a_part_counts_while_it_can_be_handed_in(state: Any, told: bool) -> None:
    task = with_part()
    task.state = state
    assert (untold_day(task, 2) is not None) == told
    assert said_of_parts(task, 28) == ([(28, "became_overdue", 1)] if told else [])


def test_the_leads_submission_lists_the_parts_that_are_missing() -> None:
    task = with_part(evidence=[a_piece()])
    for _ in range(3):
        ask_part(task, B, TODAY, a_said())
    submit_part(task, task.parts[1], handed_in(TODAY))
    submit_part(task, task.parts[2], handed_in(TODAY))
    decide_part(task, task.parts[2], "accept", a_said())
    decide_part(task, task.parts[3], "withdraw", a_said())
    task.submit(NOW, "")
    assert task.submitted_without == [1, 2]
    (event,) = [one for one in task.take_recorded() if isinstance(one, TaskSubmitted)]
    assert event.missing_parts == [1, 2]
    task.send_back("incomplete", "thiếu")
    for part in task.parts[:2]:
        decide_part(task, part, "withdraw", a_said())
    task.submit(NOW, "")
    assert task.submitted_without == []
    assert [changes for what, _, changes in task.take_lines() if what == "submitted"] == [{"missing_parts": [None, [1, 2]]}, {}]


def test_a_unit_whose_part_is_missing_stays_a_coordinator_and_does_not_become_the_lead() -> None:
    given: list[dict[str, Any]] = [{"coordinator_unit_ids": []}, {"lead_unit_id": B}]
    for changes in given:
        task = with_part()
        check_parts_kept(task)
        task.amend(changes, TODAY)
        with pytest.raises(RuleBroken) as broken:
            check_parts_kept(task)
        assert [(one.code, one.quote) for one in broken.value.errors] == [("coordinator_owes_part", B)]
        decide_part(task, task.parts[0], "withdraw", a_said())
        check_parts_kept(task)


@pytest.mark.parametrize(
    ("state", "waits"), [("submitted", True), ("paused", True), ("completed", False), ("cancelled", False)]
)
def test_nobody_owes_a_part_of_what_is_closed(state: Any, waits: bool) -> None:
    task = with_part()
    task.state = state
    assert (bool(owing(task)), "parts_missing" in marks(task)) == (waits, waits)


# --- marks and load ---


def test_each_mark_says_who_set_it_and_why_and_is_taken_away_again() -> None:
    task = a_task(resources={"people": 1})
    assert mark(task, {"feasibility": "doubtful", "focus": True}, a_said("Thiếu người"))
    assert not mark(task, {"feasibility": "doubtful", "focus": True, "priority": None}, a_said("Lần nữa"))
    assert mark(task, {"priority": "high"}, a_said("Hạn gần"))
    rating = task.rating
    assert rating.feasibility is not None
    assert rating.priority is not None
    assert (rating.feasibility.words, rating.priority.words, rating.focus) == ("Thiếu người", "Hạn gần", a_said("Thiếu người"))
    assert marks(task) == ["focus", "priority_high", "doubtful"]
    events = [event for event in task.take_recorded() if isinstance(event, TaskRated)]
    assert [(one.feasibility, one.priority) for one in events] == [("doubtful", None), ("doubtful", "high")]
    assert mark(task, {"focus": False, "feasibility": None}, a_said("Đã đủ"))
    assert (marks(task), rating.focus) == (["priority_high"], None)
    assert whats(task) == ["rated", "focus_set", "rated", "rated", "focus_lifted"]
    for state in ("completed", "cancelled"):
        with pytest.raises(RuleBroken):
            mark(a_task(state=state), {"focus": True}, a_said())


def test_the_load_counts_open_tasks_those_that_are_late_and_what_they_weigh() -> None:
    late, new = a_task(state="in_progress", due_on=date(2026, 11, 23)), a_task(state="assigned", due_on=TODAY)
    carried: list[Carried] = [(late, "high", 2), (new, None, 3), (late, "low", 1)]
    assert load_of(carried, TODAY, RULES) == Load(open=6, overdue=3, weight=6)
    rules = Committee(priority_weights=PriorityWeights(high=5, normal=2, low=0))
    assert load_of(carried, TODAY, rules) == Load(open=6, overdue=3, weight=16)
    assert load_of(carried, date(2026, 11, 25), rules).overdue == 6
    assert load_of([], TODAY, rules) == Load()


# --- parties ---


def a_party(label: str = "Người có uy tín thôn Lùng Tám", unit_id: str = B) -> Party:
    return Party(id="p1", kind="prestigious_person", label=label, unit_id=unit_id, named=a_said("Vận động 40 hộ"))


def test_a_party_is_named_reached_and_removed_and_all_of_it_stays() -> None:
    task = a_task(state="assigned", coordinator_unit_ids=[B])
    name_party(task, a_party())
    party = party_of(task, "p1")
    reach_party(task, party, a_said("Đã họp thôn"))
    remove_party(task, party, a_said("Chuyển nơi ở"))
    for act in (reach_party, remove_party):
        with pytest.raises(RuleBroken) as broken:
            act(task, party, a_said())
        assert codes(broken) == ["party_removed"]
    assert ([one.words for one in party.reached], party.removed) == (["Đã họp thôn"], a_said("Chuyển nơi ở"))
    assert whats(task) == ["party_named", "party_reached", "party_removed"]
    recorded = str([event.model_dump() for event in task.take_recorded()])
    assert "Lùng Tám" not in recorded, "what a party is called stays in the task"
    with pytest.raises(NotFound):
        party_of(task, "p2")


@pytest.mark.parametrize(
    ("label", "unit", "state", "wrong"),
    [
        ("Hợp tác xã số 12, thôn 3", A, "published", []),
        ("Bà con 12345678", B, "in_progress", []),
        ("Gọi 0912 345 678", B, "assigned", ["label_personal"]),
        ("Số 012.345.678.901", B, "assigned", ["label_personal"]),
        ("a@b.vn", B, "assigned", ["label_personal"]),
        ("Doanh nghiệp", "unit:c", "assigned", ["unit_not_of_task"]),
        ("Doanh nghiệp", B, "draft", ["wrong_state"]),
        ("Doanh nghiệp", B, "completed", ["wrong_state"]),
    ],
)
def test_a_party_is_called_by_role_and_reached_through_a_unit_of_the_task(
    label: str, unit: str, state: Any, wrong: list[str]
) -> None:
    task = a_task(state=state, coordinator_unit_ids=[B])
    if wrong:
        with pytest.raises((RuleBroken, Invalid)) as broken:
            name_party(task, a_party(label, unit))
        assert (codes(broken), task.parties) == (wrong, [])
    else:
        name_party(task, a_party(label, unit))
        assert len(task.parties) == 1


# --- no work ---


def a_period(**changes: Any) -> Period:
    days = {"starts_on": date(2026, 11, 1), "ends_on": date(2026, 11, 30), "due_on": date(2026, 11, 25)}
    return Period.model_validate({"id": "t1/2026-11", "task_id": "t1", "key": "2026-11", **days, **changes})


def test_a_period_without_work_is_stated_rejected_stated_again_and_confirmed() -> None:
    task, period = a_task(state="in_progress"), a_period()
    state_no_work(task, period, a_said("Không có hồ sơ"))
    assert (period.state, period.submitted_on) == ("submitted", TODAY)
    late = date(2026, 12, 20)
    assert own_timeliness(period, late, RULES) == "in_time", "it waits for its answer, as a result does"
    refusals: list[Callable[[], object]] = [
        lambda: close(task, period, NOW, "done_in_time", ""),
        lambda: send_back(task, period, "incomplete", "thiếu"),
        lambda: state_no_work(task, period, a_said()),
    ]
    found = []
    for act in refusals:
        with pytest.raises(RuleBroken) as broken:
            act()
        found += codes(broken)
    assert found == ["no_work_stated", "no_work_stated", "wrong_period_state"]
    reject_no_work(task, period, a_said("Có ba hồ sơ"))
    assert (period.state, period.submitted_on, own_timeliness(period, late, RULES)) == ("in_progress", None, "overdue")
    for answer in (confirm_no_work, reject_no_work):
        with pytest.raises(RuleBroken) as broken:
            answer(task, period, a_said())
        assert codes(broken) == ["nothing_stated"]
    state_no_work(task, period, a_said("Ba hồ sơ của tháng trước"))
    confirm_no_work(task, period, a_said("Đúng"))
    assert (period.state, period.submitted_on, period.completed_on) == ("without_work", None, None)
    assert [(one.state, one.stated.words, one.answered and one.answered.words) for one in period.no_work] == [
        ("rejected", "Không có hồ sơ", "Có ba hồ sơ"), ("confirmed", "Ba hồ sơ của tháng trước", "Đúng"),
    ]  # fmt: skip
    assert not tell_of_period(task, period, late, 3), "nobody is told that it is late"
    kept = PERIODS.dump(period)["_d"]
    assert (kept["due"], kept["untold"]) == (None, None)
    assert whats(task) == ["no_work_stated", "no_work_rejected", "no_work_stated", "period_without_work"]
    with pytest.raises(RuleBroken):
        state_no_work(task, period, a_said())


# --- lists ---


def test_marks_are_found_by_a_range_of_an_index() -> None:
    assert served(TASKS, {"_d.marks": "overspent", "_d.order": {"$lt": "x"}}, ("-_d.order",))
    assert TASKS.dump(a_task())["_d"]["marks"] == ["without_resources"]
    assert served(TASKS, {"_d.owing": B, "_d.order": {"$lt": "x"}}, ("-_d.order",))
    assert TASKS.dump(with_part())["_d"]["owing"] == [B]


def test_on_whom_tasks_weigh_is_found_by_a_range_of_an_index() -> None:
    unit, person, units = "_d.weighs_on_unit", "_d.weighs_on_person", {"_d.weighs_on_unit": {"$in": [A, B]}}
    for holder, query in ((unit, {}), (unit, units), (person, {}), (person, units), (person, {unit: A})):
        assert served(TASKS, {"$and": [{holder: {"$gt": "x"}}, query]}, (holder,))
        assert served(TASKS, {"$and": [{holder: {"$gt": ""}}, query, {holder: {"$in": ["x", "y"]}}]})


@pytest.mark.parametrize(
    ("changes", "weighs"),
    [({"state": "published"}, True), ({"state": "submitted"}, True), ({"state": "draft"}, False), ({"state": "paused"}, False),
     ({"state": "completed"}, False), ({"state": "in_progress", "sample": "demo"}, False)],
)  # fmt: skip
def test_open_tasks_weigh_on_their_unit_and_person(changes: dict[str, Any], weighs: bool) -> None:
    kept = TASKS.dump(a_task(**changes))["_d"]
    assert (kept["weighs_on_unit"], kept["weighs_on_person"]) == ((A, "per-doer") if weighs else (None, None))


def test_parts_to_be_told_of_are_found_by_a_range_of_an_index() -> None:
    assert served(TASKS, overdue(TODAY, RULES, "", "part_due"), ("_d.part_due",))
    assert served(TASKS, due_soon(TODAY, RULES, "", "part_untold"), ("_d.part_untold",))
    task = with_part()
    assert [TASKS.dump(task)["_d"][key] for key in ("part_untold", "part_due")] == ["2026-11-27/t1"] * 2
    tell_of_parts(task, date(2026, 11, 27), 3)
    assert [TASKS.dump(task)["_d"][key] for key in ("part_untold", "part_due")] == [None, "2026-11-27/t1"]


def test_what_is_not_there_is_not_found() -> None:
    at = Said(at=NOW, by="person:p", words="")
    pieces = [Evidence(id=key, kind="document", title=key, added_at=NOW, added_by="x") for key in ("e1", "e2")]
    parts = [Part(number=number, unit_id=B, due_on=TODAY, asked=at) for number in (1, 2)]
    task = a_task(parts=parts)
    assert evidence_of(pieces, "e2") is pieces[1]
    assert part_of(task, 2) is task.parts[1]
    for ask in (lambda: evidence_of(pieces, "e3"), lambda: part_of(task, 3)):
        with pytest.raises(NotFound):
            ask()


@pytest.mark.parametrize(("product", "quote"), [("Báo cáo", "Báo cáo"), ("", None)])
def test_lacking_evidence_quotes_the_product(product: str, quote: str | None) -> None:
    found = unproven(a_task(product=product), [], Committee())
    assert [(one.code, one.quote) for one in found] == [("evidence_missing", quote)]


def test_an_unknown_fund_is_answered_with_those_that_there_are() -> None:
    for funds, known in (([], "-"), ([("Ngân sách", 5), ("Quỹ KHCN", 1)], "Ngân sách; Quỹ KHCN")):
        task = a_task(state="in_progress")
        if funds:
            plan_resources(task, {"money": funds})
        with pytest.raises(RuleBroken) as broken:
            report_spending(task, "khác", 1, "")
        assert known in broken.value.errors[0].repair.vi


def test_what_is_said_of_a_periods_evidence_names_the_period() -> None:
    for period, kept in ((None, {}), ("2026-11", {"period": [None, "2026-11"]})):
        task = a_task(state="in_progress")
        piece = Evidence(id="e", kind="document", title="t", added_at=NOW, added_by="x")
        review(task, piece, Review(at=NOW, by="p", verdict="seen", words=""), period)
        (_, _, changes) = task.take_lines()[-1]
        assert {name: pair for name, pair in changes.items() if name == "period"} == kept
