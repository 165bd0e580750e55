"""A transaction that was given up holds nobody up: what it may have left open on the server is ended, not waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError
from pymongo.synchronous.pool import _PoolCheckout

from common import mongo
from common.errors import Unavailable
from common.mongo import Database, OutOfTime
from common.service import Service
from common.settings import Settings
from common.testing import Area, eventually

SESSION: dict[str, Any] = {"id": b"s1"}


class ServersHalf:
    """What the driver keeps of a session for the next one who asks."""

    def __init__(self, dirty: bool) -> None:
        self.dirty = dirty

    def mark_dirty(self) -> None:
        self.dirty = True


class Session:
    """A session whose every transaction ends in this way."""

    def __init__(self, end: BaseException | None, torn: bool = False) -> None:
        self.end, self.session_id, self._server_session = end, SESSION, ServersHalf(torn)
        self.asked = 0

    async def __aenter__(self) -> Session:
        self.asked += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def with_transaction(self, _once: Any, **_: Any) -> str:
        if self.end is not None:
            raise self.end
        await asyncio.sleep(0)
        return "done"


class Server(Database):
    """Remembers which sessions it was told to end; the first `away` times it does not hear it."""

    def __init__(self, end: BaseException | None, away: int = 0, torn: bool = False) -> None:
        settings = Settings(
            mongo_uri=SecretStr("mongodb://127.0.0.1:9"),
            database="x",
            kafka_bootstrap="127.0.0.1:9",
            internal_jwks_url="http://127.0.0.1:9",
            cursor_key=SecretStr("k"),
            lease_seconds=0.03,
        )
        super().__init__(settings, "test")
        self.away, self.ended, self.session = away, list[Any](), Session(end, torn)

    async def _start_session(self) -> Any:
        return self.session

    async def _kill_sessions(self, sessions: list[Any]) -> None:
        if self.away:
            self.away -= 1
            raise ServerSelectionTimeoutError("away")
        self.ended += sessions


class Rows:
    """A collection of a few."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    async def find_one(self, _query: Any) -> dict[str, Any] | None:
        return self.rows[0] if self.rows else None

    async def delete_one(self, query: dict[str, Any]) -> None:
        self.rows = [row for row in self.rows if any(row[name] != value for name, value in query.items())]


async def seen(what: str, check: Callable[[], bool]) -> None:
    async def asked() -> bool:
        return check()

    await eventually(what, asked, 20)


async def work(_session: Any) -> str:
    return "done"


async def test_a_commit_that_may_not_have_arrived_is_ended_on_the_server() -> None:
    server = Server(AutoReconnect("the connection broke at the commit"))
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    await seen("it is ended", lambda: server.ended == [SESSION])


async def test_nothing_is_ended_after_success_or_a_clear_refusal() -> None:
    fine, refused = Server(None), Server(OperationFailure("a duplicate", 11000))
    assert await fine.transaction(work, seconds=5) == "done"
    with pytest.raises(OperationFailure):
        await refused.transaction(work, seconds=5)
    assert fine.ended == refused.ended == []
    assert not fine.session._server_session.dirty


async def test_what_was_refused_is_ended_when_its_abort_may_not_have_arrived() -> None:
    """The driver passes over a connection that breaks at an abort: it shows in nothing but the session."""
    server = Server(OperationFailure("a duplicate", 11000), torn=True)
    with pytest.raises(OperationFailure):
        await server.transaction(work, seconds=5)
    await seen("it is ended", lambda: server.ended == [SESSION])


async def test_a_session_that_was_given_up_is_given_to_no_other_transaction() -> None:
    """It goes on being ended, and whoever had it then would be cut off."""
    server = Server(ServerSelectionTimeoutError("away"))
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    assert server.session._server_session.dirty


async def test_what_could_not_be_ended_at_once_is_ended_when_the_server_is_back() -> None:
    server = Server(AutoReconnect("away"), away=2)
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    await seen("the server has heard it", lambda: server.ended == [SESSION])
    await seen("nothing is left to do", lambda: not server._stragglers)


