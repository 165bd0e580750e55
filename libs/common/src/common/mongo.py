"""The database: client, transaction, collections. The only file that imports a driver.

Motor and PyMongo's own asyncio client differ in three places (session, aggregate, watch); all three are here, so that
`MONGO_DRIVER` is the whole switch (docs/adr/0002).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from common.errors import DomainError, Unavailable, database_away
from common.observability import Log
from common.settings import Settings

os.environ.setdefault("MOTOR_MAX_WORKERS", os.environ.get("MONGO_POOL", "64"))  # read by Motor when it is imported

from pymongo import AsyncMongoClient, IndexModel, ReplaceOne, UpdateOne
from pymongo import errors as failures
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

__all__ = ["Database", "DuplicateKeyError", "Index", "PyMongoError", "ReplaceOne", "UpdateOne"]

T = TypeVar("T")
_AWAY = (Unavailable, TimeoutError, failures.ConnectionFailure, failures.NotPrimaryError, failures.WTimeoutError)
_ENDED = frozenset({91, 189, 251, 11600, 11601, 11602, 14031})
"""Codes of a server that shuts down, steps down, or was restarted while a transaction was open: it then knows nothing of it
(251), and whether a commit that was under way took effect is not known. 14031: it has no disk space left."""
log = Log(__name__)

_HINTS_APART, _LOOKS_APART = 0.1, 0.25
"""Seconds. One hint is as good as ten; and not every server lets a stream wait for its own collection: the local one answers
with nothing at every write of anybody, which was four of five requests that it got.
"""
_STRAGGLES = 90.0
"""Seconds that work which was given up may take to come to its end: more than two calls of the driver take that each look for a
server, connect, and wait for an answer (2, 5 and 30 s).
"""
_PATIENCE = 0.5  # half of the seconds that the first try to end a session waits for its answer
PRESENCE, _SESSIONS = "processes", 500
_SNAPSHOT, _MAJORITY = ReadConcern("snapshot"), WriteConcern("majority", wtimeout=10_000)


def server_now() -> dict[str, Any]:
    """The server's clock in milliseconds, for pipelines: a machine's own clock never decides what is due or who holds a lease.

    Compared as a number on both sides (`$toLong`): servers of the Mongo wire that are not MongoDB itself have been seen to
    compare `$$NOW` with a stored date wrongly.
    """
    return {"$toLong": "$$NOW"}


def is_away(error: BaseException) -> bool:
    """True when the failure is the database's absence, not the work's fault: wait and try again, blame no record."""
    return isinstance(error, _AWAY) or (isinstance(error, OperationFailure) and error.code in _ENDED)


def is_duplicate(error: BaseException) -> bool:
    """True when a unique index or an id was already taken."""
    if isinstance(error, failures.BulkWriteError):
        return any(one.get("code") == 11000 for one in error.details.get("writeErrors", ()))
    return isinstance(error, DuplicateKeyError)


def is_conflict(error: BaseException) -> bool:
    """True when another transaction holds or has just changed the same document."""
    return isinstance(error, OperationFailure) and error.code == 112


class OutOfTime(Unavailable):
    """A transaction did not end within its budget: the database is away or slow, or the work itself is."""


class Index(IndexModel):
    """`Index("unit", "-_id")`: fields in order, `-` for descending."""

    def __init__(
        self, *fields: str, unique: bool = False, partial: dict[str, Any] | None = None, expire_seconds: int | None = None
    ) -> None:
        keys = [(name.removeprefix("-"), -1 if name.startswith("-") else 1) for name in fields]
        options = {"unique": unique or None, "partialFilterExpression": partial, "expireAfterSeconds": expire_seconds}
        super().__init__(keys, **{name: value for name, value in options.items() if value is not None})


@dataclass
class _Attempt:
    """A transaction on its way, and whether anybody still waits for it."""

    session: Any = None
    """The id of its session, as long as it may be open on the server."""
    given_up: bool = False

    def check(self) -> None:
        if self.given_up:
            raise database_away(OutOfTime)


_ATTEMPT: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)


@dataclass
class Database:
    """One service's database. Every write is majority-acknowledged and journalled; every transaction reads a snapshot."""

    settings: Settings
    service: str
    _known_sessions: dict[bytes, Any] = field(default_factory=dict)
    _stragglers: set[asyncio.Task[None]] = field(default_factory=set)
    """Each ends a transaction that nobody waits for any more."""

    def __post_init__(self) -> None:
        self._motor = self.settings.mongo_driver == "motor"
        options: dict[str, Any] = {
            "appname": f"roviec-{self.service}",
            "w": "majority",
            "journal": True,
            "readConcernLevel": "majority",
            "serverSelectionTimeoutMS": 2000,
            "connectTimeoutMS": 5000,  # also of the driver's own look at the server: a late answer there cuts every connection,
            # whose cursors stay open on the server. Callers wait shorter than that by deadlines of their own.
            "socketTimeoutMS": 30_000,
            "maxPoolSize": self.settings.mongo_pool,
            "minPoolSize": 2,
            "tz_aware": True,
            "uuidRepresentation": "standard",
        }
        if self._motor:
            from motor.motor_asyncio import AsyncIOMotorClient
        client: Any = AsyncIOMotorClient if self._motor else AsyncMongoClient
        self._client = client(self.settings.mongo_uri.get_secret_value(), **options)
        self._db: Any = self._client[self.settings.database]
        self.process_id = os.urandom(8).hex()

    # --- collections ---

    def collection(self, name: str) -> Any:
        """Raises `Unavailable` in a transaction that nobody waits for any more: it ends here, and in no call of the driver."""
        if (attempt := _ATTEMPT.get()) is not None:
            attempt.check()
        return self._db[name]

    async def prepare(self, collections: Iterable[tuple[str, tuple[Index, ...]]]) -> None:
        """Create collections and indexes: before traffic, since neither may happen inside a transaction."""
        present = set(await self._db.list_collection_names())
        for name, indexes in (*collections, (PRESENCE, ())):
            if name not in present:
                try:
                    await self._db.create_collection(name, check_exists=False)
                except OperationFailure as error:
                    if error.code != 48:  # NamespaceExists: another replica was faster
                        raise
            if indexes:
                await self._db[name].create_indexes(list(indexes))

    async def ping(self) -> None:
        await self._client.admin.command("ping")

    async def aggregate(self, collection: str, pipeline: list[dict[str, Any]], session: Any = None) -> list[Any]:
        cursor = self.collection(collection).aggregate(pipeline, session=session)
        return list(await (cursor if self._motor else await cursor).to_list(None))

    async def changes(self, collection: str) -> AsyncIterator[None]:
        """Yield whenever something was inserted: a hint that it is worth looking, never the thing itself.

        A stream that fails is opened again; what happened meanwhile is found by the caller's own regular look.
        """
        pipeline = [{"$match": {"operationType": "insert"}}, {"$project": {"_id": 1}}]
        while True:
            try:
                opened = self._db[collection].watch(pipeline, max_await_time_ms=1000)
                async with opened if self._motor else await opened as stream:
                    while True:
                        asked = time.monotonic()
                        if came := await stream.try_next() is not None:
                            yield
                        await asyncio.sleep(_HINTS_APART if came else asked + _LOOKS_APART - time.monotonic())
            except PyMongoError as error:
                log.debug("change_stream_lost", error=type(error).__name__)
                await asyncio.sleep(1.0)

    # --- transactions ---

    async def transaction(self, work: Callable[[Any], Awaitable[T]], *, seconds: float) -> T:
        """Run `work(session)` in one transaction; the driver runs it again whole when the server asks for that.

        So `work` does no other I/O and keeps nothing from one run to the next. Raises `Unavailable` when the database is
        away or the budget of `seconds` is spent: the outcome is then unknown, and only an idempotent repeat may follow.
        """
        attempt = _Attempt()
        task = asyncio.ensure_future(self._transaction(work, attempt))
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody may wait for it by then
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
            if not done:  # a server that hangs must not hold the caller
                raise database_away(OutOfTime)
            return task.result()
        except PyMongoError as error:
            if is_away(error):
                raise database_away() from error
            raise
        finally:
            if not task.done() or attempt.session is not None:
                attempt.given_up = True
                straggler = asyncio.create_task(self._see_out(attempt, task))
                self._stragglers.add(straggler)
                straggler.add_done_callback(self._stragglers.discard)

    async def _transaction(self, work: Callable[[Any], Awaitable[T]], attempt: _Attempt) -> T:
        _ATTEMPT.set(attempt)  # in the context of this task alone

        async def once(session: Any) -> T:
            attempt.check()
            try:
                result = await work(session)
            except failures.ServerSelectionTimeoutError as error:  # the driver would go on trying for two minutes
                raise database_away() from error
            attempt.check()
            return result

        async with await self._start_session() as session:
            attempt.session = session.session_id
            kept = getattr(session, "delegate", session)._server_session
            try:
                result: T = await session.with_transaction(once, read_concern=_SNAPSHOT, write_concern=_MAJORITY)
            except BaseException as error:
                # dirty: a connection broke. Nothing public says so of an abort that never arrived.
                if attempt.given_up or is_away(error) or kept.dirty:
                    kept.mark_dirty()  # whoever had it next would be cut off with it
                else:
                    attempt.session = None
                raise
            attempt.session = None
            return result

    async def _see_out(self, attempt: _Attempt, task: asyncio.Task[Any]) -> None:
        """End a session until the server has heard it once after the work in it was over. A transaction that neither commit nor
        abort reached would hold its documents until the server's limit, a minute, and all who ask again would be refused.

        The work itself is not cancelled, but rolled back when it has come to its end. A call of the driver's goes on in its
        thread all the same; were the session rolled back beside it, a write that only then finds a connection would be sent
        outside of any transaction, and kept. Each try waits twice as long for its answer as the one before: its call goes on as
        well, on a connection of its own, and a server that hangs would get hundreds of them.
        """
        clock, patience = asyncio.get_running_loop().time, _PATIENCE
        until = clock() + _STRAGGLES
        while clock() < until:
            over = task.done()
            with suppress(PyMongoError, TimeoutError):
                if attempt.session is not None:
                    async with asyncio.timeout(patience := 2 * patience):  # `wait_for` may swallow a cancellation
                        await self._kill_sessions([attempt.session])
                if over:
                    return
            await asyncio.sleep(self.settings.lease_seconds / 3)
        task.cancel()

    async def _kill_sessions(self, sessions: list[Any]) -> None:
        await self._client.admin.command("killSessions", sessions, codec_options=self._db.codec_options)

    async def _start_session(self) -> Any:
        session = await self._client.start_session() if self._motor else self._client.start_session()
        lsid = session.session_id["id"]
        if bytes(lsid) not in self._known_sessions:
            await self._show_presence(lsid)
            self._known_sessions[bytes(lsid)] = lsid
        return session

    async def snapshot(self, read: Callable[[Any], Awaitable[T]]) -> T:
        """Run a read on one consistent snapshot, outside a transaction."""
        started = self._client.start_session(snapshot=True)
        async with await started if self._motor else started as session:
            return await read(session)

    # --- abandoned transactions ---
    # A process that dies inside a transaction leaves its locks to the server's limit (60 s by default), and everybody who
    # wants the same documents waits as long. So each process leaves the ids of its sessions and a sign of life; a peer
    # that finds the sign expired ends the sessions, and the locks are free after about `lease_seconds`.

    async def keep_presence(self) -> None:
        """Renew this process's sign of life for ever, and end the sessions of processes that died.

        Nobody is taken for dead for a lease after our own sign was late: with a database that is slow or was away, others'
        are late as well, and to end what they are doing would make it slower.
        """
        clock, third = asyncio.get_running_loop().time, self.settings.lease_seconds / 3
        late_until = clock()
        while True:
            began = clock()
            try:
                self._known_sessions = dict(list(self._known_sessions.items())[-_SESSIONS:])  # another that comes is noted anew
                await self._show_presence()
                if clock() - began > third:
                    late_until = clock() + self.settings.lease_seconds
                elif clock() >= late_until:
                    await self._bury_the_dead()
            except (PyMongoError, DomainError) as error:
                late_until = clock() + self.settings.lease_seconds
                log.debug("presence_not_renewed", error=type(error).__name__)
            await asyncio.sleep(third)

    async def _show_presence(self, *new: Any) -> None:
        """Renew the sign of life, and note sessions with it, 500 at most; all that are known where there is none, since a peer
        took us for dead. None goes for being left out here: the server may get to two of these in any order.
        """
        noted: dict[str, Any] = {"$ifNull": ["$sessions", {"$literal": list(self._known_sessions.values())}]}
        if new:
            noted = {"$slice": [{"$concatArrays": [noted, {"$literal": list(new)}]}, -_SESSIONS]}
        expires = {"$add": [server_now(), int(self.settings.lease_seconds * 1000)]}
        update = [{"$set": {"expires": expires, "sessions": noted}}]
        await self._db[PRESENCE].update_one({"_id": self.process_id}, update, upsert=True)

    async def _bury_the_dead(self) -> None:
        while dead := await self._db[PRESENCE].find_one({"$expr": {"$lt": ["$expires", server_now()]}}):
            if sessions := dead.get("sessions"):
                await self._kill_sessions([{"id": session} for session in sessions])
            await self._db[PRESENCE].delete_one({"_id": dead["_id"], "expires": dead.get("expires")})
            log.warning("dead_process_sessions_ended", process=dead["_id"], sessions=len(sessions or ()))

    async def close(self) -> None:
        """Take the sign of life down and let go; it runs out by itself when a session may still be open, which a peer then
        ends. Never raises, never waits long.
        """
        if self._stragglers:
            await asyncio.wait(self._stragglers, timeout=2)
        if not self._stragglers:
            with suppress(PyMongoError, TimeoutError):
                await asyncio.wait_for(self._db[PRESENCE].delete_one({"_id": self.process_id}), 2)
        if (closed := self._client.close()) is not None:
            with suppress(PyMongoError, TimeoutError):
                await asyncio.wait_for(closed, 2)
