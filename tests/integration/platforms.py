"""The whole platform on this machine: as `make run` starts it, and bare, to be taken apart piece by piece."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from deploy.local.broker import broker
from deploy.local.database import database
from deploy.local.partner import Partner
from deploy.local.parts import Part, free_port, port_is_free
from deploy.local.profile import ADMIN, Profile, Secrets, Wanted, choose_ports
from deploy.local.supervisor import Supervisor


@dataclass
class MakeRun:
    """A running `make run`, seen from outside."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def file(self) -> Path:
        return self.folder / "run.json"

    def now(self) -> dict[str, Any]:
        """What run.json says at this moment."""
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    def pid(self, name: str) -> int:
        return int(next(process["pid"] for process in self.now()["processes"] if process["name"] == name))

    def client(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(client for client in self.now()["clients"] if client["name"] == name)
        return found


class Bare:
    """Broker, database, tasks and gateway without anybody who starts them again."""

    def __init__(self, profile: Profile, parts: list[Part]) -> None:
        self.profile = profile
        self.parts = {part.name: part for part in parts}

    def kill(self, name: str) -> None:
        part = self.parts[name]
        part.kill()
        assert part.process is not None
        part.process.wait(timeout=10)

    async def start(self, name: str) -> None:
        self.parts[name].start()
        await self.parts[name].wait_ready()

    async def ops(self, name: str, path: str) -> int:
        async with httpx2.AsyncClient(trust_env=False, timeout=5.0) as client:
            return (await client.get(f"{self.profile.ops(name)}/{path}")).status_code

    def admin(self, http: httpx2.Client) -> Partner:
        return Partner.client(http, ADMIN, self.profile.secrets.admin_secret)


@asynccontextmanager
async def bare_platform(folder: Path) -> AsyncIterator[Bare]:
    ports = choose_ports({}, port_is_free, free_port)
    profile = Profile(Wanted(folder, free_port()), ports, Secrets.make())
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        broker(folder / "kafka", ports["kafka"], ports["kafka-controller"], profile.log("kafka")),
        database(folder / "mongo", ports["mongo"], profile.log("mongo")),
        *(part for part in profile.parts() if part.name in ("tasks", "gateway", "issuer")),
    ]
    supervisor = Supervisor(parts, lambda *_: None)
    try:
        await supervisor.start()
        yield Bare(profile, parts)
    finally:
        await supervisor.stop()
        supervisor.kill()


def in_thread(work: Any) -> Any:
    """Run a synchronous caller beside the loop."""
    return asyncio.get_running_loop().run_in_executor(None, work)
