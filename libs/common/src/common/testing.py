"""For tests of services: settings of an area of their own, callers with tokens, waiting without sleeping."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from common.access import Jwks
from common.clock import Clock, system_clock
from common.domain import Actor
from common.http import INTERNAL_LIFETIME, INTERNAL_TYPE
from common.outbox import new_id
from common.service import Process, Service

T = TypeVar("T")


ANSWER_SECONDS = 30.0
"""Deadline of one call of a test client. A call within one process has none of its own: httpx's begin at a socket."""
DRAIN_SECONDS = 30.0


async def eventually(what: str, check: Callable[[], Awaitable[T | None]], seconds: float = 30.0) -> T:
    """Ask again and again until the answer is true; fail with a description and the last answer after a deadline, which
    holds for a check that hangs as well.
    """
    answer: T | None = None
    try:
        async with asyncio.timeout(seconds) as deadline:
            while not (answer := await check()):  # noqa: ASYNC110 - what is waited for sends no signal
                await asyncio.sleep(0.05)
            return answer
    except TimeoutError:
        if not deadline.expired():  # the check's own
            raise
    raise AssertionError(f"after {seconds:.0f} s still not so: {what}; last answer: {answer!r}")


class _InProcess(httpx2.ASGITransport):
    """Calls an application without a socket; one that never answers fails its test instead of hanging it."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await super().handle_async_request(request)


class Keyring(Jwks):
    """A gateway's key pair for tests: signs internal tokens, and is the JWKS that verifies them."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9/unused")
        self._private = Ed25519PrivateKey.generate()
        public = json.loads(OKPAlgorithm.to_jwk(self._private.public_key()))
        self._keys = {"test": jwt.PyJWK({**public, "kid": "test", "use": "sig", "alg": "EdDSA"})}
        self._fetched = time.monotonic() + 10**9

    def token(self, audience: str, actor: Actor, **changes: Any) -> str:
        """An internal token for this service and actor; `changes` spoil claims for tests of refusal."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": "roviec-gateway", "aud": audience, "sub": str(actor), "iat": now, "exp": now + INTERNAL_LIFETIME,
            "jti": new_id(), "scope": " ".join(sorted(actor.scopes)),
        }  # fmt: skip
        if actor.units is not None:
            claims["units"] = sorted(actor.units)
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": "test", "typ": INTERNAL_TYPE})


@dataclass
class Area:
    """A corner of the shared servers for one test: own databases, own topics."""

    name: str
    kafka: str
    mongo: str
    keys: Keyring = field(default_factory=Keyring)

    def settings(self, service: Service, **changes: Any) -> Any:
        return service.settings(
            **{
                "mongo_uri": self.mongo,
                "mongo_driver": os.environ.get("MONGO_DRIVER", "motor"),
                "database": f"{self.name}_{service.name}",
                "kafka_bootstrap": self.kafka,
                "topic_prefix": f"{self.name}-",
                "internal_jwks_url": "http://127.0.0.1:9/unused",
                "cursor_key": "key of a test",
                "transaction_seconds": 25.0,
                "session_seconds": 6.0,
                "lease_seconds": 6.0,
                **changes,
            }
        )

    @asynccontextmanager
    async def running(
        self, service: Service, role: str = "all", clock: Clock = system_clock, **changes: Any
    ) -> AsyncIterator[Process]:
        """A process of the service with its own loop tasks inside this one; ports are chosen by the machine."""
        process = Process(service, self.settings(service, **changes), role, clock)
        process.keys = self.keys
        stop = asyncio.Event()
        task = asyncio.create_task(process.run(stop))
        try:
            await eventually(f"{service.name} is ready", lambda: _ready(process, task), 30)
            yield process
        finally:
            stop.set()
            _, late = await asyncio.wait({task}, timeout=DRAIN_SECONDS)
            task.cancel()
            assert not late, f"{service.name} still runs {DRAIN_SECONDS:.0f} s after it was told to stop"

    def client(self, process: Process, actor: Actor, **headers: str) -> httpx2.AsyncClient:
        """An HTTP client that calls the process's API as this actor."""
        token = self.keys.token(process.service.name, actor)
        transport = _InProcess(process.api())
        return httpx2.AsyncClient(
            transport=transport, base_url="http://service", headers={"Authorization": f"Bearer {token}", **headers}
        )


async def _ready(process: Process, task: asyncio.Task[None]) -> bool:
    if task.done():
        task.result()
    return process.ready
