"""The event path on a real broker and database, with both drivers: outbox, relay, inbox, parking, dead letters."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from aiokafka import AIOKafkaProducer

from common import consumer, inbox
from common.contracts.base import Envelope, Message
from common.contracts.training import CourseRegistered
from common.domain import Aggregate, Document
from common.errors import Conflict
from common.mongo import Index
from common.outbox import OUTBOX, new_id
from common.repository import Reader, Store
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork

pytestmark = pytest.mark.servers


@pytest.fixture(params=["motor", "pymongo"], autouse=True)
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything here must be so with either driver (docs/adr/0002)."""
    monkeypatch.setenv("MONGO_DRIVER", request.param)


class Course(Aggregate):
    noun: ClassVar[tuple[str, str]] = ("khóa học", "course")
    title: str = ""

    def rename(self, title: str) -> None:
        self.title = title
        self.record(CourseRegistered(course_id=self.id, title=title, topic="test"))


class Seen(Document):
    course_id: str
    title: str
    sequence: int


COURSES = Store(Course, "courses")
SEEN = Store(Seen, "seen", (Index("course_id", "sequence"),))


async def on_course(message: Message[CourseRegistered], uow: UnitOfWork) -> None:
    event = message.event
    if event.title == "fails":
        raise RuntimeError("a handler that fails")
    if event.title == "hangs":
        await asyncio.Event().wait()
    uow.add(SEEN, Seen(id=new_id(), course_id=event.course_id, title=event.title, sequence=message.envelope.sequence))


WRITER = Service("training", "writer", Settings, [COURSES])
READER = Service("notifications", "reader", Settings, [SEEN], handlers=[on_course])


async def write(process: Process, course: str, *titles: str) -> None:
    async def work(uow: UnitOfWork) -> None:
        found = await uow.get(COURSES, course) or Course(id=course)
        for title in titles:
            found.rename(title)
        uow.save(COURSES, found)

    await process.units.run(work, process.units.system())


async def seen(process: Process, course: str) -> list[str]:
    rows = await Reader(process.database).find(SEEN, {"course_id": course}, sort=("sequence",))
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [row.title for row in rows]


async def test_a_stale_copy_is_refused_also_beside_a_write_that_asks_for_no_version(area: Area) -> None:
    async with area.running(WRITER) as writer:
        await write(writer, "a", "one")
        await write(writer, "b", "kept")
        stale = await Reader(writer.database).get(COURSES, "a")
        assert stale is not None
        await write(writer, "a", "two")
        stale.title = "late"  # no event: the unique place of one in the outbox would refuse it as well

        async def work(uow: UnitOfWork) -> None:
            uow.put(COURSES, Course(id="b"))
            uow.save(COURSES, stale)

        with pytest.raises(Conflict):
            await writer.units.run(work, writer.units.system())
        kept = await Reader(writer.database).get(COURSES, "b")
        assert kept is not None
        assert kept.title == "kept"


async def test_events_reach_their_reader_in_order_and_once(area: Area) -> None:
    async with area.running(WRITER) as writer, area.running(READER) as reader:
        for number in range(30):
            await write(writer, f"c{number % 3}", f"{number}a", f"{number}b")

        async def all_there() -> bool:
            return [len(await seen(reader, f"c{k}")) for k in range(3)] == [20, 20, 20]

        await eventually("60 events are applied", all_there)
        assert await seen(reader, "c0") == [f"{n}{x}" for n in range(0, 30, 3) for x in "ab"]

        async def marked() -> bool:
            return bool(await writer.database.collection(OUTBOX).count_documents({"state": "P"}) == 0)

        await eventually("every row is marked sent", marked)


async def raw(area: Area, topic: str, records: list[tuple[bytes | None, list[tuple[str, bytes]]]], key: bytes = b"k") -> None:
    producer = AIOKafkaProducer(bootstrap_servers=area.kafka)
    await producer.start()
    try:
        for value, headers in records:
            await producer.send_and_wait(f"{area.name}-{topic}", value, key=key, headers=headers)
    finally:
        await producer.stop()


def envelope(course: str, sequence: int, kind: str = CourseRegistered.type) -> list[tuple[str, bytes]]:
    from datetime import UTC, datetime

    return Envelope(new_id(), "/roviec/training", kind, course, datetime.now(UTC), sequence, "system:test", "corr").headers()


def body(course: str, title: str) -> bytes:
    return CourseRegistered(course_id=course, title=title, topic="t").data()


async def test_doubled_and_early_records_take_effect_once_and_in_order(area: Area) -> None:
    async with area.running(READER) as reader:
        one, two, three = envelope("d", 1), envelope("d", 2), envelope("d", 3)
        await raw(area, "training-events", [(body("d", "three"), three), (body("d", "one"), one), (body("d", "one"), one)])

        async def first() -> bool:
            return await seen(reader, "d") == ["one"]

        await eventually("only the first is applied", first)
        await raw(area, "training-events", [(body("d", "two"), two), (body("d", "three"), three)])

        async def all_three() -> bool:
            return await seen(reader, "d") == ["one", "two", "three"]

        async def nothing_waits() -> bool:
            return bool(await reader.database.collection(inbox.PARKED).count_documents({}) == 0)

        await eventually("the parked one follows", all_three)
        await eventually("nothing is left waiting", nothing_waits)


