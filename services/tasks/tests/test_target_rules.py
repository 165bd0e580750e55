"""Targets by the real list, progress against time, and how evenly work lies: without a server."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from tasks.domain.evenness import Evenness, evenness
from tasks.domain.rows import Reading
from tasks.domain.table import read_csv
from tasks.domain.target import TARGET_COLUMNS, Actual, Target, met, progress, read_target

DATA = Path(__file__).parents[3] / "data"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HALF, MORE = Fraction(1, 2), Fraction(3, 2)


def read_all() -> dict[str, tuple[dict[str, Any], Reading]]:
    readings = [Reading(row) for row in read_csv((DATA / "targets.csv").read_bytes(), TARGET_COLUMNS).rows]
    return {str(reading.id): (fields, reading) for reading in readings for fields in [read_target(reading)]}


REAL = read_all()


def target(target_id: str, **changes: Any) -> Target:
    return Target(id=target_id, **{**REAL[target_id][0], **changes})


def figure(on: date, **given: Any) -> Actual:
    return Actual(on=on, source="báo cáo", at=NOW, by="x", **given)


def test_all_81_targets_are_read_and_what_is_no_number_is_said() -> None:
    assert len(REAL) == 81
    assert not any(reading.refused for _, reading in REAL.values())
    said = {key: {one.code for one in reading.findings} for key, (_, reading) in REAL.items()}
    assert {key for key, codes in said.items() if "target_not_one_number" in codes} == {
        "R57-22", "DL-44-D", "DL-44-E", "DL-44-F",
    }  # fmt: skip
    assert {key for key, codes in said.items() if "target_without_day" in codes} == {f"DL-44-{name}" for name in "ABCDEF"}
    assert Counter(fields["operator"] for fields, _ in REAL.values())["range"] == 4
    assert (REAL["R57-21"][0]["low"], REAL["R57-21"][0]["high"]) == (8, 10)
    assert REAL["KH05-46"][0]["due_on"] == date(2026, 10, 30)
    assert REAL["R57-16"][0]["yearly"]


@pytest.mark.parametrize(
    ("target_id", "value", "reached"),
    [
        ("R57-07", "55", False),  # R57 says above 55
        ("R57-07", "55.01", True),
        ("R57-08", "50", True),
        ("R57-01", "3", True),
        ("R57-01", "3.01", False),
        ("R57-14", "2", True),
        ("R57-14", "2.5", False),
        ("R57-18", "39.99", False),
        ("R57-18", "50", True),
        ("R57-18", "50.01", False),
    ],
)
def test_the_operator_is_the_one_that_is_written(target_id: str, value: str, reached: bool) -> None:
    assert met(target(target_id), Fraction(value)) is reached


def test_progress_is_held_against_time_in_exact_numbers() -> None:
    one = target("BDHVS-25-1", baseline=figure(date(2025, 1, 1), value="20"))  # 80 % by 31 December 2025: 364 days
    one.measured(figure(date(2025, 7, 2), value="50"))
    half = progress(one, date(2025, 7, 2))
    assert half.stands == "on_track"
    assert (half.share, half.time_share, half.expected) == (HALF, HALF, Fraction(50))
    assert progress(one, date(2025, 7, 3)).stands == "behind"
    assert progress(one, date(2026, 1, 1)).stands == "missed"
    assert progress(one, date(2025, 7, 1)).stands == "no_figure", "the figure's day has not come"
    one.measured(figure(date(2025, 8, 1), value="80"))
    assert progress(one, date(2025, 8, 1)).stands == "met"


def test_a_rank_gets_better_by_falling() -> None:
    one = target("R57-02", baseline=figure(date(2025, 1, 1), value="100"))
    one.measured(figure(date(2028, 1, 1), value="60"))
    found: Any = progress(one, date(2028, 1, 1))
    assert (found.stands, found.share, found.lacking) == ("on_track", Fraction(4, 5), 10)


def test_percentages_of_units_are_put_together_by_parts_or_not_at_all() -> None:
    one = target("BDHVS-25-1")
    one.measured(figure(date(2025, 6, 1), unit_id="a", part=90, whole=100))
    one.measured(figure(date(2025, 6, 2), unit_id="b", part=100, whole=900))
    found: Any = progress(one, date(2025, 7, 1))
    assert (found.value, found.of, found.units, found.on) == (19, "units", 2, date(2025, 6, 2)), "neither 101 nor 50.55"
    one.measured(figure(date(2025, 6, 3), unit_id="c", value="50"))
    assert progress(one, date(2025, 7, 1)).value is None, "a bare percentage cannot be put together with others"
    people = target("BDHVS-25-4")
    people.measured(figure(date(2025, 6, 1), unit_id="a", value=7))
    people.measured(figure(date(2025, 6, 1), unit_id="b", value=5))
    assert progress(people, date(2025, 7, 1)).value == 12
    with pytest.raises(Invalid):
        people.measured(figure(date(2025, 6, 1), unit_id="b", part=5, whole=6))


def test_an_older_figure_does_not_replace_a_later_one_and_the_provinces_goes_first() -> None:
    one = target("BDHVS-25-4")
    one.measured(figure(date(2025, 6, 2), unit_id="a", value=7))
    kept = one.measured(figure(date(2025, 6, 1), unit_id="a", value=9))
    assert kept.id == "BDHVS-25-4/000002"
    assert [actual.value for actual in one.latest] == [Fraction(7)]
    one.measured(figure(date(2025, 6, 1), value=100))
    assert progress(one, date(2025, 7, 1)).of == "province"


def test_a_range_is_reached_at_its_lower_bound_and_a_beginning_on_the_due_day_is_none() -> None:
    one = target("R57-18", baseline=figure(date(2030, 12, 31), value="10"))  # 40 to 50 by the end of 2030
    one.measured(figure(date(2030, 12, 31), value="39"))
    found = progress(one, date(2030, 12, 31))
    assert (found.stands, found.lacking) == ("no_baseline", Fraction(1))


def test_a_yearly_target_begins_anew_each_year() -> None:
    one = target("R57-16")
    one.measured(figure(date(2025, 12, 1), value="3"))
    assert progress(one, date(2025, 12, 31)).stands == "met"
    assert progress(one, date(2026, 1, 1)).stands == "no_figure"


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=1, max_size=20))
def test_a_ratio_over_units_lies_between_the_units(parts: list[tuple[int, int]]) -> None:
    one = target("BDHVS-25-1")
    for number, (part, whole) in enumerate(parts):
        one.measured(figure(date(2025, 6, 1), unit_id=f"u{number}", part=part, whole=whole))
    value = progress(one, date(2025, 7, 1)).value
    assert value is not None
    assert min(Fraction(p * 100, w) for p, w in parts) <= value <= max(Fraction(p * 100, w) for p, w in parts)


# --- evenness ---


def test_one_figure_and_who_is_over_and_under() -> None:
    found: Any = evenness({"a": 10, "b": 5, "c": 5, "d": 0}, MORE, HALF)
    assert (found.mean, found.gini) == (5, Fraction(3, 8))
    assert [(one.id, one.of_mean) for one in found.over] == [("a", 2)]
    assert [one.id for one in found.under] == ["d"]
    even: Any = evenness({"a": 3, "b": 3}, MORE, HALF)
    assert (even.gini, even.over, even.under) == (0, [], [])
    assert (even.units, even.total) == (2, 6)


@pytest.mark.parametrize(
    ("loads", "over", "under"),
    [
        ({"a": 6, "b": 2, "c": 4}, ["a"], ["b"]),  # just at 1.5 times the mean, and just at half of it
        ({"a": 59, "b": 21, "c": 40}, [], []),
        (
            {"d": 90, "c": 90, "a": 95, "b": 1, "e": 0, "f": 1},
            ["a", "c", "d"],
            ["e", "b", "f"],
        ),  # the furthest first, then by id
    ],
)
def test_over_and_under_take_their_bounds_in_and_stand_in_order(
    loads: dict[str, int], over: list[str], under: list[str]
) -> None:
    found = evenness(loads, MORE, HALF)
    assert ([one.id for one in found.over], [one.id for one in found.under]) == (over, under)


@pytest.mark.parametrize(("loads", "mean"), [({"a": 0, "b": 0}, 0), ({}, None)])
def test_with_nothing_to_carry_nobody_is_over_or_under(loads: dict[str, int], mean: int | None) -> None:
    assert evenness(loads, MORE, HALF) == Evenness(len(loads), 0, None if mean is None else Fraction(mean), None, [], [])


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1000), min_size=1, max_size=30), st.integers(2, 9))
def test_gini_is_the_mean_difference_and_does_not_depend_on_the_unit_of_work(loads: dict[str, int], factor: int) -> None:
    found = evenness(loads, MORE, HALF).gini
    total, count = sum(loads.values()), len(loads)
    if not total:
        assert found is None
        return
    assert found == Fraction(sum(abs(x - y) for x in loads.values() for y in loads.values()), 2 * count * total)
    assert 0 <= found < 1
    assert found == evenness({unit: load * factor for unit, load in loads.items()}, MORE, HALF).gini
