"""The event path against bare loops: relay against `send_batch`, consumer against `getmany` with one transaction a batch,
batches against one transaction an event, and FastStream.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from bench import peers
from bench.corner import Corner
from bench.load import ROOT, pid, running
from bench.measure import Comparison, Goal, Meter, Missing, Pace, Sample, compared, contest
from common.consumer import Consumer
from common.contracts.base import Envelope, Message
from common.contracts.tasks import TaskAccepted
from common.domain import Document
from common.outbox import OUTBOX, event_row, new_id
from common.relay import Relay
from common.repository import Store
from common.service import Service
from common.settings import Settings
from common.testing import eventually
from common.unit_of_work import UnitOfWork, Units
from deploy.local.parts import Part

RECORDS = 2000
KEYS = 100
TOPIC = "tasks-events"
ALONE = 200
"""Events where each costs a transaction of its own."""
Taken = tuple[list[Comparison], dict[str, str]]


class Effect(Document):
    """What the handler leaves behind: one small document an event."""

    of: str


EFFECTS = Store(Effect, "effects")


async def handle(message: Message[TaskAccepted], uow: UnitOfWork) -> None:
    uow.add(EFFECTS, Effect(id=message.envelope.id, of=message.envelope.subject))


WRITER = Service("tasks", "writer", Settings, [])
READER = Service("training", "reader", Settings, [EFFECTS], handlers=[handle])


def rows(topic: str, number: int) -> list[dict[str, Any]]:
    """Outbox rows of as many events: a few hundred bytes each, `KEYS` streams."""
    made, now = [], datetime.now(UTC)
    run = new_id()
    for turn in range(number):
        task = f"{run}-{turn % KEYS}"
        event = TaskAccepted(task_id=task, title="Rà soát tài khoản người dùng", lead_unit_id="vn:commune:00694@2025-07-01")
        envelope = Envelope(
            id=new_id(), source="/roviec/tasks", type=event.type, subject=task, time=now, sequence=turn // KEYS + 1,
            actor="client:bench", correlation_id=new_id(),
        )  # fmt: skip
        made.append(event_row(event, envelope, topic))
    return made


class _Gated(Relay):
    """A relay that has its leases and its producer before the clock starts, as the loops beside it have, and says when it finds
    no more to send.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ready, self.gate, self.done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def _round(self) -> bool:
        if not self.gate.is_set():
            await self._ready_producer()
            self.ready.set()
            await self.gate.wait()
        more = await super()._round()
        if not more:
            self.done.set()
        return more


async def relay(kafka: str, mongo: str, pace: Pace) -> Taken:
    """Rows in the outbox to rows marked sent, against a bare loop of the same steps, and against sending alone; each side with
    its producer ready.
    """
    number = pace.many(RECORDS)
    async with Corner(kafka, mongo).units(WRITER) as (units, settings):
        topic = settings.topic_prefix + TOPIC
        outbox = units.database.collection(OUTBOX)

        async def ours() -> Sample:
            relay = _Gated(units, settings)
            async with _ends(relay, asyncio.create_task(relay.run())):
                async with asyncio.timeout(120):
                    await relay.ready.wait()
                    await outbox.insert_many(rows(topic, number))
                    with Meter() as meter:
                        relay.gate.set()
                        await relay.done.wait()
            assert await outbox.count_documents({"state": "P"}) == 0
            await outbox.delete_many({})
            return meter.sample(number)

        async def bare() -> Sample:
            made = rows(topic, number)
            async with _producer(settings) as producer:
                with Meter() as meter:
                    await _send(producer, topic, made)
            return meter.sample(number)

        async def same_steps() -> Sample:
            await outbox.insert_many(rows(topic, number))
            async with _producer(settings) as producer:
                with Meter() as meter:
                    order = [("aggregatetype", 1), ("aggregateid", 1), ("aggseq", 1)]
                    while found := await outbox.find({"state": "P"}).sort(order).limit(500).to_list(None):
                        await _send(producer, topic, found)
                        ids = [row["_id"] for row in found]
                        sent = {"$set": {"state": "S"}, "$currentDate": {"sent_at": True}}
                        await outbox.update_many({"_id": {"$in": ids}}, sent)
            await outbox.delete_many({})
            return meter.sample(number)

        rounds = await contest({"ours": ours, "bare": bare, "same steps": same_steps}, _fewer(pace))
    return [
        compared(
            rounds, "ours", "bare", measure="relay, events", peer="bare keyed send_batch", unit="events/s", goal=Goal((0.85,)),
            note="against bare send_batch: ours reads each row from the database and marks it there",
        ),
        compared(
            rounds, "ours", "same steps", measure="relay, events", peer="bare loop of scan, send_batch and mark",
            unit="events/s",
            note="against the loop of the same steps: the same reads and writes; ours leases, gates and fences as well",
        ),
    ], {}  # fmt: skip


