"""The audit service on a real broker and database: what is published anywhere becomes entries, contiguous and in order."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from audit.domain.verification import Breach
from audit.service import service as audit_service
from audit.store import ENTRIES, ORIGINALS
from audit.verify import verify
from common.consumer import Inbox, handled_types
from common.contracts.base import Envelope, Record
from common.contracts.gateway import ClientRevoked
from common.contracts.training import CourseRegistered
from common.domain import Actor, Aggregate
from common.observability import LEDGER_SIZE
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


class Client(Aggregate):
    def revoke(self) -> None:
        self.record(ClientRevoked(client_id=self.id))


COURSES, CLIENTS = Store(Course, "courses"), Store(Client, "clients")
AUDIT = audit_service
TRAINING = Service("training", "tiny", Settings, [COURSES])
GATEWAY = Service("gateway", "tiny", Settings, [CLIENTS])
READER = Actor("client", "auditor", frozenset({"ledger:read"}))


async def rename(process: Process, course: str, *titles: str) -> None:
    async def work(uow: UnitOfWork) -> None:
        found = await uow.get(COURSES, course) or Course(id=course)
        for title in titles:
            found.rename(title)
        uow.save(COURSES, found)

    await process.units.run(work, process.units.system())


async def revoke(process: Process, client: str) -> None:
    async def work(uow: UnitOfWork) -> None:
        found = await uow.get(CLIENTS, client) or Client(id=client)
        found.revoke()
        uow.save(CLIENTS, found)

    await process.units.run(work, process.units.system())


async def entered(process: Process, count: int, seconds: float = 30.0) -> list[Any]:
    """The leaves of the ledger once there are so many."""

    async def all_there() -> list[Any] | None:
        found = await Reader(process.database).find(ENTRIES, {}, sort=("index",))
        return [entry.leaf for entry in found] if len(found) >= count else None

    leaves = await eventually(f"{count} entries", all_there, seconds)
    assert [leaf.index for leaf in leaves] == list(range(count))
    return leaves


def in_order(leaves: list[Any]) -> bool:
    """True when the events of every aggregate stand in the ledger in the order of their sequence, from 1."""
    streams: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for leaf in leaves:
        streams[leaf.source, leaf.type.split(".")[1], leaf.subject].append(leaf.sequence)
    return all(found == list(range(1, len(found) + 1)) for found in streams.values())


async def produce(area: Area, topic: str, records: list[tuple[bytes | None, list[tuple[str, bytes]]]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=area.kafka)
    await producer.start()
    try:
        for value, headers in records:
            await producer.send_and_wait(f"{area.name}-{topic}", value, key=b"k", headers=headers)
    finally:
        await producer.stop()


def envelope(kind: str, subject: str, sequence: int) -> Envelope:
    return Envelope(new_id(), "/roviec/tasks", kind, subject, datetime.now(UTC), sequence, "person:per-1", "corr-1")


async def test_events_of_all_services_become_contiguous_entries_that_verify(area: Area) -> None:
    async with area.running(TRAINING) as training, area.running(GATEWAY) as gateway, area.running(AUDIT) as audit:
        for number in range(20):
            await rename(training, f"c{number % 3}", f"{number}a", f"{number}b")
            await revoke(gateway, f"client{number % 2}")
        leaves = await entered(audit, 60)
        assert in_order(leaves)
        published = [
            row["_id"]
            for process in (training, gateway)
            for row in await process.database.collection(OUTBOX).find({}).to_list(None)
        ]
        assert sorted(leaf.event_id for leaf in leaves) == sorted(published)
        walk = await verify(audit.database)
        assert walk.size == 60

        async def measured() -> bool:
            return bool(LEDGER_SIZE._value.get() == 60)

        await eventually("the gauge says 60", measured)

        # as somebody would do it who has the password of the database
        originals, entries = audit.database.collection(ORIGINALS.collection), audit.database.collection(ENTRIES.collection)
        victim = await entries.find_one({"index": 30})
        original = await originals.find_one({"_id": victim["_id"]})
        spoiled = original["value"].replace(b"test", b"best")
        for collection, change, undo in (
            (originals, {"value": spoiled + b" "}, {"value": original["value"]}),
            (entries, {"_d.actor": "person:nobody"}, {"_d": victim["_d"]}),
            (entries, {"index": 4000}, {"index": 30}),
        ):
            await collection.update_one({"_id": victim["_id"]}, {"$set": change})
            with pytest.raises(Breach) as found:
                await verify(audit.database)
            assert found.value.index == 30
            await collection.update_one({"_id": victim["_id"]}, {"$set": undo})
        assert (await verify(audit.database)).last_hash == walk.last_hash
        await entries.delete_one({"index": 59})
        with pytest.raises(Breach, match="entry 59: it is missing"):
            await verify(audit.database)


async def test_what_no_code_knows_is_entered_and_what_nobody_can_read_is_not(area: Area) -> None:
    async with area.running(AUDIT) as audit:
        odd = b'{"when": "NaN", "n": 99999999999999999999, "s": "\\ud800"}'
        later = envelope("tasks.task.published.v9", "t2", 1)
        await produce(area, "tasks-events", [
            (odd, envelope("tasks.moon.landed.v1", "t1", 1).headers()),
            (b"{", envelope("tasks.moon.landed.v1", "broken", 1).headers()),
            (b"{}", later.headers()),
            (b"{}", [(n, v) for n, v in envelope("tasks.task.published.v1", "t3", 1).headers() if n != "ce_id"]),
            (b"{}", [*later.headers()[:7], ("ce_sequence", b"9" * 30)]),
            (b"{}", envelope("tasks.moon.landed.v1", "t1", 2).headers()),
        ])  # fmt: skip
        leaves = await entered(audit, 3)
        assert sorted((leaf.type, leaf.subject) for leaf in leaves) == [
            ("tasks.moon.landed.v1", "t1"), ("tasks.moon.landed.v1", "t1"), ("tasks.task.published.v9", "t2"),
        ]  # fmt: skip
        await verify(audit.database)

        async def dead() -> bool:
            return bool(await audit.database.collection(OUTBOX).count_documents({"aggregatetype": "dead-letter"}) == 3)

        await eventually("three dead letters", dead)
        async with area.client(audit, READER) as client:
            answer = await client.get("/v1/ledger/entries/0")
            assert answer.status_code == 200, answer.text
            assert answer.json()["data"] is None
            assert base64.b64decode(answer.json()["data_base64"]) == odd


def records(subjects: range, upto: int) -> list[Record]:
    made: list[Record] = []
    for subject in subjects:
        for sequence in range(1, upto + 1):
            said = envelope("tasks.moon.landed.v1", f"s{subject}", sequence)
            made.append(Record("tasks-events", 0, len(made), b"k", b'{"x": 1}', tuple(said.headers())))
    return made


async def test_two_writers_at_once_keep_one_contiguous_index(area: Area) -> None:
    """The lease keeps a second writer away; when it fails to (a paused process), the head and the guards still do."""
    one, other = (Process(AUDIT, area.settings(AUDIT), "api") for _ in range(2))
    try:
        await one.database.prepare(AUDIT.collections())
        shared, first, second = records(range(5), 8), records(range(5, 10), 8), records(range(10, 15), 8)

        async def write(process: Process, *batches: list[Record]) -> None:
            inbox = Inbox(process.units, handled_types(AUDIT.handlers))
            for batch in batches:
                for start in range(0, len(batch), 10):
                    await inbox.process(batch[start : start + 10])

        await asyncio.gather(write(one, first, shared), write(other, second, shared))
        await write(one, shared, second)  # everything is delivered again
        leaves = await entered(one, 120)
        assert in_order(leaves)
        assert (await verify(other.database)).size == 120
    finally:
        await one.database.close()
        await other.database.close()


async def run_audit(area: Area, crash: str) -> asyncio.subprocess.Process:
    settings = area.settings(AUDIT, lease_seconds=2.0)
    environment = {
        "MONGO_URI": area.mongo, "KAFKA_BOOTSTRAP": area.kafka, "INTERNAL_JWKS_URL": settings.internal_jwks_url,
        "CURSOR_KEY": "key of a test", "DATABASE": settings.database, "TOPIC_PREFIX": settings.topic_prefix,
        "LEASE_SECONDS": "2", "SESSION_SECONDS": "6", "ROVIEC_CRASH": crash, "MONGO_DRIVER": settings.mongo_driver,
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "audit.service", "--role", "worker",
        env={**os.environ, **environment}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def verify_command(area: Area) -> tuple[int | None, str]:
    environment = {
        "MONGO_URI": area.mongo, "KAFKA_BOOTSTRAP": "unused:1", "INTERNAL_JWKS_URL": "http://127.0.0.1:9/unused",
        "CURSOR_KEY": "key of a test", "DATABASE": f"{area.name}_audit",
    }  # fmt: skip
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "audit.verify", env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await run.communicate()
    return run.returncode, out.decode()


async def test_a_writer_that_dies_mid_transaction_or_before_its_offsets_leaves_no_trace(area: Area) -> None:
    async with area.running(TRAINING) as training:
        for number in range(30):
            await rename(training, f"c{number % 4}", f"{number}a", f"{number}b")
        for crash in ("consumer.before_effect:25", "consumer.after_commit:1"):
            run = await run_audit(area, crash)
            assert await asyncio.wait_for(run.wait(), 60) == 137
        await rename(training, "c0", "last")
        async with area.running(AUDIT, lease_seconds=2.0) as audit:
            leaves = await entered(audit, 61, 60)
            assert in_order(leaves)
            code, said = await verify_command(area)
            assert (code, "61 entries" in said) == (0, True), said
            await audit.database.collection(ENTRIES.collection).update_one({"index": 7}, {"$set": {"leaf_hash": "0" * 64}})
            code, said = await verify_command(area)
            assert (code, "BREACH at entry 7" in said) == (1, True), said


async def test_the_ledger_is_searched_followed_and_refused(area: Area) -> None:
    async with area.running(TRAINING) as training, area.running(GATEWAY) as gateway, area.running(AUDIT) as audit:
        for number in range(6):
            await rename(training, f"c{number % 2}", f"title {number}")
        await revoke(gateway, "partner")
        leaves = await entered(audit, 7)
        async with area.client(audit, READER) as client:

            async def listed(**query: Any) -> list[dict[str, Any]]:
                answer = await client.get("/v1/ledger/entries", params=query)
                assert answer.status_code == 200, answer.text
                items: list[dict[str, Any]] = answer.json()["items"]
                return items

            assert [item["index"] for item in await listed()] == list(range(7))
            assert [item["index"] for item in await listed(order="newest", limit=1)] == [6]
            assert {item["subject"] for item in await listed(subject="c1")} == {"c1"}
            assert [item["type"] for item in await listed(type=ClientRevoked.type)] == [ClientRevoked.type]
            assert len(await listed(actor="system:training", subject="c0")) == 3
            assert [item["index"] for item in await listed(after=4)] == [5, 6]
            assert [i["index"] for i in await listed(event_id=leaves[3].event_id)] == [3]
            assert [i["index"] for i in await listed(correlation_id=leaves[3].correlation_id)] == [3]
            assert await listed(subject="nobody") == await listed(after=6) == await listed(after=2**52) == []

            for order in ("oldest", "newest"):
                seen, cursor = [], None
                while True:
                    query = {"limit": 2, "order": order, "after": 0} | ({} if cursor is None else {"cursor": cursor})
                    page = (await client.get("/v1/ledger/entries", params=query)).json()
                    seen += [item["index"] for item in page["items"]]
                    if (cursor := page["next_cursor"]) is None:
                        break
                assert seen == (list(range(1, 7)) if order == "oldest" else list(range(6, 0, -1)))

            answer = await client.get("/v1/ledger/entries/3")
            whole = answer.json()
            assert answer.headers["etag"] == '"1"'
            assert whole["data"] == {"course_id": leaves[3].subject, "title": whole["data"]["title"], "topic": "test"}
            assert {h["name"]: h["value"] for h in whole["headers"]}["ce_id"] == leaves[3].event_id
            assert whole["previous"] == (await client.get("/v1/ledger/entries/2")).json()["leaf_hash"]
            assert (await client.get("/v1/ledger/entries/3", headers={"If-None-Match": '"1"'})).status_code == 304

            for path, status in (
                ("/v1/ledger/entries/7", 404),
                ("/v1/ledger/entries/-1", 422),
                ("/v1/ledger/entries/first", 422),
                (f"/v1/ledger/entries/{2**64}", 422),
                ("/v1/ledger/entries?after=x", 422),
                ("/v1/ledger/entries?limit=0", 422),
                ("/v1/ledger/entries?order=random", 422),
                ("/v1/ledger/entries?cursor=forged.mark", 422),
                (f"/v1/ledger/entries?subject={'x' * 300}", 422),
                ("/v1/ledger/checkpoint", 404),
            ):
                answer = await client.get(path)
                assert answer.status_code == status, path
                assert answer.headers["content-type"] == "application/problem+json"
            assert (await client.post("/v1/ledger/entries", json={})).status_code == 405
        for actor in (
            Actor("client", "other", frozenset({"tasks:read"})),
            Actor("client", "commune", frozenset({"ledger:read"}), frozenset({"vn:commune:00694@2025-07-01"})),
        ):
            async with area.client(audit, actor) as client:
                for path in ("/v1/ledger/entries", "/v1/ledger/entries/0"):
                    assert (await client.get(path)).status_code == 403
