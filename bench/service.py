"""A service's GET by id through all of its layers against Starlette that reads the same document and sends the same bytes."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2

from bench.corner import Corner
from bench.load import ROOT, Wrk, pid, running
from bench.measure import Comparison, Goal, Missing, Pace, compared, contest
from common.domain import Actor
from common.testing import eventually
from deploy.local.parts import Part, answers, free_port
from training.domain.course import Course
from training.service import service as training
from training.store import COURSES

CONNECTIONS = 64
READER = Actor("client", "bench", frozenset({"courses:read"}))
COURSE = Course(
    id="C-INFOSEC", title="An toàn thông tin cơ bản cho cán bộ, công chức cấp xã", topic="security", source="người học, 11/2025"
)
PEER = "Starlette, same bytes from the same store"
MEASURE = f"GET by id, {CONNECTIONS} connections"
GOAL = Goal((0.75,))
NOTE = (
    "ours: routing, token, scope, model, view, ETag, metrics and problem documents; the peer: one find and one dump, in the "
    "same server with the same settings; the database's own work is most of both"
)


async def get_by_id(kafka: str, mongo: str, pace: Pace) -> tuple[list[Comparison], dict[str, str]]:
    """Requests a second of the training service as a process (`--role api`) and of the peer."""
    try:
        wrk = Wrk.find(pace.seconds, CONNECTIONS)
    except Missing as missing:
        return [Comparison(MEASURE, PEER, "req/s", GOAL, missing=str(missing))], {}
    corner = Corner(kafka, mongo)
    home = Path(tempfile.mkdtemp(prefix="roviec-bench-"))
    try:
        async with corner.units(training) as (units, _):
            await units.run(_register, units.system())
            return [await _measure(corner, wrk, home, pace)], {}
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _register(uow: Any) -> None:
    uow.save(COURSES, COURSE.model_copy())


async def _measure(corner: Corner, wrk: Wrk, home: Path, pace: Pace) -> Comparison:
    jwks_port, port, plain_port = free_port(), free_port(), free_port()
    jwks = home / "jwks.json"
    jwks.write_text(json.dumps(corner.jwks()))
    jwks_url = f"http://127.0.0.1:{jwks_port}/jwks.json"
    keys = Part(
        "keys", "stub", [sys.executable, "-m", "bench.stub", str(jwks_port), str(jwks)], home / "keys.log",
        lambda: answers(jwks_port), cwd=ROOT,
    )  # fmt: skip
    ours = corner.process(training, "api", home, jwks_url=jwks_url, port=port)
    command = [sys.executable, str(ROOT / "bench/apps/plain_get.py"), str(plain_port), corner.area.mongo]
    command.append(corner.area.settings(training).database)
    plain = Part("plain", "peer", command, home / "plain.log", lambda: answers(plain_port), cwd=ROOT)
    path = f"/v1/courses/{COURSE.id}"
    async with running(keys, ours, plain):
        urls = {
            "ours": (f"http://127.0.0.1:{port}{path}", pid(ours)),
            "plain": (f"http://127.0.0.1:{plain_port}{path}", pid(plain)),
        }
        await _same_bytes(corner, urls["ours"][0], urls["plain"][0])

        def side(name: str) -> Any:
            url, process = urls[name]
            return lambda: wrk.load(url, corner.area.keys.token("training", READER), [process])

        rounds = await contest({name: side(name) for name in urls}, pace)
    return compared(rounds, "ours", "plain", measure=MEASURE, peer=PEER, unit="req/s", goal=GOAL, note=NOTE)


async def _same_bytes(corner: Corner, ours: str, plain: str) -> None:
    headers = {"Authorization": f"Bearer {corner.area.keys.token('training', READER)}"}
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:

        async def up() -> bool:
            return (await client.get(ours, headers=headers)).status_code == 200

        await eventually("the service has fetched the keys and answers", up, 60)
        mine, theirs, unnamed = await client.get(ours, headers=headers), await client.get(plain), await client.get(ours)
    seen = f"ours {mine.status_code} {mine.content!r}, peer {theirs.status_code} {theirs.content!r}"
    assert mine.status_code == theirs.status_code == 200, seen
    assert mine.content == theirs.content, seen
    assert unnamed.status_code == 401, f"without a token ours answered {unnamed.status_code}"
