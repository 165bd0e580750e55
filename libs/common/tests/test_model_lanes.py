"""Lanes and offsets, model-checked: two members of a group on a broker that moves partitions, loses commits and members."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError
from hypothesis import strategies as st
from hypothesis.stateful import rule
from libs.common.tests.model_world import SETTINGS, Model, break_it, explore

from common.consumer import Consumer, Halted, Lane
from common.contracts.base import Message, Record
from common.contracts.training import CourseRegistered
from common.errors import database_away
from common.unit_of_work import UnitOfWork

TOPIC = "training-events"
PARTITIONS = tuple(TopicPartition(TOPIC, number) for number in range(3))
MEMBERS = (0, 1)
SECONDS = st.sampled_from([0.05, 0.5, 1.5, 5.0, 12.0])
SLOW = (0.0, 0.0, 0.3, 4.0, 30.0)
"""Seconds that a batch takes; the last is more than a partition's owner is given to finish."""
TROUBLES = ("applied", "applied", "database away", "failed in the middle", "halted in the middle")


@dataclass
class Broker:
    """Ends of partitions, what the group committed, and who owns what."""

    ends: dict[TopicPartition, int] = field(default_factory=lambda: dict.fromkeys(PARTITIONS, 0))
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    members: list[Client] = field(default_factory=list)
    generation: int = 0
    fates: deque[str] = field(default_factory=deque)
    """What becomes of the next commits: `lost` (not done), `unknown` (done, and the answer lost)."""
    done: dict[TopicPartition, set[int]] = field(default_factory=lambda: {one: set() for one in PARTITIONS})
    """Which records were applied: what the database knows."""
    wrong: list[str] = field(default_factory=list)

    async def rebalance(self, shares: dict[Client, list[TopicPartition]]) -> None:
        """Everybody gives up everything, then gets a share; one who does not answer within the time is left out."""
        for client in list(self.members):
            if client not in shares:
                self.members.remove(client)
            else:
                await client.listener.on_partitions_revoked(client.assigned)
                client.assigned = set()
        self.generation += 1
        for client, share in shares.items():
            client.generation = self.generation
            client.assigned = set(share)
            client.positions = {one: self.committed.get(one, 0) for one in share}
            client.stopped = set()
            await client.listener.on_partitions_assigned(client.assigned)
            if client not in self.members:
                self.members.append(client)


class Client:
    """What the consumer uses of aiokafka's."""

    def __init__(self, broker: Broker) -> None:
        self.broker, self.generation = broker, -1
        self.assigned: set[TopicPartition] = set()
        self.positions: dict[TopicPartition, int] = {}
        self.stopped: set[TopicPartition] = set()
        self.broken = self.closed = False
        self.listener: Any = None

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self.listener = listener

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.closed = True
        if self in self.broker.members:
            self.broker.members.remove(self)

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        if self.broken:
            raise KafkaConnectionError("the coordinator is gone")
        found: dict[TopicPartition, list[Any]] = {}
        for place in sorted(self.assigned - self.stopped):
            at = self.positions[place]
            upto = min(self.broker.ends[place], at + 7)
            if upto > at:
                found[place] = [raw(place, offset) for offset in range(at, upto)]
                self.positions[place] = upto
        await asyncio.sleep(timeout_ms / 1000 if not found else 0.01)
        return found

    def paused(self) -> set[TopicPartition]:
        return self.stopped

    def pause(self, place: TopicPartition) -> None:
        self.stopped.add(place)

    def resume(self, place: TopicPartition) -> None:
        self.stopped.discard(place)

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        await asyncio.sleep(0.01)
        if not set(offsets) <= self.assigned:
            raise IllegalStateError("not assigned")
        if self not in self.broker.members or self.generation != self.broker.generation:
            raise CommitFailedError("another generation")
        fate = self.broker.fates.popleft() if self.broker.fates else "done"
        if fate != "lost":
            for place, offset in offsets.items():
                missing = set(range(offset)) - self.broker.done[place]
                if missing:
                    self.broker.wrong.append(f"{place.partition}: {offset} committed, {sorted(missing)} not applied")
            self.broker.committed |= offsets
        if fate != "done":
            raise KafkaConnectionError(fate)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {one: self.broker.ends[one] for one in places}

    async def position(self, place: TopicPartition) -> int:
        if place not in self.assigned:
            raise IllegalStateError("not assigned")
        return self.positions[place]


