"""The gateway with all its duties against peers in front of the same service, with the same duties as far as they have them."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from bench import peers
from bench.load import ROOT, Wrk, pid, running
from bench.measure import Comparison, Goal, Missing, Pace, compared, contest
from bench.stub import BODY
from common.testing import eventually
from deploy.local.parts import Part, answers, free_port, http_status
from deploy.local.profile import Secrets

CLIENT = "bench"
PATH = "/v1/tasks?limit=20"
POST = 'wrk.method = "POST"\nwrk.body = "\\"" .. string.rep("x", 510) .. "\\""\n'
PLAIN = "nginx, plain"
AHEAD = Goal((1.0,))
GOALS = {
    ("GET", PLAIN): Goal((0.30, 0.60)),
    ("POST", PLAIN): Goal((0.25, 0.50)),
    **{("GET", peer.name): AHEAD for peer in peers.PEERS if peer.name != PLAIN},
}
OURS = "gateway"
CONNECTIONS = 32


@dataclass(frozen=True)
class Door:
    """One side, up and checked: where it is, a token that it takes, whose processor time counts."""

    url: str
    token: str
    processes: tuple[int, ...]


async def gateway(kafka: str, mongo: str, pace: Pace) -> tuple[list[Comparison], dict[str, str]]:
    """GET of 1 KiB and POST of 512 bytes over 32 connections; and the versions of the peers."""
    try:
        wrk = Wrk.find(pace.seconds, CONNECTIONS)
    except Missing as missing:
        return [_absent(method, peer, str(missing)) for method in ("GET", "POST") for peer in peers.PEERS], {}
    home = Path(tempfile.mkdtemp(prefix="roviec-bench-"))
    try:
        async with AsyncExitStack() as stack:
            doors, missing_peers = await _open(home, kafka, mongo, stack)
            return await _measure(home, wrk, doors, missing_peers, pace), _versions(doors)
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _measure(home: Path, wrk: Wrk, doors: dict[str, Door], missing: dict[str, str], pace: Pace) -> list[Comparison]:
    script = home / "post.lua"
    script.write_text(POST)
    found = []
    for method, size, options in (("GET", "1 KiB", ()), ("POST", "512 B", ("-s", str(script)))):

        def side(door: Door, options: tuple[str, ...] = options) -> Any:
            return lambda: wrk.load(door.url + PATH, door.token, door.processes, *options)

        rounds = await contest({name: side(door) for name, door in doors.items()}, pace)
        for peer in peers.PEERS:
            if peer.name not in doors:
                found.append(_absent(method, peer, missing[peer.name]))
                continue
            found.append(
                compared(
                    rounds, OURS, peer.name, measure=f"{method} {size}, {CONNECTIONS} connections", peer=peer.name,
                    unit="req/s", goal=GOALS.get((method, peer.name)), note=peer.note,
                )
            )  # fmt: skip
    return found


def _absent(method: str, peer: peers.Peer, why: str) -> Comparison:
    size = "1 KiB" if method == "GET" else "512 B"
    goal = GOALS.get((method, peer.name))
    return Comparison(f"{method} {size}, {CONNECTIONS} connections", peer.name, "req/s", goal, missing=why)


def _versions(doors: dict[str, Door]) -> dict[str, str]:
    return {"peers": ", ".join(dict.fromkeys(peer.version() for peer in peers.PEERS if peer.name in doors))}


# --- all sides, up and checked ---


async def _open(home: Path, kafka: str, mongo: str, stack: AsyncExitStack) -> tuple[dict[str, Door], dict[str, str]]:
    """The service, our gateway and every peer that this machine has; why others are missing.

    Raises AssertionError with what was seen when a side lets a bad token pass or a good one not.
    """
    service = free_port()
    stub = Part(
        "service",
        "stub",
        [sys.executable, "-m", "bench.stub", str(service)],
        home / "stub.log",
        lambda: answers(service),
        cwd=ROOT,
    )
    ours, url, secret = front(home, kafka, mongo, service)
    await stack.enter_async_context(running(stub, ours))
    token = await granted(url, secret)
    doors = {OURS: Door(url, token, (pid(ours),))}
    await _check(OURS, doors[OURS], duties=True)
    async with httpx2.AsyncClient(trust_env=False) as client:
        jwks = (await client.get(f"{url}/.well-known/jwks.json")).json()
    issuer, audience = _rules(token)
    missing = {}
    for number, peer in enumerate(peers.PEERS):
        setting = peers.Setting(home / f"peer-{number}", free_port({service}), service, issuer, audience, jwks, token)
        try:
            prepared = peers.prepare(peer, setting)
        except Missing as reason:
            missing[peer.name] = str(reason)
            continue
        await stack.enter_async_context(running(*prepared.parts))
        door = Door(f"http://127.0.0.1:{setting.port}", prepared.token, tuple(pid(part) for part in prepared.parts))
        await _check(peer.name, door, duties=peer.duties)
        doors[peer.name] = door
    return doors, missing


def front(home: Path, kafka: str, mongo: str, service: int) -> tuple[Part, str, str]:
    port, ops = free_port({service}), free_port({service})
    made, secret = Secrets.make(), secrets.token_urlsafe(32)
    ours, area = f"http://127.0.0.1:{port}", f"bench{int(time.time())}{secrets.token_hex(2)}"
    environment = {
        "API_PORT": str(port), "OPS_PORT": str(ops), "MONGO_URI": mongo, "DATABASE": f"{area}_gateway",
        "KAFKA_BOOTSTRAP": kafka, "TOPIC_PREFIX": f"{area}-", "INTERNAL_JWKS_URL": f"{ours}/.well-known/jwks.json",
        "CURSOR_KEY": secrets.token_urlsafe(16), "SIGNING_KEY": made.signing_key, "PUBLIC_URL": ours,
        **{f"{name}_URL": f"http://127.0.0.1:{service}" for name in ("TASKS", "TRAINING", "NOTIFICATIONS", "AUDIT")},
        "OIDC_ISSUER": "http://127.0.0.1:9", "OIDC_JWKS_URL": "http://127.0.0.1:9/jwks.json", "OIDC_AUDIENCE": "bench",
        "BOOTSTRAP_CLIENT_ID": CLIENT, "BOOTSTRAP_CLIENT_SECRET": secret,
        "RATE_READ": str(peers.QUOTA), "RATE_WRITE": str(peers.QUOTA),
    }  # fmt: skip

    async def ready() -> bool:
        return await answers(port) and await http_status(f"http://127.0.0.1:{ops}/readyz") == 200

    command = [sys.executable, "-m", "gateway.app", "--role", "api"]
    return Part("gateway", "api", command, home / "gateway.log", ready, env=environment, cwd=ROOT), ours, secret


def _rules(token: str) -> tuple[str, str]:
    """Issuer and audience, as the token has them."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims["iss"], claims["aud"]


