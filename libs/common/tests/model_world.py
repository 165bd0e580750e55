"""A world for model tests, all in memory: a clock that jumps, and a database that fails, delays and conflicts on order.

The code under test is the product's own; only what it talks to is played. Nothing here waits: when every task sleeps,
the clock jumps to the moment at which the first one wakes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import selectors
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test
from pymongo import errors as failures
from pymongo.errors import OperationFailure

from common import consumer, lease, relay
from common.mongo import Database, DuplicateKeyError
from common.outbox import OUTBOX
from common.settings import Settings
from common.unit_of_work import Units

T = TypeVar("T")
Doc = dict[str, Any]
BOOT = 10_000.0
"""What every clock shows at first, in seconds."""
EPOCH = datetime(2026, 11, 24, tzinfo=UTC)
SETTINGS = Settings.model_validate({
    "mongo_uri": "mongodb://model.invalid", "database": "model", "kafka_bootstrap": "model.invalid:9092",
    "internal_jwks_url": "http://model.invalid", "cursor_key": "key of a model", "transaction_seconds": 3.0,
})  # fmt: skip
UNIQUE = {OUTBOX: ("aggregatetype", "aggregateid", "aggseq")}


# --- the clock ---


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still while anything can run, and jumps when nothing can."""

    def __init__(self) -> None:
        self.now = BOOT
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now


