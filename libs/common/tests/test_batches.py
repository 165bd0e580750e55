"""A batch with a bad record in it: the others are not made to wait, and all keep their order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from common import consumer
from common.consumer import FAILURES_IN_A_ROW, RETRY_PAUSES, Applied, Halted, Inbox, Received
from common.contracts.base import Envelope, Message, Record
from common.errors import Words
from common.mongo import OutOfTime


class Reader(Inbox):
    """An inbox whose transactions are only counted: one that holds a bad record fails."""

    def __init__(self, bad: set[int], failure: Exception | None = None) -> None:
        units: Any = None
        super().__init__(units, {"*": self.handle})
        self._streak = 0
        self.bad, self.failure = bad, failure or RuntimeError("a handler that fails")
        self.transactions: list[list[int]] = []
        self.applied: list[int] = []
        self.aside: list[int] = []

    async def handle(self, message: Message[None], uow: object) -> None: ...

    async def _try(self, messages: list[Received]) -> Exception | None:
        numbers = [message.record.offset for message in messages]
        self.transactions.append(numbers)
        if self.bad & set(numbers):
            return self.failure
        for one in messages:
            (self.applied if isinstance(one, Message) else self.aside).append(one.record.offset)
        return None

    async def _park_failed(self, message: Message[Any], failure: BaseException) -> None:
        self.aside.append(message.record.offset)


def batch(number: int, unreadable: set[int] = frozenset()) -> list[Record]:  # type: ignore[assignment]
    at = datetime(2026, 11, 24, tzinfo=UTC)
    headers = tuple(Envelope("e", "/roviec/tasks", "tasks.task.drafted.v1", "t", at, 1, "system:tasks", "c").headers())
    return [Record("tasks-events", 0, n, b"t", b"{" if n in unreadable else b"{}", headers) for n in range(number)]


async def test_unreadable_records_go_with_the_batch_that_they_are_in() -> None:
    reader = Reader(set())
    await reader.process(batch(200, {50, 120}))
    assert reader.aside == [50, 120]
    assert reader.applied == [n for n in range(200) if n not in {50, 120}]
    assert len(reader.transactions) == 1


async def test_no_transaction_sets_more_records_aside_than_halt_the_reader() -> None:
    reader = Reader(set())
    await reader.process(batch(200, set(range(200))))
    assert max(map(len, reader.transactions)) == FAILURES_IN_A_ROW


async def test_a_failing_record_costs_a_few_transactions_not_one_for_each_record() -> None:
    reader = Reader({77})
    await reader.process(batch(200))
    assert reader.aside == [77]
    assert reader.applied == [n for n in range(200) if n != 77]
    assert len(reader.transactions) <= 17 + len(RETRY_PAUSES)  # two halves on each of eight levels, the first, its retries


async def test_what_came_before_its_predecessor_goes_behind_it_in_its_streams_own_places() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    come = [("a", 3), ("b", 1), ("a", 1), ("b", 3), ("a", 2), ("b", 2)]
    records = [
        Record(
            "tasks-events",
            0,
            n,
            b"t",
            b"{}",
            tuple(Envelope(f"e{n}", "/roviec/tasks", "tasks.task.drafted.v1", *who).headers()),
        )
        for n, who in enumerate((stream, at, number, "system:tasks", "c") for stream, number in come)
    ]
    reader = Reader(set())
    await reader.process(records)
    assert [come[offset] for offset in reader.applied] == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3)]


async def test_a_slow_record_is_not_given_its_time_again_on_every_level() -> None:
    reader = Reader({3}, OutOfTime(Words("chậm", "late")))
    await reader.process(batch(8))
    assert reader.aside == [3]
    assert reader.applied == [n for n in range(8) if n != 3]
    assert sum(3 in numbers for numbers in reader.transactions) == 2


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "RETRY_PAUSES", (0.0,) * len(RETRY_PAUSES))


class Outcomes:
    """Stands for the units of a service: the next transaction ends like this, those after it apply nothing."""

    def __init__(self) -> None:
        self.next = Applied([], [])
        self.stored: list[Any] = []
        self.database = self

    def system(self) -> None: ...

    async def run(self, *_: Any, **__: Any) -> Applied:
        ended, self.next = self.next, Applied([], [])
        return ended

    def collection(self, _name: str) -> Outcomes:
        return self

    async def update_one(self, *change: Any, **_: Any) -> None:
        self.stored.append(change)


@pytest.mark.parametrize(
    ("outcomes", "ends"),
    [
        (["parked", "parked"], False),  # they wait behind the one that failed
        (["duplicate"], False),
        (["ignored"], False),
        (["parked", "applied"], True),
    ],
)
async def test_only_a_handler_that_took_a_record_ends_a_row_of_failures(outcomes: list[str], ends: bool) -> None:
    units: Any = Outcomes()
    reader = Inbox(units, {})
    messages: list[Any] = [Message(None, Envelope.from_headers(r.headers), r) for r in batch(len(outcomes))]
    reader._streak, units.next = 7, Applied(messages, outcomes)
    assert await reader._try(messages) is None
    assert reader._streak == (0 if ends else 7)


@pytest.mark.parametrize(
    ("outcomes", "halts"),
    [
        (["dead"] * 12, False),
        (["dead"] * 13, True),
        (["dead"] * 12 + ["applied", "dead"], False),
        (["applied"] + ["dead"] * 20 + ["applied"], True),
    ],
)
async def test_a_reader_halts_at_the_twentieth_failure_in_a_row(outcomes: list[str], halts: bool) -> None:
    units: Any = Outcomes()
    reader = Inbox(units, {})
    reader._streak = 7
    if halts:
        with pytest.raises(Halted):
            await reader._count(outcomes)
    else:
        await reader._count(outcomes)
