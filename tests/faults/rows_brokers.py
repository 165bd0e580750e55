"""Rows about three brokers, of which one and then two are killed."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from functools import partial

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.broker import SETTINGS, broker
from deploy.local.parts import free_port
from tests.faults.arena import Servers
from tests.faults.checker import Damage, Finding
from tests.faults.stage import Stage
from tests.faults.waits import everything_applied, everything_sent

NODES = (1, 2, 3)
HEAP = "192m"
ONE_OF_MANY = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}
"""What differs from the one broker of the local run."""
QUICK = """\
controller.quorum.election.backoff.max.ms=300
replica.lag.time.max.ms=5000
"""
"""A death is noticed after three seconds, not after nine. With less, nodes of a busy machine take one another for dead."""
CAUGHT_UP_SECONDS = 8.0
"""How long a node that is back takes to be in sync again (5.8-7.5 s where nothing else runs)."""


def settings_of(node: int, voters: str) -> str:
    """The template of one node's settings, for `broker`."""
    changed = {**ONE_OF_MANY, "node.id": str(node), "controller.quorum.voters": voters}
    lines = []
    for line in SETTINGS.splitlines():
        name, equals, _ = line.partition("=")
        lines.append(f"{name}={changed[name]}" if equals and name in changed else line)
    return "\n".join(lines) + "\n" + QUICK


class ThreeBrokers(Servers):
    """Three nodes, each broker and controller; every topic on all of them, and a write on two before it is acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        del self.parts["kafka"]
        ports: list[int] = []
        for _ in range(2 * len(NODES)):
            ports.append(free_port(ports))
        brokers, controllers = ports[: len(NODES)], ports[len(NODES) :]
        voters = ",".join(f"{node}@127.0.0.1:{port}" for node, port in zip(NODES, controllers, strict=True))
        for node, port, controller in zip(NODES, brokers, controllers, strict=True):
            home, log = self.folder / f"kafka-{node}", self.folder / "logs" / f"kafka-{node}.log"
            self.parts[f"kafka-{node}"] = broker(home, port, controller, log, HEAP, settings_of(node, voters))
        self.kafka = ",".join(f"127.0.0.1:{port}" for port in brokers)
        self.environment = {"KAFKA_REPLICATION": str(len(NODES))}


async def three_brokers(stage: Stage, size: float) -> None:
    """Rows 9 and 12 on three brokers. One is killed: what it led and coordinated moves, writes and publishing go on. Two are
    killed: writes go on, publishing waits, and is done soon after they are back.
    """
    names = [name for name in stage.arena.servers.parts if name.startswith("kafka-")]
    for _ in range(max(1, int(size))):
        await _one_away(stage, stage.dice.choice(names))
        await _two_away(stage, stage.dice.sample(names, 2))


async def _one_away(stage: Stage, name: str) -> None:
    """How long no write can be acknowledged is the brokers' own: who leads waits for the dead one until it is not taken for in
    sync any more, three seconds later, and more when it was the controller, whose place is filled first. The product's gap
    (5 s, row 12) counts from there.
    """
    servers = stage.arena.servers
    await everything_sent(stage, datetime.now(UTC), 60)
    before = stage.callers.turned_away.total()
    at = datetime.now(UTC)
    servers.kill(name)
    stage.story.fault("kill -9 broker of three", f"kill -9 {name}")
    took, _ = await stage.until("the living lead all partitions without the dead", partial(_without, stage, name), 20)
    could_go = datetime.now(UTC)
    stage.figure("the brokers' own: the living lead all partitions, without the dead, after, s", took)
    await asyncio.sleep(8)
    seen_until = datetime.now(UTC)
    await everything_sent(stage, seen_until, 60)
    await everything_applied(stage, at + timedelta(seconds=1), 60)
    applied = (datetime.now(UTC) - seen_until).total_seconds()
    stage.figure("longest wait of an event once the brokers could take it, s", await longest_wait(stage, at, could_go), 5)
    stage.figure("longest wait of an event to be sent while one of three died, s", await longest_wait(stage, at, at), 10)
    stage.figure("sent and applied 8 s after that, within s", applied, 5)
    _nobody_turned_away(stage, before, "one of three brokers")
    await servers.revive(name)
    stage.story.tell(f"{name} is back")
    await asyncio.sleep(CAUGHT_UP_SECONDS)


async def _two_away(stage: Stage, names: list[str]) -> None:
    servers = stage.arena.servers
    await everything_sent(stage, datetime.now(UTC), 60)
    before = stage.callers.turned_away.total()
    for name in names:
        servers.kill(name)
    stage.story.fault("kill -9 broker of three", f"kill -9 {' and '.join(names)}", len(names))
    await asyncio.sleep(stage.dice.uniform(12, 18))
    _nobody_turned_away(stage, before, "two of three brokers")
    await asyncio.gather(*(servers.revive(name) for name in names))
    back = datetime.now(UTC)
    stage.story.tell("both are back")
    await everything_sent(stage, back, 60)
    stage.figure("published after two of three are back, s", (datetime.now(UTC) - back).total_seconds(), 10)
    await asyncio.sleep(CAUGHT_UP_SECONDS)


def _nobody_turned_away(stage: Stage, before: int, what: str) -> None:
    if turned_away := stage.callers.turned_away.total() - before:
        stage.findings.append(Finding(Damage.WRONG, f"write turned away while {what} were away", turned_away))


async def _without(stage: Stage, dead: str) -> bool:
    """Whether the dead one, as one of the others knows it, leads no partition and is taken for in sync with none."""
    gone = int(dead.rpartition("-")[2])
    addresses = [one for node, one in zip(NODES, stage.arena.servers.kafka.split(","), strict=True) if node != gone]
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses, request_timeout_ms=1000)
    try:
        await admin.start()
        partitions = [partition for topic in await admin.describe_topics() for partition in topic["partitions"]]
        return all(one["leader"] not in (-1, gone) and gone not in one["isr"] for one in partitions)
    except (KafkaError, OSError):
        return False
    finally:
        with contextlib.suppress(Exception):
            await admin.close()


async def longest_wait(stage: Stage, since: datetime, could_go: datetime) -> float:
    """Of the events of the tasks service made since a moment, the longest that one waited to be sent, in seconds; what was made
    before it could go counts from then.
    """

    def waits() -> list[float]:
        query = {"created_at": {"$gte": since}, "state": "S"}
        rows = stage.arena.database("tasks")["outbox"].find(query, {"created_at": 1, "sent_at": 1})
        return [(row["sent_at"] - max(row["created_at"], could_go)).total_seconds() for row in rows]

    return max(await asyncio.to_thread(waits), default=0.0)