async def test_poison_goes_to_the_dead_letters_and_costs_itself_alone(area: Area) -> None:
    async with area.running(READER) as reader:
        bad = envelope("p", 1)
        await raw(area, "training-events", [
            (b"{", bad),
            (b'{"course_id": 5}', envelope("q", 1)),
            (b"\xff\xfe", [("ce_id", b"\xff")]),
            (None, []),
            (body("p", "v2"), envelope("v", 1, "training.course.registered.v2")),
            (body("good", "fine"), envelope("good", 1)),
            (body("p", "behind"), envelope("p", 2)),
        ])  # fmt: skip

        async def flows() -> bool:
            return await seen(reader, "good") == ["fine"]

        await eventually("the others flow", flows)
        rows = await reader.database.collection(OUTBOX).find({"aggregatetype": "dead-letter"}).to_list(None)
        assert len(rows) == 5
        reasons = sorted(dict(row["headers"])["dlq-reason"].decode() for row in rows)
        assert reasons == ["headers", "headers", "schema", "schema", "version"]
        assert {row["payload"] for row in rows} >= {b"{", b"\xff\xfe", None}
        assert await seen(reader, "p") == []


async def test_a_failing_handler_parks_its_stream_alone(area: Area) -> None:
    async with area.running(READER) as reader:
        await raw(area, "training-events", [
            (body("f", "fails"), envelope("f", 1)),
            (body("f", "after"), envelope("f", 2)),
            (body("g", "fine"), envelope("g", 1)),
        ])  # fmt: skip

        async def flows() -> bool:
            return await seen(reader, "g") == ["fine"]

        await eventually("the others flow", flows)

        async def parked() -> bool:
            rows = await reader.database.collection(inbox.PARKED).find({}).to_list(None)
            return sorted(row["why"] for row in rows) == ["failed", "gap"]

        await eventually("both wait, in order", parked)
        await reader.database.collection(inbox.PARKED).update_one({"sequence": 1}, {"$set": {"value": body("f", "healed")}})

        async def healed() -> bool:
            return await seen(reader, "f") == ["healed", "after"]

        await eventually("both are applied once the cause is gone", healed)


async def test_a_handler_that_hangs_parks_its_stream_alone(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not be taken for a database that is away, which is waited for."""
    monkeypatch.setattr(consumer, "BATCH_SECONDS", 0.5)
    async with area.running(READER) as reader:
        await raw(area, "training-events", [(body("h", "hangs"), envelope("h", 1)), (body("g", "fine"), envelope("g", 1))])

        async def flows() -> bool:
            return await seen(reader, "g") == ["fine"]

        await eventually("what is behind it in the partition flows", flows)
        parked = await reader.database.collection(inbox.PARKED).find({}).to_list(None)
        assert [(row["stream"].rpartition("/")[2], row["why"]) for row in parked] == [("h", "failed")]


async def test_a_parked_record_that_hangs_does_not_stop_the_reading(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    async with area.running(READER) as reader:
        await raw(area, "training-events", [(body("f", "fails"), envelope("f", 1))])
        parked = reader.database.collection(inbox.PARKED)

        async def waits() -> bool:
            return bool(await parked.count_documents({"why": "failed"}))

        await eventually("it is parked", waits)
        trying = asyncio.Event()

        async def hang(*_: object) -> str:
            trying.set()
            await asyncio.Event().wait()
            return "never"

        assert reader.consumer is not None
        effect = reader.consumer.inbox._effect
        monkeypatch.setattr(reader.consumer.inbox, "_effect", hang)
        await asyncio.wait_for(trying.wait(), 30)
        monkeypatch.setattr(reader.consumer.inbox, "_effect", effect)
        await raw(area, "training-events", [(body("g", "fine"), envelope("g", 1))])

        async def flows() -> bool:
            return await seen(reader, "g") == ["fine"]

        await eventually("others are read meanwhile", flows, consumer.BATCH_SECONDS / 2)


async def test_a_process_that_drains_is_not_ready_again(area: Area) -> None:
    """Whoever asks `/readyz` while the last work is finished must not send new work."""
    drained = asyncio.Event()
    async with area.running(WRITER, role="api") as process:
        asked = asyncio.Event()
        ping = process.database.ping

        async def drain(*_: object) -> None:
            process.database.ping = count  # type: ignore[method-assign]
            await drained.wait()

        async def count() -> None:
            if process._draining and asked.is_set():
                drained.set()
            asked.set()
            await ping()

        process._drain = drain  # type: ignore[assignment,method-assign]
    assert drained.is_set()
    assert not process.ready
