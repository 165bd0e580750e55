"""The gateway as it is deployed: a process with its settings in the environment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from common.testing import Area, eventually
from deploy.local.parts import free_port
from gateway.settings import GatewaySettings
from gateway.tests.gateway_world import ROOT, ROOT_SECRET, gateway_settings

ROOM = Path(__file__).parents[2]


def environment(settings: GatewaySettings, **changes: str) -> dict[str, str]:
    """The settings as a deployment writes them."""
    found = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in settings.model_fields_set
        if (value := getattr(settings, name)) is not None
    }
    return {**os.environ, **found, **changes}


@pytest.mark.servers
@pytest.mark.parametrize("role", ["api", "all"])
async def test_it_starts_answers_and_ends_when_asked(area: Area, role: str) -> None:
    port, ops = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.app", "--role", role],
        env=environment(gateway_settings(area, port), OPS_PORT=str(ops)),
        cwd=ROOM,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        async with httpx2.AsyncClient(trust_env=False) as http:

            async def ready() -> bool:
                try:
                    return (await http.get(f"http://127.0.0.1:{ops}/readyz")).status_code == 200
                except httpx2.TransportError:
                    assert process.poll() is None
                    return False

            await eventually("the process is ready", ready, 40)
            token = await http.post(
                f"http://127.0.0.1:{port}/oauth2/token",
                auth=(ROOT, ROOT_SECRET),
                data={"grant_type": "client_credentials"},
            )
            assert token.status_code == 200
            metrics = (await http.get(f"http://127.0.0.1:{ops}/metrics")).text
            assert 'roviec_gateway_tokens_total{kind="issue",outcome="issued"} 1.0' in metrics
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.to_thread(process.communicate, timeout=25)
    assert process.returncode == 0
    assert ROOT_SECRET not in out
    assert '"event":"request"' in out


WRONG = [
    {"SIGNING_KEY": ""},
    {"SIGNING_KEY": "x"},
    {"PREVIOUS_PUBLIC_KEYS": "[]"},
    {"PREVIOUS_PUBLIC_KEYS": '{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}]}'},
    {"OIDC_ALGORITHMS": '["HS256"]'},
    {"BOOTSTRAP_CLIENT_SECRET": "short"},
    {"TASKS_URL": "somewhere"},
]


@pytest.mark.parametrize("changes", WRONG, ids=lambda changes: next(iter(changes)))
def test_a_wrong_setting_is_said_in_a_line(changes: dict[str, str]) -> None:
    area = Area("nowhere", "127.0.0.1:9", "mongodb://127.0.0.1:9/")
    env = environment(gateway_settings(area, free_port()), **changes)
    command = [sys.executable, "-m", "gateway.app"]
    ended = subprocess.run(command, env=env, cwd=ROOM, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert next(iter(changes)) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert all(value not in ended.stderr for value in changes.values() if len(value) > 1)
