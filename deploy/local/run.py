"""`make run`: the whole platform on one machine, from Python packages alone, until Ctrl-C.

Starts broker, database, mailbox, issuer and the five deployables, each a process of its own; loads the sample province
once; writes `run.json` into the data folder and says how to use it all; starts again what dies; ends everything within
10 s and leaves no process behind. Variables: PORT, LOCAL_DIR, FRESH, KAFKA_BOOTSTRAP, MONGO_URI.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import httpx2
import psutil

from deploy.local.banner import EXAMPLE, banner
from deploy.local.bootstrap import ROOT
from deploy.local.broker import broker
from deploy.local.database import database
from deploy.local.folder import Folder
from deploy.local.partner import Partner, Refused
from deploy.local.parts import Part, Trouble, free_port, port_is_free
from deploy.local.profile import (
    ADMIN,
    GATEWAY,
    PERSON_SECONDS,
    SERVICES,
    Profile,
    Secrets,
    Wanted,
    choose_ports,
    in_a_run,
    run_file,
)  # fmt: skip
from deploy.local.sample import PORTAL, Loader, rows_of
from deploy.local.supervisor import Supervisor

T = TypeVar("T")
DATA = ROOT / "data"
RUN_FILE, PORTS_FILE, SECRETS_FILE, CLIENTS_FILE, SAMPLE_FILE = (
    "run.json", "ports.json", "secrets.json", "clients.json", "sample.json",
)  # fmt: skip
BROKER_HEAP = "256m"
LAST_RESORT = 9.5
"""Seconds after the first Ctrl-C at which whatever is left is killed."""


class Ended(Exception):
    """The run was told to end while it was busy."""


def say(what: str, outcome: str) -> None:
    print(f"  {what:<16} {outcome}", flush=True)


class Run:
    """One run, from the folder to the last process."""

    def __init__(self, wanted: Wanted, folder: Folder) -> None:
        self._folder, self._stop = folder, asyncio.Event()
        if not port_is_free(wanted.port):
            raise Trouble(f"port {wanted.port} is taken by another program, or reserved; choose another one with PORT=")
        if wanted.fresh:
            folder.wipe()
        folder.remove(RUN_FILE)  # of a run that was killed
        self.profile = Profile(wanted, self._ports(), self._secrets())
        for name in (*SERVICES, GATEWAY):
            folder.write_text(f"{name}.env", exports(self.profile.environment(name)))
        self._supervisor: Supervisor | None = None
        self._clients: list[dict[str, Any]] = []
        self._people: list[dict[str, str]] = []
        self._announced = False

    def _ports(self) -> dict[str, int]:
        ports = choose_ports(self._folder.read(PORTS_FILE) or {}, port_is_free, free_port)
        self._folder.write(PORTS_FILE, ports)
        return ports

    def _secrets(self) -> Secrets:
        kept = self._folder.read(SECRETS_FILE)
        if kept is not None:
            return Secrets.load(kept)
        made = Secrets.make()
        self._folder.write(SECRETS_FILE, made.kept())
        return made

    # --- the course of a run ---

    async def play(self) -> int:
        """Returns the exit status: 0 after Ctrl-C or SIGTERM. Raises `Trouble`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_end)
        started = time.monotonic()
        print(f"Rõ Việc: starting, data in {self.profile.home}. Ctrl-C ends it.\n", flush=True)
        try:
            if await self._unless_ended(self._bring_up()) and await self._unless_ended(self._announce(started)):
                await self._unless_ended(self._renew_tokens())
        finally:
            await self._end()
        return 0

    async def _bring_up(self) -> None:
        self._rotate_logs()
        self._supervisor = Supervisor(await self.parts(), say, self._write_run_file)
        await self._supervisor.start()
        self._supervisor.watch()

    async def parts(self) -> list[Part]:
        """Every process. Broker and database are left out when others are to be used; what these two are made of is
        downloaded on the first run.
        """
        profile, ports, own = self.profile, self.profile.ports, self.profile.servers()
        making: list[Awaitable[Part]] = []
        if "kafka" in own:
            arguments = (profile.home / "kafka", ports["kafka"], ports["kafka-controller"], profile.log("kafka"), BROKER_HEAP)
            making.append(in_thread(lambda: broker(*arguments)))
        if "mongo" in own:
            making.append(in_thread(lambda: database(profile.home / "mongo", ports["mongo"], profile.log("mongo"))))
        return [*(in_a_run(part, profile) for part in await asyncio.gather(*making)), *profile.parts()]

    async def _announce(self, started: float) -> None:
        """Bring in the sample once, write run.json, and tell how to use it all."""
        try:
            self._clients, shown = await in_thread(self.load)
        except (Refused, httpx2.HTTPError) as error:
            raise Trouble(
                f"the sample province could not be loaded: {error}\n  (logs: {self.profile.home / 'logs'})"
            ) from error
        self._people = await self.tokens()
        await self._known_at_the_gateway(self._people)
        self._announced = True
        self._write_run_file()
        print(banner(self.profile, self._clients, shown, len(self._people), resident_bytes(), time.monotonic() - started))

    def load(self) -> tuple[list[dict[str, Any]], str]:
        """The demonstration clients, and the id of the task that is shown as an example."""
        with httpx2.Client(base_url=self.profile.gateway, timeout=30.0, trust_env=False) as http:
            loader = Loader(DATA, say, self._patient)
            admin = Partner.client(http, ADMIN, self.profile.secrets.admin_secret)
            kept = self._folder.read(CLIENTS_FILE) or []
            clients = loader.clients(admin, ADMIN, kept, lambda found: self._folder.write(CLIENTS_FILE, found))
            portal = next(client for client in clients if client["name"] == PORTAL)
            partner = Partner.client(http, portal["client_id"], portal["client_secret"])
            if self._folder.read(SAMPLE_FILE) is None:
                loader.province(partner)
                self._folder.write(SAMPLE_FILE, {"loaded": True})
            return clients, loader.example(partner, EXAMPLE)

    def _patient(self) -> None:
        if self._stop.is_set():
            raise Ended

    async def _renew_tokens(self) -> None:
        """People's tokens run out; what stands in run.json is renewed long before."""
        while True:
            await asyncio.sleep(PERSON_SECONDS / 4)
            with contextlib.suppress(httpx2.HTTPError):
                self._people = await self.tokens()
                self._write_run_file()

    async def tokens(self) -> list[dict[str, str]]:
        """The demonstration people, each with a token of the issuer."""
        async with httpx2.AsyncClient(base_url=self.profile.issuer, timeout=10.0, trust_env=False) as http:
            found = []
            for row in rows_of(DATA, "demo_people.csv"):
                answer = await http.post("/token", data={"person_id": row["person_id"]})
                answer.raise_for_status()
                found.append(
                    {
                        "person_id": row["person_id"],
                        "unit": row["unit_id"],
                        "position": row["position"],
                        "token": answer.json()["id_token"],
                    }
                )
            return found

    async def _known_at_the_gateway(self, people: list[dict[str, str]], seconds: float = 60.0) -> None:
        """Wait until the gateway has heard of everybody, so that every token in run.json serves from the start."""
        until = time.monotonic() + seconds
        async with httpx2.AsyncClient(base_url=self.profile.gateway, timeout=10.0, trust_env=False) as http:
            for person in people:
                headers = {"Authorization": f"Bearer {person['token']}"}
                while (await http.get("/v1/tasks?limit=1", headers=headers)).status_code != 200:
                    if time.monotonic() > until:
                        raise Trouble(f"the gateway does not know {person['person_id']} (logs: {self.profile.log('gateway')})")
                    await asyncio.sleep(0.5)

    def _write_run_file(self) -> None:
        if self._announced and self._supervisor is not None:
            self._folder.write(RUN_FILE, run_file(self.profile, self._supervisor.parts, self._clients, self._people))

    def _rotate_logs(self) -> None:
        """The last run's logs stay beside this one's, as `<name>.log.1`."""
        for log in (self.profile.home / "logs").glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    # --- the end ---

    def _asked_to_end(self) -> None:
        if self._stop.is_set():
            print("\nRõ Việc: killing everything", flush=True)
            self._kill()
            self._folder.remove(RUN_FILE)
            os._exit(130)
        self._stop.set()

    async def _unless_ended(self, work: Awaitable[None]) -> bool:
        """Do the work, or leave it when the run is told to end. True when it was done."""
        doing, ending = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing}, timeout=1.0)
            return False
        doing.result()
        return True

    async def _end(self) -> None:
        self._stop.set()
        self._announced = False
        self._folder.remove(RUN_FILE)
        if self._supervisor is not None:
            started = time.monotonic()
            print("\nRõ Việc: ending ...", flush=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_RESORT):
                    await self._supervisor.stop()
            print(f"Rõ Việc: ended in {time.monotonic() - started:.1f} s; the data stays in {self.profile.home}", flush=True)
        self._kill()

    def _kill(self) -> None:
        if self._supervisor is not None:
            self._supervisor.kill()
        for child in psutil.Process().children(recursive=True):  # an installation that was under way
            with contextlib.suppress(psutil.Error):
                child.kill()