def raw(place: TopicPartition, offset: int) -> Any:
    return SimpleNamespace(
        topic=place.topic, partition=place.partition, offset=offset, key=b"k", value=b"x" * 100, headers=(), timestamp=offset
    )


class FakeInbox:
    """Stands for the inbox: applies a batch whole, late, in part or not at all."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.slow: deque[float] = deque()
        self.troubles: deque[str] = deque()

    async def process(self, records: list[Record]) -> None:
        how = self.troubles.popleft() if self.troubles else "applied"
        await asyncio.sleep(self.slow.popleft() if self.slow else 0.0)
        part = {"applied": len(records), "halted in the middle": len(records) // 2, "failed in the middle": len(records) // 2}
        for record in records[: part.get(how, 0)]:
            place = TopicPartition(record.topic, record.partition)
            done = self.broker.done[place]
            if record.offset and record.offset - 1 not in done:
                self.broker.wrong.append(f"{record.place} is applied before the one in front of it")
            done.add(record.offset)
        match how:
            case "database away":
                raise database_away()
            case "failed in the middle":
                raise RuntimeError("a fault of ours")
            case "halted in the middle":
                raise Halted

    async def due(self) -> list[Any]:
        return []


async def on_course(message: Message[CourseRegistered], uow: UnitOfWork) -> None: ...


class Group(Model):
    """The real consumers of one group, as two processes that die, hang, are cut off and come back."""

    kind: ClassVar[type[Consumer]] = Consumer
    single_writer: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.patch("common.consumer.AIOKafkaConsumer", lambda **_: Client(self.broker))
        self.patch("common.consumer.ensure_topics", self.nothing)
        self.patch("common.consumer.BATCH", 5)
        self.patch("common.consumer.HIGH_WATER", 9)
        self.consumers: list[Consumer | None] = [None, None]
        self.tasks: dict[Consumer, asyncio.Task[None]] = {}
        self.start(0)
        self.start(1)

    async def nothing(self, *_: Any) -> None: ...

    def client(self, number: int) -> Client | None:
        consumer = self.consumers[number]
        client: Client | None = None if consumer is None else consumer._consumer
        return client

    # --- members ---

    def start(self, number: int) -> None:
        if self.consumers[number] is None:
            made = self.kind(self.units(f"p{number}", "notifications"), SETTINGS, [on_course], single_writer=self.single_writer)
            made.inbox = FakeInbox(self.broker)  # type: ignore[assignment]
            self.consumers[number] = made
            self.tasks[made] = self.loop.create_task(made.run())
            self.pass_time(0.05)
            self.share(MEMBERS, 0)

    @rule(members=st.sampled_from([(0,), (1,), (0, 1)]), turn=st.integers(0, 2))
    def share(self, members: Iterable[int], turn: int) -> None:
        """The group's coordinator hands the partitions out anew; who is not among the members was silent for too long."""
        clients = [one for one in map(self.client, members) if one is not None and not one.closed]
        if clients:
            shares = {one: list(PARTITIONS[place :: len(clients)]) for place, one in enumerate(clients)}
            if turn == 2:
                shares = dict(zip(clients, reversed(list(shares.values())), strict=True))
            self.run(self.broker.rebalance(shares))

    @rule(number=st.sampled_from(MEMBERS), seconds=SECONDS)
    def die(self, number: int, seconds: float) -> None:
        """Without a word: nothing more is committed, and the partitions go to the other."""
        consumer = self.consumers[number]
        if consumer is not None:
            self.kill(consumer)
            self.consumers[number] = None
            self.share(MEMBERS, 0)
            self.pass_time(seconds)
            self.start(number)

    def kill(self, consumer: Consumer) -> None:
        client: Any = consumer._consumer
        if client is not None:
            client.generation = -1  # whatever its last breath tries is refused
            if client in self.broker.members:
                self.broker.members.remove(client)
        for lane in set(consumer._lanes.values()):
            if lane.task is not None:
                lane.task.cancel()
        self.tasks.pop(consumer).cancel()
        self.pass_time(0.0)

    @rule(number=st.sampled_from(MEMBERS))
    def stop(self, number: int) -> None:
        consumer = self.consumers[number]
        if consumer is not None:
            consumer.stop()
            self.pass_time(40.0)
            assert self.tasks.pop(consumer).done(), "it was told to stop, and runs"
            self.consumers[number] = None
            self.share(MEMBERS, 0)
            self.pass_time(1.0)
            self.start(number)

    @rule(number=st.sampled_from(MEMBERS))
    def client_breaks(self, number: int) -> None:
        """Whatever a client raises, it is replaced by a new one, which joins again."""
        client = self.client(number)
        if client is not None:
            client.broken = True
            self.pass_time(30.0)
            self.share(MEMBERS, 1)

    # --- the world ---

    @rule(
        counts=st.lists(st.sampled_from([0, 1, 4, 15]), min_size=3, max_size=3),
        slow=st.lists(st.sampled_from(SLOW), max_size=4),
        troubles=st.lists(st.sampled_from(TROUBLES), max_size=3),
        seconds=SECONDS,
    )
    def work(self, counts: list[int], slow: list[float], troubles: list[str], seconds: float) -> None:
        """Records are written; whoever reads them does so slowly, or fails at first."""
        for place, count in zip(PARTITIONS, counts, strict=True):
            self.broker.ends[place] += count
        for consumer in self.tasks:
            inbox: Any = consumer.inbox
            inbox.slow, inbox.troubles = deque(slow), deque(troubles)
        self.pass_time(seconds)

    @rule(slow=st.lists(st.sampled_from(SLOW), max_size=4), seconds=SECONDS)
    def work_more(self, slow: list[float], seconds: float) -> None:
        self.work([4, 1, 4], slow, [], seconds)

    @rule(fate=st.sampled_from(["lost", "unknown"]))
    def lose_a_commit(self, fate: str) -> None:
        self.broker.fates.append(fate)

    # --- what must hold ---

    def look(self) -> None:
        assert not self.broker.wrong, self.broker.wrong[0]
        for consumer in self.tasks:
            for lane in set(consumer._lanes.values()):
                assert len(lane.buffer) <= 9 + 7 * len(PARTITIONS), "a lane grows without end"
                assert lane.size == sum(len(record.value or b"") for record in lane.buffer)

    def settle(self) -> None:
        """A new member reads on from what was committed: nothing was skipped, and in the end everything is committed."""
        self.broker.fates.clear()
        for consumer in list(self.tasks):
            self.kill(consumer)
        self.consumers = [None, None]
        self.pass_time(SETTINGS.lease_seconds + 5.0)
        self.start(0)
        self.pass_time(20.0)
        self.share([0], 0)
        self.pass_time(20.0)
        self.look()
        for place, end in self.broker.ends.items():
            assert self.broker.done[place] == set(range(end)), f"{place.partition}: something is skipped"
            assert self.broker.committed.get(place, 0) == end, f"{place.partition}: {end} applied and not committed"
        (last,) = self.tasks
        assert not last.halted
        last.stop()
        self.pass_time(40.0)
        assert self.tasks[last].done()


