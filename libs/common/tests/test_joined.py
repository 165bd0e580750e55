"""What waits for an earlier record of its stream is applied in the transaction that applies that one."""

from __future__ import annotations

from typing import Any

import pytest
from libs.common.tests.model_world import by_hand
from libs.common.tests.test_model_inbox import Reader

from common import inbox
from common.inbox import PARKED
from common.outbox import OUTBOX


def come(state: Reader, *numbers: int) -> None:
    """The records with these places in the topic arrive together, in this order."""
    state.chance.seed(1)  # none is moved to another place
    state.receive_all([state.log[number - 1] for number in numbers], 0.0, False)


@pytest.fixture
def parked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sequences of the records that were parked, each time."""
    sequences: list[int] = []
    parking = inbox.park

    def park(uow: Any, record: Any, envelope: Any, *rest: Any) -> None:
        sequences.append(envelope.sequence)
        parking(uow, record, envelope, *rest)

    monkeypatch.setattr(inbox, "park", park)
    return sequences


def test_what_comes_with_the_missing_one_is_not_parked_behind_what_waits(parked: list[int]) -> None:
    with by_hand(Reader) as state:
        state.publish("s0", ["good"] * 7)
        come(state, 2, 4)
        assert parked == [2, 4]
        come(state, 6, 3, 1, 5, 7)
        assert state.seen("s0") == state.published("s0")
        assert state.server.rows(PARKED) == {}
        assert parked == [2, 4], "what waits was fetched, and nothing more was set aside"


def test_what_waits_and_comes_again_is_not_set_aside_again(parked: list[int]) -> None:
    with by_hand(Reader) as state:
        state.publish("s0", ["good"] * 4)
        come(state, 2, 3)
        come(state, 3, 4)
        assert parked == [2, 3, 4]
        come(state, 4, 1)
        assert state.seen("s0") == state.published("s0")
        assert parked == [2, 3, 4]


def test_a_dead_letter_that_comes_again_with_others_stays_where_it_is() -> None:
    with by_hand(Reader) as state:
        state.publish("s0", ["broken", "good", "good"])
        come(state, 1, 2)
        come(state, 1, 2, 3)
        assert {row["why"] for row in state.server.rows(PARKED).values()} == {"dead", "gap"}
        assert len(state.server.rows(OUTBOX)) == 1
        assert state.seen("s0") == []


def only(state: Reader, why: str) -> dict[str, Any]:
    """The one record that is parked for this reason, as it is stored."""
    (row,) = [row for row in state.server.rows(PARKED).values() if row["why"] == why]
    return dict(row)


@pytest.mark.parametrize("seconds", [0.0, 1.5], ids=["while it rests", "when its pause is over"])
def test_what_failed_is_not_tried_with_a_batch_behind_it(seconds: float) -> None:
    with by_hand(Reader) as state:
        state.publish("s0", ["failing", "good", "good", "good"])
        come(state, 1, 2)
        before = only(state, "failed")
        state.pass_time(seconds)
        come(state, 3, 4)
        assert only(state, "failed") == before, "the next look tries it, alone"
        state.pass_time(1.5)
        state.mended = True
        state.run(state.look_at_parked())
        assert state.seen("s0") == state.published("s0")


def test_what_rests_is_not_tried_by_a_look_at_its_stream() -> None:
    with by_hand(Reader) as state:
        state.publish("s0", ["failing", "good"])
        come(state, 1, 2)
        state.mended = True
        state.run(state.inbox.drain(str(only(state, "failed")["stream"])))
        assert state.seen("s0") == [], "its pause is not over"


def test_what_goes_on_waiting_does_not_crowd_others_out_of_the_next_look() -> None:
    with by_hand(Reader) as state:
        state.publish("s0", ["good"] * 3)
        come(state, 2, 3)
        state.pass_time(6.0)
        assert len(state.run(state.inbox.due())) == 2
        state.run(state.look_at_parked())
        assert state.run(state.inbox.due()) == []


def test_what_fails_among_those_that_waited_is_blamed_itself() -> None:
    with by_hand(Reader) as state:
        state.publish("s0", ["good", "failing", "good", "good"])
        come(state, 2, 3)
        come(state, 1, 4)
        assert state.seen("s0") == state.published("s0")[:1]
        why = {row["sequence"]: row["why"] for row in state.server.rows(PARKED).values()}
        assert why == {2: "failed", 3: "gap", 4: "gap"}


def test_more_than_a_batch_of_waiting_ones_is_applied_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.consumer.BATCH", 5)
    with by_hand(Reader) as state:
        for _ in range(4):
            state.publish("s0", ["good"] * 4)
        come(state, *range(2, 15))
        come(state, 15, 1)
        assert state.seen("s0") == state.published("s0")[:15]
