"""The platform under test: broker, database and two replicas of each deployable, as processes that can be ended, paused
and started again one by one. What dies is started again at once.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pymongo import MongoClient
from pymongo.database import Database

from deploy.local.bootstrap import ROOT
from deploy.local.broker import broker
from deploy.local.database import LOCKED, OTHER, database, uri
from deploy.local.parts import Part, answers, free_port, http_status
from tests.faults import probe
from tests.faults.keys import CLIENT, ISSUER, Signer, serve
from tests.faults.mails import SENDER, Sink

LEASE_SECONDS = 6.0
SESSION_SECONDS = 6.0
"""Shorter than in production, so that a run meets many take-overs. Figures below are counted from these."""
PATIENCE = 150.0
"""Seconds that a part may take to start: the machine may be busy with much else."""
ROLES: tuple[tuple[str, str, str], ...] = (
    ("tasks", "api", "tasks.service"),
    ("gateway", "api", "gateway.app"),
    ("tasks", "worker", "tasks.service"),
    ("notifications", "worker", "notifications.service"),
    ("audit", "worker", "audit.service"),
    (probe.NAME, "worker", "tests.faults.probe"),
)
SERVICES = tuple(dict.fromkeys(service for service, _, _ in ROLES))
WHOLE = frozenset({"gateway", "notifications"})
"""Whose replicas are API and worker in one, to keep the number of processes down."""
SMTP_SECONDS, CLAIM_SECONDS = 3.0, 14.0
"""Deadline of one mail, and how long a sender may hold what it took up: a dead sender's mails go out after that."""


class Story:
    """What was done when: printed when a run fails, so that it can be understood and played again."""

    def __init__(self, seed: int, *, aloud: bool = False) -> None:
        self.seed, self.aloud = seed, aloud
        self.lines: list[str] = []
        self.faults: Counter[str] = Counter()
        self._started = time.monotonic()

    def tell(self, what: str) -> None:
        self.lines.append(f"{time.monotonic() - self._started:7.1f} s  {what}")
        if self.aloud:
            print(f"  {self.lines[-1]}", flush=True)

    def fault(self, kind: str, what: str, number: int = 1) -> None:
        """A fault of a kind that is counted."""
        self.faults[kind] += number
        self.tell(what)


class Servers:
    """A broker and a database of the rig's own, since they are killed."""

    server: ClassVar[str] = OTHER
    """Which database."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="roviec-faults-"))
        ports: list[int] = []
        for _ in range(3):
            ports.append(free_port(ports))
        kafka, controller, mongo = ports
        self.kafka, self.mongo = f"127.0.0.1:{kafka}", uri(mongo)
        self.environment: dict[str, str] = {}
        """What deployables must be told about these servers beyond where they are."""
        logs = self.folder / "logs"
        self.parts = {
            "kafka": broker(self.folder / "kafka", kafka, controller, logs / "kafka.log"),
            "mongo": database(
                self.folder / "mongo", mongo, logs / "mongo.log", self.server, fails_commands=self.server == LOCKED
            ),
        }

    async def start(self) -> None:
        for part in self.parts.values():
            part.patience = PATIENCE
            part.start()
        await asyncio.gather(*(part.wait_ready() for part in self.parts.values()))

    def kill(self, name: str) -> None:
        part = self.parts[name]
        part.kill()
        assert part.process is not None
        part.process.wait(timeout=10)

    async def refresh_database(self) -> None:
        """Start the database anew. The local one keeps the cursors of dead clients, change streams above all, and slows down
        with each: 570 were open after some 250 deaths, and a write took two seconds. MongoDB ends them with their sessions.
        """
        self.kill("mongo")
        await self.revive("mongo")

    async def revive(self, name: str) -> None:
        self.parts[name].start()
        await self.parts[name].wait_ready()

    def close(self, *, keep: bool = False) -> None:
        for part in self.parts.values():
            part.kill()
            if part.process is not None:
                part.process.wait(timeout=10)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


CRASHED = 137
"""What a process ends with at a crash point."""
_KINDS = {"gateway": "gateway", "notifications": "sender"}


@dataclass(eq=False)
class Replica:
    """One process of one deployable. `armed` is the crash point of its next life; `held` keeps it down."""

    service: str
    role: str
    module: str
    part: Part
    ops: str
    api: str
    armed: str | None = None
    held: bool = False
    expected: bool = False
    paused: bool = False
    since: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def kind(self) -> str:
        """What the matrix calls it. The notifications worker relays and reads as well; its deaths are the sender's."""
        if self.service in _KINDS:
            return _KINDS[self.service]
        return "api" if self.role == "api" else "relay" if self.service == "tasks" else "consumer"

    def start(self) -> None:
        self.part.env = {**self.environment, **({"ROVIEC_CRASH": self.armed} if self.armed else {})}
        self.armed, self.expected, self.paused = None, "ROVIEC_CRASH" in self.part.env, False
        self.since = time.monotonic()
        self.part.start()


