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
from tasks.domain.table import Row, read_csv
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


@pytest.mark.parametrize(
    ("fields", "figures", "day", "stands"),
    [
        ({"baseline": "20"}, {"2025-07-01": "50"}, "2025-12-31", "behind"),  # its last day has not ended
        ({"baseline": "20"}, {"2025-07-01": "50"}, "2026-01-01", "missed"),
        ({"baseline": "20", "due_on": None}, {"2025-07-01": "50"}, "2025-07-02", "no_due_day"),
        ({}, {"2025-07-01": "50"}, "2025-07-02", "no_baseline"),
        ({"baseline": None}, {"2025-07-01": "50"}, "2025-07-02", "no_baseline"),
        ({"baseline": "80"}, {"2025-07-01": "50"}, "2025-07-02", "no_baseline"),  # it began where it is to end, and fell
        ({"baseline": "20", "yearly": True}, {"2025-07-01": "50"}, "2025-07-02", "no_baseline"),
        ({"baseline": "20", "low": None, "high": None}, {"2025-07-01": "50"}, "2025-07-02", "not_one_number"),
        ({"baseline": "20"}, {}, "2025-07-02", "no_figure"),
        ({"baseline": "20"}, {"2025-07-01": "30"}, "2025-07-02", "behind"),
        ({"baseline": "20"}, {"2024-12-01": "30"}, "2024-12-15", "on_track"),  # ahead of its beginning
    ],
)
def test_each_standing_of_a_target(fields: dict[str, Any], figures: dict[str, str], day: str, stands: str) -> None:
    """80 % by 31 December 2025, from 1 January on."""
    given = dict(fields)
    if "baseline" in given:
        given["baseline"] = figure(date(2025, 1, 1), value=given["baseline"])
    one = target("BDHVS-25-1", **given)
    for on, value in figures.items():
        one.measured(figure(date.fromisoformat(on), value=value))
    found = progress(one, date.fromisoformat(day))
    assert found.stands == stands
    if stands in ("behind", "on_track") and day < "2025":
        assert found.time_share == 0, "no time has gone before the beginning"


def test_a_figure_is_corrected_on_its_own_day_and_one_without_a_value_is_none() -> None:
    one = target("BDHVS-25-4")
    for value in (7, 9):
        one.measured(figure(date(2025, 6, 2), unit_id="a", value=value))
    one.measured(figure(date(2025, 6, 2), unit_id="b", value=0))
    assert [(kept.unit_id, kept.value) for kept in one.latest] == [("a", Fraction(9)), ("b", Fraction(0))]
    assert progress(one, date(2025, 6, 2)).value == 9
    for missing in ({}, {"part": 3}, {"whole": 3}):
        assert figure(date(2025, 6, 2), **missing).figure is None
        with pytest.raises(Invalid) as refused:
            one.measured(figure(date(2025, 6, 2), unit_id="a", **missing))
        assert [problem.code for problem in refused.value.errors] == ["value_missing"]
    assert one.figures == 3


def test_a_target_that_is_said_again_is_told_when_it_says_something_else() -> None:
    one = target("BDHVS-25-1")
    assert one.set_up() is one
    assert [event.type for event in one.take_recorded()] == ["tasks.target.set.v1"]
    assert not one.correct({"note": one.note})
    assert one.take_recorded() == []
    assert one.correct({"note": "Bổ sung"})
    assert [event.type for event in one.take_recorded()] == ["tasks.target.set.v1"]


def test_a_figure_is_a_value_or_a_share_in_percent() -> None:
    assert figure(date(2026, 6, 30), part=Fraction(1), whole=Fraction(3)).figure == Fraction(100, 3)
    assert figure(date(2026, 6, 30), value=Fraction(7)).figure == 7


@pytest.mark.parametrize(("value", "reached"), [("4.99", True), ("5", False), ("5.01", False)])
def test_less_than_is_less_and_without_a_number_nothing_is_reached(value: str, reached: bool) -> None:
    five = target("R57-01", operator="<", low=Fraction(5), high=Fraction(5))
    assert met(five, Fraction(value)) is reached
    assert met(five.model_copy(update={"low": None, "high": None}), Fraction(value)) is False


def read_row(**cells: str) -> tuple[dict[str, Any], list[str]]:
    given = {"target_id": "T", "source_doc": "s", "due": "2026", "indicator": "i", "unit": "%", "operator": ">=", "value": "5"}
    reading = Reading(Row(2, given | cells))
    found = read_target(reading)
    return found, sorted(one.code for one in reading.findings)


@pytest.mark.parametrize(
    ("operator", "value", "bounds"),
    [
        (">=", "5", (5, 5)),
        ("range", "8-10", (8, 10)),
        ("range", "8 - 8", (8, 8)),
        ("range", "10-8", None),
        ("range", "8", None),
        ("range", "8-9-10", None),
        ("range", "8-ten", None),
        (">=", "8-10", None),
        (">=", "many", None),
    ],
)
def test_the_number_of_a_target_is_one_or_a_range_that_rises(operator: str, value: str, bounds: tuple[int, int] | None) -> None:
    found, codes = read_row(operator=operator, value=value)
    assert (found["low"], found["high"]) == (bounds or (None, None))
    assert codes == ([] if bounds else ["target_not_one_number"])


@pytest.mark.parametrize(
    ("due", "day", "yearly"),
    [
        ("2026", date(2026, 12, 31), False),
        ("2026-10-30", date(2026, 10, 30), False),
        ("yearly", None, True),
        ("20261030", None, False),
        ("2026-02-30", None, False),
        ("soon", None, False),
    ],
)
def test_the_day_of_a_target_is_a_year_a_day_or_every_year(due: str, day: date | None, yearly: bool) -> None:
    found, codes = read_row(due=due)
    assert (found["due_on"], found["yearly"]) == (day, yearly)
    assert codes == ([] if day or yearly else ["target_without_day"])


@pytest.mark.parametrize(
    ("column", "longest"), [("source_doc", 300), ("indicator", 1000), ("unit", 100), ("value", 100), ("due", 100)]
)
def test_cells_of_a_target_are_needed_and_have_a_longest_length(column: str, longest: int) -> None:
    refused = {text: [one for one in read_row(**{column: text})[1] if not one.startswith("target_")] for text in ("", "x")}
    assert refused == {"": ["cell_missing"], "x": []}
    assert "cell_too_long" not in read_row(**{column: "x" * longest})[1]
    assert "cell_too_long" in read_row(**{column: "x" * (longest + 1)})[1]


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
