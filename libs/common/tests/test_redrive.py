"""What operators do about records that were set aside, and about a broker that lost its log."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from common import inbox, redrive, replay
from common.consumer import handled_types
from common.contracts.base import Envelope, Message, Record, Undecodable
from common.contracts.platform import RecordsRedriven
from common.contracts.training import CourseRegistered, EnrolmentOpened
from common.domain import Aggregate, Document
from common.mongo import Index
from common.outbox import OUTBOX, new_id
from common.repository import Reader, Store
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork

pytestmark = pytest.mark.servers


class Course(Aggregate):
    def rename(self, title: str) -> None:
        self.record(CourseRegistered(course_id=self.id, title=title, topic="test"))


class Seen(Document):
    course_id: str
    title: str
    sequence: int


COURSES = Store(Course, "courses")
SEEN = Store(Seen, "seen", (Index("course_id", "sequence"),))
TYPES = Store(Document, "types")


async def on_course(message: Message[CourseRegistered], uow: UnitOfWork) -> None:
    event = message.event
    if event.title == "fails":
        raise RuntimeError("a handler that fails")
    uow.add(SEEN, Seen(id=new_id(), course_id=event.course_id, title=event.title, sequence=message.envelope.sequence))


async def on_anything(message: Message[None], uow: UnitOfWork) -> None:
    uow.put(TYPES, Document(id=f"{message.envelope.type} {message.envelope.source}"))


WRITER = Service("training", "writer", Settings, [COURSES])
READER = Service("notifications", "reader", Settings, [SEEN, redrive.REDRIVES], handlers=[on_course])
WATCHER = Service("audit", "watcher", Settings, [TYPES], handlers=[on_anything], single_writer=True)


async def seen(process: Process, course: str) -> list[str]:
    rows = await Reader(process.database).find(SEEN, {"course_id": course}, sort=("sequence",))
    return [row.title for row in rows]


async def parked(process: Process, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await process.database.collection(inbox.PARKED).find(query).sort("sequence", 1).to_list(None)
    return rows


async def send(area: Area, course: str, *titles: str, first: int = 1) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=area.kafka)
    await producer.start()
    try:
        for sequence, title in enumerate(titles, first):
            said = Envelope(
                new_id(), "/roviec/training", CourseRegistered.type, course, datetime.now(UTC), sequence, "system:t", "c"
            )
            value = CourseRegistered(course_id=course, title=title, topic="t").data()
            await producer.send_and_wait(f"{area.name}-training-events", value, key=course.encode(), headers=said.headers())
    finally:
        await producer.stop()


@pytest.fixture
def old_code(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A deployment that cannot read titles with "new" in them; `undo()` deploys the one that can."""
    read = CourseRegistered.read

    def narrow(data: bytes) -> Any:
        if b"new" in data:
            raise Undecodable("schema", "title: not of this version")
        return read(data)

    monkeypatch.setattr(CourseRegistered, "read", narrow)
    return monkeypatch


