"""What the platform finds of a unit's month by itself: from tasks, and from the unit's own report."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.tasks.tests.task_world import A, a_task
from services.tasks.tests.test_scoring_rules import RUBRIC
from tasks.domain.matters import Said
from tasks.domain.means import NoWork
from tasks.domain.month import Month
from tasks.domain.periods import Period, state_anew
from tasks.domain.reporting import ReportPlan, Submission
from tasks.domain.scores import Entry, FellDue, Score, ScoreFacts, facts_of_submission, facts_of_tasks, over_quarter
from tasks.domain.scoring import Deduction, Fact, ScoringRules, score

RULES = ScoringRules()
NOVEMBER = Month(2026, 11)
PLAN = ReportPlan(id="committee", title="t", first_period="2026-11")
DUE = date(2026, 11, 10)
STATED = NoWork(stated=Said(at=datetime(2026, 11, 10, tzinfo=UTC), by="person:x", words="Không phát sinh"))


def ratio(issuer: str, *tasks: Any, on: date = date(2026, 11, 24), late: tuple[str, ...] = ()) -> Fact:
    found = facts_of_tasks([FellDue(task, None, issuer, task.id in late) for task in tasks], RULES, on)
    return next(fact for fact in found if fact.criterion == "M-II-1")


@pytest.mark.parametrize("issuer", ["Ban Chỉ đạo tỉnh", "BAN CHI DAO", "Central SC", "Hà Giang SC", "BCĐ"])
def test_tasks_of_the_committee_are_known_by_who_gave_them(issuer: str) -> None:
    assert ratio(issuer, a_task(state="completed", due_on=DUE)).whole == 1


@pytest.mark.parametrize("issuer", ["", "Ministry of Science", "SCB", "Ban Chỉ đạokhác", "Politburo"])
def test_others_are_not_taken_for_it(issuer: str) -> None:
    assert not ratio(issuer, a_task(state="completed", due_on=DUE)).applies


@pytest.mark.parametrize(
    ("state", "on", "counted"),
    [
        ("in_progress", DUE, False),  # its day has not ended
        ("in_progress", DUE + timedelta(days=1), True),
        ("submitted", DUE + timedelta(days=1), True),
        ("completed", DUE - timedelta(days=5), True),
        ("draft", DUE + timedelta(days=1), False),
        ("paused", DUE + timedelta(days=1), False),
        ("cancelled", DUE + timedelta(days=1), False),
    ],
)
def test_a_task_counts_once_its_day_has_ended_or_it_is_done(state: str, on: date, counted: bool) -> None:
    assert ratio("SC", a_task(state=state, due_on=DUE), on=on).applies is counted


def test_the_late_ones_are_named_and_lower_the_ratio() -> None:
    tasks = [a_task(id=name, state="completed", due_on=DUE) for name in ("b", "a", "c")]
    found = ratio("SC", *tasks, late=("b", "a", "elsewhere"))
    assert (str(found.part), str(found.whole), found.task_ids) == ("1", "3", ["a", "b"])


def fell_due(due_on: date, *, late: bool = False, task: Any = None, **changes: Any) -> FellDue:
    key = f"{due_on:%Y-%m-%d}"
    of = task or a_task(id="r", state="in_progress", due_on=None, deadline_kind="recurring")
    fields = {"id": f"{of.id}/{key}", "task_id": of.id, "key": key, "starts_on": due_on, "ends_on": due_on, "due_on": due_on}
    period = Period.model_validate(fields | changes)
    state_anew(of, [period])
    return FellDue(of, period, "SC", late)


@pytest.mark.parametrize(
    ("changes", "task", "late", "on", "counted"),
    [
        ({}, {}, True, DUE + timedelta(days=1), True),
        ({}, {}, False, DUE, False),  # its day has not ended
        ({"state": "submitted", "submitted_on": DUE}, {}, False, DUE, False),
        ({"state": "submitted", "submitted_on": DUE}, {}, False, DUE + timedelta(days=1), True),
        ({"state": "completed", "submitted_on": DUE, "completed_on": DUE}, {}, False, DUE, True),
        ({"state": "without_work"}, {}, False, DUE + timedelta(days=1), False),  # neither late nor done
        ({"state": "submitted", "submitted_on": DUE, "no_work": [STATED]}, {}, False, DUE + timedelta(days=1), False),
        ({"state": "submitted", "submitted_on": DUE, "no_work": [STATED]}, {}, True, DUE + timedelta(days=2), True),
        ({}, {"state": "paused"}, False, DUE + timedelta(days=1), False),
        ({}, {"state": "cancelled"}, False, DUE + timedelta(days=1), False),
        ({}, {"state": "completed", "completed_on": DUE}, True, DUE + timedelta(days=1), False),  # the whole was accepted
    ],
)
def test_a_period_counts_once_its_day_has_ended_or_it_is_done(
    changes: dict[str, Any], task: dict[str, Any], late: bool, on: date, counted: bool
) -> None:
    of = a_task(id="r", due_on=None, deadline_kind="recurring", **{"state": "in_progress", **task})
    found = facts_of_tasks([fell_due(DUE, late=late, task=of, **changes)], RULES, on)
    assert next(fact for fact in found if fact.criterion == "M-II-1").applies is counted


@pytest.mark.parametrize(
    ("periods", "part", "whole", "late"),
    [
        ("each", "2", "4", ["r/2026-11-05", "r/2026-11-10"]),
        ("once", "1", "2", ["r/2026-11-05", "r/2026-11-10"]),
        ("left_out", "1", "1", []),
    ],
)
def test_periods_count_among_tasks_as_the_committee_says(periods: Any, part: str, whole: str, late: list[str]) -> None:
    done: dict[str, Any] = {"state": "completed", "submitted_on": DUE, "completed_on": DUE}
    due = [
        FellDue(a_task(id="plain", state="completed", due_on=DUE), None, "SC", False),
        fell_due(date(2026, 11, 5), late=True),
        fell_due(date(2026, 11, 10), late=True),
        fell_due(date(2026, 11, 15), **done),
    ]
    found = facts_of_tasks(due, ScoringRules(periods=periods), date(2026, 11, 24))[0]
    assert (str(found.part), str(found.whole), found.period_ids) == (part, whole, late)
    assert found.task_ids == (["r"] if late else [])
    assert ("kể cả 3 kỳ" in found.source) == (periods != "left_out")


def told(on: date, submission: Submission | None) -> tuple[list[str | None], list[str]]:
    facts, penalties = facts_of_submission(PLAN, NOVEMBER, submission, RULES, RUBRIC, on)
    return [fact.case for fact in facts], [one.penalty for one in penalties]


def handed_in(day: int) -> Submission:
    own = Submission(id="s", plan_id="committee", period="2026-11", unit_id=A)
    own.hand_in(datetime(2026, 11, day, 3, tzinfo=UTC), "person:x", PLAN.unit_due(NOVEMBER), "", no_work=False)
    return own


def test_a_report_in_time_late_by_a_day_by_more_and_not_at_all() -> None:
    assert told(date(2026, 11, 22), None) == ([], []), "it may still come"
    assert told(date(2026, 11, 30), handed_in(22)) == (["yes", "yes"], [])
    assert told(date(2026, 11, 30), handed_in(23)) == (["no", "no"], ["M-P-1"])
    assert told(date(2026, 11, 30), handed_in(24)) == (["no", "no"], ["M-P-2"])
    assert told(date(2026, 11, 23), None) == (["no", "no"], ["M-P-1"])
    assert told(date(2026, 11, 24), None) == (["no", "no"], ["M-P-2"])


@pytest.mark.parametrize(
    ("submission", "source"),
    [
        (handed_in(22), "Nộp báo cáo đúng hạn 22/11/2026."),
        (handed_in(24), "Nộp báo cáo chậm 2 ngày, hạn 22/11/2026."),
        (None, "Đơn vị chưa nộp báo cáo, hạn 22/11/2026."),
    ],
)
def test_what_is_said_of_a_report_names_its_day_and_whence_it_comes(submission: Submission | None, source: str) -> None:
    facts, penalties = facts_of_submission(PLAN, NOVEMBER, submission, RULES, RUBRIC, date(2026, 11, 24))
    assert {(one.source, one.origin) for one in facts} == {(source, "submissions")}
    assert {(one.source, one.origin) for one in penalties} <= {(source, "submissions")}


def entered(period: str, **given: Any) -> ScoreFacts:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    found = ScoreFacts(id=f"{period}/a", unit_id="a", period=period)
    found.enter([Entry(at=at, by="x", **one) for one in given["entries"]])
    return found


def test_the_latest_said_counts_and_all_of_it_stays() -> None:
    first, second = (Fact(criterion="c", value=value, source="s") for value in (1, 2))
    times = [Deduction(penalty="p", times=count, source="s") for count in (3, 0)]
    found = entered("2026-11", entries=[{"fact": first}, {"staff": 9}, {"deduction": times[0]}, {"fact": second}, {"staff": 0}])
    assert (found.facts(), found.deductions(), found.staff()) == ({"c": second}, [times[0]], 0)
    found.enter([Entry(at=datetime(2026, 11, 2, tzinfo=UTC), by="x", deduction=times[1])])
    assert found.deductions() == [], "said to have happened no time, it is withdrawn"
    assert len(found.entries) == 6


def test_participants_of_a_quarter_are_added_up_with_their_months() -> None:
    months = [
        entered(period, entries=[{"fact": Fact(criterion="c", value=n, source="s")}])
        for period, n in (("2026-10", 5), ("2026-11", 7))
    ]
    months.insert(1, entered("2026-10", entries=[{"fact": Fact(criterion="c", case="yes", source="s")}]))  # no number
    found = over_quarter("c", months)
    assert found is not None
    assert (str(found.value), found.source) == ("12", "Cộng dồn theo quý: 2026-10: 5; 2026-11: 7")
    assert (found.criterion, found.origin) == ("c", "quarter")
    assert over_quarter("other", months) is None


def test_a_score_is_the_same_by_what_it_says_and_not_by_when() -> None:
    def made(rules: ScoringRules, **changes: Any) -> Score:
        fields = {
            "id": "s", "unit_id": "a", "period": "2026-11", "number": 1, "level": "commune", "rubric_id": "r", "on": DUE,
            "missing_fact": rules.missing_fact, "penalties_from": rules.penalties_from, "at": datetime(2026, 11, 1, tzinfo=UTC),
            "by": "x", "because": "", "sum": score(RUBRIC, [], [], rules, "commune"),
        }  # fmt: skip
        return Score.model_validate(fields | changes)

    one = made(RULES)
    assert one.says_the_same(made(RULES, number=2, by="y", on=DUE + timedelta(days=1), because="again"))
    assert not one.says_the_same(made(RULES, rubric_id="other"))
    assert not one.says_the_same(made(ScoringRules(missing_fact="left_out")))
    assert Score.id_of("a", "2026-11", 1) != Score.id_of("a", "2026-11", 2)


def test_a_score_tells_what_was_computed_and_what_was_entered_tells_its_rows() -> None:
    nothing = score(
        RUBRIC, [Fact(criterion=one.id, applies=False, source="s") for one in RUBRIC.criteria], [], RULES, "commune"
    )
    yes = score(RUBRIC, [Fact(criterion="M-I-1", case="yes", source="s")], [], RULES, "commune")
    for found, told_score in ((nothing, None), (yes, "10")):
        fields = {
            "id": "s", "unit_id": "a", "period": "2026-11", "number": 1, "level": "commune", "rubric_id": "r", "on": DUE,
            "missing_fact": "zero", "penalties_from": "points", "at": datetime(2026, 11, 1, tzinfo=UTC), "by": "x",
            "because": "", "sum": found,
        }  # fmt: skip
        one = Score.model_validate(fields)
        assert one.compute() is one
        (event,) = one.take_recorded()
        assert event.model_dump()["unit_score"] == told_score
    given = entered("2026-11", entries=[
        {"fact": Fact(criterion="c", value=1, source="s")}, {"staff": 9}, {"deduction": Deduction(penalty="p", source="s")},
    ])  # fmt: skip
    (told_of,) = given.take_recorded()
    assert told_of.model_dump()["entries"] == ["c", "p"]
    assert ScoreFacts.id_of("2026-11", "a") == "2026-11/a"