async def _check(name: str, door: Door, *, duties: bool) -> None:
    """A comparison means nothing unless the side does its duty: a good token 200, none 401, a forged one 401."""
    head, _, signature = door.token.rpartition(".")
    forged = f"{head}.{base64.urlsafe_b64encode(os.urandom(len(signature) * 3 // 4)).decode().rstrip('=')}"
    refused = 401 if duties else 200
    async with httpx2.AsyncClient(base_url=door.url, trust_env=False) as client:
        for what, bearer, wanted in (("a good", door.token, 200), ("no", None, refused), ("a forged", forged, refused)):
            headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
            answer = await client.get(PATH, headers=headers)
            seen = f"{name} with {what} token answered {answer.status_code}, not {wanted}: {answer.text[:200]!r}"
            assert answer.status_code == wanted, seen
            assert wanted != 200 or answer.content == BODY, f"{name} changed the service's answer"


async def granted(ours: str, secret: str, scope: str = "tasks:read tasks:write") -> str:
    """An access token of the first client, once the gateway gives one."""
    async with httpx2.AsyncClient(base_url=ours, trust_env=False) as client:

        async def ask() -> str | None:
            answer = await client.post(
                "/oauth2/token",
                data={"grant_type": "client_credentials", "scope": scope},
                auth=(CLIENT, secret),
            )
            token: str | None = json.loads(answer.content).get("access_token")
            return token

        return await eventually("the gateway gives a token", ask)
