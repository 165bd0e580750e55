"""Outbox and relay, model-checked: commits in any order, two relays that overlap, sends that are lost, doubled or late."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, RequestTimedOutError
from hypothesis import strategies as st
from hypothesis.stateful import rule
from libs.common.tests.model_world import EPOCH, SETTINGS, Crashed, Model, Session, break_it, explore

from common.inbox import Verdict, judge
from common.mongo import PyMongoError
from common.outbox import OUTBOX, PARKED, PENDING, SENT, bucket_of
from common.relay import Relay

STREAMS = ("s0", "s1", "s2", "s3")
PARTITIONS = (0, 1)
STREAM = st.sampled_from(STREAMS)
MEANWHILE = st.lists(STREAM, unique=True, min_size=1)
"""Whose transactions are committed while relays are at work."""
REFUSED = st.sampled_from([False] * 7 + [True])
TRAVEL = st.sampled_from([0.0, 0.02])
FATES = ("acknowledged", "lost", "unknown", "hangs", "acknowledged and the lease runs out")
ENOUGH_ROUNDS = 150


@dataclass(frozen=True)
class Sent:
    """What a record on the topic says."""

    stream: str
    sequence: int
    id: str


@dataclass
class Broker:
    """Topic partitions as lists, and what becomes of the next sends."""

    log: dict[int, list[Sent]] = field(default_factory=lambda: {partition: [] for partition in PARTITIONS})
    fates: deque[str] = field(default_factory=deque)
    late: list[tuple[int, list[Sent]]] = field(default_factory=list)
    """Batches whose producer was given up before it was known what became of them: they may arrive at any time."""
    refused: set[str] = field(default_factory=set)
    """Ids of events that no broker takes."""
    early: list[str] = field(default_factory=list)
    """Events that a relay sent before their predecessors."""


class Batch:
    def __init__(self) -> None:
        self.records: list[Sent] = []

    def append(self, *, key: bytes, value: bytes, timestamp: int, headers: list[tuple[str, bytes | None]]) -> object:
        sequence, event_id = value.decode().strip().split()
        self.records.append(Sent(key.decode(), int(sequence), event_id))
        return self

    def close(self) -> None: ...


class Producer:
    """What the relay uses of the client."""

    owner: Watched
    _sender = SimpleNamespace(_sender_task=None)

    def __init__(self, broker: Broker) -> None:
        self.broker, self.client, self._closed = broker, self, False

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def partitions_for(self, topic: str) -> set[int]:
        return set(PARTITIONS)

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, partition: int) -> asyncio.Future[None]:
        assert not self._closed, "a producer that was given up is used again"
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.owner.about_to_send(batch.records)
        if any(one.id in self.broker.refused for one in batch.records):
            answer.set_exception(MessageSizeTooLargeError())
            return answer
        fate = self.broker.fates.popleft() if self.broker.fates else "acknowledged"
        if fate in ("lost", "hangs"):
            self.broker.late.append((partition, batch.records))
        else:
            self.broker.log[partition] += batch.records
        if fate == "lost":
            answer.set_exception(KafkaConnectionError())
        elif fate == "unknown":
            answer.set_exception(RequestTimedOutError())
        elif fate != "hangs":
            self.owner.acknowledged |= {(one.stream, one.sequence) for one in batch.records}
            answer.set_result(None)
        if fate == "acknowledged and the lease runs out":
            self.owner.hold(False)
        return answer


class Watched(Relay):
    """The relay, with an eye on what it gives to the broker."""

    broker: Broker

    def watch(self, broker: Broker) -> Relay:
        self.broker = broker
        self.acknowledged: set[tuple[str, int]] = set()
        return self

    async def _ready_producer(self) -> Any:
        producer = await super()._ready_producer()
        producer.owner = self
        return producer

    def hold(self, held: bool) -> None:
        for one in self._ranges:
            one.epoch, one._until = (1, math.inf) if held else (0, 0.0)
        self._parked_seen = 0.0

    def about_to_send(self, records: list[Sent]) -> None:
        rows = self.units.database.collection(OUTBOX).server.rows(OUTBOX).values()
        out = {(row["aggregateid"], row["aggseq"]) for row in rows if row["state"] == SENT} | self.acknowledged
        for one in records:
            if one.sequence > 1 and (one.stream, one.sequence - 1) not in out:
                self.broker.early.append(one.id)
            out.add((one.stream, one.sequence))


class Path(Model):
    """Writers, two relays, a topic of two partitions, and a reader that applies by the guard."""

    kind: ClassVar[type[Watched]] = Watched

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.patch("common.relay.AIOKafkaProducer", lambda **_: Producer(self.broker))
        self.patch("common.relay.BATCH_BYTES", 450)  # two or three rows
        self.patch("common.relay.SCAN", 8)
        self.patch("common.relay.MAX_PERMANENT_ATTEMPTS", 2)
        self.relays = [self.start(number) for number in range(2)]
        self.relays[0].hold(True)
        self.written = 0
        self.open: dict[str, Session] = {}
        self.losing_at: str | None = None
        self.position = dict.fromkeys(PARTITIONS, 0)
        self.applied: dict[str, list[str]] = defaultdict(list)
        self.waiting: dict[tuple[str, int], str] = {}

    def start(self, number: int) -> Watched:
        one = self.kind(self.units(f"p{number}"), SETTINGS)
        one.watch(self.broker)
        return one

    # --- writers ---

    def committed(self, stream: str) -> list[dict[str, Any]]:
        rows = [row for row in self.server.rows(OUTBOX).values() if row["aggregateid"] == stream]
        return sorted(rows, key=lambda row: int(row["aggseq"]))

    @rule(stream=STREAM, count=st.integers(1, 3), refused=REFUSED)
    def begin(self, stream: str, count: int, refused: bool) -> None:
        if stream in self.open:
            return
        session = self.open[stream] = Session(self.server.data)
        first = len(self.committed(stream)) + 1
        for sequence in range(first, first + count):
            self.written += 1
            key = f"e{self.written:06}"
            if refused:
                self.broker.refused.add(key)
            self.server.insert(OUTBOX, {
                "_id": key, "type": "training.course.registered.v1", "aggregatetype": "course", "aggregateid": stream,
                "aggseq": sequence, "topic": "t", "key": stream.encode(), "headers": [],
                "payload": f"{sequence} {key}".encode(),
                "state": PENDING, "bucket": bucket_of(stream), "attempts": 0, "created_at": EPOCH,
            }, session)  # fmt: skip

    @rule(stream=STREAM, aborted=st.sampled_from([False, False, True]))
    def end(self, stream: str, aborted: bool) -> None:
        if (session := self.open.pop(stream, None)) is not None:
            (self.server.end if aborted else self.server.commit)(session)

    def commit(self, stream: str) -> None:
        self.end(stream, aborted=False)

    @rule(stream=STREAM, count=st.integers(1, 3), refused=REFUSED)
    def write(self, stream: str, count: int, refused: bool) -> None:
        self.begin(stream, count, refused)
        self.commit(stream)

    @rule(stream=STREAM, first=st.integers(1, 5))
    def replay(self, stream: str, first: int) -> None:
        """An operator has what was sent sent again."""
        for row in self.committed(stream):
            if row["state"] == SENT and row["aggseq"] >= first:
                self.server.put(OUTBOX, row["_id"], {**row, "state": PENDING, "attempts": 0}, None)

    # --- relays ---

    @rule(holders=st.sampled_from([[0], [1], [0, 1]]))
    def lease(self, holders: list[int]) -> None:
        """Both may hold the same buckets: one of them was paused and does not know yet that its lease is over."""
        for number, one in enumerate(self.relays):
            one.hold(number in holders)

    @rule(
        numbers=st.sampled_from([[0], [1], [0, 1]]), travel=TRAVEL, luck=st.integers(0, 255), meanwhile=MEANWHILE,
        fates=st.lists(st.sampled_from(FATES), max_size=2), pause=st.sampled_from([0.0, 0.5, 6.0, 40.0]),
    )  # fmt: skip
    def rounds(
        self, numbers: list[int], travel: float, luck: int, meanwhile: list[str], fates: list[str], pause: float
    ) -> None:
        """One relay or both do a round, while transactions are committed and the broker fails."""
        self.broker.fates = deque(fates)
        self.pass_time(pause)
        for stream in meanwhile:
            self.begin(stream, 2, refused=False)
        self.chance.seed(luck)
        self.server.travel = travel
        commits = [self.commit_soon(stream) for stream in meanwhile]
        self.run_all([*(self.one_round(number) for number in numbers), *commits])
        self.server.travel = 0.0

    def run_all(self, works: list[Coroutine[Any, Any, None]]) -> None:
        async def together() -> None:
            await asyncio.gather(*works)

        self.run(together())

    async def commit_soon(self, stream: str) -> None:
        await asyncio.sleep(self.chance.random() * 0.04)
        self.commit(stream)

    async def one_round(self, number: int) -> None:
        try:
            await asyncio.ensure_future(self.relays[number]._round())
        except PyMongoError:
            pass  # `run` waits and goes on
        except Crashed:
            self.restart(number)
        self.server.away = False

    @rule(where=st.sampled_from(["relay.before_send", "relay.after_send", "relay.after_mark"]), database=st.booleans())
    def fail_at(self, where: str, database: bool) -> None:
        """The next relay that comes there dies, or loses its database."""
        if database:
            self.losing_at = where
        else:
            self.crash_at = where

    def _point(self, name: str) -> None:
        super()._point(name)
        if name == self.losing_at:
            self.losing_at, self.server.away = None, True

    @rule(number=st.integers(0, 1))
    def restart(self, number: int) -> None:
        held = self.relays[number]._ranges[0].held()
        self.relays[number] = self.start(number)
        self.relays[number].hold(held)

    @rule(numbers=st.sampled_from([[0], [1], [0, 1]]), count=st.integers(1, 4))
    def quiet_rounds(self, numbers: list[int], count: int) -> None:
        for _ in range(count):
            self.rounds(numbers, 0.0, 0, [], [], 1.0)

    @rule(number=st.integers(0, 3))
    def deliver_late(self, number: int) -> None:
        if number < len(self.broker.late):
            partition, records = self.broker.late.pop(number)
            self.broker.log[partition] += records

    # --- the reader ---

    @rule(partition=st.sampled_from(PARTITIONS), count=st.sampled_from([1, 5, 20]), back=st.sampled_from([0, 0, 3]))
    def read(self, partition: int, count: int, back: int = 0) -> None:
        """Read on, or once more from a while before."""
        at = self.position[partition] = max(0, self.position[partition] - back)
        for record in self.broker.log[partition][at : at + count]:
            self.apply(record)
            self.position[partition] += 1

    def judge(self, sequence: int, last: int) -> Verdict:
        return judge(sequence, last)

    def apply(self, record: Sent) -> None:
        done = self.applied[record.stream]
        match self.judge(record.sequence, len(done)):
            case Verdict.NEXT:
                done.append(record.id)
                if (behind := self.waiting.pop((record.stream, len(done) + 1), None)) is not None:
                    self.apply(Sent(record.stream, len(done) + 1, behind))
            case Verdict.GAP:
                self.waiting[record.stream, record.sequence] = record.id

    # --- what must hold ---

    def look(self) -> None:
        assert not self.broker.early, f"sent before their predecessors: {self.broker.early}"
        for stream, done in self.applied.items():
            known = [row["_id"] for row in self.committed(stream)]
            assert done == known[: len(done)], f"{stream}: applied {done} of {known}"

    def settle(self) -> None:
        """Faults stop: everything arrives, once and in order, but what is refused and what is behind it."""
        self.crash_at = self.losing_at = None
        self.broker.fates.clear()
        for stream in STREAMS:
            self.commit(stream)
        for partition, records in self.broker.late:
            self.broker.log[partition] += records
        self.relays[1].hold(False)
        self.relays[0].hold(True)
        refused = self.broker.refused
        expected: dict[str, list[str]] = {}
        holding: set[str] = set()
        for stream in STREAMS:
            known = [row["_id"] for row in self.committed(stream)]
            first = next((key for key in known if key in refused), None)
            expected[stream] = known if first is None else known[: known.index(first)]
            holding |= set() if first is None else {first}
        self.send_all({key for keys in expected.values() for key in keys}, holding)
        assert {stream: self.applied[stream] for stream in STREAMS} == expected
        refused.clear()  # the broker's limit is raised, and an operator makes what was parked pending
        for row in list(self.server.rows(OUTBOX).values()):
            if row["state"] == PARKED:
                self.server.put(OUTBOX, row["_id"], {**row, "state": PENDING, "attempts": 0}, None)
        everything = {row["_id"]: row["aggregateid"] for row in self.server.rows(OUTBOX).values()}
        self.send_all(set(everything), set())
        for stream in STREAMS:
            assert self.applied[stream] == [row["_id"] for row in self.committed(stream)], "something is lost"

    def send_all(self, wanted: set[str], holding: set[str]) -> None:
        """Rounds without faults until these are sent and those are parked, and some more; then everything is read."""

        def state(keys: set[str]) -> set[str]:
            return {self.server.rows(OUTBOX)[key]["state"] for key in keys}

        for _ in range(ENOUGH_ROUNDS):
            if state(wanted) <= {SENT} and state(holding) <= {PARKED}:
                break
            self.run(self.one_round(0))
            self.pass_time(1.0)
        for _ in range(3 if holding else 1):
            self.pass_time(SETTINGS.lease_seconds)
            self.run(self.one_round(0))
        for partition, log in self.broker.log.items():
            self.read(partition, len(log))
        self.look()


def test_every_event_arrives_once_and_in_order() -> None:
    explore(Path, 120, 50)


# --- planted faults ---


class PositionRelay(Watched):
    """Remembers how far it got, and looks only behind that."""

    reached = ""

    async def _scan(self, owned: list[int], session: Any) -> list[Any]:
        rows = [row for row in await super()._scan(owned, session) if row["_id"] > self.reached]
        self.reached = max([self.reached, *(row["_id"] for row in rows)])
        return rows


class TornRelay(Watched):
    """Scans without a snapshot: sees the second of two events of one transaction without the first."""

    async def _scan(self, owned: list[int], session: Any) -> list[Any]:
        return await super()._scan(owned, None)


class ForgetfulRelay(Watched):
    """Leaves what is behind a parked event in its scan, where it takes the places of other streams."""

    async def _learn_parked(self, owned: list[int]) -> None: ...


class HopefulRelay(Watched):
    """Takes an unknown outcome for a good one."""

    async def _send_lane(self, *given: Any) -> tuple[list[str], bool]:
        _, failed = await super()._send_lane(*given)
        return [row["_id"] for row in given[-1]], failed


@pytest.mark.parametrize("fault", [PositionRelay, TornRelay, ForgetfulRelay, HopefulRelay])
def test_the_model_sees_a_faulty_relay(fault: type[Watched]) -> None:
    class Sabotaged(Path):
        kind = fault

    with pytest.raises(AssertionError):
        break_it(Sabotaged)


def test_the_model_sees_a_reader_without_a_guard() -> None:
    class Sabotaged(Path):
        def judge(self, sequence: int, last: int) -> Verdict:
            return Verdict.NEXT

    with pytest.raises(AssertionError):
        break_it(Sabotaged)