def _port(url: str) -> str:
    return url.rpartition(":")[2]


class Arena:
    """All replicas, in databases and topics of their own. `sabotage` names, by service, what a saboteur takes out."""

    def __init__(self, servers: Servers, story: Story, sabotage: Mapping[str, str] | None = None) -> None:
        self.servers, self.story = servers, story
        self.area = f"rig{secrets.token_hex(3)}"
        self.signer = Signer()
        self._secret = secrets.token_urlsafe(32)
        self._jwks, self._close_jwks = serve(self.signer.jwks())
        self.mails = Sink()
        self.deaths: list[str] = []
        self.replicas: list[Replica] = []
        for service, role, module in ROLES:
            for number in (1, 2):
                self.replicas.append(self._replica(service, role, module, number, (sabotage or {}).get(service)))
        for one in self.replicas:  # a gateway is told where the others are
            one.environment = self._environment(one)
        self._keeper: asyncio.Task[None] | None = None
        self.mongo: MongoClient[dict[str, Any]] = MongoClient(
            servers.mongo, serverSelectionTimeoutMS=5000, tz_aware=True, readConcernLevel="majority"
        )
        """The rig's own connections. Kept: what is looked at ten times a second must cost the server little."""

    def database(self, service: str) -> Database[dict[str, Any]]:
        """The database of a service, by the rig's own connections."""
        return self.mongo[f"{self.area}_{service}"]

    @property
    def prefix(self) -> str:
        return f"{self.area}-"

    @property
    def apis(self) -> list[str]:
        """The tasks service itself, past the gateway: for figures that the gateway's own patience must not blur."""
        return [one.api for one in self.of("tasks", "api")]

    @property
    def doors(self) -> list[str]:
        """The gateways."""
        return [one.api for one in self.of("gateway", "api")]

    def of(self, service: str, role: str = "worker") -> list[Replica]:
        return [one for one in self.replicas if one.service == service and one.role == role]

    def settings(self, service: str) -> dict[str, str]:
        """The environment of a deployable, or of an operator's command for it."""
        return {
            "PYTHONUNBUFFERED": "1",
            "HOST": "127.0.0.1",
            "MONGO_URI": self.servers.mongo,
            "DATABASE": f"{self.area}_{service}",
            "KAFKA_BOOTSTRAP": self.servers.kafka,
            "TOPIC_PREFIX": self.prefix,
            "INTERNAL_JWKS_URL": self._jwks,
            "CURSOR_KEY": self.area,
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "SESSION_SECONDS": str(SESSION_SECONDS),
            **(self._mail_settings() if service == "notifications" else {}),
            **(self._gateway_settings() if service == "gateway" else {}),
            **self.servers.environment,
        }

    def _mail_settings(self) -> dict[str, str]:
        return {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mails.port),
            "SMTP_TLS": "none",
            "SMTP_SECONDS": str(SMTP_SECONDS),
            "SMTP_REST_SECONDS": "1",
            "MAIL_CLAIM_SECONDS": str(CLAIM_SECONDS),
            "MAIL_RETRY_SECONDS": "[1, 2, 4, 8, 16, 32]",
            "MAIL_FROM": SENDER,
            "PUBLIC_URL": ISSUER,
        }

    def _gateway_settings(self) -> dict[str, str]:
        """Rates beyond what the rig asks: it is one caller."""
        return {
            "SIGNING_KEY": self.signer.pem,
            "PUBLIC_URL": ISSUER,
            "OIDC_ISSUER": "http://people.roviec.example",
            "OIDC_JWKS_URL": self._jwks,
            "OIDC_AUDIENCE": "roviec-people",
            "BOOTSTRAP_CLIENT_ID": CLIENT,
            "BOOTSTRAP_CLIENT_SECRET": self._secret,
            "RATE_READ": "1000000",
            "RATE_WRITE": "1000000",
            "RATE_IMPORT": "1000",
            "TRAINING_URL": "http://127.0.0.1:9",
            "AUDIT_URL": "http://127.0.0.1:9",
        }

    def _environment(self, one: Replica) -> dict[str, str]:
        """Of one replica. Each gateway stands before the replicas of its own number, as one balancer among several would
        send it there; what it cannot reach is asked again through the other one.
        """
        found = {**self.settings(one.service), "OPS_PORT": _port(one.ops), "API_PORT": _port(one.api)}
        if one.service == "gateway":
            number = self.of("gateway", "api").index(one)
            found["TASKS_URL"] = self.of("tasks", "api")[number].api
            found["NOTIFICATIONS_URL"] = self.of("notifications")[number].api
        return found

    def _replica(self, service: str, role: str, module: str, number: int, mode: str | None) -> Replica:
        taken = {int(_port(url)) for one in self.replicas for url in (one.ops, one.api)}
        ops = free_port(taken)
        api = free_port({*taken, ops})
        url = f"http://127.0.0.1:{ops}"
        listens = role == "api" or service in WHOLE

        async def ready() -> bool:
            return await http_status(f"{url}/readyz") == 200 and (not listens or await answers(api))

        name = f"{service}-{role}-{number}"
        part = Part(
            name=name,
            role=role,
            command=self._command(service, module, role, mode),
            log=self.servers.folder / "logs" / f"{self.area}-{name}.log",
            ready=ready,
            cwd=ROOT,
            patience=PATIENCE,
        )
        return Replica(service, role, module, part, url, f"http://127.0.0.1:{api}")

    # --- life ---

    async def start(self) -> None:
        for one in self.replicas:
            one.start()
        await asyncio.gather(*(one.part.wait_ready() for one in self.replicas))
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            for one in self.replicas:
                if not one.held and not one.part.alive:
                    self._note_end(one)
                    one.start()
            await asyncio.sleep(0.1)

    def _note_end(self, one: Replica) -> None:
        status = one.part.process.returncode if one.part.process is not None else None
        if status == CRASHED and (point := one.part.env.get("ROVIEC_CRASH")) is not None:
            self.story.fault(f"crash point {one.kind}", f"{one.name} died at {point}")
        elif not one.expected:
            self.deaths.append(f"{one.name} ended with status {status} after {time.monotonic() - one.since:.1f} s")
            self.story.tell(self.deaths[-1])

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        for one in self.replicas:
            one.part.kill()
        for one in self.replicas:
            if one.part.process is not None:
                await asyncio.to_thread(one.part.process.wait)
        self.mongo.close()
        self._close_jwks()
        await asyncio.to_thread(self.mails.close)

    async def all_ready(self, seconds: float = 60.0) -> bool:
        """Everything up and unpaused. False when it takes longer."""
        for one in self.replicas:
            if one.paused:
                self.resume(one)
            one.held = False
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not all([await one.part.ready() for one in self.replicas]):
                    await asyncio.sleep(0.2)
                return True
        return False

    # --- faults ---

    def kill(self, one: Replica) -> None:
        if one.part.alive:
            one.expected = True
            one.part.kill()
            self.story.fault(f"kill -9 {one.kind}", f"kill -9 {one.name}")

    def arm(self, one: Replica, point: str) -> None:
        """End the replica, and have its next life end at this crash point."""
        one.armed = point
        self.kill(one)
        self.story.tell(f"{one.name} is to die at {point}")

    def deploy(self, service: str, mode: str | None, **environment: str) -> None:
        """Put another version of a service in place: one with a saboteur, or the product's own."""
        for one in self.of(service):
            one.part.command = self._command(service, one.module, one.role, mode)
            one.environment = {**self._environment(one), **environment}
            one.expected = True
            one.part.kill()
        self.story.tell(f"{service} is deployed {f'with {mode}' if mode else 'as it is'}")

    @staticmethod
    def _command(service: str, module: str, role: str, mode: str | None) -> list[str]:
        what = ["tests.faults.saboteur", mode, module] if mode else [module]
        return [sys.executable, "-m", *what, "--role", "all" if service in WHOLE else role]

    def pause(self, one: Replica) -> None:
        if one.part.alive:
            one.paused = True
            one.part.signal(signal.SIGSTOP)
            self.story.fault(f"pause {one.kind}", f"pause {one.name}")

    def resume(self, one: Replica) -> None:
        one.paused = False
        one.part.signal(signal.SIGCONT)
        self.story.tell(f"go on {one.name}")

    async def terminate(self, one: Replica, seconds: float = 40.0) -> tuple[float, int | None]:
        """SIGTERM; how long it took to end, and its status. It stays down until it is no longer `held`."""
        one.expected = one.held = True
        started = time.monotonic()
        self.story.fault(f"SIGTERM {one.kind}", f"SIGTERM {one.name}")
        one.part.signal(signal.SIGTERM)
        while one.part.alive and time.monotonic() - started < seconds:
            await asyncio.sleep(0.05)
        took = time.monotonic() - started
        one.part.kill()
        status = one.part.process.wait(5) if one.part.process is not None else None
        self.story.tell(f"{one.name} ended with {status} after {took:.1f} s")
        return took, status

    def any_of(self, dice: random.Random, replicas: Sequence[Replica] | None = None) -> Replica:
        return dice.choice([one for one in replicas or self.replicas if one.part.alive] or list(replicas or self.replicas))
