"""What rows wait for and look at meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import httpx2

from tests.faults import probe
from tests.faults.arena import Replica
from tests.faults.checker import Damage, Finding
from tests.faults.reading import backlog
from tests.faults.stage import Stage


async def everything_sent(stage: Stage, until: datetime, seconds: float) -> None:
    """Wait until every event of the tasks service that was made before a moment is sent."""
    query = {"state": {"$ne": "S"}, "created_at": {"$lte": until}}

    def pending() -> int:
        return stage.arena.database("tasks")["outbox"].count_documents(query)

    async def sent() -> bool:
        return datetime.now(UTC) > until and not await asyncio.to_thread(pending)

    await stage.until("everything is sent", sent, seconds)


async def little_under_way(stage: Stage) -> None:
    """Wait until readers have caught up with what was done to them before."""

    async def level() -> bool:
        return max((await asyncio.to_thread(backlog, stage.arena)).values(), default=0) < 20

    await stage.until("readers have caught up", level, 60)


async def everything_applied(stage: Stage, until: datetime, seconds: float) -> None:
    """Wait until the probe has applied every event of the tasks service that was made before a moment."""

    def behind() -> bool:
        outbox = stage.arena.database("tasks")["outbox"]
        last = {
            f"/roviec/tasks/{row['_id']['type']}/{row['_id']['id']}": row["last"]
            for row in outbox.aggregate(
                [
                    {"$match": {"created_at": {"$lte": until}}},
                    {"$group": {"_id": {"type": "$aggregatetype", "id": "$aggregateid"}, "last": {"$max": "$aggseq"}}},
                ]
            )
        }
        guards = {row["_id"]: row["seq"] for row in stage.arena.database(probe.NAME)["inbox_guards"].find()}
        return any(guards.get(stream, 0) < number for stream, number in last.items())

    async def applied() -> bool:
        return datetime.now(UTC) > until and not await asyncio.to_thread(behind)

    await stage.until("everything is applied", applied, seconds)


async def gauge(one: Replica, name: str) -> float:
    """A figure of a process's own, 0 when it says nothing."""
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=2.0) as http:
            text = (await http.get(f"{one.ops}/metrics")).text
    except httpx2.TransportError:
        return 0.0
    return next((float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name)), 0.0)


async def started_anew(stage: Stage, replicas: Iterable[Replica], environment: Mapping[str, str]) -> None:
    """Have these processes live on in another environment; waits until everything is ready again."""
    for one in replicas:
        one.environment = {**one.environment, **environment}
        one.expected = True
        one.part.kill()
    await asyncio.sleep(0.5)
    if not await stage.arena.all_ready():
        stage.findings.append(Finding(Damage.STUCK, "not every process is ready after it was started anew"))