async def in_thread(work: Callable[[], T]) -> T:
    """Wait for work in a thread that the end of the run does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("T", result))

    def target() -> None:
        try:
            result = work()
        except SystemExit:  # an installation that failed and has said why
            outcome: tuple[T | None, BaseException | None] = (None, Trouble("what the run needs could not be installed"))
        except BaseException as error:  # handed to whoever waits
            outcome = (None, error)
        else:
            outcome = (result, None)
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(deliver, *outcome)

    threading.Thread(target=target, daemon=True).start()
    return await done


def exports(environment: Mapping[str, str]) -> str:
    """A service's environment as a shell reads it, for the commands of operators: `. .local/tasks.env`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items()))


def resident_bytes() -> int:
    """Memory that this process and all that it has started hold."""
    total = 0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def main(kind: type[Run] = Run) -> int:
    """Exit status: 0 after Ctrl-C, 1 with one clear line for what the reader can mend."""
    folder: Folder | None = None
    try:
        wanted = Wanted.read(os.environ)
        folder = Folder(wanted.folder)
        folder.open()
        return asyncio.run(kind(wanted, folder).play())
    except Trouble as trouble:
        print(f"roviec: {trouble}", file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(f"roviec: {error.filename or 'this machine'}: {error.strerror}", file=sys.stderr, flush=True)
        return 1
    finally:
        if folder is not None:
            folder.close()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a thread that still waits for an answer must not hold the terminal
