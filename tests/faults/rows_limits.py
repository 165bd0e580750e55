"""Rows about what a machine runs out of, and about its clock."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx2
import psutil

from common.outbox import new_id
from tests.faults import probe
from tests.faults.arena import LEASE_SECONDS, Replica, Servers
from tests.faults.checker import Damage, Finding
from tests.faults.stage import Stage
from tests.faults.waits import started_anew

HOUR, NEARLY_LEEWAY = 3600, 50
"""Seconds. Tokens are given 60 s of leeway; a clock that is off by less must lock nobody out."""


def skipped(stage: Stage, why: str) -> None:
    """A row that cannot be played here: said aloud and counted, so that nobody takes it for one that passed."""
    print(f"roviec: skipped: {why}", flush=True)
    stage.story.fault("skipped", f"skipped: {why}")


# --- descriptors ---


async def no_descriptors(stage: Stage, size: float) -> None:
    """Row 25: an API may open no more files and connections: it refuses or answers 503, answers nothing else, does not
    end, and serves soon after it may open them again.
    """
    one = stage.arena.of("tasks", "api")[0]
    for _ in range(max(1, int(size))):
        await stage.arena.all_ready()
        pid = one.part.pid
        assert pid is not None
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        most = psutil.Process(pid).num_fds() + 4
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, before[1]))
        stage.story.fault("no descriptors", f"{one.name} may have {most} descriptors")
        idle = await _connections(int(one.api.rpartition(":")[2]), 30)
        told: Counter[int] = Counter()
        until = time.monotonic() + 6
        while time.monotonic() < until:
            told.update(await asyncio.gather(*(_draft(stage, one) for _ in range(4))))
            await asyncio.sleep(0.2)
        stage.story.tell(f"answers without descriptors (0: refused): {dict(told)}")
        wrong = {status: number for status, number in told.items() if status not in (0, 201, 429, 503)}
        if wrong:
            stage.findings.append(Finding(Damage.WRONG, f"answers without descriptors: {wrong}", sum(wrong.values())))
        if not told[0] + told[503]:
            stage.findings.append(Finding(Damage.WRONG, "nobody was turned away without descriptors: the fault did not bite"))
        stage.figure("turned away without descriptors, share", (told[0] + told[503]) / told.total())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

        async def served() -> bool:
            return await _draft(stage, one) == 201

        took, _ = await stage.until("an API serves again with descriptors", served, 30)
        stage.figure("served after descriptors came back, s", took, 10)
        for writer in idle:
            writer.close()


async def _connections(port: int, number: int) -> list[asyncio.StreamWriter]:
    """Idle connections to a port, as many as are taken."""
    found = []
    for _ in range(number):
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            found.append(writer)
    return found


async def _draft(stage: Stage, one: Replica) -> int:
    """Create a draft at this replica by a connection of its own; the status, 0 when there was no answer."""
    key = new_id()
    headers = {"Authorization": f"Bearer {stage.arena.signer.token('rig')}", "Idempotency-Key": key}
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=5.0) as http:
            answer = await http.post(f"{one.api}/v1/tasks", json={"title": "Rà soát"}, headers=headers)
    except httpx2.TransportError:
        return 0
    return answer.status_code


# --- clocks ---


async def wrong_clocks(stage: Stage, size: float) -> None:
    """Row 24: of each worker one replica's clock is an hour ahead or behind, and steps from one to the other; the clocks
    of the APIs are off by nearly what tokens are given as leeway. Leases go by the database's clock: none changes hands.
    At last an API that is an hour ahead lets no token in.
    """
    library = next(iter(sorted(Path("/usr/lib").glob("**/faketime/libfaketime.so.1"))), None)
    if library is None:
        skipped(stage, "no libfaketime on this machine (Debian: apt-get install faketime)")
        return
    arena = stage.arena
    folder = arena.servers.folder / "clocks"
    folder.mkdir(exist_ok=True)
    workers = [arena.of(name)[0] for name in ("tasks", "notifications", "audit", probe.NAME)]
    apis = arena.of("tasks", "api")
    skew = {one: HOUR if number % 2 else -HOUR for number, one in enumerate(workers)}
    skew |= {one: NEARLY_LEEWAY if number % 2 else -NEARLY_LEEWAY for number, one in enumerate(apis)}

    def turn(by: int) -> None:
        for one, seconds in skew.items():
            (folder / one.name).write_text(f"{by * seconds:+d}\n")

    turn(1)
    for one in skew:
        one.environment = {**one.environment, "FAKETIME_TIMESTAMP_FILE": str(folder / one.name)}
    clock = {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1"}
    await started_anew(stage, skew, clock)
    stage.story.fault("wrong clock", f"{len(skew)} clocks are off by {HOUR} s or {NEARLY_LEEWAY} s", len(skew))
    await asyncio.sleep(LEASE_SECONDS * 2)  # who was away has its share of the leases again
    before = await asyncio.to_thread(_epochs, stage)
    for by in (1, -1, 1)[: max(2, int(size))]:
        turn(by)
        stage.story.fault("step of a clock", "the clocks step", len(skew))
        await asyncio.sleep(LEASE_SECONDS * 2)
    after = await asyncio.to_thread(_epochs, stage)
    moved = sum(after[name] - epoch for name, epoch in before.items())
    stage.figure("leases that changed hands by wrong clocks", moved, 0)
    refused = stage.callers.turned_away["401"]
    stage.figure("tokens refused within the leeway", refused, 0)
    await stage.callers.stop()
    (folder / apis[0].name).write_text(f"+{HOUR}\n")

    async def turned_away() -> bool:
        return await _draft(stage, apis[0]) == 401

    await stage.until("an API an hour ahead lets no token in", turned_away, 15)
    (folder / apis[0].name).write_text("+0\n")

    async def let_in() -> bool:
        return await _draft(stage, apis[0]) == 201

    await stage.until("it lets tokens in when its clock is right", let_in, 15)


def _epochs(stage: Stage) -> dict[str, int]:
    """By lease of relay buckets and of the ledger, how often it has changed hands."""
    found: dict[str, int] = {}
    for service in ("tasks", "notifications", "audit", probe.NAME):
        for row in stage.arena.database(service)["leases"].find({"_id": {"$regex": "^(relay/|single-writer)"}}):
            found[f"{service} {row['_id']}"] = row["epoch"]
    return found


# --- disk ---


DISK_MIB = 192
"""The local server keeps logs of 10 MiB each before it writes anything else; 64 MiB would be full too soon."""


class SmallDisk(Servers):
    """A database whose home is a small file system of its own, when this process may mount one."""

    def __init__(self) -> None:
        super().__init__()
        self.home = self.folder / "mongo"
        asked = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(self.home)]
        try:
            self.refused = subprocess.run(asked, capture_output=True, text=True, check=False).stderr.strip()
        except OSError as error:
            self.refused = str(error)
        self.mounted = self.home.is_mount()

    def close(self, *, keep: bool = False) -> None:
        for part in self.parts.values():
            part.kill()
            if part.process is not None:
                part.process.wait(timeout=10)
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.home)], capture_output=True, check=False)
        super().close(keep=keep)


WRITERS = 8
"""Drafts in flight: what a log that is there already still takes is soon used up, whatever its server has put by."""


def _goes_on(seconds: float, told: Counter[int]) -> bool:
    """Long enough to see what a full disk does, longer as long as it does nothing."""
    return seconds < (15 if told[503] else 60)


GIVEN_UP = (b"WT_PANIC", b"No space left on device")
"""What the log of the local server, or of its sister, says when its storage engine has given up, or cannot write."""


async def full_disk(stage: Stage, size: float) -> None:
    """Row 23: the database's disk is full: answers are 503, or writes that were done; nothing acknowledged is lost, and
    soon after there is space again writes are served.

    MongoDB ends itself when its storage engine gives up. The local server lives on and answers everything with an error of
    code 1, which callers see as 500, so the row ends it as soon as its log says so, and starts it anew when there is space.
    Answers of 500 until then are the local server's: they are counted by themselves.
    """
    servers = stage.arena.servers
    assert isinstance(servers, SmallDisk)
    if not servers.mounted:
        skipped(stage, f"no file system of its own may be mounted here: {servers.refused}")
        return
    ballast = servers.home / "ballast"
    for _ in range(max(1, int(size))):
        await stage.arena.all_ready()
        log, answers = servers.parts["mongo"].log, stage.callers.answers
        read, known = log.stat().st_size, len(answers)
        with ballast.open("wb") as file, suppress(OSError):
            while True:
                file.write(os.urandom(64 * 1024))
                file.flush()
        stage.story.fault("disk full", f"the database's disk of {DISK_MIB} MiB is full")
        told: Counter[int] = Counter()
        slowest, began = 0.0, time.monotonic()
        asking: dict[asyncio.Task[int], float] = {}
        while (more := _goes_on(time.monotonic() - began, told)) or asking:
            while more and len(asking) < WRITERS:
                asked = asyncio.create_task(_draft(stage, stage.dice.choice(stage.arena.of("tasks", "api"))))
                asking[asked] = time.monotonic()
            done, _ = await asyncio.wait(asking, timeout=0.05)
            if servers.parts["mongo"].alive and any(one in log.read_bytes()[read:] for one in GIVEN_UP):
                servers.kill("mongo")
                stage.story.fault("database ended", "the local database's storage has given up: it is ended, as MongoDB would")
            for one in done:
                told[one.result()] += 1
                slowest = max(slowest, time.monotonic() - asking.pop(one))
        of_the_server = [one for one in answers[known:] if ": 500 " in one]
        answers[known:] = [one for one in answers[known:] if one not in of_the_server]
        stage.story.tell(f"answers while the disk is full: {dict(told)}")
        stage.figure("answers of 500 until the local database was ended", told.pop(500, 0) + len(of_the_server))
        if wrong := {status: number for status, number in told.items() if status not in (201, 503)}:
            stage.findings.append(Finding(Damage.WRONG, f"answers while the disk was full: {wrong}", sum(wrong.values())))
        if not told[503]:
            stage.findings.append(Finding(Damage.WRONG, "nobody was turned away: the full disk did not bite"))
        stage.figure("slowest answer while the disk is full, s", slowest, 3.5)
        ballast.unlink()
        back = time.monotonic()
        stage.story.tell("there is space again")
        if not servers.parts["mongo"].alive:
            await servers.revive("mongo")

        async def served() -> bool:
            return await _draft(stage, stage.dice.choice(stage.arena.of("tasks", "api"))) == 201

        await stage.until("writes are served again", served, 30)
        stage.figure("served after there is space again, s", time.monotonic() - back, 10)
