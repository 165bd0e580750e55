"""The page of figures: verdicts, what is missed, what is missing; the run of one bench changes its own rows alone."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from bench import peers
from bench.measure import Comparison, Goal, Pace, Sample, Spread, compared, contest, verdict
from bench.report import TITLES, renew, row

ABOUT = {"date": "2026-11-25 01:00 UTC", "commit": "0123456789", "machine": "2 processors, 24 GiB"}


def figure(ratio: float, goal: Goal | None, measure: str = "GET", peer: str = "nginx", note: str = "") -> Comparison:
    spread = Spread(ratio, ratio - 0.01, ratio + 0.01)
    return Comparison(measure, peer, "req/s", goal, note, spread, Spread(1234, 1, 2), Spread(56.78, 1, 2))


@pytest.mark.parametrize(
    ("ratio", "goal", "said"),
    [
        (0.29, Goal((0.30, 0.60)), "**missed**"),
        (0.30, Goal((0.30, 0.60)), "met, **next missed**"),
        (0.60, Goal((0.30, 0.60)), "met"),
        (3.1, Goal((3.0,), at_most=True), "**missed**"),
        (2.9, Goal((3.0,), at_most=True), "met"),
        (0.1, None, "no goal"),
    ],
)
def test_the_median_is_held_against_the_goal(ratio: float, goal: Goal | None, said: str) -> None:
    assert verdict(figure(ratio, goal)) == said


def test_a_row_shows_ratio_spread_goal_rates_and_processor_time() -> None:
    one = Comparison(
        "GET", "nginx", "req/s", Goal((0.3, 0.6)), "", Spread(0.456, 0.4, 0.5), Spread(4567.8, 1, 2), Spread(56.78, 1, 2),
        Spread(83.4, 1, 2), Spread(1250, 1, 2),
    )  # fmt: skip
    assert row(one) == (
        "| GET | nginx | **0.46** (0.40-0.50) | ≥ 0.3, then ≥ 0.6 | met, **next missed** | 4,568 req/s | 56.8 req/s "
        "| 83 / 1,250 µs |"
    )


def test_a_missing_peer_is_a_row_with_the_reason_and_no_missed_goal() -> None:
    absent = Comparison("GET", "HAProxy", "req/s", Goal((1.0,)), missing="haproxy is not on this machine")
    page = renew("", {"gateway": ([absent], ABOUT)})
    assert "| GET | HAProxy | not here: haproxy is not on this machine | ahead | not taken |" in page
    assert "None of those that were measured." in page


def test_a_run_of_one_bench_puts_its_own_rows_anew_and_the_list_of_what_is_missed() -> None:
    both = renew(
        "",
        {
            "relay": ([figure(0.5, Goal((0.85,)), "relay", "send_batch", "a note")], ABOUT),
            "gateway": ([figure(0.2, Goal((0.30,)))], ABOUT),
        },
    )
    assert both.index("## Gateway") < both.index("## Relay")
    assert "- Gateway: GET, against nginx: **0.20** (0.19-0.21), the goal of ≥ 0.3." in both
    assert "- Relay: relay, against send_batch: **0.50** (0.49-0.51), the goal of ≥ 0.85." in both

    one = renew(both, {"gateway": ([figure(0.4, Goal((0.30,)))], {**ABOUT, "date": "2026-11-26 09:00 UTC"})})
    assert "- Gateway:" not in one
    assert "**0.40** (0.39-0.41)" in one
    assert "2026-11-26" in one
    assert _section(one, "relay") == _section(both, "relay")
    assert "- a note" in one
    assert renew(one, {}) == one


def _section(page: str, name: str) -> str:
    found = re.search(rf"<!-- bench {name} -->.*?<!-- /bench -->", page, re.DOTALL)
    assert found is not None
    return found[0]


def test_every_bench_has_its_title() -> None:
    from bench.__main__ import BENCHES

    assert list(BENCHES) == list(TITLES)


async def test_sides_run_in_turn_and_ratios_are_taken_round_by_round() -> None:
    order: list[str] = []

    def side(name: str, values: list[float]) -> tuple[str, object]:
        left = iter(values)

        async def run() -> Sample:
            await asyncio.sleep(0)
            order.append(name)
            return Sample(next(left), 10.0)

        return name, run

    sides = dict([side("a", [99, 10, 40, 30]), side("b", [1, 10, 10, 10])])
    rounds = await contest(sides, Pace(rounds=3))  # type: ignore[arg-type]
    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
    one = compared(rounds, "a", "b", measure="m", peer="p", unit="x")
    assert one.ratio == Spread(3.0, 1.0, 4.0)
    assert one.cpu_ours == Spread(10.0, 10.0, 10.0)


async def test_a_side_that_fails_is_named() -> None:
    async def broken() -> Sample:
        raise AssertionError("Non-2xx")

    with pytest.raises(AssertionError) as failed:
        await contest({"Envoy": broken}, Pace())
    assert "on the side of: Envoy" in failed.value.__notes__


def test_envoy_is_told_the_issuers_keys_and_asks_every_path_for_a_token(tmp_path: object) -> None:
    setting = peers.Setting(tmp_path, 1, 2, "https://issuer", "roviec", {"keys": [{"kid": "k"}]}, "t")  # type: ignore[arg-type]
    config = json.loads(json.dumps(peers.envoy_config(setting)))
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    names = [one["name"] for one in manager["http_filters"]]
    assert names.index("jwt") < names.index("envoy.filters.http.router")
    authn = manager["http_filters"][0]["typed_config"]
    assert json.loads(authn["providers"]["gateway"]["local_jwks"]["inline_string"]) == {"keys": [{"kid": "k"}]}
    assert authn["rules"] == [{"match": {"prefix": "/"}, "requires": {"provider_name": "gateway"}}]


def test_the_versions_shown_are_those_of_the_lock() -> None:
    assert re.fullmatch(r"faststream \d[\w.]+, aiokafka \d[\w.]+", peers.packaged("faststream", "aiokafka")())
