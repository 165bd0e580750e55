"""Errors that a healthy broker never gives, answered by a mock: the relay's producer is made anew and order is kept; the
reader goes on when its coordinator is not there or has moved (rows 12 and 13 of the fault matrix).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from common import consumer
from common.contracts.base import Envelope, Message
from common.contracts.topics import BY_OWNER, to_create
from common.contracts.training import CourseRegistered
from common.domain import Aggregate, Document
from common.observability import REGISTRY
from common.outbox import OUTBOX, new_id
from common.repository import Reader, Store
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from tests.integration.mock_broker import Ask, Fault, MockBroker

pytestmark = pytest.mark.servers

COURSES, EACH = [f"c{number}" for number in range(6)], 4
"""Streams, and how many events each has before, while and after the broker errs."""


class Course(Aggregate):
    noun: ClassVar[tuple[str, str]] = ("khóa học", "course")
    title: str = ""

    def rename(self, title: str) -> None:
        self.title = title
        self.record(CourseRegistered(course_id=self.id, title=title, topic="test"))


class Seen(Document):
    course_id: str
    sequence: int


COURSE_STORE, SEEN = Store(Course, "courses"), Store(Seen, "seen")


async def on_course(message: Message[CourseRegistered], uow: UnitOfWork) -> None:
    uow.add(SEEN, Seen(id=new_id(), course_id=message.event.course_id, sequence=message.envelope.sequence))


WRITER = Service("training", "writer", Settings, [COURSE_STORE])
READER = Service("notifications", "reader", Settings, [SEEN], handlers=[on_course])
TOPIC = BY_OWNER["training"]


@pytest.fixture
def mock(area: Area) -> Iterator[MockBroker]:
    made = MockBroker()
    for topic in to_create(f"{area.name}-"):
        made.create(topic.name, topic.partitions)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def lenient_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock hands batches out with checksums of its own making."""
    monkeypatch.setattr(consumer, "AIOKafkaConsumer", partial(AIOKafkaConsumer, check_crcs=False))


async def write(process: Process) -> None:
    """`EACH` events of each course, in as many transactions."""
    for number in range(EACH):
        for course in COURSES:

            async def work(uow: UnitOfWork, course: str = course, title: str = f"t{number}") -> None:
                found = await uow.get(COURSE_STORE, course) or Course(id=course)
                found.rename(title)
                uow.save(COURSE_STORE, found)

            await process.units.run(work, process.units.system())


async def all_sent(process: Process) -> bool:
    outbox = process.database.collection(OUTBOX)
    return bool(await outbox.count_documents({"state": {"$ne": "S"}}) == 0)


async def on_the_topic(area: Area) -> dict[str, list[int]]:
    """By course, the sequences on its partition in the order of the first time that each is met."""
    client = AIOKafkaConsumer(bootstrap_servers=area.kafka, check_crcs=False, auto_offset_reset="earliest")
    await client.start()
    try:
        places = [TopicPartition(f"{area.name}-{TOPIC.name}", number) for number in range(TOPIC.partitions)]
        client.assign(places)
        await client.seek_to_beginning(*places)
        ends = await client.end_offsets(places)
        found: dict[str, dict[int, None]] = {}

        async def read() -> bool:
            for records in (await client.getmany(timeout_ms=200)).values():
                for record in records:
                    envelope = Envelope.from_headers(record.headers)
                    found.setdefault(envelope.subject, {})[envelope.sequence] = None
            return all([await client.position(place) >= ends[place] for place in places])

        await eventually("the topic is read to its end", read)
        return {course: list(numbers) for course, numbers in found.items()}
    finally:
        await client.stop()


def rebuilt() -> float:
    return REGISTRY.get_sample_value("roviec_relay_producer_rebuilt_total") or 0.0


@asynccontextmanager
async def writing(area: Area, mock: MockBroker) -> AsyncIterator[tuple[Area, Process]]:
    mocked = replace(area, kafka=mock.bootstrap)
    async with mocked.running(WRITER, "worker") as process:
        await write(process)
        await eventually("the relay has sent what there was", partial(all_sent, process))
        yield mocked, process


@pytest.mark.parametrize(
    "fault", [Fault.OUT_OF_ORDER_SEQUENCE, Fault.MSG_SIZE_TOO_LARGE, Fault.INVALID_PRODUCER_EPOCH, Fault.NOT_LEADER]
)
async def test_what_the_broker_refuses_arrives_in_order_all_the_same(area: Area, mock: MockBroker, fault: Fault) -> None:
    before = rebuilt()
    async with writing(area, mock) as (mocked, process):
        mock.answer(Ask.PRODUCE, [fault] * 3)
        await write(process)
        await eventually("everything is sent", partial(all_sent, process), 60)
        await write(process)
        await eventually("everything after it is sent", partial(all_sent, process), 60)
        assert await on_the_topic(mocked) == {course: list(range(1, 3 * EACH + 1)) for course in COURSES}
    if fault is not Fault.NOT_LEADER:  # which the client mends by itself: it asks who leads, and sends again
        assert rebuilt() > before, "a producer whose sequence is in doubt must go"


async def test_a_leader_that_moves_loses_nothing(area: Area, mock: MockBroker) -> None:
    async with writing(area, mock) as (mocked, process):
        for round_ in range(3):
            for partition in range(TOPIC.partitions):
                mock.lead(f"{area.name}-{TOPIC.name}", partition, 1 + (partition + round_) % 3)
            await write(process)
        await eventually("everything is sent", partial(all_sent, process), 60)
        assert await on_the_topic(mocked) == {course: list(range(1, 4 * EACH + 1)) for course in COURSES}


@pytest.mark.parametrize(
    ("ask", "fault"),
    [
        (Ask.FIND_COORDINATOR, Fault.COORDINATOR_NOT_AVAILABLE),
        (Ask.HEARTBEAT, Fault.NOT_COORDINATOR),
        (Ask.OFFSET_COMMIT, Fault.COORDINATOR_NOT_AVAILABLE),
    ],
)
async def test_a_reader_goes_on_without_its_coordinator(area: Area, mock: MockBroker, ask: Ask, fault: Fault) -> None:
    async with writing(area, mock) as (mocked, process):
        if ask is Ask.FIND_COORDINATOR:
            mock.answer(ask, [fault] * 3)
        async with mocked.running(READER, "worker") as reader:

            async def applied(times: int) -> bool:
                rows: list[Any] = await Reader(reader.database).find(SEEN, {}, sort=("_id",))
                found: dict[str, list[int]] = {}
                for row in rows:
                    found.setdefault(row.course_id, []).append(row.sequence)
                return found == {course: list(range(1, times * EACH + 1)) for course in COURSES}

            await eventually("what was there is applied", partial(applied, 1), 60)
            mock.answer(ask, [fault] * 3)
            mock.coordinate(f"{area.name}-{READER.name}", 2)
            await write(process)
            await eventually("what came meanwhile is applied, once and in order", partial(applied, 2), 60)
