"""One broker and one database for a while: for a test run or a bench.

In this order: `KAFKA_BOOTSTRAP` and `MONGO_URI` when set; containers when `TESTCONTAINERS=1` and an engine answers;
else the servers of the local run, in a folder that goes with them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from deploy.local.broker import broker
from deploy.local.database import database, uri
from deploy.local.parts import Part, free_port

HEAP = "512m"
"""A test run makes hundreds of topics; the local run's smaller broker would collect garbage instead of answering."""


class Servers:
    """Started on first need; what was started is ended by `stop`. Child processes find them by the environment."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._folder: Path | None = None

    def start(self) -> tuple[str, str]:
        """Make sure that there are a broker and a database; returns (bootstrap servers, database URI)."""
        self.start_shared()
        if not os.environ.get("MONGO_URI"):
            port = free_port()
            self._begin(database(self._home() / "mongo", port, self._home() / "mongo.log"))
            os.environ["MONGO_URI"] = uri(port)
        return os.environ["KAFKA_BOOTSTRAP"], os.environ["MONGO_URI"]

    def start_shared(self) -> None:
        """Make sure that there is what several test processes share: the broker, and a database that is no local one. The
        local one computes with one thread, and each of them starts its own.
        """
        if os.environ.get("TESTCONTAINERS") == "1" and not (os.environ.get("KAFKA_BOOTSTRAP") and os.environ.get("MONGO_URI")):
            _start_containers()
        if not os.environ.get("KAFKA_BOOTSTRAP"):
            port = free_port()
            self._begin(broker(self._home() / "kafka", port, free_port({port}), self._home() / "kafka.log", HEAP))
            os.environ["KAFKA_BOOTSTRAP"] = f"127.0.0.1:{port}"

    def _home(self) -> Path:
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="roviec-servers-"))
        return self._folder

    def _begin(self, part: Part) -> None:
        self._parts.append(part)
        part.start()
        asyncio.run(part.wait_ready())

    def stop(self) -> None:
        async def end() -> None:
            await asyncio.gather(*(part.stop(3) for part in self._parts))

        if self._parts:
            asyncio.run(end())
            self._parts.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


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
