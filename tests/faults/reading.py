"""Reads the databases and topics of an arena, for the checker."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from pymongo.errors import PyMongoError

from common.contracts.base import Envelope, Undecodable
from common.contracts.topics import TOPICS
from common.outbox import DEAD_LETTER
from tests.faults import probe
from tests.faults.arena import SERVICES, Arena
from tests.faults.checker import Entry, Letter, Notice, Observed, Row, Wire

READERS = ("notifications", "gateway", "audit", probe.NAME)
READ_TASKS_ALONE = ("notifications", "gateway")
Database = Any


def read_databases(arena: Arena, seen: Observed, planted_places: frozenset[str]) -> None:
    for service in SERVICES:
        found = arena.database(service)
        for row in found["outbox"].find({"aggregatetype": {"$ne": DEAD_LETTER}}):
            seen.outbox.append(_row(row, arena.prefix))
    for service in READERS:
        for parked in arena.database(service)["inbox_parked"].find():
            place = f"{parked['topic']}/{parked['partition']}/{parked['offset']}"
            if parked["_id"] not in seen.planted and place not in planted_places:
                seen.parked.append(f"{service}: {parked['why']} {parked['reason']} {parked['stream']} {parked['sequence']}")
    tasks = arena.database("tasks")
    seen.sequences = {row["_id"]: row["sequence"] for row in tasks["tasks"].find({}, {"sequence": 1})}
    for line in tasks["history"].find({}, {"task_id": 1, "number": 1}).sort("_id", 1):
        seen.history.setdefault(line["task_id"], []).append(line["number"])
    for row in arena.database("notifications")["notices"].find():
        seen.notices.append(Notice(row["fact_id"], row["recipient_id"], row["kind"]))
        seen.letters.append(Letter(row["_id"], row["recipient_id"], row["mail"]["state"]))
    applied = arena.database(probe.NAME)[probe.APPLIED].find()
    seen.applied = {row["_id"]: row["numbers"] for row in applied}
    seen.ledger = [_entry(row) for row in arena.database("audit")["entries"].find().sort("index", 1)]


def _row(row: dict[str, Any], prefix: str) -> Row:
    headers = [(name, None if value is None else bytes(value)) for name, value in row["headers"]]
    envelope = Envelope.from_headers(headers)
    topic = row["topic"].removeprefix(prefix)
    return Row(row["_id"], envelope.stream, row["aggseq"], row["state"], envelope.correlation_id, topic)


def _entry(row: dict[str, Any]) -> Entry:
    leaf = json.loads(bytes(row["canonical"]))
    stream = f"{leaf['source']}/{leaf['type'].split('.')[1]}/{leaf['subject']}"
    return Entry(row["index"], row["_id"], stream, leaf["sequence"], row["leaf_hash"], leaf["previous"])


async def read_topic(arena: Arena, name: str, seconds: float = 30.0) -> list[Any]:
    """Every record of a topic, as the client gives it."""
    topic = arena.prefix + name
    consumer = AIOKafkaConsumer(bootstrap_servers=arena.servers.kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    records: list[Any] = []
    try:
        async with asyncio.timeout(seconds):
            await consumer.start()
            for partition in range(next((t.partitions for t in TOPICS if t.name == name), 1)):
                place = TopicPartition(topic, partition)
                consumer.assign([place])
                end = (await consumer.end_offsets([place]))[place]
                await consumer.seek_to_beginning(place)
                while await consumer.position(place) < end:
                    for found in (await consumer.getmany(place, timeout_ms=500)).values():
                        records += found
    finally:
        await consumer.stop()
    return records


async def read_wire(arena: Arena, seen: Observed) -> None:
    for topic in TOPICS:
        if topic.owner not in SERVICES:
            continue
        for record in await read_topic(arena, topic.name):
            try:
                envelope = Envelope.from_headers(record.headers)
            except Undecodable:
                continue
            place = topic.name, record.partition, record.offset
            seen.wire.append(Wire(*place, envelope.id, envelope.stream, envelope.sequence))


PLANTED = "planted-"
"""What the ids of aggregates begin with that only the rig has events of."""


def backlog(arena: Arena) -> dict[str, int]:
    """What is still under way: events to be sent, to be applied, which for the ledger is to be entered; records that wait."""
    left: dict[str, int] = {}
    events: dict[str, int] = {}
    for service in SERVICES:
        outbox = arena.database(service)["outbox"]
        left[f"{service} to send"] = outbox.count_documents({"state": {"$ne": "S"}})
        events[service] = outbox.count_documents({"aggregatetype": {"$ne": DEAD_LETTER}})
    mails = arena.database("notifications")["notices"]
    left["mails to send"] = mails.count_documents({"mail.state": {"$in": ["waiting", "sending"]}})
    for service in READERS:
        found = arena.database(service)
        left[f"{service} parked"] = found["inbox_parked"].count_documents({"why": {"$ne": "dead"}})
        own: list[dict[str, Any]] = [
            {"$match": {"_id": {"$not": {"$regex": PLANTED}}}},
            {"$group": {"_id": 0, "n": {"$sum": "$seq"}}},
        ]
        applied = sum(row["n"] for row in found["inbox_guards"].aggregate(own))
        left[f"{service} to apply"] = (events["tasks"] if service in READ_TASKS_ALONE else sum(events.values())) - applied
    return {what: number for what, number in left.items() if number > 0}


async def settled(arena: Arena, seconds: float) -> tuple[float, dict[str, int]]:
    """Wait until nothing is under way. Returns how long that took and what is left at the deadline."""
    started = time.monotonic()
    left: dict[str, int] = {"unknown": 1}
    while left and time.monotonic() - started < seconds:
        try:
            left = await asyncio.to_thread(backlog, arena)
        except PyMongoError:
            left = {"the database does not answer": 1}
        if left:
            await asyncio.sleep(0.5)
    return time.monotonic() - started, left
