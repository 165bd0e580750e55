"""One broker and one database for a whole test run, shared by all its workers.

In this order: `KAFKA_BOOTSTRAP` and `MONGO_URI` when set; containers when `TESTCONTAINERS=1` and an engine answers;
else the servers of the local run, started on first need and ended with the run.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from common.testing import Area
from deploy.local.broker import broker
from deploy.local.database import database, uri
from deploy.local.parts import Part, free_port

_started: list[Part] = []
_folders: list[Path] = []
HEAP = "512m"
"""A test run makes hundreds of topics; the local run's smaller broker would collect garbage instead of answering."""
_numbers = itertools.count()


def _start() -> None:
    """Make sure that `KAFKA_BOOTSTRAP` and `MONGO_URI` are set; workers of the run inherit them."""
    if os.environ.get("KAFKA_BOOTSTRAP") and os.environ.get("MONGO_URI"):
        return
    if os.environ.get("TESTCONTAINERS") == "1":
        _start_containers()
        return
    folder = Path(tempfile.mkdtemp(prefix="roviec-test-"))
    _folders.append(folder)
    kafka_port = free_port()
    mongo_port = free_port({kafka_port})
    if not os.environ.get("KAFKA_BOOTSTRAP"):
        _started.append(broker(folder / "kafka", kafka_port, free_port({kafka_port, mongo_port}), folder / "kafka.log", HEAP))
        os.environ["KAFKA_BOOTSTRAP"] = f"127.0.0.1:{kafka_port}"
    if not os.environ.get("MONGO_URI"):
        _started.append(database(folder / "mongo", mongo_port, folder / "mongo.log", "--enable-test-commands"))
        os.environ["MONGO_URI"] = uri(mongo_port)
    for part in _started:
        part.start()

    async def ready() -> None:
        await asyncio.gather(*(part.wait_ready() for part in _started))

    asyncio.run(ready())


def _start_containers() -> None:
    from testcontainers.core.container import DockerContainer
    from testcontainers.kafka import KafkaContainer

    kafka = KafkaContainer("apache/kafka:4.1.0").start()
    mongo = DockerContainer("mongo:8").with_command("--replSet rs0 --bind_ip_all").with_exposed_ports(27017).start()
    mongo.exec(["mongosh", "--quiet", "--eval", "rs.initiate()"])
    os.environ["KAFKA_BOOTSTRAP"] = kafka.get_bootstrap_server()
    os.environ["MONGO_URI"] = (
        f"mongodb://{mongo.get_container_host_ip()}:{mongo.get_exposed_port(27017)}/?directConnection=true"
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    parallel = bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")
    if parallel and not config.option.collectonly:
        _start()


def pytest_unconfigure() -> None:
    async def end() -> None:
        await asyncio.gather(*(part.stop(3) for part in _started))

    if _started:
        asyncio.run(end())
        _started.clear()
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> tuple[str, str]:
    """Where the broker and the database are."""
    _start()
    return os.environ["KAFKA_BOOTSTRAP"], os.environ["MONGO_URI"]


@pytest.fixture
def area(servers: tuple[str, str], worker_id: str) -> Area:
    """A corner of both servers that no other test uses."""
    return Area(f"t{os.getpid()}{worker_id}{next(_numbers)}", *servers)
