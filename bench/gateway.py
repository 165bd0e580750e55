"""The gateway with all its duties against a plain nginx that has none, in front of the same service."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import psutil

from bench.measure import Comparison, compare
from bench.stub import BODY
from common.testing import eventually
from deploy.local.parts import Part, answers, free_port, http_status
from deploy.local.profile import Secrets

SECONDS = 4
CLIENT = "bench"

NGINX = """\
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  keepalive_requests 1000000;
  upstream service {{ server 127.0.0.1:{service}; keepalive 128; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", 510)\nwrk.body = "\\"" .. wrk.body .. "\\""\n'


class Missing(Exception):
    """A peer or a tool that this machine has not got."""


async def gateway(kafka: str, mongo: str) -> list[Comparison]:
    """GET of 1 KiB and POST of 512 bytes, 32 connections, and requests for each second of processor time."""
    tools = {name: shutil.which(name) or shutil.which(name, path="/usr/sbin") for name in ("nginx", "wrk")}
    if absent := [name for name, found in tools.items() if found is None]:
        raise Missing(f"{' and '.join(absent)} not on this machine (Debian: nginx-light, wrk)")
    home = Path(tempfile.mkdtemp(prefix="roviec-bench-"))
    try:
        async with _running(home, kafka, mongo, str(tools["nginx"])) as (ours, peer, token, processes):
            return await _compare(home, str(tools["wrk"]), ours, peer, token, processes)
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _compare(
    home: Path, wrk: str, ours: str, peer: str, token: str, processes: dict[str, psutil.Process]
) -> list[Comparison]:
    path = "/v1/tasks?limit=20"
    script = home / "post.lua"
    script.write_text(POST)
    await _check(ours, path, token)
    spent: dict[str, list[float]] = {"ours": [], "peer": []}

    async def load(url: str, side: str, *options: str) -> float:
        before = _cpu(processes[side])
        rate, requests = await _wrk(wrk, url + path, token, *options)
        spent[side].append((_cpu(processes[side]) - before) / requests * 1e6)
        return rate

    found = []
    for name, goal, options in (
        ("gateway GET 1 KiB, requests/s, c=32, against plain nginx", ">= 0.30, then 0.60", ()),
        ("gateway POST 512 B, requests/s, c=32, against plain nginx", ">= 0.25, then 0.50", ("-s", str(script))),
    ):
        spent["ours"].clear()
        spent["peer"].clear()
        one = await compare(
            name, lambda o=options: load(ours, "ours", *o), lambda o=options: load(peer, "peer", *o), goal=goal  # type: ignore[misc]
        )  # fmt: skip
        cpu = {side: sorted(values)[len(values) // 2] for side, values in spent.items()}
        note = f"CPU a request: ours {cpu['ours']:.0f} us, nginx {cpu['peer']:.0f} us; wrk and the service share the processors"
        found.append(Comparison(one.name, one.ours, one.other, one.ratio, one.goal, note))
    return found


async def _check(ours: str, path: str, token: str) -> None:
    """The peer comparison means nothing unless the gateway does its duty: a good token 200, none 401, a forged one 401."""
    async with httpx2.AsyncClient(base_url=ours, trust_env=False) as client:
        head, _, signature = token.rpartition(".")
        forged = f"{head}.{base64.urlsafe_b64encode(os.urandom(len(signature) * 3 // 4)).decode().rstrip('=')}"
        for bearer, wanted in ((token, 200), (None, 401), (forged, 401)):
            headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
            answer = await client.get(path, headers=headers)
            if answer.status_code != wanted or (wanted == 200 and answer.content != BODY):
                raise AssertionError(f"gateway answered {answer.status_code}, not {wanted}")


async def _wrk(wrk: str, url: str, token: str, *options: str) -> tuple[float, int]:
    command = [wrk, "-t1", "-c32", f"-d{SECONDS}s", *options, "-H", f"Authorization: Bearer {token}"]
    command += ["-H", f"Idempotency-Key: {secrets.token_hex(8)}", "-H", "Content-Type: application/json", url]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    text = out.decode()
    if "Non-2xx" in text or "Socket errors" in text:
        raise AssertionError(f"not every answer was good:\n{text}")
    rate, requests = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"(\d+) requests in", text)
    if rate is None or requests is None:
        raise AssertionError(f"wrk said something else:\n{text}")
    return float(rate[1]), int(requests[1])


def _cpu(process: psutil.Process) -> float:
    """Seconds of processor time of a process and its children."""
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


@asynccontextmanager
async def _running(
    home: Path, kafka: str, mongo: str, nginx: str
) -> AsyncIterator[tuple[str, str, str, dict[str, psutil.Process]]]:
    service, front, ops, peer = (free_port() for _ in range(4))
    made = Secrets.make()
    secret = secrets.token_urlsafe(32)
    ours, area = f"http://127.0.0.1:{front}", f"bench{int(time.time())}"
    environment = {
        "API_PORT": str(front), "OPS_PORT": str(ops), "MONGO_URI": mongo, "DATABASE": f"{area}_gateway",
        "KAFKA_BOOTSTRAP": kafka, "TOPIC_PREFIX": f"{area}-", "INTERNAL_JWKS_URL": f"{ours}/.well-known/jwks.json",
        "CURSOR_KEY": secrets.token_urlsafe(16), "SIGNING_KEY": made.signing_key, "PUBLIC_URL": ours,
        **{f"{name}_URL": f"http://127.0.0.1:{service}" for name in ("TASKS", "TRAINING", "NOTIFICATIONS", "AUDIT")},
        "OIDC_ISSUER": "http://127.0.0.1:9", "OIDC_JWKS_URL": "http://127.0.0.1:9/jwks.json", "OIDC_AUDIENCE": "bench",
        "BOOTSTRAP_CLIENT_ID": CLIENT, "BOOTSTRAP_CLIENT_SECRET": secret,
        "RATE_READ": "100000000", "RATE_WRITE": "100000000",
    }  # fmt: skip
    config = home / "nginx.conf"
    config.write_text(NGINX.format(home=home, port=peer, service=service))

    async def ready(port: int, url: str | None = None) -> bool:
        return await answers(port) and (url is None or await http_status(url) == 200)

    parts = [
        Part("service", "stub", [sys.executable, "-m", "bench.stub", str(service)], home / "stub.log", lambda: ready(service)),
        Part("nginx", "peer", [nginx, "-p", str(home), "-c", str(config)], home / "nginx.log", lambda: ready(peer)),
        Part("gateway", "all", [sys.executable, "-m", "gateway.app", "--role", "all"], home / "gateway.log",
             lambda: ready(front, f"http://127.0.0.1:{ops}/readyz"), env=environment),
    ]  # fmt: skip
    try:
        for part in parts:
            part.start()
        await asyncio.gather(*(part.wait_ready() for part in parts))
        token = await _token(ours, secret)
        processes = {"ours": psutil.Process(parts[2].pid), "peer": psutil.Process(parts[1].pid)}
        yield ours, f"http://127.0.0.1:{peer}", token, processes
    finally:
        for part in parts:
            part.signal(signal.SIGTERM)
        await asyncio.gather(*(part.stop(10) for part in parts))


async def _token(ours: str, secret: str) -> str:
    async with httpx2.AsyncClient(base_url=ours, trust_env=False) as client:

        async def granted() -> str | None:
            answer = await client.post(
                "/oauth2/token",
                data={"grant_type": "client_credentials", "scope": "tasks:read tasks:write"},
                auth=(CLIENT, secret),
            )
            token: str | None = json.loads(answer.content).get("access_token")
            return token

        return await eventually("the gateway gives a token", granted)
