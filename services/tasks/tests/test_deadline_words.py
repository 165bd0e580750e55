"""Deadlines from their words: every wording of the real plans in one table, and what holds for any other."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.deadline import Deadline, Kind, Wait, findings_of, last_day, read_deadline
from tasks.domain.working_days import WorkingDays

DATA = Path(__file__).parents[3] / "data"


def column(file: str, name: str) -> list[str]:
    with (DATA / file).open(encoding="utf-8", newline="") as lines:
        return [row[name] for row in csv.DictReader(lines)]


def due(kind: Kind, day: str, precision: str = "day", **more: object) -> Deadline:
    return Deadline("", kind, date.fromisoformat(day), precision, **more)  # type: ignore[arg-type]


MEANT: dict[str, Deadline] = {
    "30/11/2026": due(Kind.DATE, "2026-11-30"),
    "30/10/2026": due(Kind.DATE, "2026-10-30"),
    "30/9/2026": due(Kind.DATE, "2026-09-30"),
    "30/7/2026": due(Kind.DATE, "2026-07-30"),
    "05/8/2026": due(Kind.DATE, "2026-08-05"),
    "15/10/2026": due(Kind.DATE, "2026-10-15"),
    "15/11/2026": due(Kind.DATE, "2026-11-15"),
    "01/2025": due(Kind.MONTH, "2025-01-31", "month"),
    "2/2025": due(Kind.MONTH, "2025-02-28", "month"),
    "03/2025": due(Kind.MONTH, "2025-03-31", "month"),
    "3/2025": due(Kind.MONTH, "2025-03-31", "month"),
    "06/2025": due(Kind.MONTH, "2025-06-30", "month"),
    "6/2025": due(Kind.MONTH, "2025-06-30", "month"),
    "7/2025": due(Kind.MONTH, "2025-07-31", "month"),
    "9/2025": due(Kind.MONTH, "2025-09-30", "month"),
    "12/2025": due(Kind.MONTH, "2025-12-31", "month"),
    "3/2026": due(Kind.MONTH, "2026-03-31", "month"),
    "9/2026": due(Kind.MONTH, "2026-09-30", "month"),
    "12/2026": due(Kind.MONTH, "2026-12-31", "month"),
    "12/2028": due(Kind.MONTH, "2028-12-31", "month"),
    "Tháng 5/2025": due(Kind.MONTH, "2025-05-31", "month"),
    "Tháng 10/2025": due(Kind.MONTH, "2025-10-31", "month"),
    "Quý II/2025": due(Kind.QUARTER, "2025-06-30", "quarter"),
    "2025": due(Kind.YEAR, "2025-12-31", "year"),
    "2026": due(Kind.YEAR, "2026-12-31", "year"),
    "2027": due(Kind.YEAR, "2027-12-31", "year"),
    "2028": due(Kind.YEAR, "2028-12-31", "year"),
    "2030": due(Kind.YEAR, "2030-12-31", "year"),
    "2025 - 2026": due(Kind.YEAR_RANGE, "2026-12-31", "year_range", starts_on=date(2025, 1, 1), cadence="year"),
    "2025-2026": due(Kind.YEAR_RANGE, "2026-12-31", "year_range", starts_on=date(2025, 1, 1), cadence="year"),
    "2025 và những năm tiếp theo": Deadline("", Kind.OPEN_ENDED, starts_on=date(2025, 1, 1)),
    "Thường xuyên": Deadline("", Kind.RECURRING),
    "Nhiệm vụ thường xuyên": Deadline("", Kind.RECURRING),
    "Thực hiện thường xuyên": Deadline("", Kind.RECURRING),
    "Hằng năm": Deadline("", Kind.RECURRING_YEARLY, cadence="year"),
    "hằng năm": Deadline("", Kind.RECURRING_YEARLY, cadence="year"),
    "Hoàn thành trước 30/9/2026 và duy trì liên tục": due(Kind.DATE_THEN_MAINTAIN, "2026-09-30"),
    "Báo cáo đầu trước 25/7/2026; cập nhật hằng tháng": due(Kind.FIRST_THEN_MONTHLY, "2026-07-25", cadence="month"),
    "Bắt đầu từ 25/7/2026": Deadline("", Kind.START_DATE, starts_on=date(2026, 7, 25)),
    "30 ngày sau khi Trung ương ban hành": Deadline("", Kind.RELATIVE_EVENT, wait=Wait("Trung ương", 30)),
    "20 ngày sau khi Tỉnh ủy ban hành văn bản": Deadline("", Kind.RELATIVE_EVENT, wait=Wait("Tỉnh ủy", 20)),
    "Theo kế hoạch của Bộ Công an": Deadline("", Kind.EXTERNAL, wait=Wait("Bộ Công an")),
    "Theo thời gian yêu cầu của Bộ Công an": Deadline("", Kind.EXTERNAL, wait=Wait("Bộ Công an")),
    "Theo đề nghị của cơ quan cấp trên": Deadline("", Kind.EXTERNAL, wait=Wait("cơ quan cấp trên")),
    "Xây dựng kế hoạch và triển khai": Deadline("", Kind.EXTERNAL),
    "Khi có nhiệm vụ chậm": Deadline("", Kind.ON_EVENT),
    "Khi có nhiệm vụ chậm muộn": Deadline("", Kind.ON_EVENT),
    "[ô thời hạn ghi tên cơ quan]": Deadline("", Kind.COLUMN_SHIFT),
    "": Deadline("", Kind.MISSING),
}
"""Every wording of `tasks.csv` and every example of `deadline_patterns.csv`, and what we take it to mean."""


def test_the_table_holds_every_wording_of_the_plans_and_of_the_patterns() -> None:
    patterns = [example for cell in column("deadline_patterns.csv", "examples") for example in cell.split(" | ")]
    assert set(MEANT) == {*column("tasks.csv", "deadline_raw"), *patterns}
    assert {read.kind for read in MEANT.values()} == {*column("deadline_patterns.csv", "kind")}


@pytest.mark.parametrize("written", MEANT)
def test_each_wording_of_the_plans_means_what_the_table_says(written: str) -> None:
    assert read_deadline(written) == MEANT[written]._replace(written=written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Hằng tháng, trước ngày 25", Deadline("", Kind.RECURRING, cadence="month", period_day=25)),
        ("trước ngày 22 hằng tháng", Deadline("", Kind.RECURRING, cadence="month", period_day=22)),
        ("Hằng tháng, trước ngày 1", Deadline("", Kind.RECURRING, cadence="month", period_day=1)),
        ("Hằng tháng, trước ngày 31", Deadline("", Kind.RECURRING, cadence="month", period_day=31)),
        ("Hằng tháng, trước ngày 32", Deadline("", Kind.RECURRING, cadence="month")),
        ("Định kỳ hằng quý", Deadline("", Kind.RECURRING, cadence="quarter")),
        ("Định kỳ 6 tháng một lần", Deadline("", Kind.RECURRING, cadence="half_year")),
        ("Thường xuyên, hằng tháng và hằng năm", Deadline("", Kind.RECURRING)),
        ("hằng tuần", Deadline("", Kind.RECURRING)),
        ("6 tháng cuối năm 2026", due(Kind.HALF_YEAR, "2026-12-31", "half_year")),
        ("Cuối quý III năm 2026", due(Kind.QUARTER, "2026-09-30", "quarter")),
        ("ngày 30 tháng 9 năm 2026", due(Kind.DATE, "2026-09-30")),
        ("Từ 10/7/2026 đến 30/11/2026", due(Kind.DATE, "2026-11-30", starts_on=date(2026, 7, 10))),
        ("Quý II - III/2026", due(Kind.QUARTER, "2026-09-30", "quarter", starts_on=date(2026, 4, 1))),
        ("2026 - 2026", due(Kind.YEAR_RANGE, "2026-12-31", "year_range", starts_on=date(2026, 1, 1))),
        ("tháng 6 - tháng 6/2026", due(Kind.MONTH, "2026-06-30", "month", starts_on=date(2026, 6, 1))),
        ("tháng 6 - tháng 9/2026", due(Kind.MONTH, "2026-09-30", "month", starts_on=date(2026, 6, 1))),
        ("Hoàn thành 30/9/2026 và duy trì hằng quý", due(Kind.DATE_THEN_MAINTAIN, "2026-09-30", cadence="quarter")),
        ("6 tháng đầu năm 2026", due(Kind.HALF_YEAR, "2026-06-30", "half_year")),
        ("trước 2025 - 2026", Deadline("", Kind.UNREAD)),
        ("quý 1/2026", due(Kind.QUARTER, "2026-03-31", "quarter")),
        ("quý 2/2026", due(Kind.QUARTER, "2026-06-30", "quarter")),
        ("quý 3/2026", due(Kind.QUARTER, "2026-09-30", "quarter")),
        ("quý 4/2026", due(Kind.QUARTER, "2026-12-31", "quarter")),
        ("quý I năm 2026", due(Kind.QUARTER, "2026-03-31", "quarter")),
        ("quý IV năm 2026", due(Kind.QUARTER, "2026-12-31", "quarter")),
        ("15 ngày làm việc kể từ ngày Bộ Công an ban hành hướng dẫn",
         Deadline("", Kind.RELATIVE_EVENT, wait=Wait("Bộ Công an", 15, True))),
    ],
)  # fmt: skip
def test_other_wordings_are_read_as_far_as_they_go(written: str, expected: Deadline) -> None:
    assert read_deadline(written) == expected._replace(written=written)


@pytest.mark.parametrize(
    ("written", "readings"),
    [
        ("Trước tháng 6/2026", ["2026-05-31", "2026-06-30"]),
        ("trước quý II/2026", ["2026-03-31", "2026-06-30"]),
        ("Hoàn thành trước năm 2030", ["2029-12-31", "2030-12-31"]),
        ("đầu năm 2026", ["2026-01-01", "2026-12-31"]),
        ("trước 6 tháng cuối năm 2026", ["2026-06-30", "2026-12-31"]),
        ("Hoàn thành 30/9/2026, chậm nhất 31/10/2026 và duy trì", ["2026-09-30", "2026-10-31"]),
        ("30/11/2026 đến 10/7/2026", ["2026-07-10", "2026-11-30"]),
    ],
)
def test_what_has_several_readings_is_a_finding_that_names_them_and_never_a_day(written: str, readings: list[str]) -> None:
    read = read_deadline(written)
    assert (read.kind, read.due_on) == (Kind.AMBIGUOUS, None)
    assert [day.isoformat() for day in read.readings] == readings
    (finding,) = findings_of(read, None)
    assert (finding.code, finding.severity, finding.quote) == ("deadline_ambiguous", "warning", written)
    assert all(day in finding.repair.en for day in readings)


QUARTER = st.sampled_from([("I", 1), ("II", 2), ("III", 3), ("IV", 4), ("1", 1), ("2", 2), ("3", 3), ("4", 4)])
BEFORE = st.sampled_from(["", "trong ", "Hoàn thành trong ", "chậm nhất ", "đến hết ", "cuối "])


@given(BEFORE, st.integers(2000, 2099), st.integers(1, 12), QUARTER, st.sampled_from(["month", "quarter", "half", "year"]))
def test_every_parsed_day_is_the_last_within_the_words_period(
    before: str, year: int, month: int, quarter: tuple[str, int], length: str
) -> None:
    words, first, months = {
        "month": (f"tháng {month}/{year}", date(year, month, 1), 1),
        "quarter": (f"quý {quarter[0]}/{year}", date(year, 3 * quarter[1] - 2, 1), 3),
        "half": (f"6 tháng {'đầu' if month < 7 else 'cuối'} năm {year}", date(year, 1 if month < 7 else 7, 1), 6),
        "year": (f"năm {year}", date(year, 1, 1), 12),
    }[length]
    read = read_deadline(before + words)
    assert read.due_on is not None
    assert first <= read.due_on == last_day(year, first.month + months - 1)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_range_of_days_is_due_within_it(one: date, other: date) -> None:
    first, last = sorted((one, other))
    read = read_deadline(f"từ {first:%d/%m/%Y} đến {last:%d/%m/%Y}")
    assert (read.starts_on, read.due_on) == (first, last)


@given(st.text(max_size=80))
def test_no_words_at_all_break_the_reader_or_get_a_day_without_a_year(written: str) -> None:
    read = read_deadline(written)
    assert read.due_on is None or str(read.due_on.year) in read.written


# --- working days ---


def test_the_plan_of_a_hundred_days_has_them_only_with_its_holidays() -> None:
    """G031, G032."""
    first, last = date(2026, 7, 10), date(2026, 11, 30)
    assert WorkingDays().count(first, last) == 102
    assert WorkingDays([date(2026, 9, 1), date(2026, 9, 2)]).count(first, last) == 100


def test_a_swapped_saturday_is_worked_and_a_day_off_moves_as_decided() -> None:
    """G041: 22 November 2026 is a Sunday."""
    sunday = date(2026, 11, 22)
    assert [WorkingDays().shifted(sunday, rule).day for rule in ("keep", "before", "after")] == [22, 20, 23]
    assert WorkingDays(worked=[date(2026, 11, 21)]).shifted(sunday, "before") == date(2026, 11, 21)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 60), st.sets(st.dates(date(2020, 1, 1), date(2031, 1, 1))))
def test_counting_back_gives_the_working_days_that_were_counted_on(day: date, number: int, off: set[date]) -> None:
    calendar = WorkingDays(off)
    end = calendar.after(day, number)
    assert calendar.is_one(end)
    assert calendar.count(day + timedelta(days=1), end) == number