async def test_what_is_put_back_is_applied_in_its_turn_and_published(area: Area, old_code: pytest.MonkeyPatch) -> None:
    async with area.running(READER) as reader, area.running(WATCHER) as watcher:
        types = handled_types(READER.handlers)
        await send(area, "a", "one", "new two", "three", "new four")
        await send(area, "b", "new one", "two")

        async def set_aside() -> bool:
            return len(await parked(reader, why="dead")) == 3 and len(await parked(reader)) == 5

        await eventually("three are dead and two wait behind them", set_aside)
        everything = redrive.selection()
        stream = "/roviec/training/course/a"
        lines = await redrive.put_back(reader.units, types, everything)
        assert [line.outcome for line in lines] == ["refused: schema: title: not of this version"] * 3
        assert len(await parked(reader, next_at=None)) == 3
        assert await reader.database.collection(OUTBOX).count_documents({"type": RecordsRedriven.type}) == 0

        old_code.undo()
        lines = await redrive.put_back(reader.units, types, everything, dry_run=True)
        assert [line.outcome for line in lines] == ["put back"] * 3
        assert len(await parked(reader, next_at=None)) == 3
        assert [line.sequence for line in await redrive.put_back(reader.units, types, redrive.selection(stream=stream))] == [
            2,
            4,
        ]

        async def healed() -> bool:
            return await seen(reader, "a") == ["one", "new two", "three", "new four"]

        await eventually("the stream is applied in order", healed)
        assert await seen(reader, "b") == []
        assert await redrive.put_back(reader.units, types, redrive.selection(reason="json")) == []
        (line,) = await redrive.put_back(reader.units, types, redrive.selection(reason="schema"))
        assert line.stream == "/roviec/training/course/b"

        async def all_healed() -> bool:
            return await seen(reader, "b") == ["new one", "two"] and not await parked(reader)

        await eventually("nothing is set aside any more", all_healed)

        async def told() -> bool:
            return bool(
                await watcher.database.collection("types").find_one({"_id": f"{RecordsRedriven.type} /roviec/notifications"})
            )

        await eventually("the order is an event that readers of every type get", told)
        orders = await reader.database.collection(OUTBOX).find({"type": RecordsRedriven.type}).to_list(None)
        assert len(orders) == 2
        assert not await parked(watcher)


async def test_what_is_given_up_lets_its_stream_flow_on(area: Area, old_code: pytest.MonkeyPatch) -> None:
    async with area.running(READER) as reader:
        await send(area, "g", "new one", "new two", "three")
        await send(area, "f", "fails", "after")

        async def set_aside() -> bool:
            return len(await parked(reader, why="dead")) == 2 and len(await parked(reader)) == 5

        await eventually("five are set aside", set_aside)
        one, two = (row["_id"] for row in await parked(reader, why="dead"))
        (line,) = await redrive.give_up(reader.units, two)
        assert line.outcome == "refused: 1 of its stream must be dealt with first"
        await redrive.give_up(reader.units, one, dry_run=True)
        assert len(await parked(reader)) == 5
        (failing,) = await parked(reader, why="failed")
        (behind,) = await parked(reader, why="gap", stream="/roviec/training/course/f")
        assert await redrive.give_up(reader.units, behind["_id"]) == []
        for key in (one, two, failing["_id"]):
            (line,) = await redrive.give_up(reader.units, key)
            assert line.outcome == "given up"

        async def flows() -> bool:
            return await seen(reader, "g") == ["three"] and await seen(reader, "f") == ["after"]

        await eventually("what was behind them is applied", flows)
        assert not await parked(reader)
        await send(area, "g", "four", first=4)

        async def goes_on() -> bool:
            return await seen(reader, "g") == ["three", "four"]

        await eventually("the stream goes on", goes_on)
        orders = await reader.database.collection(OUTBOX).find({"type": RecordsRedriven.type}).to_list(None)
        assert all(b'"given_up":true' in row["payload"] for row in orders)
        assert len(orders) == 3


async def test_streams_that_wait_do_not_keep_others_from_their_next_try(area: Area) -> None:
    def record(said: Envelope) -> Record:
        value = CourseRegistered(course_id=said.subject, title="fine", topic="t").data()
        return Record("training-events", 0, said.sequence, b"k", value, tuple(said.headers()))

    async def set_aside(uow: UnitOfWork) -> None:
        for course, sequence in (*(("dead", n) for n in range(1, 131)), ("fails", 1)):
            said = Envelope(new_id(), "/roviec/training", CourseRegistered.type, course, uow.now, sequence, "system:t", "c")
            why = inbox.Why.FAILED if course == "fails" else inbox.Why.DEAD if sequence == 1 else inbox.Why.GAP
            ago = timedelta(seconds=1 if course == "fails" else 60)
            next_at = None if why is inbox.Why.DEAD else uow.now - ago
            inbox.park(uow, record(said), said, why, reason="schema: it was", next_at=next_at)

    process = Process(READER, area.settings(READER), "api")
    await process.database.prepare(READER.collections())
    await process.units.run(set_aside, process.units.system())
    await process.database.close()
    async with area.running(READER) as reader:

        async def tried() -> bool:
            return await seen(reader, "fails") == ["fine"]

        await eventually("what failed is tried again", tried)
        assert await seen(reader, "dead") == []
        await redrive.put_back(reader.units, handled_types(READER.handlers), redrive.selection())

        async def drained() -> bool:
            return len(await seen(reader, "dead")) == 130 and not await parked(reader)

        await eventually("the dead one takes all the others along", drained)


