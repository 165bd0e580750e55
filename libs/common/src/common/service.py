"""A service from its table of contents: `api` answers HTTP, `worker` relays, consumes and runs timed jobs.

Both are the same image; `--role all` runs them in one process for the local profile. Health and metrics have a port of
their own. SIGTERM drains and ends the process within 25 s, whatever is down.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import uvicorn
from fastapi import APIRouter
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from common import crash, inbox, outbox
from common.access import Jwks
from common.clock import Clock, system_clock
from common.consumer import Consumer
from common.http import IDEMPOTENCY, IDEMPOTENCY_INDEXES, build_app
from common.lease import LEASES, Lease, cut_off, told_to_end
from common.mongo import Database
from common.observability import JOB_LAST_SUCCESS, JOB_RUNS, READY, REGISTRY, Log, setup_logging, watch_loop_lag
from common.relay import Relay
from common.repository import Store
from common.settings import Settings
from common.unit_of_work import Handler, Units

log = Log(__name__)

GRACE_SECONDS = 15
EXIT_SECONDS = 24
ROLES = ("api", "worker", "all")


@dataclass(frozen=True)
class Job:
    """Something done every so often by one replica at a time. `run(units, settings)` must stand being cut off anywhere."""

    name: str
    every: timedelta
    run: Callable[[Units, Any], Awaitable[None]]
    shared: bool = False
    """True: every replica runs it, side by side; it claims its work piece by piece itself."""


@dataclass(frozen=True)
class Service:
    """The table of contents of one service: what it stores, answers, reacts to and does by the clock."""

    name: str
    title: str
    settings: type[Settings]
    stores: Sequence[Store[Any]]
    routes: Sequence[APIRouter] = ()
    handlers: Sequence[Handler] = ()
    jobs: Sequence[Job] = ()
    single_writer: bool = False
    """All records in one lane, read by one replica at a time: for a store whose order is one order."""
    body_limits: Mapping[str, int] = field(default_factory=dict)
    """Path prefixes that take larger bodies than 1 MiB, in bytes; of those that fit the first counts."""

    def main(self) -> None:
        """Run from the command line."""
        parser = argparse.ArgumentParser(prog=self.name, description=self.title)
        parser.add_argument("--role", choices=ROLES, default="all")
        role = parser.parse_args().role
        settings = self.settings.load()
        setup_logging(self.name, settings.log_level)
        run_process(Process(self, settings, role))

    def collections(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Every collection of the service's database with its indexes."""
        own = [(store.collection, store.indexes) for store in self.stores]
        paths = [(outbox.OUTBOX, outbox.INDEXES), *inbox.COLLECTIONS]
        return [*own, *paths, (IDEMPOTENCY, IDEMPOTENCY_INDEXES), (LEASES, ())]


