"""Timed jobs: one replica runs those of a service, another one when that one is gone; shared ones run everywhere."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from common.service import Job, Process, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import Units

pytestmark = pytest.mark.servers

LEASE_SECONDS = 1.5


async def test_one_replica_at_a_time_runs_the_jobs(area: Area) -> None:
    runs: Counter[tuple[str, str]] = Counter()

    def note(name: str) -> Any:
        async def run(units: Units, _settings: Settings) -> None:
            runs[name, units.database.process_id] += 1
            if name == "fails":
                raise RuntimeError("a job that fails")

        return run

    often = timedelta(seconds=0.1)
    leased, shared = [Job(name, often, note(name)) for name in ("one", "fails")], Job("all", often, note("all"), shared=True)
    service = Service("audit", "ledger", Settings, [], jobs=[*leased, shared])
    settings = area.settings(service, lease_seconds=LEASE_SECONDS)
    first, second = Process(service, settings, "api"), Process(service, settings, "api")
    await first.database.prepare(service.collections())
    me, other = first.database.process_id, second.database.process_id
    running = asyncio.create_task(first._while_leased(leased))
    tasks = [running]
    try:

        async def both_run() -> bool:
            return runs["one", me] > 2 and runs["fails", me] > 2

        await eventually("the first replica runs all jobs, also the one that fails", both_run)
        tasks += [asyncio.create_task(second._while_leased(leased)), asyncio.create_task(second._every(shared))]
        since = time.monotonic()

        async def lease_was_renewed() -> bool:
            assert not runs["one", other], "two replicas run a job that is for one"
            return runs["all", other] > 2 and time.monotonic() > since + 2 * LEASE_SECONDS

        await eventually("the second replica runs what is shared alone", lease_was_renewed)
        running.cancel()
        await asyncio.wait({running})
        before, handed_back = runs["one", me], time.monotonic()

        async def taken_over() -> bool:
            return runs["one", other] > 2

        await eventually("the second replica goes on", taken_over)
        assert time.monotonic() - handed_back < LEASE_SECONDS, "the lease ran out and was not handed back"
        assert runs["one", me] == before
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for process in (first, second):
            await process.database.close()


async def test_a_job_that_is_cut_off_ends_even_when_its_clean_up_fails(area: Area) -> None:
    """What a clean-up raises takes the cancellation's place; the job went on until the process was killed."""
    runs, begun = 0, asyncio.Event()

    async def run(_units: Units, _settings: Settings) -> None:
        nonlocal runs
        runs += 1
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("the database is away")

    service = Service("audit", "ledger", Settings, [])
    process = Process(service, area.settings(service), "api")
    task = asyncio.create_task(process._every(Job("untidy", timedelta(seconds=0.01), run)))
    try:
        await begun.wait()
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.done()
        assert runs == 1
    finally:
        task.cancel()
        await process.database.close()
