"""The rate limit as callers and operators can rely on it, whatever the times at which requests come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import Limiter, Policy

POLICY = Policy("read", 10, 60)
gaps = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200)


def moments(gaps: list[float]) -> list[float]:
    found, now = [], 1000.0
    for gap in gaps:
        now += gap
        found.append(now)
    return found


@given(gaps)
def test_no_window_lets_through_more_than_a_full_quota_and_its_refill(gaps: list[float]) -> None:
    limiter = Limiter()
    passed = [now for now in moments(gaps) if limiter.take("c", POLICY, now).allowed]
    for start in passed:
        inside = [now for now in passed if start <= now < start + POLICY.window]
        assert len(inside) <= 2 * POLICY.quota
    assert len([now for now in passed if now < passed[0] + POLICY.window / POLICY.quota]) <= POLICY.quota + 1


@given(gaps)
def test_remaining_is_true(gaps: list[float]) -> None:
    limiter = Limiter()
    for now in moments(gaps):
        decision = limiter.take("c", POLICY, now)
        assert 0 <= decision.remaining < POLICY.quota
        if decision.allowed:
            probe = Limiter()
            probe._full_at = dict(limiter._full_at)
            burst = [probe.take("c", POLICY, now).allowed for _ in range(decision.remaining + 1)]
            assert burst == [True] * decision.remaining + [False]


@given(gaps)
def test_who_waits_as_told_is_let_in(gaps: list[float]) -> None:
    limiter = Limiter()
    for now in moments(gaps):
        decision = limiter.take("c", POLICY, now)
        if not decision.allowed:
            assert decision.retry_after >= 1
            later = Limiter()
            later._full_at = dict(limiter._full_at)
            assert later.take("c", POLICY, now + decision.retry_after).allowed


def test_a_refused_request_costs_nothing() -> None:
    limiter = Limiter()
    for _ in range(10):
        assert limiter.take("c", POLICY, 0.0).allowed
    for _ in range(100):
        assert not limiter.take("c", POLICY, 0.0).allowed
    assert limiter.take("c", POLICY, 6.0).allowed


def test_callers_and_classes_do_not_share() -> None:
    limiter, other = Limiter(), Policy("write", 10, 60)
    for _ in range(11):
        limiter.take("a", POLICY, 0.0)
    assert limiter.take("b", POLICY, 0.0).allowed
    assert limiter.take("a", other, 0.0).allowed
    assert not limiter.take("a", POLICY, 0.0).allowed


def test_blocked_counts_nothing_and_agrees_with_take() -> None:
    limiter = Limiter()
    for _ in range(9):
        limiter.take("c", POLICY, 0.0)
    assert [limiter.blocked("c", POLICY, 0.0) for _ in range(3)] == [0, 0, 0]
    limiter.take("c", POLICY, 0.0)
    wait = limiter.blocked("c", POLICY, 0.0)
    assert wait == 6
    assert limiter.blocked("c", POLICY, float(wait)) == 0


def test_the_table_is_bounded_and_keeps_who_is_over_the_limit() -> None:
    limiter = Limiter(size=100)
    for _ in range(10):
        limiter.take("greedy", POLICY, 0.0)
    for number in range(10_000):
        limiter.take(f"c{number}", POLICY, number * 0.0001)
        assert len(limiter) <= 100
    assert not limiter.take("greedy", POLICY, 1.0).allowed


def test_the_policy_header_follows_the_draft() -> None:
    assert POLICY.header == b'"read";q=10;w=60'
