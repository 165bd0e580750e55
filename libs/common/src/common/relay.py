"""Outbox to Kafka. Any number of replicas; each range of buckets has one owner at a time.

The relay scans for what is pending, never from a remembered position: transactions commit in another order than their
rows were made, and a position would step over the late ones. Within a stream it sends n + 1 only after n. An outcome
that is not known is a failure: the event is sent again with its id, and readers apply it once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError, TopicAuthorizationFailedError
from aiokafka.helpers import create_ssl_context
from aiokafka.partitioner import DefaultPartitioner

from common import crash
from common import observability as metrics
from common.contracts.topics import to_create
from common.lease import Lease, holders
from common.mongo import PyMongoError
from common.observability import Log
from common.outbox import BUCKETS, OUTBOX, PARKED, PENDING, SENT
from common.settings import Settings
from common.unit_of_work import Units

log = Log(__name__)

RANGES = 4
PER_RANGE = BUCKETS // RANGES
SCAN = 500
BATCH_BYTES = 512 * 1024
SEND_SECONDS = 10.0
LOOK_SECONDS = 1.0
PERMANENT = (MessageSizeTooLargeError, RecordTooLargeError, TopicAuthorizationFailedError)
MAX_PERMANENT_ATTEMPTS = 20

Row = dict[str, Any]


def kafka_options(settings: Settings) -> dict[str, Any]:
    """How every client of ours finds the broker and shows who it is."""
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka_bootstrap, "security_protocol": settings.kafka_security}
    if settings.kafka_security == "SASL_SSL":
        if settings.kafka_password is None or settings.kafka_username is None:
            raise SystemExit("KAFKA_USERNAME and KAFKA_PASSWORD are needed with KAFKA_SECURITY=SASL_SSL")
        options |= {
            "ssl_context": create_ssl_context(cafile=settings.kafka_ca_file),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options


async def ensure_topics(settings: Settings) -> None:
    """Create the topics that do not exist yet. Waits for the broker for as long as it takes."""
    while True:
        admin = AIOKafkaAdminClient(**kafka_options(settings), request_timeout_ms=10_000)
        try:
            await admin.start()
            present = set(await admin.list_topics())
            missing = [entry for entry in to_create(settings.topic_prefix) if entry.name not in present]
            if missing:
                copies = settings.kafka_replication
                await admin.create_topics([NewTopic(e.name, e.partitions, copies, topic_configs=e.config) for e in missing])
            return
        except (KafkaError, OSError) as error:
            log.warning("topics_not_ensured", error=type(error).__name__)
            await asyncio.sleep(0.5)
        finally:
            with contextlib.suppress(Exception):
                await admin.close()


# --- pure decisions, tested without a broker ---


def sendable(rows: Sequence[Row], blocked: Iterable[tuple[str, str]]) -> list[Row]:
    """What of a scan (in stream order) may go out now: of each stream the gapless run from its first row, up to one that
    is parked; nothing of a blocked stream.
    """
    closed = set(blocked)
    last: dict[tuple[str, str], int] = {}
    chosen: list[Row] = []
    for row in rows:
        stream = (row["aggregatetype"], row["aggregateid"])
        if row["state"] == PARKED or row["aggseq"] != last.get(stream, row["aggseq"] - 1) + 1:
            closed.add(stream)
        if stream not in closed:
            last[stream] = row["aggseq"]
            chosen.append(row)
    return chosen


def size_of(row: Row) -> int:
    """Bytes that a row takes in a batch at most."""
    headers = sum(len(name.encode()) + len(value or b"") + 16 for name, value in row["headers"])
    return len(row["key"] or b"") + len(row["payload"] or b"") + headers + 128


def batches_of(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows of one partition, cut into batches by size. A row that has failed before travels alone, so that one that
    the broker refuses costs only itself.
    """
    batches: list[list[Row]] = []
    size = BATCH_BYTES + 1
    for row in rows:
        length = size_of(row)
        alone = row["attempts"] > 0
        if alone or size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(row)
        size = BATCH_BYTES + 1 if alone else size + length
    return batches