async def write(process: Process, course: str, *titles: str) -> None:
    async def work(uow: UnitOfWork) -> None:
        found = await uow.get(COURSES, course) or Course(id=course)
        for title in titles:
            found.rename(title)
        uow.save(COURSES, found)

    await process.units.run(work, process.units.system())


async def on_topic(area: Area) -> dict[str, list[int]]:
    """Every sequence that lies on the topic, by course, in the order in which it lies there."""
    topic, found = f"{area.name}-training-events", defaultdict(list)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=area.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    said = Envelope.from_headers(record.headers)
                    found[said.subject].append(said.sequence)
    finally:
        await consumer.stop()
    return dict(found)


async def test_what_is_replayed_is_sent_again_in_order_and_applied_once(area: Area) -> None:
    async with area.running(WRITER) as writer, area.running(READER) as reader:
        for number in range(5):
            await write(writer, f"c{number % 2}", f"{number}a", f"{number}b")
        outbox = writer.database.collection(OUTBOX)

        async def sent() -> bool:
            return await outbox.count_documents({"state": "S"}) == 10 and len(await seen(reader, "c0")) == 6

        await eventually("everything is sent and applied", sent)
        since = datetime.now(UTC) - timedelta(hours=1)
        assert await replay.replay(writer.units, since, dry_run=True) == {"course": 10}
        assert await replay.replay(writer.units, since, since) == {}
        assert await replay.replay(writer.units, since, None, EnrolmentOpened.type) == {}
        assert await on_topic(area) == {"c0": [1, 2, 3, 4, 5, 6], "c1": [1, 2, 3, 4]}

        assert await replay.replay(writer.units, since) == {"course": 10}
        await write(writer, "c1", "new while the old ones are on their way")

        async def again() -> bool:
            return bool(await outbox.count_documents({"state": "S", "sent_at": {"$exists": True}}) == 11)

        await eventually("everything is marked sent again", again)
        lies = await on_topic(area)
        assert lies["c0"] == [1, 2, 3, 4, 5, 6] * 2
        assert lies["c1"][:4] == [1, 2, 3, 4]
        assert sorted(lies["c1"]) == sorted([1, 2, 3, 4] * 2 + [5])
        assert [n for n in lies["c1"][4:] if n != 5] == [1, 2, 3, 4]

        async def caught_up() -> bool:
            return len(await seen(reader, "c1")) == 5

        await eventually("the new one is applied", caught_up)
        assert await seen(reader, "c0") == ["0a", "0b", "2a", "2b", "4a", "4b"]
        assert await seen(reader, "c1") == ["1a", "1b", "3a", "3b", "new while the old ones are on their way"]
        assert not await parked(reader)


async def test_what_the_broker_refused_is_tried_again_when_it_is_released(area: Area) -> None:
    async with area.running(WRITER) as writer, area.running(READER) as reader:
        outbox = writer.database.collection(OUTBOX)
        await write(writer, "c0", "a")

        async def sent() -> bool:
            return len(await seen(reader, "c0")) == 1

        await eventually("the first event is applied", sent)
        await outbox.update_one({"aggregateid": "c0"}, {"$set": {"state": "X", "attempts": 21, "last_error": "RecordTooLarge"}})
        assert await replay.release(writer.units, dry_run=True) == {"course": 1}
        assert await outbox.count_documents({"state": "X"}) == 1
        assert await replay.release(writer.units) == {"course": 1}

        async def again() -> bool:
            return bool(await outbox.count_documents({"state": "S", "attempts": 0}) == 1)

        await eventually("it is sent again", again)
        assert await replay.release(writer.units) == {}
        assert (await on_topic(area))["c0"] == [1, 1]


