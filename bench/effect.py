"""From a POST to the entry in the audit ledger, at a steady pace, against how long the POST itself takes.

The training service (`--role all`) answers the POST, keeps the event in its outbox and relays it; the audit service
(`--role worker`) takes it from the topic and enters it. Both are processes of their own, as a deployment runs them.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from motor.motor_asyncio import AsyncIOMotorClient

from audit.service import service as audit
from audit.store import ENTRIES
from bench.corner import Corner
from bench.load import ROOT, running
from bench.measure import Comparison, Goal, Pace, Spread
from common.domain import Actor
from common.testing import eventually
from deploy.local.parts import Part, answers, free_port
from training.service import service as training

WRITER = Actor("client", "bench", frozenset({"courses:write"}))
PACES = (50, 25, 10)
"""Requests a second: the first that the servers bear is measured."""
SECONDS = 8.0
LOOK_SECONDS = 0.01
LATE_SECONDS = 5.0


@dataclass
class Trip:
    """One run: when each POST began and how long it took, and when its entry was seen. All in seconds."""

    began: dict[str, float] = field(default_factory=dict)
    posts: list[float] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)

    @property
    def post(self) -> float:
        return statistics.median(self.posts)

    @property
    def effect(self) -> float:
        return statistics.median(self.seen[name] - began for name, began in self.began.items())


async def post_to_ledger(kafka: str, mongo: str, pace: Pace) -> tuple[list[Comparison], dict[str, str]]:
    """p50 of the effect over p50 of the POST, run by run, at the fastest of `PACES` that is borne."""
    corner = Corner(kafka, mongo)
    home = Path(tempfile.mkdtemp(prefix="roviec-bench-"))
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo)
    try:
        return [await _measure(corner, home, client, pace)], {}
    finally:
        client.close()
        shutil.rmtree(home, ignore_errors=True)


async def _measure(corner: Corner, home: Path, client: AsyncIOMotorClient[dict[str, Any]], pace: Pace) -> Comparison:
    jwks_port, port = free_port(), free_port()
    jwks = home / "jwks.json"
    jwks.write_text(json.dumps(corner.jwks()))
    command = [sys.executable, "-m", "bench.stub", str(jwks_port), str(jwks)]
    keys = Part("keys", "stub", command, home / "keys.log", lambda: answers(jwks_port), cwd=ROOT)
    url = f"http://127.0.0.1:{jwks_port}/jwks.json"
    writer = corner.process(training, "all", home, jwks_url=url, port=port)
    ledger = corner.process(audit, "worker", home, jwks_url=url)
    async with corner.units(training), running(keys, writer, ledger):
        entries = client[corner.area.settings(audit).database][ENTRIES.collection]
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http:
            route = _Route(corner, http, entries)
            await route.warm()
            rate, first = await route.fastest(pace)
            trips = [first]
            while len(trips) < min(pace.rounds, 3):
                try:
                    trips.append(await route.trip(rate, pace.many(int(SECONDS * rate))))
                except TimeoutError:  # it was borne once, not for long
                    slower = [one for one in PACES if one < rate]
                    if not slower:
                        raise
                    rate, trips = slower[0], []
    return Comparison(
        f"POST to audited effect, p50 at {rate} a second",
        "p50 of the POST itself",
        "ms",
        Goal((3.0,), at_most=True),
        (f"{PACES[0]} a second are more than these servers bear on this machine; " if rate != PACES[0] else "")
        + f"the ledger is looked at every {LOOK_SECONDS * 1000:.0f} ms, so an effect is seen up to that late",
        Spread.of([trip.effect / trip.post for trip in trips]),
        Spread.of([trip.effect * 1000 for trip in trips]),
        Spread.of([trip.post * 1000 for trip in trips]),
    )


class _Route:
    """The way from an HTTP client to the ledger's collection."""

    def __init__(self, corner: Corner, http: httpx2.AsyncClient, entries: Any) -> None:
        self._corner, self._http, self._entries = corner, http, entries
        self._next, self._index = 0, -1

    async def warm(self) -> None:
        """One course all the way, after which connections are open and partitions assigned."""
        trip = Trip()

        async def accepted() -> bool:
            try:
                await self._post(trip)
            except AssertionError as refused:  # the service has not fetched the keys yet
                print(f"  not yet: {refused}", flush=True)
                return False
            return True

        await eventually("the first POST is accepted", accepted, 60)

        async def entered() -> bool:
            await self._look(trip)
            return bool(trip.seen)

        await eventually("the first event is in the ledger", entered, 90)

    async def fastest(self, pace: Pace) -> tuple[int, Trip]:
        """The first pace that is kept, with what it gave. Raises AssertionError when even the slowest is too much."""
        problem = ""
        for rate in PACES:
            try:
                return rate, await self.trip(rate, pace.many(int(SECONDS * rate)))
            except TimeoutError as late:
                problem = str(late)
                await self._settle()
        raise AssertionError(f"not even {PACES[-1]} a second: {problem}")

    async def trip(self, rate: int, number: int) -> Trip:
        """`number` POSTs at this rate, whatever their answers take, and the wait for their entries.

        Raises TimeoutError when the pace is not kept: POSTs or entries that pile up would be measured as waiting.
        """
        trip, started = Trip(), time.perf_counter()
        watching = asyncio.create_task(self._watch(trip, number))
        posting: list[asyncio.Task[None]] = []
        try:
            for turn in range(number):
                await asyncio.sleep(max(0.0, started + turn / rate - time.perf_counter()))
                posting.append(asyncio.create_task(self._post(trip)))
            await asyncio.gather(*posting)
            quarter = -(-number // 4)
            early, late = (statistics.median(some) for some in (trip.posts[:quarter], trip.posts[-quarter:]))
            if late > max(2 * early, early + 0.1):
                raise TimeoutError(f"POSTs pile up: p50 {early * 1000:.0f} ms at first, {late * 1000:.0f} ms at the end")
            await asyncio.wait_for(watching, LATE_SECONDS)
        except TimeoutError as error:
            await asyncio.gather(*posting)
            raise TimeoutError(str(error) or f"entries are more than {LATE_SECONDS:.0f} s late") from None
        finally:
            watching.cancel()
        return trip

    async def _post(self, trip: Trip) -> None:
        name = f"C-{self._next}"
        self._next += 1
        began = trip.began[name] = time.perf_counter()
        token = self._corner.area.keys.token("training", WRITER)
        answer = await self._http.post(
            "/v1/courses",
            json={"id": name, "title": "An toàn thông tin cơ bản", "topic": "security"},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": f"{name}-{self._corner.area.name}"},
        )
        assert answer.status_code == 201, f"POST answered {answer.status_code}: {answer.text[:300]}"
        trip.posts.append(time.perf_counter() - began)

    async def _watch(self, trip: Trip, number: int) -> None:
        while len(trip.seen) < number:
            await self._look(trip)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, trip: Trip) -> None:
        found = self._entries.find({"index": {"$gt": self._index}}, {"index": 1, "_d.subject": 1}).sort("index", 1)
        for row in await found.to_list(None):
            self._index = row["index"]
            if row["_d"]["subject"] in trip.began:
                trip.seen[row["_d"]["subject"]] = time.perf_counter()

    async def _settle(self) -> None:
        """Let what has piled up flow off."""

        async def still() -> bool:
            before = self._index
            await self._look(Trip())
            await asyncio.sleep(1.0)
            await self._look(Trip())
            return self._index == before

        await eventually("the ledger stands still", still, 120)