class Process:
    """One running process of a service: everything that its role needs, started and stopped together."""

    def __init__(self, service: Service, settings: Settings, role: str, clock: Clock = system_clock) -> None:
        self.service, self.settings, self.role = service, settings, role
        self.database = Database(settings, service.name)
        self.units = Units(service.name, self.database, clock, settings.topic_prefix)
        self.keys = Jwks(settings.internal_jwks_url)
        self.relay = Relay(self.units, settings) if role != "api" else None
        self.consumer: Consumer | None = None
        if role != "api" and service.handlers:
            self.consumer = Consumer(self.units, settings, service.handlers, single_writer=service.single_writer)
        self.ready = False
        self._draining = False
        self._checks: dict[str, bool] = {}

    def api(self) -> ASGIApp:
        service = self.service
        return build_app(service.name, service.title, service.routes, self.units, self.settings, self.keys, service.body_limits)

    async def run(self, stop: asyncio.Event) -> None:
        """Start, serve until `stop` is set, drain, end."""
        health = Server(self._ops, self.settings.host, self.settings.ops_port)
        api: Server | None = None
        tasks = [asyncio.create_task(health.serve(), name="ops"), asyncio.create_task(watch_loop_lag(), name="loop-lag")]
        try:
            await self._prepare(stop)
            tasks.append(asyncio.create_task(self.database.keep_presence(), name="presence"))
            tasks.append(asyncio.create_task(self._check_dependencies(), name="checks"))
            if self.role != "worker":
                api = Server(self.api(), self.settings.host, self.settings.api_port)
                tasks.append(asyncio.create_task(api.serve(), name="api"))
            workers = self._start_workers()
            tasks += workers
            asked = asyncio.create_task(stop.wait(), name="asked to stop")
            await asyncio.wait([*tasks, asked], return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if not stop.is_set():
                broken = next(task for task in tasks if task.done())
                log.error("part_ended", part=broken.get_name(), exc_info=None if broken.cancelled() else broken.exception())
            self.ready, self._draining = False, True
            log.info("draining")
            await self._drain(api, health, workers)
        finally:
            await cut_off(tasks)
            await self.keys.close()
            await self.database.close()

    async def _prepare(self, stop: asyncio.Event) -> None:
        """Collections and indexes before traffic; a database that is not up yet is waited for."""
        while not stop.is_set():
            try:
                await self.database.prepare(self.service.collections())
                return
            except Exception as error:  # whatever it is, the process is of no use before it is over
                log.warning("database_not_ready", error=type(error).__name__)
                await asyncio.sleep(0.5)

    def _start_workers(self) -> list[asyncio.Task[None]]:
        if self.relay is None:
            return []
        parts = {"relay": self.relay.run()} | {f"job {job.name}": self._every(job) for job in self.service.jobs if job.shared}
        if leased := [job for job in self.service.jobs if not job.shared]:
            parts["jobs"] = self._while_leased(leased)
        if self.consumer is not None:
            parts["consumer"] = self.consumer.run()
        return [asyncio.create_task(part, name=name) for name, part in parts.items()]

    async def _while_leased(self, jobs: Sequence[Job]) -> None:
        """Run these, side by side, while this process holds the one lease for all of them."""
        lease = Lease(self.database, "jobs", max(self.settings.lease_seconds, 3.0))
        running: list[asyncio.Task[None]] = []
        try:
            while True:
                with contextlib.suppress(Exception):  # the next one is its retry, for as long as the lease lasts
                    await lease.take()
                if not lease.held():
                    await cut_off(running)
                    running = []
                elif not running:
                    running = [asyncio.create_task(self._every(job)) for job in jobs]
                await asyncio.sleep(self.settings.lease_seconds / 5)
        finally:
            await cut_off(running)
            await lease.release()

    async def _every(self, job: Job) -> None:
        """Run a job again and again."""
        while True:
            try:
                await job.run(self.units, self.settings)
                JOB_RUNS.labels(job.name, "ok").inc()
                JOB_LAST_SUCCESS.labels(job.name).set_to_current_time()
            except Exception as error:  # the next run is its retry
                JOB_RUNS.labels(job.name, "failed").inc()
                log.warning("job_failed", job=job.name, exc_info=error)
            if told_to_end():
                return
            await asyncio.sleep(job.every.total_seconds())

    # --- the end ---

    async def _drain(self, api: Server | None, health: Server, workers: Sequence[asyncio.Task[None]]) -> None:
        crash.point("process.draining")
        for part in (self.relay, self.consumer):
            if part is not None:
                part.stop()
        for task in workers:
            if task.get_name().startswith("job"):
                task.cancel()
        if api is not None and api.started:
            api.should_exit = True
        if workers:
            await asyncio.wait(workers, timeout=GRACE_SECONDS)
        if api is not None and api.should_exit:
            await api.closed(GRACE_SECONDS)
        health.should_exit = True
        await health.closed(1.0)

    # --- health ---

    async def _check_dependencies(self) -> None:
        while True:
            self._checks["database"] = await self._answers(self.database.ping())
            if self.relay is not None:
                self._checks["broker"] = await self._answers(_reachable(self.settings.kafka_bootstrap))
            if self.consumer is not None:
                self._checks["consumer"] = not self.consumer.halted
            for name, up in self._checks.items():
                READY.labels(name).set(up)
            self.ready = not self._draining
            await asyncio.sleep(1.0)

    @staticmethod
    async def _answers(asked: Awaitable[Any]) -> bool:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(asked, 2)
            return True
        return False

    async def _ops(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`/livez` says that the loop turns, `/readyz` which dependency is away, `/metrics` everything else."""
        if scope["type"] != "http":
            return
        answer = Response(status_code=404)
        if scope["path"] == "/livez":
            answer = Response("ok\n", media_type="text/plain")
        elif scope["path"] == "/readyz":
            fine = self.ready and all(self._checks.values())
            checks = {name: "up" if up else "down" for name, up in self._checks.items()}
            answer = JSONResponse({"ready": fine, "role": self.role, "checks": checks}, 200 if fine else 503)
        elif scope["path"] == "/metrics":
            answer = Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
        await answer(scope, receive, send)


async def _reachable(bootstrap: str) -> None:
    """Any of the brokers named will do. Raises OSError when none of them takes a connection within a second each."""
    for host, _, port in (place.rpartition(":") for place in bootstrap.split(",")):
        with contextlib.suppress(OSError, TimeoutError):
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 1)
            writer.close()
            return
    raise OSError("no broker answers")


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has one way to end, and several servers."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host,
                port,
                loop="none",
                http="httptools",
                ws="none",
                interface="asgi3",  # it takes a bound method for ASGI 2
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=GRACE_SECONDS - 3,
                limit_concurrency=1000,
                backlog=1024,
            )
        )
        self._done = asyncio.Event()

    capture_signals = contextlib.nullcontext  # type: ignore[assignment]

    async def serve(self, sockets: Any = None) -> None:
        try:
            await super().serve(sockets)
        except SystemExit:  # uvicorn's word for a port that is taken
            raise RuntimeError(f"port {self.config.port} cannot be had") from None
        finally:
            self._done.set()

    async def closed(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), seconds)


def run_process(process: Any) -> None:
    """Run a process's `run(stop)` until SIGTERM or SIGINT, and end hard should it not end by itself in time."""
    import uvloop  # Windows has neither it nor these signals

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask() -> None:
            stop.set()
            loop.call_later(EXIT_SECONDS, os._exit, 1)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ask)
        code = 0
        try:
            await process.run(stop)
        except Exception as error:
            log.error("process_failed", exc_info=error)
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            code = 1
        sys.stdout.flush()
        os._exit(code)  # neither a task that does not end nor a driver's thread on a dead socket may hold the process

    uvloop.run(main())
