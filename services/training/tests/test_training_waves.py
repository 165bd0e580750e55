"""The rule of the waves: leaders first, exact thresholds, overrides on record, nobody held up by nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts.training import WaveOpened
from common.errors import NotFound, RuleBroken
from training.domain.programme import Programme
from training.domain.waves import Override, Wave, Waves

NOW = datetime(2026, 4, 1, tzinfo=UTC)
UNIT = "vn:commune:00694@2025-07-01"


def begun(threshold: int = 100, audiences: dict[str, int] | None = None) -> Waves:
    audiences = audiences or {"AUD-LEAD": 0, "AUD-CBCC": 1, "AUD-CITIZEN": 2}
    programme = Programme(
        id="p1", title="Học", course_ids=["C-AI"], threshold_percent=threshold, audiences=audiences, created_at=NOW
    )
    return Waves.begin(programme, UNIT, NOW)


def filled(*learners: int, threshold: int = 100) -> Waves:
    waves = begun(threshold)
    for number, count in enumerate(learners):
        for _ in range(count):
            waves.join(number)
    return waves


def complete(waves: Waves, number: int, times: int = 1, expected: frozenset[int] = frozenset()) -> list[int]:
    for _ in range(times):
        waves.count_completion(number)
    return waves.advance(NOW, expected)


def openings(waves: Waves) -> list[tuple[int, bool]]:
    events = waves.take_recorded()
    return [(event.wave, event.overridden) for event in events if isinstance(event, WaveOpened)]


def override(reason: str = "lãnh đạo nghỉ ốm") -> Override:
    return Override(reason=reason, by="person:per-1", at=NOW)


def test_only_the_first_wave_is_open_from_the_beginning() -> None:
    waves = filled(1, 2, 3)
    assert waves.advance(NOW) == []
    assert [wave.is_open for wave in waves.waves] == [True, False, False]
    assert openings(waves) == []


@pytest.mark.parametrize(
    ("threshold", "learners", "needed"), [(100, 5, 5), (80, 5, 4), (80, 6, 5), (1, 300, 3), (85, 10_000, 8500), (34, 3, 2)]
)
def test_the_threshold_is_exact(threshold: int, learners: int, needed: int) -> None:
    waves = filled(learners, 1, threshold=threshold)
    assert complete(waves, 0, needed - 1) == []
    assert complete(waves, 0) == [1]
    assert openings(waves) == [(1, False)]


def test_four_of_five_leaders_are_enough_at_80_and_not_at_100() -> None:
    assert complete(filled(5, 3, threshold=100), 0, 4) == []
    assert complete(filled(5, 3, threshold=80), 0, 4) == [1]


def test_each_wave_waits_for_the_one_before() -> None:
    waves = filled(1, 2, 1)
    assert complete(waves, 0) == [1]
    assert complete(waves, 1) == []
    assert complete(waves, 1) == [2]


def test_a_wave_without_learners_is_passed_over() -> None:
    waves = filled(1, 0, 4)
    assert complete(waves, 0) == [1, 2]
    assert filled(0, 3, 0).advance(NOW) == [1]
    assert filled(0, 0, 3).advance(NOW) == [1, 2]


def test_a_wave_whose_people_are_not_enrolled_yet_is_waited_for() -> None:
    waves = filled(0, 3, 0)
    assert waves.advance(NOW, {0}) == []
    waves.join(0)
    assert waves.advance(NOW) == []
    assert complete(waves, 0) == [1]


def test_nothing_is_passed_over_for_the_sake_of_nobody() -> None:
    waves = filled(1, 0, 0)
    assert complete(waves, 0) == [1]
    assert not waves.is_open(2)


def test_who_leaves_is_not_waited_for() -> None:
    waves = filled(2, 1)
    assert complete(waves, 0) == []
    waves.leave(0)
    assert waves.advance(NOW) == [1]


def test_what_is_open_stays_open() -> None:
    waves = filled(1, 1)
    complete(waves, 0)
    waves.join(0)
    assert waves.advance(NOW) == []
    assert waves.is_open(1)


def test_an_override_opens_the_next_wave_and_stays_on_record() -> None:
    waves = filled(5, 2, 1)
    waves.override(1, override())
    assert openings(waves) == [(1, True)]
    assert waves.wave(1).override == override()
    assert complete(waves, 1, 2) == [2], "what counts from now on is the wave that is open"


def test_an_override_of_an_open_or_distant_or_unknown_wave_is_refused() -> None:
    waves = filled(1, 1, 1)
    for number, code in ((0, "already_open"), (2, "not_next")):
        with pytest.raises(RuleBroken) as refused:
            waves.override(number, override())
        assert [problem.code for problem in refused.value.errors] == [code]
    with pytest.raises(NotFound):
        waves.override(7, override())
    assert openings(waves) == []


STEPS = st.one_of(
    st.tuples(st.just("join"), st.integers(0, 3)),
    st.tuples(st.just("leave"), st.integers(0, 3)),
    st.tuples(st.just("complete"), st.integers(0, 3)),
    st.tuples(st.just("override"), st.integers(0, 3)),
    st.tuples(st.just("look"), st.integers(0, 3)),
)


@settings(max_examples=400)
@given(st.integers(1, 100), st.lists(st.tuples(STEPS, st.frozensets(st.integers(0, 3), max_size=2)), max_size=40))
def test_no_wave_opens_before_its_time(threshold: int, steps: list[tuple[tuple[str, int], frozenset[int]]]) -> None:
    waves = begun(threshold, {"AUD-LEAD": 0, "AUD-CBCC": 1, "AUD-CITIZEN": 2, "AUD-FIRM": 3})
    for at, ((what, number), expected) in enumerate(steps):
        wave, moment = waves.wave(number), NOW + timedelta(minutes=at)
        unfinished = wave.enrolled > wave.completed
        was_open = [one.is_open for one in waves.waves]
        match what:
            case "join":
                waves.join(number)
            case "leave" if unfinished:
                waves.leave(number)
            case "complete" if unfinished and wave.is_open:
                waves.count_completion(number)
            case "override":
                try:
                    waves.override(number, override())
                except RuleBroken:
                    assert wave.is_open or not waves.waves[number - 1].is_open
        waves.advance(moment, expected)
        check(waves, was_open, expected)


def check(waves: Waves, was_open: list[bool], expected: frozenset[int]) -> None:
    """What must hold after every step."""
    states = [wave.is_open for wave in waves.waves]
    assert states == sorted(states, reverse=True), "no wave is open behind a closed one"
    assert all(now for now, before in zip(states, was_open, strict=True) if before), "what is open stays open"
    just_opened = [place for place, now in enumerate(states) if now and not was_open[place]]
    assert [number for number, _ in openings(waves)] == just_opened, "each opening is told once"
    for place in just_opened:
        before, wave = waves.waves[place - 1], waves.waves[place]
        enough = reached(before, waves.threshold_percent)
        nobody = before.enrolled == 0 and before.number not in expected
        assert enough or nobody or wave.override is not None
    if False in states:
        closed = states.index(False)
        assert not reached(waves.waves[closed - 1], waves.threshold_percent), "what may open is open"
        waiting = any(wave.enrolled for wave in waves.waves[closed:])
        empty = waves.waves[closed - 1].enrolled == 0 and closed - 1 not in expected
        assert not (waiting and empty), "nobody is held up by nobody"


def reached(wave: Wave, threshold: int) -> bool:
    return wave.enrolled > 0 and Fraction(wave.completed, wave.enrolled) >= Fraction(threshold, 100)


@given(st.permutations([0, 0, 1, 1, 1, 2]))
def test_the_order_of_enrolling_decides_nothing(order: list[int]) -> None:
    waves = begun()
    for place, number in enumerate(order):
        waves.join(number)
        waves.advance(NOW, set(order[place + 1 :]))
    assert [wave.is_open for wave in waves.waves] == [True, False, False]
