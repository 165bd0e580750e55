"""Kafka to handlers: per partition strictly in order, partitions side by side, every effect once.

A lane takes up to `BATCH` records of its partition into one transaction: guard, claim, effect, derived outbox rows, and
the dead letters of those that cannot be read. When that fails for any reason but the database's absence, it is redone by
halves, so that one failing record costs itself alone. Offsets are committed after the transaction and only as far as
everything before them is done; that they may be committed late or not at all is harmless, because what comes again is
known.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_args, get_type_hints

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from common import crash, inbox
from common import observability as metrics
from common.contracts.base import Envelope, Event, Message, Record, Undecodable, check_json
from common.contracts.topics import TOPICS, topic_of
from common.domain import Actor
from common.errors import DomainError
from common.inbox import Parked, Verdict, Why, judge
from common.lease import Lease, cut_off, told_to_end
from common.mongo import OutOfTime, PyMongoError, is_away
from common.observability import Log
from common.outbox import DEAD_LETTER, OUTBOX, dead_letter_row
from common.relay import ensure_topics, kafka_options
from common.settings import Settings
from common.unit_of_work import Cause, Handler, UnitOfWork, Units

log = Log(__name__)

BATCH = 200
HIGH_WATER = 1000
HIGH_WATER_BYTES = 8 * 1024 * 1024
BATCH_SECONDS = 20.0
RECORD_SECONDS = 10.0
"""One record has less time than a batch, and is parked as soon as that is over: its lane must not wait for it again."""
PROBE_SECONDS = 2.0
"""A server that answers may still do nothing; only a transaction that ends shows that it works."""
RETRY_PAUSES = (0.2, 0.8)
"""Seconds between the tries of a failing record, before its stream is parked."""
FAILURES_IN_A_ROW = 20
"""A consumer that fails this often without one success stops: the fault is its own, not the records'."""
STUCK_SECONDS = 60.0
TURN_PAUSE = timedelta(seconds=5)
"""How often a parked record that waits for an earlier one is looked at again; normally that one brings it along."""


class Halted(Exception):
    """Too many records in a row failed: nothing more is taken in until somebody has looked."""


def handled_types(handlers: Iterable[Handler]) -> dict[str, Handler]:
    """Which wire type each handler is for, read from the annotation of its message: `Message[TaskAssigned]`.

    `Message[None]` stands for every type of every topic, under the key `*`. Raises TypeError for anything else.
    """
    found: dict[str, Handler] = {}
    for handler in handlers:
        hints = [hint for name, hint in get_type_hints(handler).items() if name != "return"]
        (event,) = get_args(hints[0]) or (object,)
        if event is type(None):
            kind = "*"
        elif isinstance(event, type) and issubclass(event, Event):
            kind = event.type
        else:
            raise TypeError(f"{handler.__module__}: the first parameter of a reaction is annotated Message[SomeEvent]")
        if kind in found:
            raise TypeError(f"{handler.__module__}: {kind} has a handler already")
        found[kind] = handler
    return found


def topics_for(types: Iterable[str]) -> list[str]:
    """The topics that carry these types."""
    types = list(types)
    return [topic.name for topic in TOPICS] if "*" in types else sorted({topic_of(kind).name for kind in types})