async def test_what_is_given_up_is_ended_until_it_is_over_and_not_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    server, going_on, ends = Server(None), asyncio.Event(), list[str]()

    async def slow(_self: Session, once: Any, **_: Any) -> str:
        try:
            await going_on.wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        try:
            return str(await once(SESSION))
        except Unavailable:
            ends.append("rolled back")
            raise

    monkeypatch.setattr(Session, "with_transaction", slow)
    with pytest.raises(OutOfTime):
        await server.transaction(work, seconds=0.05)
    await seen("it is ended again and again", lambda: len(server.ended) > 3)
    waiting = asyncio.create_task(server.transaction(work, seconds=5))
    await seen("the other one is on its way", lambda: server.session.asked == 2)
    waiting.cancel()  # the caller has left
    with pytest.raises(asyncio.CancelledError):
        await waiting
    going_on.set()
    await seen("both are over", lambda: not server._stragglers)
    assert ends == ["rolled back", "rolled back"]
    assert server.session._server_session.dirty


async def test_work_that_hangs_is_cut_off_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "_STRAGGLES", 0.1)
    server = Server(None)

    async def hang(*_: Any, **__: Any) -> str:
        await asyncio.Event().wait()
        return "never"

    monkeypatch.setattr(Session, "with_transaction", hang)
    with pytest.raises(OutOfTime):
        await server.transaction(work, seconds=0.05)
    await seen("it is cut off", lambda: not server._stragglers)
    assert server.ended


async def test_a_server_that_hangs_is_asked_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try holds a connection until the driver gives it up; 718 of a thousand were of these once."""
    monkeypatch.setattr(mongo, "_PATIENCE", 0.01)
    monkeypatch.setattr(mongo, "_STRAGGLES", 0.5)
    server, asked = Server(AutoReconnect("away")), list[float]()

    async def hang(_sessions: list[Any]) -> None:
        asked.append(asyncio.get_running_loop().time())
        await asyncio.Event().wait()

    monkeypatch.setattr(server, "_kill_sessions", hang)
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    await seen("it is given up", lambda: not server._stragglers)
    waits = [after - before for before, after in pairwise(asked)]
    assert len(waits) >= 2
    assert all(wait >= 0.02 * 2**number for number, wait in enumerate(waits)), waits


@pytest.mark.parametrize("turns", range(6))
async def test_who_ends_sessions_ends_when_told_to(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    """At whatever turn of the loop, counted from a try that fails: a process that ended was held up for its last 15 s."""
    server, failing, asked = Server(AutoReconnect("away")), asyncio.Event(), asyncio.Event()

    async def fail(_sessions: list[Any]) -> None:
        asked.set()
        await failing.wait()
        raise ServerSelectionTimeoutError("closed")

    monkeypatch.setattr(server, "_kill_sessions", fail)
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    (straggler,) = server._stragglers
    await asked.wait()
    failing.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    straggler.cancel()
    await asyncio.wait({straggler}, timeout=1)
    assert straggler.cancelled()


async def test_the_sign_of_life_stays_while_a_session_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer ends the sessions of a process whose sign has run out; were it taken down, they would stay open."""
    for away, left in ((0, []), (10**9, ["sign"])):
        server = Server(AutoReconnect("away"), away=away)
        rows = Rows([{"_id": server.process_id}])
        monkeypatch.setattr(server, "_db", {mongo.PRESENCE: rows})
        with pytest.raises(Unavailable):
            await server.transaction(work, seconds=5)
        await server.close()
        assert ["sign" for _ in rows.rows] == left
        for straggler in server._stragglers:
            straggler.cancel()


class HeldUp:
    """Holds the driver up in front of one statement, as a link does that takes long to connect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.armed, self.reached, self.free = False, threading.Event(), threading.Event()
        enter = _PoolCheckout.__enter__

        def late(checkout: Any) -> Any:
            connection = enter(checkout)
            if self.armed:
                self.armed = False
                self.reached.set()
                self.free.wait(30)
            return connection

        monkeypatch.setattr(_PoolCheckout, "__enter__", late)


@pytest.mark.servers
async def test_a_write_that_comes_late_is_not_kept_without_its_transaction(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a session of the driver's is rolled back, a thread that still has a write to send sends it outside of any
    transaction: half of what belongs together would be kept. Motor's calls go on in threads when their task is cancelled.
    """
    service = Service("training", "late", Settings, [])
    database = Database(area.settings(service, mongo_driver="motor"), "training")
    await database.prepare([("rows", ())])
    held, rows, unheard = HeldUp(monkeypatch), database.collection("rows"), asyncio.Event()
    monkeypatch.setattr(database, "_kill_sessions", lambda _: unheard.wait())  # nor does that get through

    async def write(session: Any) -> None:
        await rows.update_one({"_id": "first"}, {"$set": {"is": 1}}, upsert=True, session=session)
        held.armed = True
        await rows.update_one({"_id": "second"}, {"$set": {"is": 1}}, upsert=True, session=session)

    try:
        with pytest.raises(Unavailable):
            await database.transaction(write, seconds=2)
        assert held.reached.is_set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=0.3)  # whatever would roll it back
        held.free.set()
        unheard.set()
        await seen("all of it is over", lambda: not database._stragglers)
        assert await rows.count_documents({}) == 0
    finally:
        held.free.set()
        await database.close()


