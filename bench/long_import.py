"""A trial of a long import: 30,000 rows made of the real ones, handed in through the gateway and taken over by the worker.

`python -m bench.long_import [rows]`, against `MONGO_URI`, or the local server, or `ROVIEC_DATABASE`. No ratio to a peer, since
there is none: it prints how far the import is, what the worker and the API hold of memory, and how long a task takes to be read
meanwhile. It fails when a row is missing, or when the worker grew from the first tenth on by more than 5 %.
"""

from __future__ import annotations

import asyncio
import csv
import io
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import psutil

from bench.corner import Corner
from bench.gateway import front, granted
from bench.load import pid, running
from bench.reorganisation import DATA, rows
from common.outbox import new_id
from deploy.local.parts import Part, free_port
from deploy.local.servers import Servers
from tasks.service import service as tasks

REGISTER = {"units": "units", "agencies": "agencies", "successions": "unit_succession", "directives": "directives"}
"""The file of each kind of table, in the order in which they have to be imported."""
SCOPES = "imports:write imports:read units:write directives:write tasks:write tasks:read summary:read"
GROWTH = 1.05
EVERY = 10
"""Lines that say how far it is."""


def plan(number: int) -> bytes:
    """A plan of so many rows, each a real one under a number of its own."""
    real = rows("tasks.csv")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(real[0]))
    writer.writeheader()
    writer.writerows({**real[place % len(real)], "task_uid": f"long-{place:06d}"} for place in range(number))
    return text.getvalue().encode()


def resident(part: Part) -> float:
    """MiB that a process holds in memory."""
    return float(psutil.Process(pid(part)).memory_info().rss / 2**20)


async def send(http: httpx2.AsyncClient, path: str, body: bytes, wanted: int) -> Any:
    headers = {"Idempotency-Key": new_id(), "Content-Type": "text/csv"}
    answer = await http.post(path, content=body, headers=headers)
    assert answer.status_code == wanted, f"{path} answered {answer.status_code}: {answer.text[:300]}"
    return answer.json()


async def trial(kafka: str, mongo: str, number: int) -> bool:
    corner, port = Corner(kafka, mongo), free_port()
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="roviec-bench-")))
        door, url, secret = front(home, kafka, mongo, port)
        jwks = f"{url}/.well-known/jwks.json"
        api, worker = (
            corner.process(tasks, role, home, jwks_url=jwks, port=port if role == "api" else None) for role in ("api", "worker")
        )
        await stack.enter_async_context(running(door, api, worker))
        headers = {"Authorization": f"Bearer {await granted(url, secret, SCOPES)}"}
        http = httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=120)
        await stack.enter_async_context(http)
        for kind, name in REGISTER.items():
            await send(http, f"/v1/imports?kind={kind}", (DATA / f"{name}.csv").read_bytes(), 200)
        body = plan(number)
        began = time.perf_counter()
        started = await send(http, "/v1/imports/long", body, 202)
        print(f"{number} rows, {len(body) / 2**20:.1f} MiB, taken after {time.perf_counter() - began:.1f} s")
        return await watch(http, started["id"], number, api, worker)


async def watch(http: httpx2.AsyncClient, import_id: str, number: int, api: Part, worker: Part) -> bool:
    """Until it has ended: how far it is, and what it costs others."""
    began, taken, held, said = time.perf_counter(), list[float](), list[float](), 0
    while True:
        asked = time.perf_counter()
        shown = (await http.get(f"/v1/imports/long/{import_id}")).json()
        if shown["rows_done"]:
            before = time.perf_counter()
            (await http.get("/v1/tasks?limit=20")).raise_for_status()
            taken.append(time.perf_counter() - before)
        if shown["rows_done"] * EVERY >= number * (said + 1):
            said = shown["rows_done"] * EVERY // number
            held.append(resident(worker))
            spent = time.perf_counter() - began
            print(f"{shown['rows_done']:>7} rows after {spent:6.1f} s; worker {held[-1]:.0f} MiB, API {resident(api):.0f} MiB")
        if shown["ended_at"] is not None:
            break
        await asyncio.sleep(asked + 1.0 - time.perf_counter())
    print(f"{shown['state']} after {time.perf_counter() - began:.1f} s: {shown['counts']}")
    print(f"{len(taken)} pages of 20 meanwhile: p50 {statistics.median(taken) * 1000:.0f} ms, max {max(taken) * 1000:.0f} ms")
    grown = held[-1] / held[0]
    print(f"the worker holds {100 * (grown - 1):+.1f} % of what it held at the first tenth")
    total = (await http.get("/v1/summary")).json()["total"]
    came_in = number - shown["counts"]["refused"]
    print(f"{total} tasks are counted, {came_in} rows came in")
    return shown["state"] == "done" and shown["rows_done"] == number and total == came_in and grown <= GROWTH


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000
    servers = Servers()
    try:
        kafka, mongo = servers.start()
        sys.exit(0 if asyncio.run(trial(kafka, mongo, number)) else 1)
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