async def consumer(kafka: str, mongo: str, pace: Pace) -> Taken:
    """Records on the topic to effects committed: against getmany with one transaction a batch, and against FastStream."""
    async with _reading(kafka, mongo) as bench:
        number = pace.many(RECORDS)
        rounds = await contest({"ours": lambda: bench.ours(number), "bare": lambda: bench.bare(number)}, _fewer(pace))
        found = [
            compared(
                rounds, "ours", "bare", measure="consumer, events", peer="getmany + one transaction a batch", unit="events/s",
                goal=Goal((0.70,)),
                note="ours claims each event in the inbox, moves the guard of its stream and decodes it",
            )
        ]  # fmt: skip
        peer, versions = "FastStream, one insert an event", {}
        try:
            async with bench.faststream() as process:
                few = pace.many(ALONE)
                sides = {"ours": lambda: bench.ours(number), "peer": lambda: bench.other(process, few)}
                rounds = await contest(sides, _fewer(pace))
                versions = {"peers": peers.packaged("faststream", "aiokafka")()}
                found.append(
                    compared(
                        rounds, "ours", "peer", measure="consumer, events", peer=peer, unit="events/s",
                        note="FastStream commits offsets by itself and knows no event again; it runs as a process of its own",
                    )
                )  # fmt: skip
        except Missing as missing:
            found.append(Comparison("consumer, events", peer, "events/s", missing=str(missing)))
    return found, versions


async def batch(kafka: str, mongo: str, pace: Pace) -> Taken:
    """The same consumer with its batches and with batches of one."""
    async with _reading(kafka, mongo) as bench:
        number, few = pace.many(RECORDS), pace.many(ALONE)

        async def alone() -> Sample:
            with patch("common.consumer.BATCH", 1):
                return await bench.ours(few)

        rounds = await contest({"batches": lambda: bench.ours(number), "alone": alone}, _fewer(pace))
    return [
        compared(
            rounds, "batches", "alone", measure="batch consumer, events", peer="one transaction an event", unit="events/s",
            goal=Goal((6.0,)), note="the same consumer, told that a batch has one record; it is given fewer events to do so",
        )
    ], {}  # fmt: skip


@asynccontextmanager
async def _ends(part: Relay | Consumer, task: asyncio.Task[None]) -> AsyncIterator[None]:
    """Whatever happens, the part has ended before its database is closed."""
    try:
        yield
    finally:
        part.stop()
        _, late = await asyncio.wait({task}, timeout=60)
        task.cancel()
        assert not late, f"{type(part).__name__} did not end"


def _fewer(pace: Pace) -> Pace:
    """These sides take seconds each, and spread little."""
    return Pace(pace.seconds, min(pace.rounds, 3), pace.scale)


