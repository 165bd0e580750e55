"""What the relay sends at once, and what it must not send any more. The broker here is a recorder."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from common import relay
from common.relay import BATCH_BYTES, Relay, batches_of, is_unfair
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area, eventually

ROOM = 2 * BATCH_BYTES
"""What the producer is told that a batch may hold."""


def row(number: int, payload: bytes = b"{}", header: bytes = b"x", attempts: int = 0) -> dict[str, Any]:
    return {
        "_id": f"e{number}", "aggregatetype": "course", "aggregateid": f"c{number}", "aggseq": 1, "key": b"k",
        "headers": [["ce_id", header]], "payload": payload, "attempts": attempts, "bucket": 0,
        "created_at": datetime.now(UTC),
    }  # fmt: skip


def new_batch() -> BatchBuilder:
    return BatchBuilder(ROOM, 0)


@pytest.mark.parametrize("rows", [
    [row(n, payload=b"x" * 200_000) for n in range(12)],
    [row(0), *(row(n, header=b"x" * 900_000) for n in range(1, 4))],
    [row(0), row(1, payload=b"x" * 3_000_000), row(2)],
    [row(n) for n in range(500)],
])  # fmt: skip
def test_every_row_of_a_batch_has_room_in_it(rows: list[dict[str, Any]]) -> None:
    batches = batches_of(rows)
    assert [one["_id"] for batch in batches for one in batch] == [one["_id"] for one in rows]
    for rows_of_batch in batches:
        batch = new_batch()
        for one in rows_of_batch:
            headers = [(name, value) for name, value in one["headers"]]
            assert batch.append(timestamp=1, key=one["key"], value=one["payload"], headers=headers) is not None


def test_a_row_that_failed_travels_alone() -> None:
    batches = batches_of([row(0), row(1, attempts=1), row(2), row(3)])
    assert [[one["_id"] for one in batch] for batch in batches] == [["e0"], ["e1"], ["e2", "e3"]]


@pytest.mark.parametrize(("held", "members", "unfair"), [
    ("aaaa", "a", False),
    ("aaaa", "ab", True),
    ("bb--", "ab", True),
    ("bbaa", "ab", False),
    ("aa--", "a", True),
    ("----", "", True),
    ("bbbb", "ab", False),  # the other is to hand back first
    ("aabb", "abc", False),
    ("bbcc", "abc", False),
    ("bbcc", "bc", False),  # not known as a member yet
])  # fmt: skip
def test_a_relay_sees_that_it_has_too_much_or_too_little(held: str, members: str, unfair: bool) -> None:
    owners = {f"relay/{number}": owner for number, owner in enumerate(held) if owner != "-"}
    assert is_unfair(owners | {f"relay-member/{member}": member for member in members}, "a") is unfair


@pytest.mark.servers
async def test_ranges_change_hands_long_before_a_lease_is_to_be_renewed(area: Area) -> None:
    """What is pending in a range waits as long as nobody holds it."""
    service = Service("training", "pair", Settings, [])

    async def share(process: Process, ranges: int) -> bool:
        assert process.relay is not None
        return sum(lease.held() for lease in process.relay._ranges) == ranges

    async with area.running(service, "worker", lease_seconds=90.0) as first:
        await eventually("the first holds all", lambda: share(first, 4), 20)
        async with area.running(service, "worker", lease_seconds=90.0) as second:
            await eventually("the second has its half", lambda: share(second, 2), 20)
            assert await share(first, 2)
        await eventually("the first has it all back", lambda: share(first, 4), 20)


async def test_nothing_is_sent_once_the_lease_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new owner may be sending already: what is left is its business."""
    monkeypatch.setattr(relay, "BATCH_BYTES", 1)  # every row a batch
    area = Area("unit", "127.0.0.1:9", "mongodb://127.0.0.1:9/")
    service = Service("training", "writer", Settings, [])
    process = Process(service, area.settings(service), "worker")
    own = process.relay
    assert isinstance(own, Relay)
    lease = own._ranges[0]
    lease._until = float("inf")
    sent: list[int] = []

    async def send_batch(batch: Any, topic: str, partition: int) -> asyncio.Future[None]:
        sent.append(partition)
        if len(sent) == 2:
            lease.lost()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    producer: Any = SimpleNamespace(create_batch=new_batch, send_batch=send_batch)
    acknowledged, failed = await own._send_lane(producer, "t", 0, [row(n) for n in range(5)])
    assert (acknowledged, failed, len(sent)) == (["e0", "e1"], False, 2)
    await process.database.close()
