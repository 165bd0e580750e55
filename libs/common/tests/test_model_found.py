"""What the models found, step by step; and how far they look."""

from __future__ import annotations

from libs.common.tests.model_world import AT_LEAST, by_hand
from libs.common.tests.test_model_inbox import SOURCE, Reader
from libs.common.tests.test_model_lease import Leases
from libs.common.tests.test_model_outbox import Path


def test_the_models_take_enough_steps() -> None:
    assert sum(AT_LEAST.values()) >= 20_000


def test_a_release_that_a_slow_server_gets_to_late_does_not_end_the_lease_taken_since() -> None:
    """A server that was stopped works through what waits on its sockets in any order."""
    with by_hand(Leases) as state:
        state.take(who=0, travel=0.0)
        state.release(who=0, travel=1.0)
        state.give_up_waiting(who=0)
        state.take(who=0, travel=0.0)
        assert state.holders() == [0]
        state.wait(seconds=4.0)
        state.take(who=1, travel=0.0)
        assert state.holders() == [0]


def test_a_dead_letter_that_was_applied_when_it_came_again_holds_nobody_up() -> None:
    """A reader that learned a new version gets everything again by `replay`, before anybody redrives the dead letters."""
    with by_hand(Reader) as state:
        state.publish(stream="s0", kinds=["later", "good", "good"])
        state.receive_new(count=3, travel=0.0, looking=False)
        assert state.seen("s0") == []
        state.deploy()
        state.receive(start=0, count=1, luck=0, travel=0.0, looking=False)
        state.wait_and_look(seconds=6.0)
        assert state.seen("s0") == state.published("s0")
        assert state.server.rows("inbox_parked") == {}
        assert state.server.rows("inbox_guards")[f"{SOURCE}/course/s0"]["seq"] == 3


def test_a_record_that_rests_and_is_applied_when_it_comes_again_holds_nobody_up() -> None:
    with by_hand(Reader) as state:
        state.publish(stream="s0", kinds=["failing", "good"])
        state.receive_new(count=2, travel=0.0, looking=False)
        for _ in range(8):  # each look fails, and it rests twice as long
            state.wait_and_look(seconds=70.0)
        assert state.seen("s0") == []
        state.mend_the_handler()
        state.receive(start=0, count=1, luck=0, travel=0.0, looking=False)
        assert state.seen("s0") == state.published("s0")


def test_a_relay_sends_nothing_behind_an_event_that_an_overlapping_one_parked() -> None:
    """Each relay looks for parked events every few seconds; what was parked since is in the scan itself."""
    with by_hand(Path) as state:
        state.lease([0, 1])
        state.write(stream="s0", count=2, refused=True)
        state.quiet_rounds(numbers=[1], count=2)
        state.quiet_rounds(numbers=[0], count=1)
        state.quiet_rounds(numbers=[1], count=1)
        assert state.broker.early == []
