"""Rows about records: shuffled within a key, and faster than a reader can take them.

Both write records of their own straight to the topic, of a type whose only readers are the ledger and the probe, with
ids that no outbox has.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import psutil
from aiokafka import AIOKafkaProducer

from common.contracts.base import Envelope
from common.contracts.tasks import ProgressReported
from common.inbox import GUARDS
from common.outbox import new_id
from tests.faults import probe
from tests.faults.arena import Replica
from tests.faults.checker import Damage, Finding
from tests.faults.reading import PLANTED
from tests.faults.stage import Stage
from tests.faults.waits import little_under_way

EVENTS = "tasks-events"
WINDOW = 10
"""How far a record may come from its place within its key, as the matrix says."""
MIB = 2**20


def shuffled_within(items: Sequence[int], window: int, stage: Stage) -> list[int]:
    """These in another order, none more than `window` places from its own."""
    keyed = [(place + stage.dice.uniform(0, window), item) for place, item in enumerate(items)]
    return [item for _, item in sorted(keyed)]


def planted_event(stage: Stage, stream_id: str, sequence: int) -> Envelope:
    """The envelope of an event of a stream that only the rig has; told to the checker."""
    key = new_id()
    stage.planted.add(key)
    return Envelope(key, "/roviec/tasks", ProgressReported.type, stream_id, datetime.now(UTC), sequence, "system:rig", key)


def stream_of(stream_id: str) -> str:
    return f"/roviec/tasks/task/{stream_id}"


async def write(
    stage: Stage, producer: AIOKafkaProducer, events: Iterable[Envelope], filler: str = "", partition: int | None = None
) -> int:
    """Write these to the topic in this order, each under the key of its stream, which says where unless a partition is given;
    how many they were.
    """
    value = json.dumps({"words": filler}).encode()
    topic = stage.arena.prefix + EVENTS
    sent = [await producer.send(topic, value, one.subject.encode(), partition, headers=one.headers()) for one in events]
    await asyncio.gather(*sent)
    return len(sent)


# --- out of order within a key ---


async def shuffled(stage: Stage, size: float) -> None:
    """Row 15: records come up to ten places from where they belong in their stream, several streams at once: what is early
    is parked and applied in its turn, soon after the last one has come.
    """
    for _ in range(max(1, int(size))):
        await little_under_way(stage)
        streams = {f"{PLANTED}{new_id()}": list(range(1, 21)) for _ in range(30)}
        orders = {stream: shuffled_within(numbers, WINDOW, stage) for stream, numbers in streams.items()}
        turns = [stream for stream, numbers in streams.items() for _ in numbers]
        stage.dice.shuffle(turns)
        events = [planted_event(stage, stream, orders[stream].pop(0)) for stream in turns]
        last: Counter[str] = Counter()
        early = 0
        for one in events:
            early += one.sequence > last[one.subject] + 1
            last[one.subject] = max(last[one.subject], one.sequence)
        producer = AIOKafkaProducer(bootstrap_servers=stage.arena.servers.kafka, acks="all", enable_idempotence=True)
        await producer.start()
        try:
            await write(stage, producer, events)
        finally:
            await producer.stop()
        stage.story.fault("record out of order", f"{len(events)} records, {early} of them before their turn", early)
        wanted = {stream_of(stream): numbers for stream, numbers in streams.items()}
        took, _ = await stage.until("every shuffled stream is applied", partial(_applied, stage, wanted), 60)
        stage.figure("shuffled streams applied after, s", took, 10)
        await _in_the_ledger(stage, {one.id for one in events}, wanted)


async def _applied(stage: Stage, wanted: dict[str, list[int]]) -> bool:
    """True when the probe has applied exactly these, in order. What is wrong for good is the checker's to say."""

    def numbers() -> dict[str, list[int]]:
        found = stage.arena.database(probe.NAME)[probe.APPLIED].find({"_id": {"$in": sorted(wanted)}})
        return {row["_id"]: row["numbers"] for row in found}

    return await asyncio.to_thread(numbers) == wanted


