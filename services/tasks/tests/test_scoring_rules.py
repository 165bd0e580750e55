"""Scores by the real rubric: the golden cases by their ids, and what holds of every score."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from common.errors import Invalid
from tasks.domain.exact import Given, exact, rounded, shown, written
from tasks.domain.rubric import Content, Criterion, Misread, Reader, Rubric, read_bands
from tasks.domain.scoring import Deduction, Fact, ScoringRules, check_fact, score, show_points, total
from tasks.domain.table import Row, read_csv
from tasks.features.register_rubric import COLUMNS

DATA = Path(__file__).parents[3] / "data"


def golden(*areas: str) -> list[Any]:
    with (DATA / "golden_cases.csv").open(encoding="utf-8", newline="") as lines:
        return [
            pytest.param(row["input"], row["expected"], id=row["case_id"])
            for row in csv.DictReader(lines)
            if row["area"] in areas
        ]


def content_of(data: bytes) -> Content:
    reader = Reader()
    for row in read_csv(data, COLUMNS).rows:
        reader.row(row)
    found = reader.end()
    assert reader.problems == []
    return found


REAL = content_of((DATA / "scoring_rubric.csv").read_bytes())
RUBRIC = Rubric(id="r", name="r", source="s", valid_from="2026-08-19", digest="d", **dict(REAL))
RULES = ScoringRules()


def criterion(name: str) -> Criterion:
    found = RUBRIC.criterion(name)
    assert found is not None
    return found


def scored(facts: list[Fact], deductions: list[Deduction], rules: ScoringRules, level: str) -> Any:
    return score(RUBRIC, facts, deductions, rules, level)


def line(name: str, value: str | Fraction, rules: ScoringRules = RULES) -> Any:
    found = scored([Fact(criterion=name, value=value, source="s")], [], rules, "commune")
    return next(line for line in found.lines if line.criterion == name)


# --- golden cases ---

POINTS = {"score.ontime": ("M-II-1", "M-II-2"), "score.disbursement": ("M-II-6",), "score.training": ("M-II-4",)}


@pytest.mark.parametrize(("value", "points"), golden("score.ontime"))
def test_tasks_in_time(value: str, points: str) -> None:
    for name in POINTS["score.ontime"]:
        assert line(name, value.rstrip("%")).points == Fraction(points)


@pytest.mark.parametrize(("value", "points"), golden("score.disbursement"))
def test_disbursement(value: str, points: str) -> None:
    assert line("M-II-6", value.rstrip("%")).points == Fraction(points)


@pytest.mark.parametrize(("value", "points"), golden("score.training"))
def test_training(value: str, points: str) -> None:
    assert line("M-II-4", value.rstrip("%")).points == Fraction(points)


@pytest.mark.parametrize(("value", "name"), golden("score.class"))
def test_class_of_the_year(value: str, name: str) -> None:
    found = RUBRIC.class_of(Fraction(value))
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(("words", "expected"), golden("score.na"))
def test_what_does_not_apply(words: str, expected: str) -> None:
    if words == "all criteria not applicable":
        facts = [Fact(criterion=one.id, applies=False, source="s") for one in RUBRIC.criteria]
        found = scored(facts, [], RULES, "commune").score
        assert expected.startswith("no score")
        assert found is None
    else:
        points, applicable = (Fraction(part) for part in words.removeprefix("points ").split(" of applicable "))
        assert total(points, applicable, Fraction(0), accepted=True, penalties_from="points") == Fraction(expected)


# --- the rubric as it is written ---


def test_the_real_rubric_is_read_whole() -> None:
    by_group: dict[str, Fraction] = {}
    for one in REAL.criteria:
        by_group[one.group] = by_group.get(one.group, Fraction(0)) + one.max_points
    assert by_group == {"I Steering": 20, "II Result": 80}, "DOMAIN 2.5: steering 20, results 80"
    penalties: list[Any] = [(one.id, one.points) for one in REAL.penalties]
    assert penalties == [
        ("M-P-1", 2),
        ("M-P-2", None),
        ("M-P-3", Fraction("0.5")),
        ("M-P-4", 1),
    ]
    assert [one.name for one in REAL.classes] == ["D", "C", "B", "A"]
    assert [one.id for one in REAL.remarks] == ["M-N-1", "M-N-2", "M-N-3", "Y-S"] + [f"BN-{n}" for n in range(1, 7)]
    assert RUBRIC.small_unit_below == 30


def test_a_case_beside_the_bands_and_levels_for_communes_alone() -> None:
    held = Fact(criterion="M-II-4", case="no plan but held", source="s")
    level = Fact(criterion="M-II-3", case="level 2", source="s")
    commune, province = (scored([held, level], [], RULES, of) for of in ("commune", "province"))
    points = {one.criterion: one.points for one in commune.lines}
    assert (points["M-II-4"], points["M-II-3"]) == (8, 9)
    assert "M-II-3" in province.left_out, "the rubric has no bands for it there"
    assert province.applicable == commune.applicable - 18


def test_a_yes_that_is_not_said_is_a_no_and_earns_nothing() -> None:
    found = scored([Fact(criterion="M-I-1", case="no", source="s")], [], RULES, "commune").lines[0]
    assert (found.points, found.gain.to_case, found.gain.points) == (0, "yes", 10)
    held = criterion("M-II-4")
    assert [case.name for case in held.cases] == ["no plan but held"], "beside bands there is no such case"
    assert read_bands("a -> 1; b -> 2")[1][-1].name == "b", "nor where cases are named"


@pytest.mark.parametrize(
    ("written_bands", "code"),
    [
        ("r>=85 -> 10; 60<=r<80 -> 5; r<60 -> 0", "bands_gap"),
        ("r>=85 -> 10; 60<=r<90 -> 5; r<60 -> 0", "bands_overlap"),
        ("r>=85 -> 10; 60<r<85 -> 5; r<=60 -> 0", "band_not_half_open"),
        ("n>=2 -> 10; n=0 -> 0", "bands_gap"),
        ("n<100 -> 3", "bands_gap"),
        ("n>=1.5 -> 3", "band_not_whole"),
        ("commune: 0 / 9 / 18", "levels_not_falling"),
        ("r>>5 -> 3", "band_unread"),
        ("r>=5", "band_unread"),
        ("-> 3", "band_unread"),
        ("r>=5 -> 3; n<5 -> 1", "band_unread"),
        ("r>=5 -> lots", "points_unread"),
        ("r>=5 -> round(r/0*10, 2)", "points_unread"),
    ],
)
def test_bands_that_cannot_be_held_against_a_value_are_refused(written_bands: str, code: str) -> None:
    with pytest.raises(Misread) as misread:
        read_bands(written_bands)
    assert misread.value.code == code
    assert misread.value.quote


def test_what_no_band_names_at_the_low_end_earns_nothing_and_is_marked() -> None:
    people: Any = criterion("M-II-5a")
    assert [(band.lower, band.upper, band.flat, band.implied) for band in people.bands] == [
        (0, 1, 0, True),
        (1, 50, 1, False),
        (50, 100, 3, False),
        (100, None, 6, False),
    ]


def test_of_counts_only_whole_numbers_exist_so_that_both_bounds_may_be_written_either_way() -> None:
    for words in ("n<=4 -> 1; n>4 -> 3", "n<5 -> 1; n>=5 -> 3", "0<=n<=4 -> 1; 4<n<=9 -> 2; n>=10 -> 3", "n=0 -> 0; n>0 -> 3"):
        bands = read_bands(words)[0]
        assert [band.lower for band in bands][:2] == [0, 1 if "n=0" in words else 5], words
        assert [band.upper for band in bands] == [*(band.lower for band in bands[1:]), None], words
    assert [(str(band.lower), band.implied) for band in read_bands("n>=1 -> 5")[0]] == [("0", True), ("1", False)]
    assert [band.upper for band in read_bands("n=0 -> 0; n=1 -> 1; n>=2 -> 3")[0]] == [1, 2, None]


def test_what_the_rubric_does_not_say_itself_is_marked() -> None:
    assert [criterion(name).implied for name in ("M-I-1", "M-II-5a", "M-II-4", "M-II-6")] == [True, True, False, False]
    assert [case.implied for case in criterion("M-II-4").cases] == [False]
    assert [(case.name, case.implied) for case in criterion("M-I-1").cases] == [("yes", False), ("no", True)]
    assert [criterion(name).top for name in ("M-II-1", "M-II-6", "M-I-1")] == [100, None, None]


def test_a_rubric_names_all_its_rows_and_is_registered_with_its_digest() -> None:
    with (DATA / "scoring_rubric.csv").open(encoding="utf-8", newline="") as lines:
        assert sorted(REAL.ids()) == sorted(row["rule_id"] for row in csv.DictReader(lines))
    one = Rubric(id="r", name="n", source="s", valid_from="2026-08-19", digest="d" * 64, **dict(REAL))
    assert one.register() is one
    assert [event.type for event in one.take_recorded()] == ["tasks.rubric.registered.v1"]
    assert (RUBRIC.criterion("M-P-1"), RUBRIC.penalty("M-I-1")) == (None, None), "by their kind"


def classes_of(*words: str) -> Reader:
    reader = Reader()
    row = {"group": "Y", "criterion": "Class C", "max_points": "", "unit": ""}
    reader.row(Row(2, row | {"rule_id": "X", "criterion": "c", "max_points": "10", "bands": "yes -> 10"}))
    for number, bands in enumerate(words, 3):
        reader.row(Row(number, row | {"rule_id": f"Y-{number}", "bands": bands}))
    reader.end()
    return reader


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["score<50", "50<=score<90", "score>=90"], None),
        (["score>=90", "score<50", "50<=score<90"], None),
        (["score<50", "60<=score<90", "score>=90"], "bands_gap"),
        (["10<=score<50", "score>=50"], "bands_gap"),
        (["score<50", "50<=score<90"], "bands_gap"),
        (["score=50"], "band_unread"),
        (["a score"], "band_unread"),
    ],
)
def test_classes_of_the_year_leave_no_score_without_one(words: list[str], code: str | None) -> None:
    assert [one.code for one in classes_of(*words).problems] == ([] if code is None else [code])


def test_a_table_without_criteria_is_none_and_what_is_wrong_is_said_once() -> None:
    reader = Reader()
    reader.end()
    assert [one.code for one in reader.problems] == ["no_criteria"]
    wrong = Reader()
    wrong.row(Row(2, {"rule_id": "X", "group": "I", "criterion": "c", "max_points": "9", "bands": "yes -> 10", "unit": ""}))
    wrong.end()
    assert [one.code for one in wrong.problems] == ["max_not_earned"]


@pytest.mark.parametrize(
    ("most", "bands", "code"),
    [
        ("10", "r>=50 -> 10; r<50 -> 5", None),
        ("10", "r>=50 -> 10; r<50 -> 10", None),
        ("1", "yes -> 1", None),
        ("10", "r>=50 -> 5; r<50 -> 10", "bands_fall"),
        ("10", "r>=60 -> 10; r<60 -> round(r/60*11, 2)", "bands_fall"),
        ("10", "r>=60 -> 10; r<60 -> round(r/60*10, 2)", None),
        ("10", "same bands", "max_not_earned"),
        ("9", "same bands", None),
    ],
)
def test_a_higher_value_never_earns_less_by_any_rubric(most: str, bands: str, code: str | None) -> None:
    reader = Reader()
    cells = {"rule_id": "X", "group": "I", "criterion": "c", "unit": ""}
    reader.row(Row(2, cells | {"max_points": "9", "bands": "yes -> 9"}))
    reader.row(Row(3, cells | {"rule_id": "Z", "max_points": most, "bands": bands}))
    assert [one.code for one in reader.problems] == ([] if code is None else [code])
    assert len(reader.content.criteria) == (2 if code is None else 1)


def test_rows_that_are_wrong_are_named_with_their_words() -> None:
    reader = Reader()
    cells = {"rule_id": "X", "group": "I", "criterion": "c", "max_points": "9", "bands": "yes -> 10", "unit": ""}
    reader.row(Row(2, cells))
    reader.row(Row(3, cells | {"group": "Penalty", "max_points": "much"}))
    reader.row(Row(4, cells | {"max_points": "0", "bands": "yes -> 0"}))
    reader.end()
    assert [(one.field, one.code, one.quote) for one in reader.problems] == [
        ("row 2.bands", "max_not_earned", "9: yes -> 10"),
        ("row 3.max_points", "penalty_unread", "much"),
        ("row 4.bands", "max_unread", "0"),
    ]


# --- what a score says ---


def test_the_cliff_of_disbursement_is_kept_and_the_way_up_is_shown() -> None:
    below = line("M-II-6", "59.99")
    assert below.gain is not None
    assert (below.points, below.gain.to_value, below.gain.by) == (0, 60, Fraction("0.01"))
    assert below.gain.points == Fraction("7.06")
    assert line("M-II-6", "84.96").gain is None, "full marks by rounding: no band earns more"


def test_the_smallest_change_counts_tasks_where_tasks_are_counted() -> None:
    fact = Fact(criterion="M-II-1", part=7, whole=9, source="s", origin="tasks", task_ids=["t1", "t2"])
    found = next(one for one in scored([fact], [], RULES, "commune").lines if one.criterion == "M-II-1")
    assert (found.points, found.band) == (4, "70<=r<80 -> 4")
    assert found.gain is not None
    assert (found.gain.more, found.gain.to_value, found.gain.points) == (1, 80, 2)
    assert found.task_ids == ["t1", "t2"]


def test_penalties_and_a_form_that_came_too_late() -> None:
    facts = [Fact(criterion=one.id, case="yes", source="s") for one in RUBRIC.criteria if one.case("yes")]
    late = Deduction(penalty="M-P-1", source="s")
    missing = Deduction(penalty="M-P-3", times=3, source="s")
    rules = ScoringRules(missing_fact="left_out")
    plain = scored(facts, [late, missing], rules, "commune")
    assert (plain.points, plain.applicable, plain.penalties) == (18, 18, Fraction("3.5"))
    assert plain.score == Fraction(29, 36) * 100
    other = scored(facts, [late, missing], rules.model_copy(update={"penalties_from": "score"}), "commune")
    assert other.score == Fraction("96.5")
    void = scored(facts, [Deduction(penalty="M-P-2", source="s")], rules, "commune")
    assert (void.score, void.accepted) == (0, False)


def test_a_fact_that_nobody_told_is_nothing_or_left_out_as_the_committee_says_and_always_provisional() -> None:
    facts = [Fact(criterion="M-I-1", case="yes", source="s")]
    zero = scored(facts, [], RULES, "commune")
    left_out = scored(facts, [], ScoringRules(missing_fact="left_out"), "commune")
    assert (zero.score, zero.applicable, zero.provisional) == (10, 100, True)
    assert (left_out.score, left_out.applicable, left_out.provisional) == (100, 10, True)


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        ({"criterion": "M-II-1", "value": "100.01"}, "value_beyond"),
        ({"criterion": "M-II-1", "value": "-1"}, "value_negative"),
        ({"criterion": "M-I-2", "value": "1.5"}, "value_not_whole"),
        ({"criterion": "M-I-1", "value": "1"}, "case_expected"),
        ({"criterion": "M-I-1", "case": "maybe"}, "case_unknown"),
        ({"criterion": "M-II-4"}, "value_missing"),
    ],
)
def test_values_that_do_not_exist_are_refused(fact: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        scored([Fact(source="s", **fact)], [], RULES, "commune")
    assert [problem.code for problem in refused.value.errors] == [code]
    with pytest.raises(Invalid):
        scored([], [Deduction(penalty="X", source="s")], RULES, "commune")


@pytest.mark.parametrize("penalties_from", ["points", "score"])
def test_penalties_take_no_more_than_there_is(penalties_from: Any) -> None:
    for points, expected in ((3, Fraction(10)), (2, 0), (1, 0)):
        found = total(Fraction(points), Fraction(10), Fraction(2), accepted=True, penalties_from=penalties_from)
        assert found == (expected if penalties_from == "points" else points * 10 - 2)
    assert total(Fraction(1), Fraction(100), Fraction(2), accepted=True, penalties_from=penalties_from) == 0


def test_a_score_of_which_everything_is_known_is_not_provisional_and_a_level_gains_the_next() -> None:
    facts = [Fact(criterion=one.id, applies=False, source="s") for one in RUBRIC.criteria if one.id != "M-II-3"]
    found = scored([*facts, Fact(criterion="M-II-3", case="level 2", source="s")], [], RULES, "commune")
    assert (found.provisional, found.points, found.applicable, found.score) == (False, 9, 18, 50)
    (level,) = [one for one in found.lines if one.counted]
    assert level.known
    assert level.gain is not None
    assert (level.gain.to_case, level.gain.points) == ("level 1", 9)
    best = scored([Fact(criterion="M-II-3", case="level 1", source="s")], [], RULES, "commune")
    assert next(one.gain for one in best.lines if one.criterion == "M-II-3") is None


@pytest.mark.parametrize(
    ("fact", "code", "quote"),
    [
        ({"criterion": "M-II-1", "value": "0"}, None, None),
        ({"criterion": "M-II-1", "value": "100"}, None, None),
        ({"criterion": "M-II-1", "part": 1, "whole": 3}, None, None),
        ({"criterion": "M-II-1", "part": 1}, "value_missing", None),
        ({"criterion": "M-II-1", "whole": 1}, "value_missing", None),
        ({"criterion": "M-II-1", "part": 4, "whole": 3}, "value_beyond", "400/3"),
        ({"criterion": "X", "value": "0"}, "criterion_unknown", "X"),
    ],
)
def test_a_fact_is_checked_before_it_is_kept(fact: dict[str, Any], code: str | None, quote: str | None) -> None:
    with pytest.raises(Invalid) if code else nullcontext() as refused:
        check_fact(RUBRIC, Fact(source="s", **fact), "commune")
    if refused is not None:
        assert [(problem.code, problem.quote) for problem in refused.value.errors] == [(code, quote)]


def test_the_committee_decides_how_its_rubric_is_read_and_is_told_when_it_differs() -> None:
    rules = ScoringRules()
    assert not rules.decide({"missing_fact": "zero"})
    assert rules.take_recorded() == []
    assert rules.decide({"missing_fact": "left_out"})
    assert [event.type for event in rules.take_recorded()] == ["tasks.scoring_rules.changed.v1"]
    assert (show_points(Fraction("7.065")), show_points(Fraction(7))) == ("7.07", "7")


# --- what holds of every score ---


@st.composite
def facts_of_a_month(draw: Any) -> list[Fact]:
    facts = []
    for one in RUBRIC.criteria:
        kind = draw(st.sampled_from(["none", "not", "value", "value", "case"]))
        if kind == "not":
            facts.append(Fact(criterion=one.id, applies=False, source="s"))
        elif kind == "case" and one.cases:
            facts.append(Fact(criterion=one.id, case=draw(st.sampled_from(one.cases)).name, source="s"))
        elif kind != "none" and one.bands:
            if one.measure == "count":
                facts.append(Fact(criterion=one.id, value=draw(st.integers(0, 300)), source="s"))
            else:
                whole = draw(st.integers(1, 400))
                part = draw(st.integers(0, whole if one.top is not None else 2 * whole))
                facts.append(Fact(criterion=one.id, part=part, whole=whole, source="s"))
    return facts


DEDUCTIONS = st.lists(
    st.builds(Deduction, penalty=st.sampled_from(["M-P-1", "M-P-3", "M-P-4"]), times=st.integers(1, 40), source=st.just("s")),
    max_size=3,
)
SETTINGS = st.builds(
    ScoringRules, missing_fact=st.sampled_from(["zero", "left_out"]), penalties_from=st.sampled_from(["points", "score"])
)


@given(facts_of_a_month(), DEDUCTIONS, SETTINGS, st.sampled_from(["commune", "province"]))
@settings(max_examples=150)
def test_every_score_is_within_bounds_and_explained_to_the_last_point(
    facts: list[Fact], deductions: list[Deduction], rules: ScoringRules, level: str
) -> None:
    found = scored(facts, deductions, rules, level)
    assert [one.criterion for one in found.lines] == [one.id for one in RUBRIC.criteria]
    assert found.points == sum(one.points for one in found.lines)
    assert found.applicable == sum(one.max_points for one in found.lines if one.counted)
    assert found.penalties == sum(one.points or 0 for one in found.taken)
    for one in found.lines:
        assert 0 <= one.points <= one.max_points
        assert one.counted or one.points == 0
        assert one.counted == (one.criterion not in found.left_out)
        assert (one.because is None) == (one.counted and one.known), "whatever earns nothing for want of sense says why"
    if found.score is None:
        assert found.applicable == 0
    else:
        assert 0 <= found.score <= 100
        again = found.points - found.penalties if rules.penalties_from == "points" else found.points
        lost = 0 if rules.penalties_from == "points" else found.penalties
        assert found.score == max(0, again / found.applicable * 100 - lost)


@given(st.sampled_from([one for one in RUBRIC.criteria if one.bands]), st.data())
@settings(max_examples=150)
def test_the_smallest_change_is_enough_and_nothing_less_is(one: Criterion, data: Any) -> None:
    ceiling = 100 if one.top is not None else 300
    value = data.draw(
        st.integers(0, ceiling).map(Fraction) if one.measure == "count"
        else st.fractions(min_value=0, max_value=ceiling, max_denominator=997)
    )  # fmt: skip
    before = line(one.id, value)
    if before.gain is None:
        assert all(band.points(band.lower) <= before.points for band in one.bands if band.lower > value)
        return
    assert before.gain.to_value == value + before.gain.by
    after = line(one.id, before.gain.to_value)
    assert (after.band, after.points) == (before.gain.band, before.points + before.gain.points)
    less = before.gain.to_value - (1 if one.measure == "count" else Fraction(1, 10**6))
    if less >= value:
        assert line(one.id, less).band == before.band


@given(st.sampled_from([one for one in RUBRIC.criteria if one.bands]), st.fractions(0, 300), st.fractions(0, 300))
def test_more_never_earns_less(one: Criterion, first: Fraction, second: Fraction) -> None:
    low, high = sorted((first, second))
    if one.measure == "count":
        low, high = Fraction(int(low)), Fraction(int(high))
    if one.top is not None:
        low, high = min(low, one.top), min(high, one.top)
    assert line(one.id, low).points <= line(one.id, high).points


# --- exact numbers ---


@given(st.fractions(-(10**6), 10**6))
def test_what_is_written_is_read_again_and_what_is_shown_never_crosses_a_border(value: Fraction) -> None:
    assert exact(written(value)) == value
    assert abs(Fraction(shown(value))) <= abs(value)
    assert abs(Fraction(shown(value)) - value) < Fraction(1, 100)
    assert abs(rounded(value, 2) - value) <= Fraction(1, 200)


def test_what_is_computed_of_what_people_write_is_read_again_and_longer_numbers_are_not_taken() -> None:
    """A share of two long numbers, and the sum of many such, is kept: a document that could not be read again is lost."""
    sent = TypeAdapter[Fraction](Given)
    longest = sent.validate_python("999999999999999/999999999999998")
    total = sum((longest + Fraction(1, 10**15 - number) for number in range(30)), Fraction(0)) / Fraction(1, 3)
    assert len(written(total)) > 500
    assert exact(written(total)) == total
    for text in ("1" * 16, "9" * 41, "1/" + "9" * 16, "0." + "1" * 13):
        with pytest.raises(ValidationError, match="15 digits"):
            sent.validate_python(text)


@pytest.mark.parametrize("text", ["", "1e9", "1/0", "１", "nan", 0.5, True, None, "9" * 4001])
def test_what_is_no_exact_number_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        exact(text)


def test_a_number_without_an_end_is_a_fraction() -> None:
    assert [written(Fraction(1, 10**places)) for places in (12, 13)] == ["0.000000000001", "1/10000000000000"]
    assert written(Fraction(-5, 2)) == "-2.5"


def test_halves_go_up() -> None:
    assert [written(rounded(Fraction(n, 1000), 2)) for n in (5, 15, 25, -5)] == ["0.01", "0.02", "0.03", "-0.01"]
    assert (shown(Fraction("89.999")), shown(Fraction(-1, 1000)), shown(Fraction(7), 0)) == ("89.99", "0.00", "7")
