"""Broker away, database away: what callers and operators see, and what is there afterwards."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from pathlib import Path
from typing import Any

import httpx2
import pytest

from common.testing import eventually
from tests.integration.platforms import Bare, bare_platform, in_thread

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("platform")]


def draft() -> dict[str, Any]:
    return {"title": f"Rà soát tài khoản người dùng {uuid.uuid4().hex[:8]}"}


async def pending(bare: Bare) -> float | None:
    """Events of the tasks service that wait to be sent, by its own metric."""
    async with httpx2.AsyncClient(trust_env=False, timeout=5.0) as client:
        text = (await client.get(f"{bare.profile.ops('tasks')}/metrics")).text
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith("roviec_outbox_pending ")), None)


async def test_writes_go_on_while_the_broker_is_away(bare: Bare) -> None:
    with httpx2.Client(base_url=bare.profile.gateway, trust_env=False, timeout=10) as http:
        admin = bare.admin(http)
        await in_thread(lambda: admin.post("/v1/tasks", draft(), expect=201))
        bare.kill("kafka")
        for _ in range(5):
            await in_thread(lambda: admin.post("/v1/tasks", draft(), expect=201))
        assert admin.retried == 0, "a write had to be sent again while only the broker was away"

        async def said() -> bool:
            return await bare.ops("tasks", "readyz") == 503

        await eventually("readiness says that the broker is away", said, 10)
        assert await bare.ops("tasks", "livez") == 200

        async def waiting() -> bool:
            return bool(await pending(bare))

        await eventually("events wait in the outbox", waiting, 15)
        await bare.start("kafka")

        async def published() -> bool:
            return await pending(bare) == 0

        back = time.monotonic()
        await eventually("everything is published after the broker's return", published, 40)
        assert time.monotonic() - back < 30

        async def ready() -> bool:
            return await bare.ops("tasks", "readyz") == 200

        await eventually("readiness is back", ready, 10)


async def test_no_write_is_half_done_while_the_database_is_away(bare: Bare) -> None:
    with httpx2.Client(base_url=bare.profile.gateway, trust_env=False, timeout=10) as http:
        admin = bare.admin(http)
        await in_thread(lambda: admin.post("/v1/tasks", draft(), expect=201))
        headers = {"Authorization": f"Bearer {admin.bearer()}", "Idempotency-Key": uuid.uuid4().hex}
        body = draft()

        def ask() -> httpx2.Response:
            return http.post("/v1/tasks", json=body, headers=headers)

        bare.kill("mongo")
        started = time.monotonic()
        answer = await in_thread(ask)
        assert time.monotonic() - started < 3.5  # 3 s and the way there and back
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["type"] == "/problems/unavailable"
        assert await bare.ops("tasks", "livez") == 200
        await bare.start("mongo")
        back = time.monotonic()

        async def served() -> httpx2.Response | None:
            answer = await in_thread(ask)
            return answer if answer.status_code == 201 else None

        first = await eventually("writes are served again", served, 20)
        assert time.monotonic() - back < 10
        again = await in_thread(ask)
        assert again.status_code == 201
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json()["id"] == first.json()["id"], "one key made two tasks"


async def test_sigterm_ends_a_service_when_broker_and_database_are_gone(tmp_path: Path) -> None:
    """Within 25 s: an orchestrator that waits longer kills what is left half done."""
    async with bare_platform(tmp_path / "local") as platform:
        with httpx2.Client(base_url=platform.profile.gateway, trust_env=False, timeout=10) as http:
            admin = platform.admin(http)
            await in_thread(lambda: admin.post("/v1/tasks", draft(), expect=201))
        platform.kill("kafka")
        platform.kill("mongo")
        started = time.monotonic()
        services = [platform.parts[name] for name in ("tasks", "gateway")]
        for part in services:
            part.signal(signal.SIGTERM)
        while any(part.alive for part in services) and time.monotonic() - started < 30:
            await asyncio.sleep(0.1)
        assert not any(part.alive for part in services)
        assert time.monotonic() - started <= 25
