"""The local run's provider of people's tokens: what it gives is believed by the very code that checks the province's."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from common.access import Jwks, TokenRules, verify
from common.errors import Unauthenticated
from common.testing import eventually
from deploy.local.issuer import AUDIENCE, Issuer, load_key, mint, serve
from deploy.local.parts import free_port
from gateway.tests.gateway_world import pem

NAME = "http://issuer.test"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "issuer.pem"


@pytest.fixture
def address(key_file: Path) -> Iterator[str]:
    port = free_port()
    end = serve(Issuer(load_key(key_file), NAME, lifetime=120), port)
    yield f"http://127.0.0.1:{port}"
    end()


def rules(audience: str = AUDIENCE) -> TokenRules:
    return TokenRules(NAME, audience, frozenset({"jwt", "at+jwt"}), 3600)


async def test_its_tokens_keep_every_rule_of_the_gateway(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        about = (await http.get("/.well-known/openid-configuration")).json()
        answer = await http.post("/token", data={"person_id": "per-1"})
    assert about["issuer"] == NAME
    assert answer.status_code == 200
    keys = Jwks(f"{address}/jwks.json")
    claims = await verify(answer.json()["id_token"], keys, rules())
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("per-1", 120)
    with pytest.raises(Unauthenticated):
        await verify(answer.json()["id_token"], keys, rules("another"))
    await keys.close()


async def test_the_supervisor_mints_with_the_same_key(address: str, key_file: Path) -> None:
    keys = Jwks(f"{address}/jwks.json")
    claims = await verify(mint("per-2", key_file, NAME), keys, rules())
    assert claims["sub"] == "per-2"
    await keys.close()


def test_the_key_is_made_once_and_for_its_owner_alone(key_file: Path) -> None:
    first = Issuer(load_key(key_file), NAME)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert Issuer(load_key(key_file), NAME).kid == first.kid
    assert [path.name for path in key_file.parent.iterdir()] == [key_file.name]


def test_another_kind_of_key_is_refused(key_file: Path) -> None:
    key_file.parent.mkdir()
    key_file.write_text(pem())
    with pytest.raises(ValueError, match="P-256"):
        load_key(key_file)


@pytest.mark.parametrize(
    ("headers", "form", "status"),
    [({}, {}, 400), ({}, {"person_id": ["a", "b"]}, 400), ({"Host": "evil.test"}, {"person_id": "a"}, 421),
     ({"Origin": "http://evil.test"}, {"person_id": "a"}, 421), ({}, {"person_id": "a" * 5000}, 413)],
)  # fmt: skip
async def test_what_it_does_not_answer(address: str, headers: dict[str, str], form: dict[str, str], status: int) -> None:
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        answer = await http.post("/token", data=form, headers=headers)
    assert answer.status_code == status
    assert "id_token" not in answer.json()


async def test_it_runs_as_a_command_and_ends_when_asked(key_file: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "deploy.local.issuer", "--port", str(port), "--key-file", str(key_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    try:
        async with httpx2.AsyncClient(trust_env=False) as http:

            async def up() -> bool:
                try:
                    return (await http.get(f"http://127.0.0.1:{port}/jwks.json")).status_code == 200
                except httpx2.TransportError:
                    return False

            await eventually("the issuer answers", up)
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out.startswith("issuer: ready")