class SingleWriterGroup(Group):
    """All partitions in one lane, and a lease before anything is read."""

    single_writer = True


@pytest.mark.parametrize("machine", [Group, SingleWriterGroup])
def test_only_what_is_done_without_a_gap_is_committed(machine: type[Group]) -> None:
    explore(machine, 60, 40)


# --- planted faults ---


class CommitsFailures(Consumer):
    """Commits past a batch that failed."""

    async def _apply(self, lane: Lane, records: list[Record]) -> bool:
        try:
            await self.inbox.process(records)
        except Exception:
            return True
        return True


class CommitsIntake(Consumer):
    """Commits what was taken in, not what was done."""

    async def _work(self, lane: Lane) -> None:
        add = lane.add

        def intake(records: Iterable[Record]) -> None:
            records = list(records)
            add(records)
            lane.done |= {self._place(record): record.offset + 1 for record in records}

        lane.add = intake  # type: ignore[method-assign]
        await super()._work(lane)


class CommitsTheRest(Consumer):
    """Takes what a halted lane was working on for done."""

    async def _apply(self, lane: Lane, records: list[Record]) -> bool:
        await super()._apply(lane, records)
        return True


@pytest.mark.parametrize("fault", [CommitsFailures, CommitsIntake, CommitsTheRest])
def test_the_model_sees_a_faulty_tracker(fault: type[Consumer]) -> None:
    class Sabotaged(Group):
        kind = fault

    with pytest.raises(AssertionError):
        break_it(Sabotaged)