def decode(record: Record, types: dict[str, Handler]) -> Message[Event | None]:
    """Make a message of a record. Raises `Undecodable` for what no retry can help: not our envelope, not JSON, not the
    schema, or a later major version of a type that this service handles.
    """
    envelope = Envelope.from_headers(record.headers)
    if envelope.type in types:
        return Message(Event.registry[envelope.type].read(record.value or b""), envelope, record)
    stem, _, _ = envelope.type.rpartition(".v")
    if envelope.type not in Event.registry and any(kind.rpartition(".v")[0] == stem for kind in types if kind != "*"):
        raise Undecodable("version", f"{envelope.type} is a version that this service does not know")
    if "*" in types:
        check_json(record.value)
    return Message(None, envelope, record)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that no retry can help. Its stream is known when at least its headers could be read, and waits behind it."""

    record: Record
    envelope: Envelope | None
    fault: Undecodable

    @classmethod
    def of(cls, record: Record, fault: Undecodable) -> Unreadable:
        with contextlib.suppress(Undecodable):
            return cls(record, Envelope.from_headers(record.headers), fault)
        return cls(record, None, fault)


Received = Message[Event | None] | Unreadable


@dataclass(frozen=True, slots=True)
class Applied:
    """What a transaction made of a batch and of what had waited for it: what became of each, in order ("" goes on waiting), and
    the streams of which it saw all that waits, with those of which something still does.
    """

    records: list[Received]
    outcomes: list[str]
    joined: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)


def each_stream_in_order(batch: list[Received]) -> list[Received]:
    """The same records; in the places that a stream has, its own by their numbers. What came before its predecessor is then
    applied behind it, and not parked and fetched again.
    """
    turns: dict[str, deque[Received]] = defaultdict(deque)
    for one in sorted((one for one in batch if isinstance(one, Message)), key=lambda one: one.envelope.sequence):
        turns[one.envelope.stream].append(one)
    return [turns[one.envelope.stream].popleft() if isinstance(one, Message) else one for one in batch]


@dataclass
class Inbox:
    """Applies records: the transaction, its retries, what is parked and what is dead. Knows nothing of Kafka."""

    units: Units
    types: dict[str, Handler]
    parked_streams: set[str] = field(default_factory=set)
    progress_at: float = field(default_factory=time.monotonic)
    _streak: int | None = None

    async def process(self, records: list[Record]) -> None:
        """Apply, park or set aside every one of these records, those of each stream in order.

        Raises `Unavailable` when the database is away (nothing is lost: call again) and `Halted` after too many
        failures in a row.
        """
        await self._count(())
        batch: list[Received] = []
        unreadable = 0
        for record in records:
            batch.append(self._read(record))
            unreadable += isinstance(batch[-1], Unreadable)
            if unreadable and await self._failures() + unreadable >= FAILURES_IN_A_ROW:  # never more at once than halt it
                await self._together(each_stream_in_order(batch))
                batch, unreadable = [], 0
        await self._together(each_stream_in_order(batch))

    async def _together(self, messages: list[Received]) -> None:
        """Apply these in one transaction; when that fails, by halves, until what fails stands alone: others do not wait
        for as many transactions as there are records. What was slow is done by tenths: each half might take the whole time
        again, and one by one they would take a slow database longer than all together.
        """
        if len(messages) <= 1:
            for message in messages:
                await self._one(message)
            return
        if (failure := await self._try(messages)) is None:
            return
        log.warning("batch_redone_in_parts", records=len(messages), error=type(failure).__name__)
        size = -(-len(messages) // (10 if isinstance(failure, OutOfTime) else 2))
        for start in range(0, len(messages), size):
            await self._together(messages[start : start + size])

    async def _one(self, message: Received) -> None:
        for pause in (*RETRY_PAUSES, None):
            if (failure := await self._try([message])) is None:
                return
            if isinstance(message, Unreadable):
                raise failure  # setting a record aside calls no handler: this is a fault of ours
            if pause is None or isinstance(failure, OutOfTime):
                await self._park_failed(message, failure)
                return
            await asyncio.sleep(pause)

    async def _try(self, batch: list[Received]) -> Exception | None:
        """Apply these and what waits behind them. Returns the failure when it lies with them, and raises any other."""
        streams = {one.envelope.stream for one in batch if isinstance(one, Message)}
        try:
            # one that comes alone may be here because something in its batch failed: it is not to be blamed for what waits
            applied = await self._apply(batch, streams & self.parked_streams if len(batch) > 1 else set(), BATCH)
        except Exception as error:
            if await self._database_is_away(error):
                raise
            return error
        await self._tell(applied)
        if waiting := streams & self.parked_streams - applied.joined:
            await self.drain(*waiting)
        return None

    async def _apply(self, batch: list[Received], waiting_of: set[str], size: int) -> Applied:
        """One transaction over all of these and what has waited of these streams: those whose turn it is take effect, the early
        ones are parked, the unreadable ones become dead letters. What failed before is not tried with a batch.
        """
        streams = {one.envelope.stream for one in batch if one.envelope is not None} | waiting_of

        async def work(uow: UnitOfWork) -> Applied:
            before = await inbox.last_applied(uow, streams)
            last = dict(before)
            waiting = await inbox.parked_of(uow, waiting_of, size) if waiting_of else []
            known = {one.id for one in waiting}
            tried = [one for one in waiting if not (one.rests(uow.now) or (batch and one.why is Why.FAILED))]
            records = each_stream_in_order(batch + [self._read(one.record) for one in tried])
            buried = await self._buried(uow, records)
            outcomes = [
                await self._in_turn(one, uow, last, known) if isinstance(one, Message) else self._bury(one, uow, last, buried)
                for one in records
            ]
            inbox.move_guards(uow, before, last)
            left = [one for one in waiting if (one.sequence or 0) > last[one.stream or ""]]
            await inbox.unpark(uow, sorted(known - {one.id for one in left}))
            if not batch:
                await inbox.put_off(uow, left, TURN_PAUSE)
            joined = waiting_of if len(waiting) < size else set()
            return Applied(records, outcomes, joined, {one.stream or "" for one in left})

        started = time.monotonic()
        seconds = RECORD_SECONDS if 1 in (len(batch), size) else BATCH_SECONDS
        applied = await self.units.run(work, self.units.system(), seconds=seconds)
        crash.point("consumer.after_commit")
        metrics.HANDLER_SECONDS.labels("batch" if seconds == BATCH_SECONDS else "one").observe(time.monotonic() - started)
        return applied

    def _read(self, record: Record) -> Received:
        try:
            return decode(record, self.types)
        except Undecodable as fault:
            return Unreadable.of(record, fault)

    async def _tell(self, applied: Applied) -> None:
        """What follows from a batch that is committed: figures, log lines, the row of failures."""
        self._note_progress()
        self.parked_streams = self.parked_streams - applied.joined | applied.left
        early: set[str] = set()
        for one, outcome in zip(applied.records, applied.outcomes, strict=True):
            if isinstance(one, Message):
                if outcome:
                    _count_handled(one.envelope, outcome)
                if outcome == "parked":
                    early.add(one.envelope.stream)
            elif outcome == "dead":
                metrics.DEAD_LETTERS.labels(one.fault.reason).inc()
                log.error("dead_letter", place=one.record.place, reason=one.fault.reason, detail=one.fault.detail)
                if one.envelope is not None:
                    self.parked_streams.add(one.envelope.stream)
        if early:
            self.parked_streams |= early
            log.warning("records_parked", reason="gap", streams=len(early))
        await self._count(applied.outcomes)

    async def _in_turn(self, message: Message[Event | None], uow: UnitOfWork, last: dict[str, int], known: set[str]) -> str:
        """What becomes of a record when `last` was applied of its stream; moves `last` on when it takes effect. What is early
        is parked, unless it is `known` to be.
        """
        envelope = message.envelope
        match judge(envelope.sequence, last[envelope.stream]):
            case Verdict.DUPLICATE:
                return "duplicate"
            case Verdict.GAP if envelope.id in known:
                return ""
            case Verdict.GAP:
                inbox.park(uow, message.record, envelope, Why.GAP, "gap", uow.now + TURN_PAUSE)
                return "parked"
        last[envelope.stream] = envelope.sequence
        return await self._effect(message, uow)

    async def _effect(self, message: Message[Event | None], uow: UnitOfWork) -> str:
        envelope = message.envelope
        handler = self.types.get(envelope.type) or self.types.get("*")
        if handler is None:
            return "ignored"
        inbox.claim(uow, envelope)
        uow.cause = Cause(Actor.system(self.units.service), envelope.correlation_id, envelope.id, envelope.traceparent)
        crash.point("consumer.before_effect")
        await handler(message, uow)
        return "applied"

    async def _buried(self, uow: UnitOfWork, records: list[Received]) -> set[str]:
        """Places of those of these that have their dead letter already."""
        places = [one.record.place for one in records if isinstance(one, Unreadable)]
        if not places:
            return set()
        letters = {"aggregatetype": DEAD_LETTER, "aggregateid": {"$in": places}}
        rows = await uow.database.collection(OUTBOX).find(letters, {"aggregateid": 1}, session=uow.session).to_list(None)
        return {row["aggregateid"] for row in rows}

    def _bury(self, one: Unreadable, uow: UnitOfWork, last: dict[str, int], buried: set[str]) -> str:
        """Dead letter: original bytes and the reason, through the outbox; the record stays here until it is redriven.

        When its headers could be read, its stream waits behind it: order is not given up for speed.
        """
        if one.record.place in buried:
            return "duplicate"
        if one.envelope is not None and judge(one.envelope.sequence, last[one.envelope.stream]) is Verdict.DUPLICATE:
            return "duplicate"
        inbox.park(uow, one.record, one.envelope, Why.DEAD, str(one.fault))
        marks = {"reason": one.fault.reason, "detail": one.fault.detail, "consumer": self.units.service}
        marks |= {"attempts": "1", "first-at": uow.now.isoformat()}
        uow.insert_raw(OUTBOX, dead_letter_row(self.units.dead_letters, one.record, marks, uow.now))
        return "dead"

    async def _database_is_away(self, error: Exception) -> bool:
        """True when no record is to blame. One whose handler takes more than its time fails like any other, as long as
        another transaction gets through: else it would hold its partition up for ever.
        """
        if not isinstance(error, OutOfTime):
            return is_away(error)

        async def look(uow: UnitOfWork) -> None:
            await inbox.last_applied(uow, [])

        try:
            await self.units.run(look, self.units.system(), seconds=PROBE_SECONDS)
        except (DomainError, PyMongoError):
            return True
        return False

    # --- what fails ---

    async def _park_failed(self, message: Message[Event | None], failure: BaseException) -> None:
        envelope = message.envelope

        async def work(uow: UnitOfWork) -> None:
            again = uow.now + inbox.pause_after(1)
            inbox.park(uow, message.record, envelope, Why.FAILED, type(failure).__name__, again)

        await self.units.run(work, self.units.system(), seconds=RECORD_SECONDS)
        _count_handled(envelope, "parked")
        log.error("record_parked", exc_info=failure, place=message.record.place, type=envelope.type, event_id=envelope.id)
        self.parked_streams.add(envelope.stream)
        await self._count(["failed"])

    def _note_progress(self) -> None:
        metrics.CONSUMER_PROGRESS.set_to_current_time()
        self.progress_at = time.monotonic()

    # --- failures in a row ---

    async def _count(self, outcomes: Iterable[str]) -> None:
        """Count failures in a row. Only a handler that took a record ends the row: what is parked behind one that failed,
        was known or is nobody's business would get through a bad deployment as well.

        The count outlives the process: a bad deployment that is restarted again and again halts after one record. Raises
        `Halted` at `FAILURES_IN_A_ROW`.
        """
        before = streak = await self._failures()
        for outcome in outcomes:
            streak = 0 if outcome == "applied" else streak + (outcome in ("dead", "failed"))
            if streak >= FAILURES_IN_A_ROW:
                break
        self._streak = streak
        if streak != before:
            state = self.units.database.collection(inbox.STATE)
            await state.update_one({"_id": "streak"}, {"$set": {"failures": streak}}, upsert=True)
        if streak >= FAILURES_IN_A_ROW:
            raise Halted

    async def _failures(self) -> int:
        if self._streak is None:
            row = await self.units.database.collection(inbox.STATE).find_one({"_id": "streak"})
            self._streak = min(0 if row is None else row["failures"], FAILURES_IN_A_ROW - 1)
        return self._streak

    # --- what waits ---

    async def due(self) -> list[Parked]:
        """Parked records whose time has come."""
        collection = self.units.database.collection(inbox.PARKED)
        rows = await collection.find({"next_at": {"$lte": self.units.clock()}}).sort([("next_at", 1)]).limit(100).to_list(None)
        return [Parked.parse(row) for row in rows]

    async def drain(self, *streams: str) -> None:
        """Apply what is parked of these streams, as far as the order of each allows: many in one transaction. When that fails,
        each stream alone, then fewer of its records, until what fails stands alone.
        """
        size, going = BATCH, True
        while going:
            try:
                applied = await self._apply([], set(streams), size)
            except Exception as error:
                if await self._database_is_away(error):
                    raise
                if len(streams) > 1:
                    for stream in streams:
                        await self.drain(stream)
                    return
                if size == 1:
                    await self._rest(streams[0], error)
                    return
                size = 1 if isinstance(error, OutOfTime) else size // 2
                continue
            await self._tell(applied)
            going = not applied.joined and any(applied.outcomes)  # the rest is found by the next look

    async def _rest(self, stream: str, error: Exception) -> None:
        """The first that waits of a stream, whose handler failed, is tried again after growing pauses."""
        collection = self.units.database.collection(inbox.PARKED)
        row = await collection.find_one({"stream": stream}, sort=[("sequence", 1)])
        if row is None:
            raise error
        parked = Parked.parse(row)
        attempts = parked.attempts + 1
        change: dict[str, Any] = {"attempts": attempts, "next_at": self.units.clock() + inbox.pause_after(attempts)}
        change |= {"why": Why.FAILED.value, "reason": type(error).__name__}
        log.error("parked_record_failed_again", exc_info=error, place=parked.record.place, attempts=attempts)
        await collection.update_one({"_id": parked.id}, {"$set": change})


# --- Kafka ---


@dataclass(eq=False)
class Lane:
    """What waits to be applied, strictly in order: the records of one partition, or of all when there is one writer."""

    buffer: deque[Record] = field(default_factory=deque)
    size: int = 0
    done: dict[TopicPartition, int] = field(default_factory=dict)
    last_at: dict[TopicPartition, int] = field(default_factory=dict)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False
    task: asyncio.Task[None] | None = None

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            self.buffer.append(record)
            self.size += len(record.value or b"")
        self.filled.set()

    def take(self) -> list[Record]:
        records = [self.buffer.popleft() for _ in range(min(BATCH, len(self.buffer)))]
        self.size -= sum(len(record.value or b"") for record in records)
        return records

    @property
    def full(self) -> bool:
        return len(self.buffer) > HIGH_WATER or self.size > HIGH_WATER_BYTES


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no types
    """One service's reader of the topics that it reacts to. `single_writer` puts all partitions into one lane, and lets
    only the holder of a lease read at all.
    """

    def __init__(self, units: Units, settings: Settings, handlers: Iterable[Handler], *, single_writer: bool = False) -> None:
        types = handled_types(handlers)
        self.units, self.settings = units, settings
        self.inbox = Inbox(units, types)
        self.halted = False
        self._topics = [settings.topic_prefix + topic for topic in topics_for(types)]
        self._lease = Lease(units.database, "single-writer", settings.lease_seconds) if single_writer else None
        self._lanes: dict[TopicPartition, Lane] = {}
        self._assigned: set[TopicPartition] = set()
        self._consumer: AIOKafkaConsumer | None = None
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False
        self.inbox.progress_at = time.monotonic()

    async def run(self) -> None:
        """Read until cancelled or told to stop; no failure ends it."""
        await ensure_topics(self.settings)
        while not self._stopping:
            reason = "stopped"
            try:
                if self._lease is not None and not await self._lease.take():
                    await asyncio.sleep(self.settings.lease_seconds / 5)
                    continue
                await self._session() if self._lease is None else await self._leased_session(self._lease)
            except asyncio.CancelledError:
                if told_to_end():
                    raise
                reason = "client_cancelled"
            except Exception as error:  # whatever a client library raises: a new consumer is the cure
                reason = type(error).__name__
                log.warning("consumer_rebuilt", error=reason)
            finally:
                await self._close()
            if not self._stopping:
                metrics.CONSUMER_REBUILT.labels(reason).inc()
                await asyncio.sleep(0.5)

    def stop(self) -> None:
        """Take nothing more in, finish the batch in hand, commit, end."""
        self._stopping = True

    async def _leased_session(self, lease: Lease) -> None:
        """A session whose lease is renewed beside it: joining a group, or a commit, may take longer than a lease lasts."""

        async def keep() -> None:
            while lease.held():  # an answer that fails or is late is asked for again, for as long as the lease lasts
                await asyncio.sleep(self.settings.lease_seconds / 5)
                with contextlib.suppress(PyMongoError):
                    await lease.take()

        keeping = asyncio.create_task(keep(), name="single-writer lease")
        try:
            await self._session()
        finally:
            await cut_off([keeping])

    async def _session(self) -> None:
        consumer = self._consumer = AIOKafkaConsumer(
            **kafka_options(self.settings),
            group_id=self.settings.topic_prefix + self.units.service,
            client_id=f"roviec-{self.units.service}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=int(self.settings.session_seconds * 1000),
            heartbeat_interval_ms=1000,
            rebalance_timeout_ms=45_000,
            request_timeout_ms=60_000,
            max_poll_interval_ms=300_000,
            metadata_max_age_ms=30_000,
            max_partition_fetch_bytes=1024 * 1024,
        )
        consumer.subscribe(self._topics, listener=self)
        async with asyncio.timeout(90):
            await consumer.start()
        log.info("consumer_started", topics=self._topics)
        committed = checked = time.monotonic()
        self.inbox.progress_at = time.monotonic()
        while not self._stopping:
            fetched = await consumer.getmany(timeout_ms=200, max_records=500)
            for partition, records in fetched.items():
                if (lane := self._lanes.get(partition)) is not None and not lane.closing:
                    lane.add(_record(self.settings.topic_prefix, r) for r in records)
            self._throttle(consumer)
            now = time.monotonic()
            for lane in self._lanes.values():
                if lane.task is not None and lane.task.done() and not lane.closing:
                    lane.task.result()  # a lane ends only by a fault of ours: rebuild
            if self._lease is not None and not self._lease.held():
                log.warning("single_writer_lease_lost")
                return
            if now - committed >= 1.0:
                committed = now
                await self._commit(consumer)
                if self._looking is None or self._looking.done():  # beside the polling, which must not wait for it
                    self._looking = asyncio.create_task(self._look_at_parked(), name="parked")
            if now - checked >= 5.0:
                checked = now
                await self._measure(consumer)

    # --- lanes ---

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned = set(assigned)
        shared = None if self._lease is None else Lane()
        self._lanes = {partition: shared or Lane() for partition in self._assigned}
        for lane in set(self._lanes.values()):
            lane.task = asyncio.create_task(self._work(lane), name="lane")
        self.inbox.progress_at = time.monotonic()
        log.info("partitions_assigned", count=len(self._assigned))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - the client's signature
        """Finish what is in hand, commit it, drop the rest: its next owner reads it again."""
        crash.point("consumer.in_revoke")
        await self._let_go()

    async def _let_go(self) -> None:
        lanes = set(self._lanes.values())
        for lane in lanes:
            lane.closing = True
            lane.filled.set()
        tasks = {lane.task for lane in lanes if lane.task is not None}
        if self._looking is not None:
            await cut_off([self._looking])
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=10.0)
            await cut_off(late)
        if self._consumer is not None and lanes:
            await self._commit(self._consumer)
        self._lanes, self._assigned = {}, set()

    async def _work(self, lane: Lane) -> None:
        while not lane.closing:
            if not lane.buffer:
                lane.filled.clear()
                await lane.filled.wait()
                continue
            records = lane.take()
            if not await self._apply(lane, records):
                return
            for record in records:
                partition = self._place(record)
                lane.done[partition] = record.offset + 1
                lane.last_at[partition] = record.at
            self.inbox.progress_at = time.monotonic()

    async def _apply(self, lane: Lane, records: list[Record]) -> bool:
        """Apply a batch, waiting out the database's absence. False when the lane closes or halts before it is done."""
        while True:
            try:
                await self.inbox.process(records)
                return True
            except Halted:
                if not self.halted:
                    self.halted = True
                    metrics.CONSUMER_HALTED.set(1)
                    log.error("consumer_halted", failures_in_a_row=FAILURES_IN_A_ROW)
                while not lane.closing:
                    lane.filled.clear()
                    await lane.filled.wait()
                return False
            except Exception as error:
                if is_away(error):
                    log.warning("consumer_database_away", error=type(error).__name__)
                else:
                    log.error("lane_failed", exc_info=error)
                await asyncio.sleep(0.5)
                if lane.closing:
                    return False

    def _place(self, record: Record) -> TopicPartition:
        return TopicPartition(self.settings.topic_prefix + record.topic, record.partition)

    def _throttle(self, consumer: AIOKafkaConsumer) -> None:
        """Stop fetching for a lane that is full, go on when it is half empty; polling itself never stops."""
        paused = consumer.paused()
        for partition, lane in self._lanes.items():
            if lane.full and partition not in paused:
                consumer.pause(partition)
            elif partition in paused and len(lane.buffer) <= HIGH_WATER // 2 and lane.size <= HIGH_WATER_BYTES // 2:
                consumer.resume(partition)

    # --- offsets, parked records, figures ---

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        lanes = set(self._lanes.values())
        offsets = {place: offset for lane in lanes for place, offset in lane.done.items() if place in self._assigned}
        if not offsets:
            return
        crash.point("consumer.before_offset_commit")
        try:
            async with asyncio.timeout(5):
                await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            log.info("partitions_lost_before_commit")  # their new owner applies them again, to no effect
        except (KafkaError, TimeoutError) as error:
            log.warning("offsets_not_committed", error=type(error).__name__)
            return
        for lane in lanes:
            lane.done = {place: offset for place, offset in lane.done.items() if offsets.get(place) != offset}
        crash.point("consumer.after_offset_commit")

    async def _look_at_parked(self) -> None:
        try:
            due = dict.fromkeys(one.stream for one in await self.inbox.due() if self._place(one.record) in self._assigned)
            for stream in filter(None, due):
                await self.inbox.drain(stream)
        except Exception as error:  # the next look is a second away
            log.warning("parked_not_looked_at", error=type(error).__name__)

    async def _measure(self, consumer: AIOKafkaConsumer) -> None:
        """Lag, age, what is parked; a consumer with lag that moves nothing for a minute is taken for dead and rebuilt."""
        partitions = list(self._assigned)
        if not partitions:
            return
        try:
            async with asyncio.timeout(3):
                ends = await consumer.end_offsets(partitions)
                positions = {partition: await consumer.position(partition) for partition in partitions}
                metrics.PARKED.set(await self.units.database.collection(inbox.PARKED).count_documents({}))
        except (KafkaError, IllegalStateError, PyMongoError, TimeoutError):
            return
        behind = 0
        for partition, end in ends.items():
            lane = self._lanes.get(partition)
            waiting = 0 if lane is None else sum(1 for r in lane.buffer if r.partition == partition.partition)
            lag = max(0, end - positions[partition]) + waiting
            behind += lag
            topic = partition.topic.removeprefix(self.settings.topic_prefix)
            metrics.CONSUMER_LAG.labels(topic, str(partition.partition)).set(lag)
            last = 0 if lane is None or not lag else lane.last_at.get(partition, 0)
            metrics.CONSUMER_AGE.labels(topic, str(partition.partition)).set(max(0.0, time.time() - last / 1000) if last else 0)
        if not behind:
            self.inbox.progress_at = time.monotonic()
        elif time.monotonic() - self.inbox.progress_at > STUCK_SECONDS and not self.halted:
            raise TimeoutError("no progress")

    async def _close(self) -> None:
        """Leave the group if that can be done quickly; the client's own stop may hang or raise CancelledError."""
        await self._let_go()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(Exception, asyncio.CancelledError):
                async with asyncio.timeout(5):
                    await consumer.stop()
        await self._let_go()  # should the client have handed any out while it stopped
        if self._lease is not None and self._lease.epoch:
            await self._lease.release()


def _count_handled(envelope: Envelope, outcome: str) -> None:
    metrics.HANDLED.labels(envelope.type if envelope.type in Event.registry else "unknown", outcome).inc()


def _record(prefix: str, raw: Any) -> Record:
    headers = tuple((name, value) for name, value in raw.headers)
    return Record(raw.topic.removeprefix(prefix), raw.partition, raw.offset, raw.key, raw.value, headers, raw.timestamp)
