"""Inbox and guard, model-checked: records doubled and out of order, poison, handlers that fail, deaths, dead letters."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule
from libs.common.tests.model_world import EPOCH, Crashed, Model, break_it, explore

from common.consumer import TURN_PAUSE, Halted, Inbox
from common.contracts.base import Envelope, Event, Message, Record
from common.contracts.training import CourseRegistered
from common.domain import Document
from common.errors import Unavailable
from common.inbox import GUARDS, PARKED, Verdict, Why, judge
from common.outbox import DEAD_LETTER, OUTBOX
from common.redrive import give_up, put_back, selection
from common.repository import Store
from common.unit_of_work import UnitOfWork

STREAMS = ("s0", "s1", "s2")
SOURCE = "/roviec/training"
LATER = "training.course.registered.v2"
"""A version that the reader knows only after a deployment."""
KINDS = ("good",) * 20 + ("flaky", "flaky", "flaky", "failing", "later", "broken")


class Seen(Document):
    stream: str
    sequence: int
    event_id: str


SEEN = Store(Seen, "seen")


class Reader(Model):
    """One consumer's inbox on records that come doubled and out of order within a window."""

    kind: ClassVar[type[Inbox]] = Inbox

    def __init__(self) -> None:
        super().__init__()
        self._patches.enter_context(patch.dict(Event.registry))
        self.patch("common.redrive.new_id", self.next_id)
        self.reader = self.units("reader", "notifications")
        self.types: dict[str, Callable[[Any, UnitOfWork], Awaitable[Any]]] = {CourseRegistered.type: self.on_course}
        self.inbox = self.kind(self.reader, self.types)
        self.number = 0
        self.log: list[tuple[str, int, str, Record]] = []
        """Everything that was published, in order: stream, sequence, kind, record."""
        self.read: set[str] = set()
        """Event ids that came at least once and were not refused by a reader that halted or died."""
        self.flaky: Counter[str] = Counter()
        self.mended = False
        self.kinds: dict[str, str] = {}
        self.given_up: set[str] = set()

    def next_id(self) -> str:
        self.number += 1
        return f"i{self.number:05}"

    async def on_course(self, message: Message[Any], uow: UnitOfWork) -> None:
        envelope = message.envelope
        kind, _, name = message.event.title.partition(" ")
        uow.add(SEEN, Seen(id=self.next_id(), stream=envelope.subject, sequence=envelope.sequence, event_id=envelope.id))
        if kind == "flaky" and self.flaky[name] > 0:
            self.flaky[name] -= 1
            raise RuntimeError("not this time")
        if kind == "failing" and not self.mended:
            raise RuntimeError("never, until it is mended")

    # --- what comes ---

    @rule(stream=st.sampled_from(STREAMS), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    def publish(self, stream: str, kinds: list[str]) -> None:
        for kind in kinds:
            sequence = 1 + sum(1 for one in self.log if one[0] == stream)
            key = self.next_id()
            self.flaky[key] = 4 if kind == "flaky" else 0
            wire_type = LATER if kind == "later" else CourseRegistered.type
            headers = Envelope(key, SOURCE, wire_type, stream, EPOCH, sequence, "system:model", "corr").headers()
            value = CourseRegistered(course_id=stream, title=f"{kind} {key}", topic="t").data()
            record = Record("training-events", 0, len(self.log), stream.encode(), value, tuple(headers))
            if kind == "broken":
                record = Record("training-events", 0, len(self.log), stream.encode(), b"{", tuple(headers))
            self.log.append((stream, sequence, key, record))
            self.kinds[key] = kind

    @rule()
    def publish_what_nobody_can_name(self) -> None:
        record = Record("training-events", 1, len(self.log), None, None, (("ce_id", b"\xff"),))
        self.run(self.deliver([record]))

    @rule(
        start=st.integers(0, 60), count=st.integers(1, 8), luck=st.integers(0, 255),
        travel=st.sampled_from([0.0, 0.0, 0.02]), looking=st.booleans(),
    )  # fmt: skip
    def receive(self, start: int, count: int, luck: int, travel: float, looking: bool) -> None:
        """A batch out of a window of the topic, shuffled and with duplicates, perhaps while parked records are looked at."""
        self.chance.seed(luck)
        window = self.log[start % (len(self.log) + 1) :][:count]
        batch = [self.chance.choice(window) for _ in window] if luck % 3 == 0 else list(window)
        if luck % 2:
            self.chance.shuffle(batch)
        self.receive_all(batch, travel, looking)

    @rule(
        stream=st.sampled_from(STREAMS), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
        travel=st.sampled_from([0.0, 0.0, 0.02]), looking=st.booleans(),
    )  # fmt: skip
    def publish_and_receive(self, stream: str, kinds: list[str], travel: float, looking: bool) -> None:
        self.publish(stream, kinds)
        self.receive_new(6, travel, looking)

    @rule(count=st.integers(1, 10), travel=st.sampled_from([0.0, 0.0, 0.02]), looking=st.booleans())
    def receive_new(self, count: int, travel: float, looking: bool) -> None:
        """The next records that have not come yet, in order."""
        self.receive_all([one for one in self.log if one[2] not in self.read][:count], travel, looking)

    def receive_all(self, batch: list[tuple[str, int, str, Record]], travel: float, looking: bool) -> None:
        if not batch:
            return
        self.server.travel = travel
        again = self.copies()

        async def both() -> None:
            look = asyncio.ensure_future(self.look_at_parked()) if looking else None
            if await self.deliver([again(record) for _, _, _, record in batch]):
                self.read |= {key for _, _, key, _ in batch}
            if look is not None:
                with suppress(Exception, Crashed):
                    await look

        self.run(both())
        self.server.travel = 0.0

    def copies(self) -> Callable[[Record], Record]:
        """Relays may send an event twice: the same record at another place of the topic."""
        moved = self.chance.random() < 0.3

        def copy(record: Record) -> Record:
            return Record("training-events", 2, record.offset, record.key, record.value, record.headers) if moved else record

        return copy

    async def deliver(self, records: list[Record]) -> bool:
        """Hand records to the inbox as a lane does. True when it took them all."""
        try:
            await asyncio.ensure_future(self.inbox.process(records))
        except (Halted, Crashed):
            self.inbox = self.kind(self.reader, self.types)  # the process is started again
            return False
        except Unavailable:
            return False
        return True

    async def look_at_parked(self) -> None:
        """As the consumer does every second."""
        mine = self.inbox
        for stream in dict.fromkeys(one.stream for one in await mine.due()):
            if stream is not None:
                mine.parked_streams.add(stream)
                await mine.drain(stream)

    # --- what happens ---

    @rule(seconds=st.sampled_from([0.5, 1.5, 6.0, 70.0]))
    def wait_and_look(self, seconds: float) -> None:
        self.pass_time(seconds)
        try:
            self.run(self.look_at_parked())
        except Crashed:
            self.restart()
        except Unavailable:
            pass
        else:
            if seconds > TURN_PAUSE.total_seconds():
                self.nothing_waits_for_nothing()

    def nothing_waits_for_nothing(self) -> None:
        """After a look at all of them, no record waits whose turn it is."""
        for row in self.server.rows(PARKED).values():
            if row["why"] == Why.GAP.value:
                guard = self.server.rows(GUARDS).get(row["stream"], {"seq": 0})["seq"]
                assert row["sequence"] > guard + 1, f"{row['_id']} waits, and it is its turn"

    @rule(where=st.sampled_from(["consumer.after_commit", "consumer.before_effect"]))
    def let_it_die(self, where: str) -> None:
        self.crash_at = where

    @rule(fate=st.sampled_from(["refused", "unknown"]))
    def lose_an_answer(self, fate: str) -> None:
        self.server.commits.append(fate)

    @rule()
    def restart(self) -> None:
        self.inbox = self.kind(self.reader, self.types)

    @rule()
    def mend_the_handler(self) -> None:
        self.mended = True

    @rule()
    def deploy(self) -> None:
        """A version of the reader that knows `v2`."""
        Event.registry[LATER] = CourseRegistered
        self.types[LATER] = self.on_course
        self.restart()

    @rule(stream=st.sampled_from((None, *STREAMS)), dry=st.booleans())
    def redrive(self, stream: str | None, dry: bool) -> None:
        query = selection(stream=None if stream is None else f"{SOURCE}/course/{stream}")
        with suppress(Unavailable):
            self.run(put_back(self.reader, self.types, query, dry_run=dry))

    # --- what must hold ---

    def seen(self, stream: str) -> list[str]:
        return [row["event_id"] for row in self.server.rows("seen").values() if row["stream"] == stream]

    def published(self, stream: str) -> list[str]:
        return [key for name, _, key, _ in self.log if name == stream]

    def look(self) -> None:
        for stream in STREAMS:
            seen, known = self.seen(stream), self.published(stream)
            given_up = [key for key in known if key in self.given_up]
            assert seen == [key for key in known if key not in given_up][: len(seen)], f"{stream}: {seen} of {known}"
            guard = self.server.rows(GUARDS).get(f"{SOURCE}/course/{stream}", {"seq": 0})["seq"]
            assert guard == len(seen) + sum(1 for key in known[:guard] if key in given_up), "guard and effects disagree"
            self.flows(stream, known, len(seen))
        assert not self.server.locks

    def flows(self, stream: str, known: list[str], applied: int) -> None:
        """A stream in which nothing ever failed waits for nothing but for its turn at the next look."""
        if any(self.kinds[key] != "good" for key in known[: applied + 1]) or known[applied : applied + 1] == []:
            return
        if (key := known[applied]) in self.read:
            row = self.server.rows(PARKED).get(key)
            assert row is not None, f"{key} of {stream} came and is gone"
            assert row["why"] == Why.GAP.value, f"{key} of {stream} is blamed for what it did not do: {row['reason']}"
            assert row["next_at"] <= self.clock() + TURN_PAUSE, f"{key} of {stream} is put off"

    def settle(self) -> None:
        """Faults stop, what has not come yet comes, the causes are mended, the dead are redriven or given up."""
        self.crash_at = None
        self.server.commits.clear()
        self.mended = True
        self.flaky.clear()
        self.deploy()
        for _, _, key, record in self.log:
            for _ in range(60):  # it may halt, and is started again
                if key not in self.read and self.run(self.deliver([record])):
                    self.read.add(key)
            assert key in self.read, "it halts for ever"
        self.look()
        for _ in range(3):
            self.run(put_back(self.reader, self.types, selection()))
            for _ in range(8):
                self.pass_time(700.0)
                self.run(self.look_at_parked())
        self.look()
        while dead := self.dead():
            row = dead[0]
            assert self.kinds[row["_id"]] == "broken", "redriven, and still dead"
            (line,) = self.run(give_up(self.reader, row["_id"]))
            assert line.outcome == "given up"
            self.given_up.add(row["_id"])
            for _ in range(2):
                self.pass_time(700.0)
                self.run(self.look_at_parked())
        self.look()
        waiting = [row for row in self.server.rows(PARKED).values() if row["stream"] is not None]
        assert not waiting, f"stuck: {waiting}"
        for stream in STREAMS:
            expected = [key for key in self.published(stream) if self.kinds[key] != "broken"]
            assert self.seen(stream) == expected, f"{stream} is not complete"
        letters = Counter(
            row["aggregateid"] for row in self.server.rows(OUTBOX).values() if row["aggregatetype"] == DEAD_LETTER
        )
        assert set(letters.values()) <= {1}, "a dead letter twice"

    def dead(self) -> list[dict[str, Any]]:
        """What no retry helps, in order; not what was put back and waits for its turn."""
        rows = [row for row in self.server.rows(PARKED).values() if row["why"] == Why.DEAD.value and row["next_at"] is None]
        return sorted((row for row in rows if row["stream"] is not None), key=lambda row: (row["stream"], row["sequence"]))


def test_every_record_takes_effect_once_and_in_order() -> None:
    explore(Reader, 120, 45)


# --- planted faults ---


def unguarded(sequence: int, last: int) -> Verdict:
    """No guard: whatever comes is applied."""
    return Verdict.NEXT


def lenient(sequence: int, last: int) -> Verdict:
    """What is early is taken for a duplicate, and is lost."""
    return Verdict.NEXT if judge(sequence, last) is Verdict.NEXT else Verdict.DUPLICATE


@pytest.mark.parametrize("fault", [unguarded, lenient])
def test_the_model_sees_a_faulty_guard(fault: Callable[[int, int], Verdict]) -> None:
    class Sabotaged(Reader):
        def __init__(self) -> None:
            super().__init__()
            self.patch("common.consumer.judge", fault)

    with pytest.raises(AssertionError):
        break_it(Sabotaged)


class SkippingInbox(Inbox):
    """Goes on past a record that failed, as if it had been applied."""

    async def _park_failed(self, message: Message[Any], failure: BaseException) -> None: ...


class ForgetfulInbox(Inbox):
    """Never looks at what waits."""

    async def drain(self, *streams: str) -> None: ...


@pytest.mark.parametrize("fault", [SkippingInbox, ForgetfulInbox])
def test_the_model_sees_a_faulty_inbox(fault: type[Inbox]) -> None:
    class Sabotaged(Reader):
        kind = fault

    with pytest.raises(AssertionError):
        break_it(Sabotaged)
