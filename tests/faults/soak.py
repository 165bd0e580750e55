"""`make soak MINUTES=60`: row 36. Mixed load and idle stretches without any fault, each process looked at every 10 s.

What is looked for: memory that grows, descriptors, threads and tasks that are not given back, collections without a
bound; and at the end, as ever, what was lost, doubled, out of order or stuck. The samples stay in .local/soak.json, and a
soak of `KEEP_MINUTES` or more is written into docs/reliability.md. `--take FILE` writes one there that was run elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2
from pymongo.errors import PyMongoError

from common.http import IDEMPOTENCY
from common.inbox import CLAIMS, GUARDS, PARKED, STATE
from common.lease import LEASES
from common.mongo import PRESENCE
from common.outbox import OUTBOX
from deploy.local.bootstrap import ROOT
from tests.faults.arena import SERVICES, Replica, Servers, Story
from tests.faults.callers import RATE
from tests.faults.checker import Finding
from tests.faults.leaks import HeldRows, Sample, judge, levels
from tests.faults.report import Book, Soak, commit, now, soak_of
from tests.faults.stage import Stage, staged

SAMPLE_SECONDS = 10.0
LOAD_SECONDS, IDLE_SECONDS = 240.0, 60.0
"""One round; both windows of an hour's soak hold a whole one."""
CALLERS = 16
"""So many that slow answers do not slow it down. `--rate` for more effects a second than rows ask: the local database also
keeps a session of its storage engine, some 10 KiB, for every transaction until it ends (docs/adr/0006).
"""
SETTLE_SECONDS = 180.0
KEEP_MINUTES = 30.0
KEPT = ROOT / ".local" / "soak.json"
INTERNAL = (OUTBOX, CLAIMS, GUARDS, PARKED, STATE, IDEMPOTENCY, LEASES, PRESENCE)
"""Collections that no use case writes: bounded each by a TTL, by what it counts, or by being level."""


async def sample(one: Replica, http: httpx2.AsyncClient, at: float) -> Sample | None:
    """A look at a process from outside and from its metrics. None when it is not there."""
    if (pid := one.part.pid) is None or not one.part.alive:
        return None
    tasks: int | None = None
    with suppress(httpx2.TransportError):
        lines = (await http.get(f"{one.ops}/metrics")).text.splitlines()
        tasks = next((int(float(line.split()[1])) for line in lines if line.startswith("roviec_event_loop_tasks ")), None)
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    return Sample(at, one.name, pid, int(status["VmRSS"].split()[0]), descriptors, int(status["Threads"]), tasks)