async def _in_the_ledger(stage: Stage, ids: set[str], wanted: dict[str, list[int]], seconds: float = 60) -> None:
    """Every planted event is entered; that none is entered twice or early is the checker's to say. While it works, its guards
    are asked, which costs the server less than all that is entered.
    """
    ledger = stage.arena.database("audit")

    def guards() -> dict[str, int]:
        return {row["_id"]: row["seq"] for row in ledger[GUARDS].find({"_id": {"$in": sorted(wanted)}})}

    async def all_of_them() -> bool:
        return await asyncio.to_thread(guards) == {stream: numbers[-1] for stream, numbers in wanted.items()}

    if not (await stage.until("the ledger has applied all planted events", all_of_them, seconds))[1]:
        return
    entered = await asyncio.to_thread(ledger["entries"].distinct, "_id")
    if missing := ids.difference(entered):
        stage.findings.append(Finding(Damage.LOST, "planted event that is not in the ledger", len(missing)))


# --- faster than the reader ---

RATE = 200
"""Planted records a second, all of one partition. The slow reader takes 20 a second of a partition: a tenth."""
FILLER = 2000
STREAMS = 25
"""How many the planted records are of: the probe writes a stream's numbers anew with each, and must not be what is slow."""


async def slow_reader(stage: Stage, size: float) -> None:
    """Row 17: one partition of a reader gets ten times what its handler takes, for half of the run, and has it waiting for
    the other half: fetching rests and goes on, memory stays within bounds, the group stays together. Afterwards the
    product's own handler takes what has piled up.
    """
    arena = stage.arena
    arena.deploy(probe.NAME, "slow")
    members = arena.of(probe.NAME)
    before = {one: assignments(one) for one in members}

    async def joined() -> bool:
        return all(assignments(one) > before[one] for one in members)

    await stage.until("both members have joined their group", joined, 90)
    await asyncio.sleep(5)  # the group has settled, and what is read has been read once
    before = {one: assignments(one) for one in members}
    memory = {one: resident(one) for one in members}
    most = dict(memory)
    streams = [f"{PLANTED}{new_id()}" for _ in range(STREAMS)]
    wanted: dict[str, list[int]] = {stream_of(one): [] for one in streams}
    written, ids = 0, set[str]()
    stage.story.fault("slow reader", f"a handler of 50 ms a record is given {RATE} records a second of one partition")
    producer = AIOKafkaProducer(bootstrap_servers=arena.servers.kafka, acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    started = time.monotonic()
    try:
        while (passed := time.monotonic() - started) < 25 * size:
            due = int(min(passed, 12.5 * size) * RATE)
            events = [planted_event(stage, streams[n % STREAMS], n // STREAMS + 1) for n in range(written, due)]
            ids |= {event.id for event in events}
            for event in events:
                wanted[event.stream].append(event.sequence)
            written += await write(stage, producer, events, "x" * FILLER, partition=0)
            for one in members:
                most[one] = max(most[one], resident(one))
            await asyncio.sleep(0.25)
    finally:
        await producer.stop()
    taken = await asyncio.to_thread(taken_of, stage, wanted)
    stage.figure("records written a second, in the first half", 2 * written / passed)
    stage.figure("records taken a second by the slow reader", taken / passed, RATE / 5)
    stage.figure("growth of a slow reader's memory, MiB", max(most[one] - memory[one] for one in members) / MIB, 64)
    stage.figure("rebalances while a reader is slow", max(assignments(one) - before[one] for one in members), 0)
    arena.deploy(probe.NAME, None)
    took, _ = await stage.until("what has piled up is applied", partial(_applied, stage, wanted), 150)
    stage.figure("applied after the slow reader was replaced, s", took)
    await _in_the_ledger(stage, ids, wanted)


def taken_of(stage: Stage, streams: Iterable[str]) -> int:
    """How many records of these streams the probe has taken."""
    guards = stage.arena.database(probe.NAME)[GUARDS].find({"_id": {"$in": sorted(streams)}})
    return sum(int(row["seq"]) for row in guards)


def assignments(one: Replica) -> int:
    """How often this process was given partitions, by its log: once for each rebalance that it took part in."""
    return one.part.log.read_text(errors="replace").count('"partitions_assigned"')


def resident(one: Replica) -> int:
    """Resident memory of the process in bytes; 0 when it is not there."""
    if one.part.pid is not None:
        with suppress(psutil.Error):
            return int(psutil.Process(one.part.pid).memory_info().rss)
    return 0
