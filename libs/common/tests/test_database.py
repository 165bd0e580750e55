"""What the address of a database may say, and how often it is asked whether something is new."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from common.domain import Actor
from common.http import Call
from common.mongo import _LOOKS_APART, Database
from common.repository import Reader
from common.settings import Settings
from common.unit_of_work import Units
from deploy.local.database import uri


def a_database(address: str, driver: Literal["motor", "pymongo"] = "motor") -> Database:
    settings = Settings(
        mongo_uri=SecretStr(address),
        mongo_driver=driver,
        database="x",
        kafka_bootstrap="127.0.0.1:9",
        internal_jwks_url="http://127.0.0.1:9",
        cursor_key=SecretStr("k"),
    )
    return Database(settings, "test")


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
@pytest.mark.parametrize(("address", "retries"), [("mongodb://127.0.0.1:9/?replicaSet=rs0", True), (uri(9), False)])
async def test_the_driver_retries_writes_unless_the_address_says_otherwise(
    address: str, retries: bool, driver: Literal["motor", "pymongo"]
) -> None:
    database = a_database(address, driver)
    try:
        assert database._client.options.retry_writes is retries
        assert database._client.options.retry_reads
    finally:
        await database.close()


class RestlessStream:
    """Answers each look at once that there is nothing: so does a server that is woken by the writes of all others."""

    def __init__(self) -> None:
        self.looks = 0

    async def __aenter__(self) -> RestlessStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def try_next(self) -> None:
        self.looks += 1
        await asyncio.sleep(0)


async def test_a_stream_that_answers_at_once_is_not_asked_without_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    database, stream = a_database(uri(9)), RestlessStream()
    opened: Any = SimpleNamespace(watch=lambda *_, **__: stream)
    with monkeypatch.context() as patched:
        patched.setattr(database, "_db", {"outbox": opened})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(database.changes("outbox")), 3 * _LOOKS_APART)
    assert 1 <= stream.looks <= 4
    await database.close()


async def test_all_that_is_read_for_a_request_shares_its_time() -> None:
    """Four reads of which each is nearly late would keep a caller waiting for four times what was promised."""
    database = a_database(uri(9))
    now = asyncio.get_running_loop().time
    try:
        began = now()
        call = Call(SimpleNamespace(), Units("test", database), Actor.system("test"), database.settings)  # type: ignore[arg-type]
        promised = database.settings.transaction_seconds
        until = call.reader.until
        assert until is not None
        assert began + promised <= until <= now() + promised
        assert call.reader.until == until
        with pytest.raises(TimeoutError):
            await Reader(database, until=now())._answer(asyncio.Event().wait())
    finally:
        await database.close()