async def test_a_replay_by_type_takes_each_stream_from_the_first_such_event_on(area: Area) -> None:
    process = Process(WRITER, area.settings(WRITER), "api")
    try:
        await process.database.prepare(WRITER.collections())
        await write(process, "c0", "a", "b", "c", "d")
        await write(process, "c1", "a", "b")
        outbox = process.database.collection(OUTBOX)
        await outbox.update_many({}, {"$set": {"state": "S", "sent_at": datetime.now(UTC)}})
        await outbox.update_one({"aggregateid": "c0", "aggseq": 2}, {"$set": {"type": "training.course.closed.v1"}})
        since = datetime.now(UTC) - timedelta(hours=1)
        assert await replay.replay(process.units, since, kind="training.course.closed.v1") == {"course": 3}
        rows = await outbox.find({"state": "P"}).sort("aggseq", 1).to_list(None)
        assert [(row["aggregateid"], row["aggseq"], "sent_at" in row) for row in rows] == [("c0", n, False) for n in (2, 3, 4)]
    finally:
        await process.database.close()


def test_the_commands(area: Area, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings = area.settings(READER)

    async def seed() -> None:
        process = Process(READER, settings, "api")
        await process.database.prepare(READER.collections())

        async def work(uow: UnitOfWork) -> None:
            for number, title in enumerate(("fine", "fine too", ""), 1):
                said = Envelope(
                    f"e{number}", "/roviec/training", CourseRegistered.type, f"k{number}", uow.now, 1, "system:t", "c"
                )
                value = CourseRegistered(course_id=f"k{number}", title=title, topic="t").data() if title else b"{"
                record = Record("training-events", 0, number, b"k", value, tuple(said.headers()))
                inbox.park(uow, record, said, inbox.Why.DEAD, reason="json: the value is not JSON")

        await process.units.run(work, process.units.system())
        await process.database.close()

    asyncio.run(seed())
    for name, value in (
        ("MONGO_URI", area.mongo), ("DATABASE", settings.database), ("KAFKA_BOOTSTRAP", "unused:1"),
        ("INTERNAL_JWKS_URL", "http://127.0.0.1:9/unused"), ("CURSOR_KEY", "key of a test"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "notifications.service", SimpleNamespace(service=READER))

    def run(command: Any, *arguments: str) -> tuple[Any, str]:
        with pytest.raises(SystemExit) as ended:
            command.main(["--service", "notifications", *arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out + said.err

    code, said = run(redrive, "--dry-run")
    assert code == 1
    assert "dry run" in said
    assert "e3  training-events/0/3  /roviec/training/course/k3  1" in said
    started = time.monotonic()
    code, said = run(redrive, "--rate", "1")
    assert time.monotonic() - started >= 2
    assert (code, said.count("put back"), said.count("refused: schema")) == (1, 2, 1)
    assert run(redrive, "--id", "e1") == (1, "no such record is set aside\n")
    code, said = run(redrive, "--id", "e3", "--skip")
    assert (code, "WARNING" in said) == (0, True)
    code, said = run(replay, "--since", "2020-01-01T00:00:00Z")
    assert (code, said) == (1, "nothing was sent in that time, or it is no longer kept\n")

    async def orders() -> list[dict[str, Any]]:
        process = Process(READER, settings, "api")
        found: list[dict[str, Any]] = await process.database.collection(OUTBOX).find({}).to_list(None)
        await process.database.collection(OUTBOX).update_many({}, {"$set": {"state": "S"}})
        await process.database.close()
        return found

    assert [row["type"] for row in asyncio.run(orders())] == [RecordsRedriven.type] * 3
    code, said = run(replay, "--since", "2020-01-01T00:00:00Z")
    assert (code, "redrive    3" in said) == (0, True), said
    for command, wrong in (
        (redrive, ["--skip"]), (redrive, ["--rate", "0"]), (redrive, ["--id", "a", "--stream", "b"]),
        (replay, ["--since", "yesterday"]), (replay, ["--since", "2020-01-01T00:00:00"]), (replay, []),
    ):  # fmt: skip
        assert run(command, *wrong)[0] == 2
