"""A transaction that was given up holds nobody up: what it may have left open on the server is ended, not waited for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from common import mongo
from common.errors import Unavailable
from common.mongo import Database
from common.settings import Settings

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

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def with_transaction(self, *_: Any, **__: Any) -> str:
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

    async def _renew_presence(self) -> None:
        pass

    async def _bury_the_dead(self) -> None:
        pass


async def work(_session: Any) -> str:
    return "done"


async def test_a_commit_that_may_not_have_arrived_is_ended_on_the_server() -> None:
    server = Server(AutoReconnect("the connection broke at the commit"))
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    assert server.ended == [SESSION]


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
    assert server.ended == [SESSION]


async def test_a_session_that_was_given_up_is_given_to_no_other_transaction() -> None:
    """It goes on being ended, and whoever had it then would be cut off."""
    server = Server(ServerSelectionTimeoutError("away"))
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    assert server.session._server_session.dirty


async def test_what_was_ended_is_ended_again_as_long_as_a_write_may_still_be_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "_STRAGGLES", 0.2)
    server = Server(AutoReconnect("the connection broke at the commit"))
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    keeping = asyncio.create_task(server.keep_presence())
    async with asyncio.timeout(5):
        while server._left_open:
            await asyncio.sleep(0.01)
    keeping.cancel()
    assert len(server.ended) > 4
    assert server.ended[-1] == SESSION


async def test_what_could_not_be_ended_at_once_is_ended_when_the_server_is_back() -> None:
    server = Server(AutoReconnect("away"), away=2)
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=5)
    assert server.ended == []
    keeping = asyncio.create_task(server.keep_presence())
    async with asyncio.timeout(5):
        while not server.ended:
            await asyncio.sleep(0.01)
    keeping.cancel()
    assert server.ended[0] == SESSION


async def test_what_is_cut_off_by_its_budget_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(None)
    hanging = SimpleNamespace(started=asyncio.Event())

    async def hang(*_: Any, **__: Any) -> str:
        hanging.started.set()
        await asyncio.Event().wait()
        return "never"

    monkeypatch.setattr(Session, "with_transaction", hang)
    with pytest.raises(Unavailable):
        await server.transaction(work, seconds=0.05)
    assert hanging.started.is_set()
    async with asyncio.timeout(5):
        while not server.ended:
            await asyncio.sleep(0.01)
    assert server.ended == [SESSION]
