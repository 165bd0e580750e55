"""Nothing that a caller sends brings the control plane out of its OpenAPI document (`tests/integration/fuzzing.py`)."""

from __future__ import annotations

import asyncio

import pytest

from common.testing import Area
from gateway.service import service
from gateway.tests.gateway_world import gateway
from tests.integration.fuzzing import PATIENCE, Called, walk

pytestmark = pytest.mark.servers


async def test_no_call_brings_the_control_plane_out_of_its_document(area: Area) -> None:
    async with gateway(area, rate_read=10**6, rate_write=10**6, transaction_seconds=PATIENCE) as world:
        clients = [(await world.register(name=f"partner {number}"))["id"] for number in range(3)]
        bearer = (await world.as_root())["Authorization"]
        wrong = await asyncio.to_thread(walk, Called(service, world.url, lambda: bearer, {"client_id": clients}))
    assert not wrong, "\n\n".join(wrong)
