"""The golden cases of `data/golden_cases.csv` that concern days and counting, each by its id; and where the others are.

Those on scores stand in `test_scoring_rules.py`. None is left out silently: the last test knows every id of the file.
"""

from __future__ import annotations

import csv
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from common.domain import local_day
from services.tasks.tests.task_world import a_task
from tasks.domain.committee import Committee
from tasks.domain.month import Month
from tasks.domain.report import status_of
from tasks.domain.reporting import ReportPlan
from tasks.domain.timeliness import days_left, timeliness, verdict

ROOT = Path(__file__).parents[3]
with (ROOT / "data" / "golden_cases.csv").open(encoding="utf-8", newline="") as lines:
    CASES = {row["case_id"]: row for row in csv.DictReader(lines)}


def cases(*areas: str) -> list[Any]:
    return [pytest.param(case, id=name) for name, case in CASES.items() if case["area"] in areas]


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PLAN = ReportPlan(id="committee", title="t", first_period="2026-01")


@pytest.mark.parametrize("case", cases("calendar.report"))
def test_the_days_of_a_month_and_the_weekend_rule(case: dict[str, str]) -> None:
    month = Month.read(case["input"])
    found = re.fullmatch(r"22nd is (\w+), 25th is (\w+)", case["expected"])
    assert found is not None
    days = (date(month.year, month.month, 22), date(month.year, month.month, 25))
    assert tuple(WEEKDAYS[day.weekday()] for day in days) == found.groups()
    for rule, step in (("keep", 0), ("before", -1), ("after", 1)):
        plan = PLAN.model_copy(update={"weekend": rule})
        moved = (plan.unit_due(month), month.day(25, plan.weekend))
        for day, shifted in zip(days, moved, strict=True):
            if day.weekday() < 5 or not step:
                assert shifted == day
            else:
                assert shifted.weekday() == (4 if step < 0 else 0)
                assert 1 <= (shifted - day).days * step <= 2
        assert plan.unit_due(month) <= plan.closes(month) <= plan.report_due(month)


@pytest.mark.parametrize("case", cases("clock"))
def test_the_clock(case: dict[str, str]) -> None:
    if case["case_id"] == "G043":
        submitted = local_day(datetime.fromisoformat("2026-12-01T00:30+07:00"))
        task = a_task(state="submitted", due_on=date(2026, 11, 30), submitted_on=submitted)
        assert case["expected"] == "late by 1 day"
        assert (submitted - date(2026, 11, 30)).days == 1
        assert verdict(task, submitted, Committee()) == "done_late"
    else:
        due, approved = date(2026, 11, 30), date(2026, 12, 2)
        task = a_task(state="submitted", due_on=due, submitted_on=due)
        verdicts = {counts: verdict(task, approved, Committee(lateness_counts=counts)) for counts in ("submission", "approval")}
        assert verdicts == {"submission": "done_in_time", "approval": "done_late"}
        assert "setting" in case["expected"]


@pytest.mark.parametrize("case", cases("status.colour"))
def test_the_colour(case: dict[str, str]) -> None:
    today = date(2026, 11, 24)
    left = re.fullmatch(r"(-?\d+) days left", case["input"])
    due = None if left is None else date.fromordinal(today.toordinal() + int(left[1]))
    task = a_task(state="in_progress", due_on=due, deadline_kind="date" if left else "missing")
    stands = timeliness(task, today, Committee())
    expected = {"at risk (amber)": "nearly_due", "overdue (red)": "overdue", "black, never overdue": "no_due_date"}
    assert stands == expected[case["expected"]]
    assert days_left(task, today) == (None if left is None else int(left[1]))
    assert status_of("in_progress", stands) in ("at_risk", "overdue", "in_progress")


ELSEWHERE = {
    "score.": "test_scoring_rules.py, by id",
    "import": "the reading of plans: test_import_rows.py and the tests of deadlines; not of scores, days or counting",
    "org": "the register: test_register_api.py and the tests of units; not of scores, days or counting",
}
NOT_YET = {
    "G031": "counts working days: tested in test_deadline_words.py",
    "G032": "counts working days with holidays: tested in test_deadline_words.py",
}


def test_no_golden_case_is_left_out_silently() -> None:
    here = {name for name, case in CASES.items() if case["area"] in ("calendar.report", "clock", "status.colour")}
    there = {name for name, case in CASES.items() if case["area"].startswith(tuple(ELSEWHERE))}
    assert here | there | NOT_YET.keys() == CASES.keys()