class Watch:
    """Looks at every process, at the server and at the collections until it is cancelled."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._started = stage, time.monotonic()
        self.samples: list[Sample] = []
        self.server: list[dict[str, float]] = []
        self.counts: list[dict[str, int]] = []

    async def run(self) -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=5.0) as http:
            rounds = 0
            while True:
                at = time.monotonic() - self._started
                looks = [await sample(one, http, at) for one in self._stage.arena.replicas]
                self.samples += [one for one in looks if one is not None]
                if rounds % 6 == 0:
                    await self.count()
                rounds += 1
                await asyncio.sleep(max(0.1, self._started + rounds * SAMPLE_SECONDS - time.monotonic()))

    async def count(self) -> None:
        with suppress(PyMongoError):
            self.counts.append(await asyncio.to_thread(self._count))

    def _count(self) -> dict[str, int]:
        mongo = self._stage.arena.mongo
        status = mongo.admin.command("serverStatus")
        self.server.append(
            {
                "at": round(time.monotonic() - self._started, 1),
                "open cursors": status.get("metrics", {}).get("cursor", {}).get("open", {}).get("total", 0),
                "connections": status.get("connections", {}).get("current", 0),
                "resident, MiB": status.get("mem", {}).get("resident", 0),
            }
        )
        found: dict[str, int] = {}
        for service in SERVICES:
            database = self._stage.arena.database(service)
            for name in set(INTERNAL) & set(database.list_collection_names()):
                found[f"{service} {name}"] = database[name].estimated_document_count()
        return found

    def held(self) -> list[HeldRows]:
        """The collections at the beginning and at the end, with what bounds them."""
        before, after = self.counts[min(1, len(self.counts) - 1)], self.counts[-1]
        rows = []
        streams = 0
        for service in SERVICES:
            keys: list[dict[str, Any]] = [{"$group": {"_id": {"type": "$aggregatetype", "id": "$aggregateid"}}}]
            streams += len(list(self._stage.arena.database(service)[OUTBOX].aggregate(keys)))
        for place, number in sorted(after.items()):
            service, name = place.split(" ")
            indexes = self._stage.arena.database(service)[name].index_information().values()
            ttl = next((int(i["expireAfterSeconds"]) for i in indexes if "expireAfterSeconds" in i), None)
            most, of = (streams, "streams") if name == GUARDS else (None, "")
            rows.append(HeldRows(place, before.get(place, 0), number, ttl, most, of))
        return rows


async def soak(seed: int, minutes: float, rate: float, *, aloud: bool) -> tuple[Soak, Watch, Story]:
    servers, story = Servers(), Story(seed, aloud=aloud)
    findings: list[Finding] = []
    try:
        await servers.start()
        async with staged(servers, story, callers=CALLERS) as stage:
            stage.callers.rate = rate
            watch = Watch(stage)
            watching = asyncio.create_task(watch.run())
            began, until = time.monotonic(), time.monotonic() + minutes * 60
            loaded = 0.0
            while (left := until - time.monotonic()) > 0:
                stage.callers.start()
                started = time.monotonic()
                await asyncio.sleep(min(LOAD_SECONDS, left * LOAD_SECONDS / (LOAD_SECONDS + IDLE_SECONDS) + 1, left))
                await stage.callers.stop()
                loaded += time.monotonic() - started
                story.tell(f"{stage.callers.acknowledged} acknowledged; idle")
                await asyncio.sleep(max(0.0, min(IDLE_SECONDS, until - time.monotonic())))
            played = (time.monotonic() - began) / 60
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await watch.count()
            findings = await stage.end(seconds=SETTLE_SECONDS)
            held = await asyncio.to_thread(watch.held)
    finally:
        servers.close(keep=bool(findings))
    first, last = watch.server[min(1, len(watch.server) - 1)], watch.server[-1]
    findings += judge(watch.samples, held, played, (first["open cursors"], last["open cursors"]))
    ends = {f"server's {name}, {end}": row[name] for name in ("open cursors", "connections", "resident, MiB")
            for end, row in (("first", first), ("last", last))}  # fmt: skip
    figures = {**stage.figures, "writes a second": stage.callers.acknowledged / loaded, **ends}
    return (
        Soak(now(), commit(), seed, round(played, 1), figures, levels(watch.samples, played), held, list(map(str, findings))),
        watch,
        story,
    )


def take(result: Soak) -> None:
    """Write a soak into the documents, in its own place."""
    book = Book.read()
    book.soak = result
    book.write()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rate", type=float, default=RATE, help="effects a second while there is load")
    parser.add_argument("--aloud", action="store_true", help="tell what is done while it is done")
    parser.add_argument("--take", type=Path, help="the soak.json of another tree: write its result into the documents here")
    arguments = parser.parse_args()
    if arguments.take is not None:
        take(soak_of(json.loads(arguments.take.read_text())["result"]))
        return
    seed = int(time.time()) if arguments.seed is None else arguments.seed
    print(f"roviec: seed {seed}, {arguments.minutes:g} minutes", flush=True)
    result, watch, story = asyncio.run(soak(seed, arguments.minutes, arguments.rate, aloud=arguments.aloud))
    KEPT.parent.mkdir(exist_ok=True)
    whole = {"result": asdict(result), "samples": [asdict(one) for one in watch.samples]}
    KEPT.write_text(json.dumps({**whole, "server": watch.server, "counts": watch.counts}, ensure_ascii=False) + "\n")
    for level in result.levels:
        memory = f"{level.rss[0] / 1024:6.1f} to {level.rss[1] / 1024:6.1f} MiB ({100 * level.growth:+.1f} %)"
        others = f"descriptors {level.descriptors}, threads {level.threads}, tasks {level.tasks}"
        print(f"{level.process:26} memory {memory}, {others}")
    for rows in result.held:
        print(f"{rows.place:32} {rows.before:7} {rows.after:7}  {rows.bounded_by}")
    print(", ".join(f"{name} {value:.4g}" for name, value in result.figures.items()))
    for finding in result.findings:
        print(f"  ! {finding}")
    if result.findings:
        print("\n".join(f"  {line}" for line in story.lines))
    print("FAILED" if result.findings else f"{result.minutes:g} minutes: as it must be", flush=True)
    if result.minutes >= KEEP_MINUTES:
        take(result)
    sys.exit(int(bool(result.findings)))


if __name__ == "__main__":
    main()