def fair_share(owners: dict[str, str], me: str) -> int:
    """How many ranges a relay may hold beside the others that live."""
    members = {owner for name, owner in owners.items() if name.startswith("relay-member/")} | {me}
    return -(-RANGES // len(members))


def is_unfair(owners: dict[str, str], me: str) -> bool:
    """Whether this relay holds more ranges than its share, or fewer while one is free."""
    held, fair = [owners.get(f"relay/{number}") for number in range(RANGES)], fair_share(owners, me)
    return held.count(me) > fair or (held.count(me) < fair and None in held)


def pause_after(attempts: int) -> float:
    """Seconds before a stream is tried again: 0.2 s doubled up to 30 s, half of it random."""
    ceiling = min(0.2 * 2.0 ** min(attempts, 10), 30.0)
    return ceiling / 2 + random.random() * ceiling / 2  # noqa: S311 - jitter


# --- the relay ---


@dataclass
class Relay:
    units: Units
    settings: Settings
    _producer: AIOKafkaProducer | None = None
    _blocked: dict[tuple[str, str], float] = field(default_factory=dict)
    _stopping: bool = False

    def __post_init__(self) -> None:
        database, seconds = self.units.database, self.settings.lease_seconds
        self._member = Lease(database, f"relay-member/{database.process_id}", seconds)
        self._ranges = [Lease(database, f"relay/{number}", seconds) for number in range(RANGES)]
        self._outbox = database.collection(OUTBOX)
        self._wake = self.units.written
        self._partitioner = DefaultPartitioner()
        self._parked_seen = 0.0
        self._look_at = self._renewed = -1e9

    async def run(self) -> None:
        """Relay until cancelled or told to stop; no failure ends it."""
        hints = asyncio.create_task(self._listen(), name="relay-hints")
        try:
            await ensure_topics(self.settings)
            while not self._stopping:
                busy = False
                try:
                    if time.monotonic() >= self._look_at:
                        await self._look()
                    busy = await self._round()
                except PyMongoError as error:
                    log.warning("relay_database_away", error=type(error).__name__)
                except (KafkaError, OSError, TimeoutError) as error:
                    metrics.RELAY_FAILED.labels("broker").inc()
                    log.warning("relay_broker_away", error=type(error).__name__)
                    await self._drop_producer()
                    await asyncio.sleep(0.5)
                if not busy and not self._stopping:
                    self._wake.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), 0.9 + random.random() * 0.2)  # noqa: S311 - jitter
        finally:
            hints.cancel()
            await self._drop_producer()
            await asyncio.gather(*(lease.release() for lease in (*self._ranges, self._member) if lease.epoch))

    def stop(self) -> None:
        """Finish the round in hand, hand the leases back, end."""
        self._stopping = True
        self._wake.set()

    async def _listen(self) -> None:
        async for _ in self.units.database.changes(OUTBOX):
            self._wake.set()

    # --- who owns which buckets ---

    async def _look(self) -> None:
        """Renew what is held every third of a lease; before that, too, when another has come, gone or died, since what is
        pending in a range waits as long as nobody holds it.
        """
        now, third = time.monotonic(), self.settings.lease_seconds / 3
        self._look_at = now + min(LOOK_SECONDS, third)
        owners = await holders(self.units.database, "relay")
        due = now - self._renewed > third
        if due or is_unfair(owners, self.units.database.process_id):
            await self._share_buckets(owners)
        if due:
            self._renewed = now
            await self._measure()

    async def _share_buckets(self, owners: dict[str, str]) -> None:
        """Hold a fair share of the ranges: all of them when alone, none that another living relay needs."""
        await self._member.take()
        mine, me = 0, self.units.database.process_id
        fair = fair_share(owners, me)
        for number, lease in enumerate(self._ranges):
            had, wanted = lease.epoch, mine < fair and owners.get(lease.name, me) == me
            held = wanted and await lease.take()
            if had and not wanted:
                await lease.release()
            mine += held
            metrics.RELAY_EPOCH.labels(str(number)).set(lease.epoch)
            if held and lease.epoch != had:
                self._parked_seen = 0.0  # a new range: what is parked in it is not known yet
                log.info("relay_range_taken", range=number, epoch=lease.epoch)

    def _owned(self) -> list[int]:
        """Buckets that may be sent now: no sending in the last third of a lease."""
        return [b for n, lease in enumerate(self._ranges) if lease.held() for b in range(n * PER_RANGE, (n + 1) * PER_RANGE)]

    def _holds(self, row: Row) -> bool:
        return self._ranges[int(row["bucket"]) // PER_RANGE].held()

    # --- one round: scan, send, mark ---

    async def _round(self) -> bool:
        """Send what is pending. True when there may be more at once. Raises what the client raises while the broker is away."""
        owned = self._owned()
        if not owned:
            return False
        # first, since there is no point in asking what is pending, which grows, while the broker is away
        producer = await self._ready_producer()
        await self._learn_parked(owned)
        self._blocked = {stream: until for stream, until in self._blocked.items() if until > time.monotonic()}
        rows = await self.units.database.snapshot(lambda session: self._scan(owned, session))
        chosen = sendable(rows, self._blocked)
        if not chosen:
            return False
        crash.point("relay.before_send")
        sent = await self._send(producer, chosen)
        crash.point("relay.after_send")
        if sent:
            change = {"$set": {"state": SENT}, "$currentDate": {"sent_at": True}}
            await self._outbox.update_many({"_id": {"$in": sent}, "state": PENDING}, change)
            crash.point("relay.after_mark")
            metrics.RELAY_SENT.inc(len(sent))
        return len(sent) == len(chosen) and len(rows) == SCAN

    async def _scan(self, owned: list[int], session: Any) -> list[Row]:
        """What is pending; and what is parked, since another relay may have parked it a moment ago."""
        query: dict[str, Any] = {"state": {"$in": [PENDING, PARKED]}, "bucket": {"$in": owned}}
        if self._blocked:
            query["aggregateid"] = {"$nin": [aggregate_id for _, aggregate_id in self._blocked]}
        order = [("aggregatetype", 1), ("aggregateid", 1), ("aggseq", 1)]
        rows: list[Row] = await self._outbox.find(query, session=session).sort(order).limit(SCAN).to_list(None)
        return rows

    async def _learn_parked(self, owned: list[int]) -> None:
        """Streams that a parked row holds back are left out of the scan, where their rows would take the others' places:
        known again after every change of ownership, and every few seconds.
        """
        if time.monotonic() - self._parked_seen < self.settings.lease_seconds / 3:
            return
        parked, stream = {"state": PARKED, "bucket": {"$in": owned}}, {"aggregatetype": 1, "aggregateid": 1}
        rows = await self._outbox.find(parked, stream).to_list(None)
        until = time.monotonic() + self.settings.lease_seconds
        self._blocked.update({(row["aggregatetype"], row["aggregateid"]): until for row in rows})
        self._parked_seen = time.monotonic()

    async def _send(self, producer: AIOKafkaProducer, rows: list[Row]) -> list[str]:
        """Ids of the rows that the broker acknowledged."""
        lanes: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in rows:
            lanes[row["topic"], await self._partition(producer, row)].append(row)
        results = await asyncio.gather(*(self._send_lane(producer, *place, lane) for place, lane in lanes.items()))
        sent = [key for acknowledged, _ in results for key in acknowledged]
        if any(failed for _, failed in results):
            await self._drop_producer()
        return sent

    async def _send_lane(
        self, producer: AIOKafkaProducer, topic: str, partition: int, rows: list[Row]
    ) -> tuple[list[str], bool]:
        """Send the rows of one partition in order; stop at the first batch whose outcome is not a clear yes, or when what
        is left of a lease is too short for another one.
        """
        sent: list[str] = []
        for rows_of_batch in batches_of(rows):
            if not all(self._holds(row) for row in rows_of_batch):
                break
            batch = producer.create_batch()
            for row in rows_of_batch:
                headers = [(name, None if value is None else bytes(value)) for name, value in row["headers"]]
                at = int(row["created_at"].timestamp() * 1000)
                taken = batch.append(key=row["key"], value=row["payload"], timestamp=at, headers=headers)
                assert taken is not None, "a row that the batch has no room for would be marked as sent"
            batch.close()
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    future = await producer.send_batch(batch, topic, partition=partition)
                    await asyncio.shield(future)
            except (KafkaError, OSError, TimeoutError) as error:
                await self._note_failure(rows_of_batch, error)
                return sent, True
            sent += [row["_id"] for row in rows_of_batch]
        return sent, False

    async def _partition(self, producer: AIOKafkaProducer, row: Row) -> int:
        partitions = sorted(await asyncio.wait_for(producer.partitions_for(row["topic"]), SEND_SECONDS))
        return int(self._partitioner(row["key"], partitions, partitions))

    async def _note_failure(self, rows: list[Row], error: BaseException) -> None:
        permanent = isinstance(error, PERMANENT)
        metrics.RELAY_FAILED.labels("refused" if permanent else "unknown_outcome").inc(len(rows))
        log.warning("relay_send_failed", error=type(error).__name__, events=len(rows), first=rows[0]["_id"])
        if not permanent:
            return  # the broker's trouble, not the events': all of them go again with the next round
        for row in rows:
            attempts = row["attempts"] + 1
            parked = len(rows) == 1 and attempts > MAX_PERMANENT_ATTEMPTS
            change: dict[str, Any] = {"attempts": attempts, "last_error": type(error).__name__}
            if parked:
                change["state"] = PARKED
                log.error("outbox_event_parked", event=row["_id"], type=row["type"], error=type(error).__name__)
            await self._outbox.update_one({"_id": row["_id"], "state": PENDING}, {"$set": change})
            pause = self.settings.lease_seconds if parked else pause_after(attempts)
            self._blocked[row["aggregatetype"], row["aggregateid"]] = time.monotonic() + pause

    # --- the producer ---

    async def _ready_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **kafka_options(self.settings),
                client_id=f"roviec-{self.units.service}-relay",
                acks="all",
                enable_idempotence=True,
                max_batch_size=2 * BATCH_BYTES,
                request_timeout_ms=int(SEND_SECONDS * 1000),
                metadata_max_age_ms=60_000,
            )
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await producer.start()
            except BaseException:
                await _abandon(producer)
                raise
            self._producer = producer
        return self._producer

    async def _drop_producer(self) -> None:
        """After any doubt the producer goes: its sequence may be out of step, and it may still deliver what we gave up."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            metrics.RELAY_REBUILT.inc()
            await _abandon(producer)

    # --- figures ---

    async def _measure(self) -> None:
        metrics.OUTBOX_PENDING.set(await self._outbox.count_documents({"state": PENDING}))
        metrics.OUTBOX_PARKED.set(await self._outbox.count_documents({"state": PARKED}))
        metrics.OUTBOX_ROWS.set(await self._outbox.estimated_document_count())
        oldest = await self._outbox.find_one({"state": PENDING}, {"created_at": 1}, sort=[("created_at", 1)])
        metrics.OUTBOX_AGE.set(0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest["created_at"]).total_seconds()))


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Cut a producer off without its own `stop()`, which waits for ever while a batch is pending.

    The sender is cancelled and the connections closed, so that nothing given to it can still go out.
    """
    producer._closed = True
    task = producer._sender._sender_task
    if task is not None:
        task.cancel()
    with contextlib.suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(2):
            await producer.client.close()
    if task is not None:
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.wait({task}, timeout=1)
