"""Calls through the gateway to a real service, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from common.outbox import new_id
from common.testing import Area
from deploy.local.parts import free_port
from gateway.tests.gateway_world import World, behind, gateway
from training.service import service as training

pytestmark = pytest.mark.servers

COURSE = {"id": "C-AI", "title": "Responsible use of AI", "topic": "officials"}


@pytest.fixture
async def world(area: Area) -> AsyncIterator[World]:
    port = free_port()
    async with behind(area, training, port) as address, gateway(area, port=port, training_url=address) as world:
        yield world


async def test_a_partner_reads_what_it_wrote(world: World) -> None:
    headers = await world.as_root()
    made = await world.http.post("/v1/courses", headers={**headers, "Idempotency-Key": new_id()}, json=COURSE)
    assert made.status_code == 201, made.text
    read = await world.http.get("/v1/courses/C-AI", headers=headers)
    assert read.status_code == 200
    assert read.json()["title"] == COURSE["title"]