class _Jump(selectors.SelectSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everything waits, and nothing will ever happen"
        self._loop.now += max(0.0, timeout)
        return []


# --- the database: documents are never changed in place, so that a snapshot is a handful of references ---


class Session:
    """One open transaction: what it saw when it began, and what it wrote since."""

    def __init__(self, data: dict[str, dict[Any, Doc]]) -> None:
        self.start, self.view = data, dict(data)
        self.writes: dict[tuple[str, Any], Doc | None] = {}
        self.open = True
        self.rolled_back = False
        """By the driver, which sends outside of any transaction what a thread of its own still has to send with it then."""


class _Locked(Exception):
    """Somebody's transaction holds the document: a write outside transactions waits for it."""


def _conflict() -> OperationFailure:
    error = OperationFailure("WriteConflict", 112)
    error._add_error_label("TransientTransactionError")
    return error


class Server:
    """Snapshot transactions with first-committer-wins on documents, as the servers of the Mongo wire have them."""

    def __init__(self, loop: JumpingLoop, chance: random.Random) -> None:
        self.loop, self.chance = loop, chance
        self.data: dict[str, dict[Any, Doc]] = {}
        self.locks: dict[tuple[str, Any], Session] = {}
        self.travel = 0.0
        """A call and its answer take up to this many seconds each; 0 lets no other task in between."""
        self.commits: deque[str] = deque()
        """What becomes of the next commits: `ok`, `refused` (not done, and said so by a lost connection), `unknown` (done,
        but the connection is lost).
        """
        self.away = False

    async def call(self, operation: Callable[[], T]) -> T:
        """Have the server do something. Once sent it is done, whether or not the caller still waits for the answer."""
        if self.away:
            await asyncio.sleep(2.0)
            raise failures.ServerSelectionTimeoutError("no server")
        if not self.travel:
            try:
                return operation()
            except _Locked:
                pass
        answer: asyncio.Future[T] = self.loop.create_future()

        def execute() -> None:
            try:
                result, error = operation(), None
            except _Locked:
                self.loop.call_later(0.001, execute)
                return
            except Exception as raised:
                result, error = None, raised
            self.loop.call_later(self.chance.random() * self.travel, deliver, result, error)

        def deliver(result: Any, error: Exception | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(error)

        self.loop.call_later(self.chance.random() * self.travel, execute)
        return await answer

    def rows(self, name: str, session: Session | None = None) -> dict[Any, Doc]:
        return (self.data if session is None else session.view).get(name, {})

    def put(self, name: str, key: Any, document: Doc | None, session: Session | None) -> None:
        place = (name, key)
        holder = self.locks.get(place)
        session = None if session is None or session.rolled_back else session
        if session is None:
            if holder is not None:
                raise _Locked
            self._store(name, {key: document})
            return
        if not session.open:
            raise OperationFailure("the transaction was ended", 251)
        if holder not in (None, session) or self.rows(name).get(key) is not session.start.get(name, {}).get(key):
            raise _conflict()
        self.locks[place] = session
        session.writes[place] = document
        session.view[name] = _changed(session.view.get(name, {}), {key: document})

    def insert(self, name: str, document: Doc, session: Session | None) -> None:
        places = [(name, document["_id"], document)]
        if name in UNIQUE:
            places.append((f"{name} unique", tuple(document[part] for part in UNIQUE[name]), {"of": document["_id"]}))
        for where, key, _ in places:
            if key in self.rows(where, session):
                raise DuplicateKeyError("E11000", 11000)
        for where, key, row in places:
            self.put(where, key, row, session)

    def commit(self, session: Session) -> None:
        fate = self.commits.popleft() if self.commits and session.writes else "ok"
        if not session.open:
            raise OperationFailure("the transaction was ended", 251)
        if fate != "refused":
            changes: dict[str, dict[Any, Doc | None]] = {}
            for (name, key), document in session.writes.items():
                changes.setdefault(name, {})[key] = document
            for name, some in changes.items():
                self._store(name, some)
        self.end(session)
        if fate != "ok":
            raise failures.AutoReconnect(f"connection lost: {fate}")

    def end(self, session: Session) -> None:
        session.open = False
        for place in session.writes:
            if self.locks.get(place) is session:
                del self.locks[place]

    def now_ms(self) -> int:
        return round(self.loop.now * 1000)

    def _store(self, name: str, changes: dict[Any, Doc | None]) -> None:
        self.data = {**self.data, name: _changed(self.data.get(name, {}), changes)}


def _changed(rows: dict[Any, Doc], changes: dict[Any, Doc | None]) -> dict[Any, Doc]:
    return {key: row for key, row in {**rows, **changes}.items() if row is not None}


class FakeDatabase(Database):
    """The product's `Database` with another server behind it: its budget, its failures and its retries are the real ones."""

    def __init__(self, server: Server, process: str) -> None:
        self.server = server
        super().__init__(SETTINGS, "model")
        self.process_id = process

    def __post_init__(self) -> None: ...

    def collection(self, name: str) -> Collection:
        return Collection(self.server, name)

    async def snapshot(self, read: Callable[[Any], Coroutine[Any, Any, T]]) -> T:  # type: ignore[override]
        return await read(Session(self.server.data))

    async def _start_session(self) -> DriversSession:
        return DriversSession(self.server)

    async def _kill_sessions(self, sessions: list[Any]) -> None:
        for one in sessions:
            await self.server.call(lambda one=one: self.server.end(one.current))  # type: ignore[misc]


class DriversSession:
    """What the driver makes of a transaction: begun anew when the server asks for that, rolled back when the work fails."""

    def __init__(self, server: Server) -> None:
        self.server, self.session_id, self.current = server, self, Session(server.data)
        self._server_session = SimpleNamespace(dirty=False, mark_dirty=lambda: None)

    async def __aenter__(self) -> DriversSession:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def with_transaction(self, work: Callable[[Session], Any], **_: Any) -> Any:
        while True:
            session = self.current
            try:
                result = await work(session)
                await self.server.call(lambda session=session: self.server.commit(session))  # type: ignore[misc]
                return result
            except OperationFailure as error:
                if not error.has_error_label("TransientTransactionError"):
                    raise
            finally:
                if session.open:
                    self.server.end(session)
                    session.rolled_back = True
            await asyncio.sleep(0.005)
            self.current = Session(self.server.data)


class Collection:
    """What the product uses of a collection, and no more: anything else is an AttributeError or a KeyError."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name

    def _found(self, query: Doc, session: Session | None) -> list[Doc]:
        if isinstance(key := query.get("_id"), str):
            row = self.server.rows(self.name, session).get(key)
            return [row] if row is not None and matches(row, query, self.server.now_ms()) else []
        return [row for row in self.server.rows(self.name, session).values() if matches(row, query, self.server.now_ms())]

    def find(self, query: Doc, projection: Doc | None = None, session: Session | None = None) -> Cursor:
        return Cursor(self, query, session)

    async def find_one(
        self, query: Doc, projection: Doc | None = None, sort: list[Any] | None = None, session: Session | None = None
    ) -> Doc | None:
        rows = await self.find(query, session=session).sort(sort or []).to_list(None)
        return rows[0] if rows else None

    async def count_documents(self, query: Doc, session: Session | None = None) -> int:
        return await self.server.call(lambda: len(self._found(query, session)))

    async def insert_one(self, document: Doc, session: Session | None = None) -> None:
        await self.server.call(lambda: self.server.insert(self.name, document, session))

    async def insert_many(self, documents: list[Doc], session: Session | None = None) -> None:
        def insert() -> None:
            for one in documents:
                self.server.insert(self.name, one, session)

        await self.server.call(insert)

    def _update(self, query: Doc, change: Any, session: Session | None, *, upsert: bool = False, many: bool = False) -> int:
        found, now = self._found(query, session), self.server.now_ms()
        if not found and upsert:
            found = [{name: value for name, value in query.items() if not isinstance(value, dict)}]
        for row in found if many else found[:1]:
            self.server.put(self.name, row["_id"], changed(row, change, now), session)
        return len(found)

    async def update_one(self, query: Doc, change: Any, upsert: bool = False, session: Session | None = None) -> None:
        await self.server.call(lambda: self._update(query, change, session, upsert=upsert))

    async def update_many(self, query: Doc, change: Any, session: Session | None = None) -> None:
        await self.server.call(lambda: self._update(query, change, session, many=True))

    async def delete_many(self, query: Doc, session: Session | None = None) -> None:
        def delete() -> None:
            for row in self._found(query, session):
                self.server.put(self.name, row["_id"], None, session)

        await self.server.call(delete)

    async def find_one_and_update(self, query: Doc, change: Any, upsert: bool, return_document: bool) -> Doc:
        def update() -> Doc:
            self._update(query, change, None, upsert=upsert)
            return self.server.rows(self.name)[query["_id"]]

        return await self.server.call(update)

    async def bulk_write(self, operations: list[Any], session: Session | None = None) -> Any:
        def write() -> Any:
            matched = 0
            for one in operations:
                kind = type(one).__name__
                if kind == "InsertOne":
                    self.server.insert(self.name, one._doc, session)
                elif kind == "UpdateOne":
                    matched += self._update(one._filter, one._doc, session, upsert=bool(one._upsert))
                else:
                    found = self._found(one._filter, session)
                    matched += len(found)
                    if found or one._upsert:
                        self.server.put(self.name, one._filter["_id"], one._doc, session)
            return SimpleNamespace(matched_count=matched)

        return await self.server.call(write)


class Cursor:
    """A query that is run when its rows are asked for. Outside a snapshot it sees what is committed while it runs."""

    def __init__(self, collection: Collection, query: Doc, session: Session | None) -> None:
        self._collection, self._query, self._session = collection, query, session
        self._order: list[tuple[str, int]] = []
        self._limit = 0

    def sort(self, order: list[tuple[str, int]]) -> Cursor:
        self._order = order
        return self

    def limit(self, limit: int) -> Cursor:
        self._limit = limit
        return self

    async def to_list(self, _: None) -> list[Doc]:
        rows = await self._collection.server.call(self._read)
        if self._session is None and self._order and self._collection.server.travel:  # the rest of the index, read later
            await asyncio.sleep(self._collection.server.chance.random() * self._collection.server.travel)
            later = await self._collection.server.call(self._read)
            if later:
                pivot = self._key(self._collection.server.chance.choice(later))
                rows = [row for row in rows if self._key(row) < pivot] + [row for row in later if self._key(row) >= pivot]
        return rows[: self._limit or None]

    def _read(self) -> list[Doc]:
        return sorted(self._collection._found(self._query, self._session), key=self._key)

    def _key(self, row: Doc) -> list[Any]:
        return [(row[name] is not None, row[name]) for name, _ in self._order]


# --- what the product says to the database, evaluated ---

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda a, b: bool(a == b),
    "$ne": lambda a, b: bool(a != b),
    "$in": lambda a, b: a in b,
    "$nin": lambda a, b: a not in b,
    "$lt": lambda a, b: a is not None and a < b,
    "$lte": lambda a, b: a is not None and a <= b,
    "$gt": lambda a, b: a is not None and a > b,
    "$gte": lambda a, b: a is not None and a >= b,
}


def matches(row: Doc, query: Doc, now: int) -> bool:
    """Whether a document fits a query."""
    for name, wanted in query.items():
        if name == "$expr":
            if not evaluate(wanted, row, now):
                return False
        elif isinstance(wanted, dict):
            if not all(_COMPARE[kind](row.get(name), value) for kind, value in wanted.items()):
                return False
        elif row.get(name) != wanted:
            return False
    return True


def changed(row: Doc, change: Any, now: int) -> Doc:
    """The document after an update by operators, or by a pipeline."""
    new = dict(row)
    for stage in change if isinstance(change, list) else [change]:
        before = dict(new)
        for kind, fields in stage.items():
            match kind:
                case "$set" if isinstance(change, list):
                    new |= {name: evaluate(value, before, now) for name, value in fields.items()}
                case "$set":
                    new |= fields
                case "$inc":
                    new |= {name: new.get(name, 0) + value for name, value in fields.items()}
                case "$currentDate":
                    new |= dict.fromkeys(fields, now)
                case "$unset":
                    for name in [fields] if isinstance(fields, str) else fields:
                        new.pop(name, None)
                case _:
                    raise KeyError(kind)
    return new


def evaluate(expression: Any, row: Doc, now: int) -> Any:
    """An aggregation expression; a field that is not there is None."""
    match expression:
        case "$$NOW":
            return now
        case str() if expression.startswith("$"):
            return row.get(expression[1:])
        case dict():
            ((kind, raw),) = expression.items()
            if kind == "$literal":
                return raw
            some = [evaluate(one, row, now) for one in (raw if isinstance(raw, list) else [raw])]
            match kind:
                case "$toLong":
                    return some[0]
                case "$add":
                    return sum(some)
                case "$ifNull":
                    return some[1] if some[0] is None else some[0]
                case "$and":
                    return all(some)
                case "$or":
                    return any(some)
                case "$cond":
                    return some[1] if some[0] else some[2]
            return _COMPARE[kind](*some)
    return expression


# --- the machines ---


class Crashed(BaseException):
    """The process ended here, at once."""


class Model(RuleBasedStateMachine):
    """Base of the machines: one clock for everything, a server, points at which the process can be made to end."""

    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.loop = JumpingLoop()
        self.chance = random.Random(0)
        self.server = Server(self.loop, self.chance)
        self.crash_at: str | None = None
        self._patches = ExitStack()
        for module in (lease, relay, consumer):
            clock = SimpleNamespace(monotonic=self.loop.time, time=self.loop.time)
            self._patches.enter_context(patch.object(module, "time", clock))
        self._patches.enter_context(patch("common.crash.point", self._point))
        type(self).steps -= 1  # the invariants are looked at once before the first step

    def patch(self, target: str, value: Any) -> None:
        """Replace something by its dotted name until the end of this sequence."""
        self._patches.enter_context(patch(target, value))

    def _point(self, name: str) -> None:
        if name == self.crash_at:
            self.crash_at = None
            raise Crashed(name)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def pass_time(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    def clock(self) -> datetime:
        return EPOCH + timedelta(seconds=self.loop.now)

    def units(self, process: str, service: str = "training") -> Units:
        return Units(service, FakeDatabase(self.server, process), self.clock)

    @invariant()
    def holds(self) -> None:
        type(self).steps += 1
        self.look()

    def look(self) -> None:
        """What must hold after every step."""

    def settle(self) -> None:
        """What must hold once the faults are over."""

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.settle()
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            if left:
                self.loop.run_until_complete(asyncio.wait(left))
                for task in left:
                    if not task.cancelled():
                        task.exception()
            self._patches.close()
            self.loop.close()


M = TypeVar("M", bound=Model)
TIMES = float(os.environ.get("MODEL_TIMES", "1"))
"""How many times the usual number of sequences is run (50: more than a million steps); above 1 they are chosen anew."""
_COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "print_blob": False,
    "report_multiple_bugs": False,
    "suppress_health_check": list(HealthCheck),
}


def _play(machine: type[Model], chosen: settings) -> int:
    machine.steps = 0
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # thousands of faults are told there
    try:
        run_state_machine_as_test(machine, settings=chosen)
    finally:
        logging.disable(level)
    return machine.steps


AT_LEAST = {"Path": 4500, "Reader": 4500, "Leases": 4500, "Writes": 4000, "Group": 2000, "SingleWriterGroup": 2000}
"""Steps that each machine takes in every run of the suite; `explore` checks it."""


def explore(machine: type[Model], examples: int, steps: int) -> None:
    """Run a machine on many sequences of steps. Raises AssertionError with the shortest sequence that breaks it, and when
    the sequences had fewer steps than they are said to have.
    """
    taken = _play(machine, settings(
        max_examples=round(examples * TIMES), stateful_step_count=steps, derandomize=TIMES <= 1, **_COMMON,
    ))  # fmt: skip
    print(f"{machine.__name__}: {taken} steps")
    assert taken >= AT_LEAST[machine.__name__] * min(TIMES, 1.0)


def break_it(sabotaged: type[Model], examples: int = 2000, steps: int = 40) -> None:
    """Run a machine with a planted fault: raises AssertionError as soon as a sequence shows it."""
    phases = (Phase.generate,)
    _play(sabotaged, settings(max_examples=examples, stateful_step_count=steps, derandomize=True, phases=phases, **_COMMON))


@contextmanager
def by_hand(machine: type[M]) -> Iterator[M]:
    """A machine whose steps are called one by one; then it is settled."""
    state = machine()
    try:
        yield state
    finally:
        state.teardown()