class _Reading:
    """A topic, a producer, and consumers that leave one effect an event in a collection."""

    def __init__(self, units: Units, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._units, self._settings, self._producer = units, settings, producer
        self._topic = settings.topic_prefix + TOPIC
        self._effects = units.database.collection(EFFECTS.collection)

    async def ours(self, number: int) -> Sample:
        consumer = Consumer(self._units, self._settings, READER.handlers)
        task = asyncio.create_task(consumer.run())
        async with _ends(consumer, task):
            await _assigned(consumer)
            return await self._applied(EFFECTS.collection, number, Meter())

    async def bare(self, number: int) -> Sample:
        effects = self._units.database.collection("bare_effects")
        consumer = AIOKafkaConsumer(
            self._topic, bootstrap_servers=self._settings.kafka_bootstrap, group_id=f"bare-{new_id()}",
            enable_auto_commit=False, auto_offset_reset="latest",
        )  # fmt: skip
        await consumer.start()
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        with Meter() as meter:
            await _send(self._producer, self._topic, rows(self._topic, number))
            done = 0
            while done < number:
                for records in (await consumer.getmany(timeout_ms=500, max_records=500)).values():
                    documents = [{"_id": dict(r.headers)["ce_id"].decode(), "of": r.key.decode()} for r in records]

                    async def work(session: Any, documents: list[dict[str, Any]] = documents) -> None:
                        await effects.insert_many(documents, session=session)

                    await self._units.database.transaction(work, seconds=60)
                    done += len(records)
                await consumer.commit()
        await consumer.stop()
        return meter.sample(number)

    @asynccontextmanager
    async def faststream(self) -> AsyncIterator[int]:
        """FastStream's process, which has shown that it consumes. Raises `Missing`."""
        python = await asyncio.to_thread(peers.environment)
        settings = self._settings
        home = Path(tempfile.mkdtemp(prefix="roviec-bench-"))

        async def ready() -> bool:
            return True

        command = [str(python), str(peers.APPS / "faststream_consumer.py"), settings.kafka_bootstrap, self._topic]
        command += [settings.mongo_uri.get_secret_value(), settings.database, "faststream_effects"]
        part = Part("faststream", "peer", command, home / "faststream.log", ready, cwd=ROOT)
        try:
            async with running(part):
                effects = self._units.database.collection("faststream_effects")

                async def consumes() -> bool:
                    assert part.alive, f"FastStream ended:\n{part.tail()}"
                    await _send(self._producer, self._topic, rows(self._topic, 1))
                    await asyncio.sleep(0.5)
                    return await effects.find_one({}) is not None

                await eventually("FastStream consumes", consumes, 60)
                yield pid(part)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    async def other(self, process: int, number: int) -> Sample:
        return await self._applied("faststream_effects", number, Meter(process))

    async def _applied(self, collection: str, number: int, meter: Meter) -> Sample:
        """Send so many events and wait for as many effects more."""
        effects = self._units.database.collection(collection)
        before = await _still(effects)
        with meter:
            await _send(self._producer, self._topic, rows(self._topic, number))

            async def all_applied() -> bool:
                return bool(await effects.estimated_document_count() >= before + number)

            await eventually("every effect is there", all_applied, 180)
        return meter.sample(number)


async def _still(collection: Any) -> int:
    """The number of documents once it does not grow: what an earlier side sent may still be on its way here."""
    before = -1
    while (count := await collection.estimated_document_count()) != before:
        before = count
        await asyncio.sleep(0.5)
    return before


@asynccontextmanager
async def _reading(kafka: str, mongo: str) -> AsyncIterator[_Reading]:
    async with Corner(kafka, mongo).units(READER) as (units, settings), _producer(settings) as producer:
        yield _Reading(units, settings, producer)


async def _assigned(consumer: Consumer) -> None:
    async def has_partitions() -> bool:
        return bool(consumer._assigned)

    await eventually("the consumer has its partitions", has_partitions, 60)


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A bare producer with the guarantees of ours."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, acks="all", enable_idempotence=True, max_batch_size=1024 * 1024
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, topic: str, made: list[dict[str, Any]]) -> None:
    """Keyed batches of up to 500, a partition at a time, all in flight."""
    partitions = sorted(await producer.partitions_for(topic))
    partitioner = DefaultPartitioner()
    lanes: dict[int, list[dict[str, Any]]] = {}
    for row in made:
        lanes.setdefault(partitioner(row["key"], partitions, partitions), []).append(row)

    async def lane(partition: int, some: list[dict[str, Any]]) -> None:
        for start in range(0, len(some), 500):
            batch = producer.create_batch()
            for row in some[start : start + 500]:
                headers = [(name, bytes(value)) for name, value in row["headers"]]
                batch.append(key=row["key"], value=row["payload"], timestamp=None, headers=headers)
            batch.close()
            await (await producer.send_batch(batch, topic, partition=partition))

    await asyncio.gather(*(lane(partition, some) for partition, some in lanes.items()))
