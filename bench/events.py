"""The event path against bare loops: relay against `send_batch`, consumer against `getmany` with one transaction a batch."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from bench.measure import Comparison, compare
from common.consumer import Consumer
from common.contracts.base import Envelope, Message
from common.contracts.tasks import TaskAccepted
from common.domain import Document
from common.outbox import OUTBOX, event_row, new_id
from common.relay import Relay, ensure_topics
from common.repository import Store
from common.service import Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork, Units

RECORDS = 2000
KEYS = 100
TOPIC = "tasks-events"
_areas = count()


class Effect(Document):
    """What the handler leaves behind: one small document an event."""

    of: str


EFFECTS = Store(Effect, "effects")


async def handle(message: Message[TaskAccepted], uow: UnitOfWork) -> None:
    uow.add(EFFECTS, Effect(id=message.envelope.id, of=message.envelope.subject))


WRITER = Service("tasks", "writer", Settings, [])
READER = Service("training", "reader", Settings, [EFFECTS], handlers=[handle])


def rows(topic: str) -> list[dict[str, Any]]:
    """Outbox rows of as many events: a few hundred bytes each, `KEYS` streams."""
    made, now = [], datetime.now(UTC)
    run = new_id()
    for number in range(RECORDS):
        task = f"{run}-{number % KEYS}"
        event = TaskAccepted(task_id=task, title="Rà soát tài khoản người dùng", lead_unit_id="vn:commune:00694@2025-07-01")
        envelope = Envelope(
            id=new_id(), source="/roviec/tasks", type=event.type, subject=task, time=now, sequence=number // KEYS + 1,
            actor="client:bench", correlation_id=new_id(),
        )  # fmt: skip
        made.append(event_row(event, envelope, topic))
    return made


class Bench:
    """A corner of the servers of its own for each comparison."""

    def __init__(self, kafka: str, mongo: str) -> None:
        self.area = Area(f"bench{int(time.time())}{next(_areas)}", kafka, mongo)

    async def units(self, service: Service) -> tuple[Units, Settings]:
        from common.mongo import Database

        settings = self.area.settings(service)
        database = Database(settings, service.name)
        await database.prepare(service.collections())
        await ensure_topics(settings)
        return Units(service.name, database, topic_prefix=settings.topic_prefix), settings

    async def relay(self) -> list[Comparison]:
        """Rows in the outbox to rows marked sent, against a bare loop of the same steps, and against sending alone."""
        units, settings = await self.units(WRITER)
        topic = settings.topic_prefix + TOPIC
        outbox = units.database.collection(OUTBOX)

        async def ours() -> float:
            await outbox.insert_many(rows(topic))
            relay = Relay(units, settings)
            started = time.perf_counter()
            task = asyncio.create_task(relay.run())

            async def all_sent() -> bool:
                await asyncio.sleep(0.2)  # asking is not free for a server on the same processors
                return await outbox.find_one({"state": "P"}, {"_id": 1}) is None

            await eventually("everything is sent", all_sent, 120)
            seconds = time.perf_counter() - started
            relay.stop()
            await task
            await outbox.delete_many({})
            return RECORDS / seconds

        async def bare() -> float:
            made = rows(topic)
            producer = await _producer(settings)
            started = time.perf_counter()
            await _send(producer, topic, made)
            seconds = time.perf_counter() - started
            await producer.stop()
            return RECORDS / seconds

        async def same_steps() -> float:
            await outbox.insert_many(rows(topic))
            producer = await _producer(settings)
            started = time.perf_counter()
            order = [("aggregatetype", 1), ("aggregateid", 1), ("aggseq", 1)]
            while found := await outbox.find({"state": "P"}).sort(order).limit(500).to_list(None):
                await _send(producer, topic, found)
                ids = [row["_id"] for row in found]
                await outbox.update_many({"_id": {"$in": ids}}, {"$set": {"state": "S"}, "$currentDate": {"sent_at": True}})
            seconds = time.perf_counter() - started
            await producer.stop()
            await outbox.delete_many({})
            return RECORDS / seconds

        return [
            await compare(
                "relay, events/s, against a bare loop of scan, send_batch and mark", ours, same_steps, rounds=3,
                note="the same reads and writes of the same database; ours leases, gates, fences and measures as well",
            ),
            await compare(
                "relay, events/s, against bare keyed send_batch", ours, bare, rounds=3, goal=">= 0.85",
                note="ours reads and marks each row in the database as well; the bare loop has none",
            ),
        ]  # fmt: skip

    async def consumer(self) -> list[Comparison]:
        """Records on the topic to effects committed, against getmany and one `insert_many` in a transaction a batch."""
        units, settings = await self.units(READER)
        topic = settings.topic_prefix + TOPIC
        producer = await _producer(settings)
        effects = units.database.collection(EFFECTS.collection)
        bare_effects = units.database.collection("bare_effects")

        async def ours() -> float:
            consumer = Consumer(units, settings, READER.handlers)
            task = asyncio.create_task(consumer.run())
            await _assigned(consumer)
            before = await effects.estimated_document_count()
            started = time.perf_counter()
            await _send(producer, topic, rows(topic))

            async def all_applied() -> bool:
                return bool(await effects.estimated_document_count() >= before + RECORDS)

            await eventually("every effect is there", all_applied, 180)
            seconds = time.perf_counter() - started
            consumer.stop()
            await task
            return RECORDS / seconds

        async def bare() -> float:
            consumer = AIOKafkaConsumer(
                topic, bootstrap_servers=settings.kafka_bootstrap, group_id=f"bare-{new_id()}", enable_auto_commit=False,
                auto_offset_reset="latest",
            )  # fmt: skip
            await consumer.start()
            await consumer.seek_to_end()
            for partition in consumer.assignment():
                await consumer.position(partition)
            started = time.perf_counter()
            await _send(producer, topic, rows(topic))
            done = 0
            while done < RECORDS:
                for records in (await consumer.getmany(timeout_ms=500, max_records=500)).values():
                    documents = [{"_id": dict(r.headers)["ce_id"].decode(), "of": r.key.decode()} for r in records]

                    async def work(session: Any, documents: list[dict[str, Any]] = documents) -> None:
                        await bare_effects.insert_many(documents, session=session)

                    await units.database.transaction(work, seconds=60)
                    done += len(records)
                await consumer.commit()
            seconds = time.perf_counter() - started
            await consumer.stop()
            return RECORDS / seconds

        found = await compare(
            "consumer, events/s, against getmany + one transaction a batch", ours, bare, rounds=3, goal=">= 0.70",
            note="ours claims each event, moves the guard of its stream and decodes it; the bare loop does not",
        )  # fmt: skip
        await producer.stop()
        return [found]


async def _assigned(consumer: Consumer) -> None:
    async def has_partitions() -> bool:
        return bool(consumer._assigned)

    await eventually("the consumer has its partitions", has_partitions, 60)


async def _producer(settings: Settings) -> AIOKafkaProducer:
    """A bare producer with the guarantees of ours, started."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, acks="all", enable_idempotence=True, max_batch_size=1024 * 1024
    )
    await producer.start()
    return producer


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