@pytest.mark.servers
@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_no_session_is_forgotten_whatever_order_the_server_gets_them_in(area: Area, driver: str) -> None:
    """A process that dies is looked up by its peers: a session that is not noted keeps its documents for a minute."""
    database = Database(area.settings(Service("training", "present", Settings, []), mongo_driver=driver), "training")
    await database.prepare([])
    processes = database.collection(mongo.PRESENCE)

    async def noted() -> list[Any]:
        return list((await processes.find_one({"_id": database.process_id}))["sessions"])

    try:
        async with await database._start_session() as session:
            own = session.session_id["id"]
        known, database._known_sessions = database._known_sessions, {}  # a renewal that was on its way before
        await database._show_presence()
        assert [one.bytes for one in await noted()] == [bytes(own)]
        database._known_sessions = known
        await processes.delete_one({"_id": database.process_id})  # a peer took it for dead
        await database._show_presence(7)
        first, second = await noted()
        assert (first.bytes, second) == (bytes(own), 7)
        await database._show_presence(*range(mongo._SESSIONS))
        assert await noted() == list(range(mongo._SESSIONS))
    finally:
        await database.close()


async def test_work_that_is_given_up_ends_at_its_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    server, going_on, calls = Server(None), asyncio.Event(), list[str]()
    monkeypatch.setattr(server, "_db", {"rows": "rows"})

    async def long(_session: Any) -> str:
        calls.append(server.collection("rows"))
        await going_on.wait()
        calls.append(server.collection("rows"))
        return "done"

    async def with_transaction(_self: Session, once: Any, **_: Any) -> str:
        return str(await once(SESSION))

    monkeypatch.setattr(Session, "with_transaction", with_transaction)
    with pytest.raises(OutOfTime):
        await server.transaction(long, seconds=0.05)
    going_on.set()
    await seen("it is over", lambda: not server._stragglers)
    assert calls == ["rows"]
    assert server.collection("rows") == "rows"


async def test_the_sessions_of_the_dead_are_looked_up_until_they_were_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(None, away=1)
    dead = {"_id": "p1", "expires": 7, "sessions": [b"s7"]}
    rows = Rows([dead])
    monkeypatch.setattr(server, "_db", {mongo.PRESENCE: rows})
    with pytest.raises(ServerSelectionTimeoutError):
        await server._bury_the_dead()
    assert rows.rows == [dead]
    await server._bury_the_dead()
    assert server.ended == [{"id": b"s7"}]
    assert rows.rows == []


async def test_a_late_sign_of_life_is_no_sign_of_death_where_our_own_was_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow database, or one that was away, makes all processes late at once; none ends what another is doing."""
    server, lease, told = Server(None), 0.3, list[tuple[str, float]]()
    server.settings = server.settings.model_copy(update={"lease_seconds": lease})
    signs = iter(["late", "in time", "away", "in time"])
    clock = asyncio.get_running_loop().time

    async def show() -> None:
        what = next(signs, "in time")
        if what == "late":
            await asyncio.sleep(lease / 2)
        told.append((what, clock()))
        if what == "away":
            raise ServerSelectionTimeoutError("away")

    async def bury() -> None:
        told.append(("buried", clock()))

    monkeypatch.setattr(server, "_show_presence", show)
    monkeypatch.setattr(server, "_bury_the_dead", bury)
    keeping = asyncio.create_task(server.keep_presence())
    try:
        await seen("it looks for the dead again", lambda: any(what == "buried" for what, _ in told))
    finally:
        keeping.cancel()
    names, times = zip(*told, strict=True)
    assert names[:4] == ("late", "in time", "away", "in time")
    assert times[-1] - times[2] >= lease
