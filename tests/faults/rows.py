"""The rows of the fault matrix that the rig plays. Each is given a stage with callers at work, and `size`, by which the
full run does more of the same than the smoke run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from aiokafka import AIOKafkaProducer

from common.contracts.base import Envelope
from common.contracts.topics import BY_OWNER
from common.outbox import DEAD_LETTER, new_id
from deploy.local.database import LOCKED
from tests.faults import probe, saboteur
from tests.faults.arena import LEASE_SECONDS, SESSION_SECONDS, Replica, Servers
from tests.faults.callers import Step, life
from tests.faults.checker import Damage, Finding
from tests.faults.reading import PLANTED, read_topic
from tests.faults.rows_brokers import ThreeBrokers, three_brokers
from tests.faults.rows_limits import SmallDisk, full_disk, no_descriptors, wrong_clocks
from tests.faults.rows_links import LinkedServers, bad_links, black_hole
from tests.faults.rows_records import shuffled, slow_reader
from tests.faults.rows_versions import mixed_versions
from tests.faults.stage import Stage, command
from tests.faults.waits import everything_applied, everything_sent, gauge, little_under_way

Play = Callable[[Stage, float], Awaitable[None]]
EVENTS = "tasks-events"


@dataclass(frozen=True)
class FaultRow:
    """A play, the rows of the matrix that it covers, and how much of it the smoke run takes (0: nothing)."""

    name: str
    numbers: tuple[int, ...]
    title: str
    play: Play
    smoke: float = 1.0
    full: float = 3.0
    quiet: bool = False
    servers: Callable[[], Servers] | None = None
    """A row that does to broker or database what others could not go on from has some of its own."""


# --- processes that die ---


async def nothing(_stage: Stage, size: float) -> None:
    """No fault at all: what the others are held against."""
    await asyncio.sleep(8 * size)


async def kills(stage: Stage, size: float) -> None:
    """kill -9 of any replica at random moments, sometimes of two at once."""
    for _ in range(int(8 * size)):
        await asyncio.sleep(stage.dice.uniform(0.3, 2.0))
        for _ in range(stage.dice.choice((1, 1, 1, 2))):
            stage.arena.kill(stage.arena.any_of(stage.dice))


async def dead_relay(stage: Stage, size: float) -> None:
    """One relay dies and stays away: the other one takes over what it owned."""
    for _ in range(max(1, int(size))):
        await everything_sent(stage, datetime.now(UTC), 30)
        one = stage.arena.any_of(stage.dice, stage.arena.of("tasks"))
        one.held = True
        at = datetime.now(UTC)
        stage.arena.kill(one)
        await everything_sent(stage, at + timedelta(seconds=1), 60)
        took = (datetime.now(UTC) - at).total_seconds()
        stage.figure("take-over of a dead relay, s", took, LEASE_SECONDS + 5)
        one.held = False
        await stage.until("the relay is back", one.part.ready, 30)


async def dead_consumer(stage: Stage, size: float) -> None:
    """One reader dies and stays away: the other one takes over its partitions."""
    for _ in range(max(1, int(size))):
        one = stage.arena.any_of(stage.dice, stage.arena.of(probe.NAME))
        one.held = True
        at = datetime.now(UTC)
        stage.arena.kill(one)
        await everything_applied(stage, at + timedelta(seconds=1), 60)
        took = (datetime.now(UTC) - at).total_seconds()
        stage.figure("take-over of a dead consumer, s", took, SESSION_SECONDS + 5)
        one.held = False
        await stage.until("the reader is back", one.part.ready, 30)


POINTS = (
    ("write.before_commit", "tasks", "api"),
    ("write.after_commit", "tasks", "api"),
    ("relay.before_send", "tasks", "worker"),
    ("relay.after_send", "tasks", "worker"),
    ("relay.after_mark", "tasks", "worker"),
    ("relay.after_send", "notifications", "worker"),
    ("consumer.before_effect", probe.NAME, "worker"),
    ("consumer.after_commit", probe.NAME, "worker"),
    ("consumer.before_offset_commit", probe.NAME, "worker"),
    ("consumer.after_offset_commit", probe.NAME, "worker"),
    ("consumer.after_commit", "audit", "worker"),
    ("consumer.before_effect", "notifications", "worker"),
    ("consumer.in_revoke", probe.NAME, "worker"),
    ("process.draining", "tasks", "worker"),
    ("process.draining", probe.NAME, "worker"),
    ("mail.after_send", "notifications", "worker"),
    ("process.draining", "notifications", "worker"),
    ("consumer.before_offset_commit", "gateway", "api"),
    ("process.draining", "gateway", "api"),
)
"""Every named point, where it matters most."""


async def crash_points(stage: Stage, size: float) -> None:
    """A process ends at a named point between two steps, each singly."""
    points = list(POINTS) if size >= 1 else stage.dice.sample(POINTS, max(1, int(len(POINTS) * size)))
    for _ in range(max(1, int(size))):
        for point, service, role in points:
            await die_at(stage, point, *stage.arena.of(service, role))


async def die_at(stage: Stage, point: str, one: Replica, other: Replica) -> None:
    """Have the first replica die at the point. The other one is away meanwhile where only one of them gets there."""
    arena = stage.arena
    alone = one.service == "audit"
    if alone:
        other.held = True
        arena.kill(other)
    nth = "" if point in ("process.draining", "consumer.in_revoke") else f":{stage.dice.randint(1, 3)}"
    starts = one.part.starts
    arena.arm(one, point + nth)

    async def armed() -> bool:
        return one.part.starts > starts

    await stage.until(f"{one.name} has started", armed, 10)
    if point in ("process.draining", "consumer.in_revoke"):
        await stage.until(f"{one.name} is ready", one.part.ready, 40)
    if point == "process.draining":
        one.part.signal(15)
    if point == "consumer.in_revoke":  # the other member leaves: the group shares its partitions anew
        await asyncio.sleep(3)
        await arena.terminate(other)
        other.held = False

    async def died() -> bool:
        return one.part.starts > starts + 1

    await stage.until(f"{one.name} passes {point}", died, 90)
    other.held = False


async def crash_pairs(stage: Stage, size: float) -> None:
    """Two replicas die at two points, each when it comes to its own; which two, the seed says."""
    pairs = max(1, int(4 * size))
    for _ in range(pairs):
        await stage.arena.all_ready()
        (point, service, role), (other_point, other_service, other_role) = stage.dice.sample(POINTS, 2)
        while service == other_service and "consumer.in_revoke" in (point, other_point):  # it needs the other one well
            other_point, other_service, other_role = stage.dice.choice(POINTS)
        one, two = stage.arena.of(service, role)
        three, four = stage.arena.of(other_service, other_role)
        if (service, role) == (other_service, other_role):  # both replicas of one process, each at its own point
            three, four = two, one
        await asyncio.gather(die_at(stage, point, one, two), die_at(stage, other_point, three, four))
    stage.figures["pairs of crash points"] = pairs


ARMS: dict[str, tuple[str, ...]] = {
    "api": ("write.before_commit", "write.after_commit"),
    "relay": ("relay.before_send", "relay.after_send", "relay.after_mark"),
    "consumer": (
        "consumer.before_effect",
        "consumer.after_commit",
        "consumer.before_offset_commit",
        "consumer.after_offset_commit",
    ),
    "sender": ("mail.after_send", "consumer.after_commit", "relay.after_send"),
    "gateway": ("consumer.after_commit", "consumer.before_offset_commit"),
}
"""The points that a process of each role comes to by itself, under load."""
DEATHS_SECONDS = 420.0
"""Of a full run, at most: a slow machine sees fewer deaths, not a longer run."""


async def deaths(stage: Stage, size: float) -> None:
    """Each role in quick succession, over and over: killed, made to die at a point, or paused. Only what is up and at
    work is chosen, since the death of a process that has just begun proves little.
    """
    pauses: set[asyncio.Task[None]] = set()
    until = time.monotonic() + DEATHS_SECONDS * size
    for number in range(max(1, int(60 * size))):
        if time.monotonic() > until:
            break
        if number % 10 == 9:
            await stage.arena.servers.refresh_database()
            stage.story.fault("kill -9 database", "kill -9 database")
        for role in stage.dice.sample(tuple(ARMS), len(ARMS)):
            await asyncio.sleep(stage.dice.uniform(0.5, 2.5))
            if (one := await at_work(stage, role)) is None:
                stage.story.tell(f"no {role} is at work")
                continue
            match stage.dice.choice(("kill", "arm", "pause")):
                case "kill":
                    stage.arena.kill(one)
                case "arm":
                    stage.arena.arm(one, f"{stage.dice.choice(ARMS[role])}:{stage.dice.randint(1, 6)}")
                case _:
                    seconds = stage.dice.choice((0.5, 2.0, max(LEASE_SECONDS, SESSION_SECONDS) + 2))
                    pauses.add(asyncio.create_task(stand_still(stage, one, seconds)))
    await asyncio.gather(*pauses)


async def at_work(stage: Stage, role: str) -> Replica | None:
    """A replica of the role that is ready, if need be after some seconds."""
    several = [one for one in stage.arena.replicas if one.kind == role]
    for _ in range(20):
        for one in stage.dice.sample(several, len(several)):
            if one.part.alive and not one.paused and await one.part.ready():
                return one
        await asyncio.sleep(0.25)
    return None


async def stand_still(stage: Stage, one: Replica, seconds: float) -> None:
    stage.arena.pause(one)
    await asyncio.sleep(seconds)
    if one.paused:
        stage.arena.resume(one)


# --- processes that stand still ---


async def paused_relay(stage: Stage, size: float) -> None:
    """A relay stands still past its lease and goes on as if nothing had been: a zombie."""
    for _ in range(max(1, int(size))):
        one = stage.arena.any_of(stage.dice, stage.arena.of("tasks"))
        stage.arena.pause(one)
        await asyncio.sleep(LEASE_SECONDS + stage.dice.uniform(1, 4))
        stage.arena.resume(one)
        await asyncio.sleep(2)


async def paused_consumer(stage: Stage, size: float) -> None:
    """A reader stands still past its session; what it commits afterwards must be refused without harm."""
    for _ in range(max(1, int(size))):
        for service in (probe.NAME, "audit"):
            one = stage.arena.any_of(stage.dice, stage.arena.of(service))
            stage.arena.pause(one)
            await asyncio.sleep(SESSION_SECONDS + stage.dice.uniform(1, 4))
            stage.arena.resume(one)
            await asyncio.sleep(1)


async def pauses(stage: Stage, size: float) -> None:
    """Short pauses of any replica, some past lease and session, several at once."""
    for _ in range(int(5 * size)):
        some = stage.dice.sample(stage.arena.replicas, 2)
        for one in some:
            stage.arena.pause(one)
        await asyncio.sleep(stage.dice.choice((0.5, 2.0, LEASE_SECONDS + 2)))
        for one in some:
            if one.paused:
                stage.arena.resume(one)
        await asyncio.sleep(0.5)


async def blocked_loop(stage: Stage, size: float) -> None:
    """An event loop is blocked for longer than the session; the gauge of its lag must tell."""
    seconds = 15 if size >= 1 else SESSION_SECONDS + 2
    stage.arena.deploy(probe.NAME, "blockable", RIG_BLOCK_SECONDS=str(seconds))
    one = stage.arena.of(probe.NAME)[0]
    await asyncio.sleep(1)
    await stage.until("the reader is ready", one.part.ready, 40)
    await asyncio.sleep(3)
    stage.story.fault("blocked loop", f"{one.name} computes for {seconds:.0f} s")
    one.part.signal(10)
    await asyncio.sleep(seconds)

    async def told() -> bool:
        return await gauge(one, "roviec_event_loop_lag_seconds") > 1

    took, _ = await stage.until("the lag of the event loop is told", told, 10)
    stage.figure("loop lag is told after, s", took, 5)
    stage.arena.deploy(probe.NAME, None)


# --- broker and database ---


async def broker_away(stage: Stage, size: float) -> None:
    """kill -9 of the broker, and its return: writes go on meanwhile, everything is published soon after."""
    for turn in range(max(1, int(size))):
        away = 60 if size >= 2 and not turn else stage.dice.uniform(5, 8)
        await stage.arena.all_ready()
        before = stage.callers.turned_away.total()
        stage.arena.servers.kill("kafka")
        stage.story.fault("kill -9 broker", f"kill -9 broker, for {away:.0f} s")
        await asyncio.sleep(away)
        turned_away = stage.callers.turned_away.total() - before
        if turned_away:
            stage.findings.append(Finding(Damage.WRONG, "write turned away while only the broker was away", turned_away))
        await stage.arena.servers.revive("kafka")
        back = datetime.now(UTC)
        stage.story.tell("the broker is back")
        await everything_sent(stage, back, 60)
        stage.figure("published after the broker's return, s", (datetime.now(UTC) - back).total_seconds(), 10)


async def database_away(stage: Stage, size: float) -> None:
    """kill -9 of the database, and its return: 503 soon, nothing half done, served again soon after."""
    for _ in range(max(1, int(size))):
        stage.arena.servers.kill("mongo")
        stage.story.fault("kill -9 database", "kill -9 database")
        took, status = await ask_once(stage)
        stage.figure("503 while the database is away, s", took, 3.5)
        if status != 503:
            stage.findings.append(Finding(Damage.WRONG, f"answer {status} while the database was away"))
        await asyncio.sleep(stage.dice.uniform(1, 4))
        await stage.arena.servers.revive("mongo")
        stage.story.tell("the database is back")

        async def served() -> bool:
            return (await ask_once(stage))[1] == 201

        took, _ = await stage.until("writes are served again", served, 30)
        stage.figure("served after the database's return, s", took, 10)


async def ask_once(stage: Stage) -> tuple[float, int]:
    """Create a draft, once, at the service itself: its own 503 in time is what is measured. Seconds and status (0: none)."""
    started, request_id = time.monotonic(), new_id()
    headers = {"Authorization": f"Bearer {stage.arena.signer.token()}", "Idempotency-Key": request_id}
    try:
        answer = await stage.callers.http.post(
            f"{stage.dice.choice(stage.arena.apis)}/v1/tasks", json={"title": "Rà soát"}, headers=headers
        )
        status = answer.status_code
    except httpx2.TransportError:
        status = 0
    return time.monotonic() - started, status


FAIL_POINTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("commit of unknown outcome", {"failCommands": ["commitTransaction"], "errorCode": 91}),
    ("connection closed at commit", {"failCommands": ["commitTransaction"], "closeConnection": True}),
    ("connection closed at insert", {"failCommands": ["insert"], "closeConnection": True}),
    ("not the primary", {"failCommands": ["insert", "update", "find"], "errorCode": 10107}),
    ("write conflict", {"failCommands": ["insert"], "errorCode": 112}),
    ("change stream lost", {"failCommands": ["getMore"], "errorCode": 286}),
)
"""No labels are given: the server adds those that a real one would, by the command and by whether a transaction is open."""


class FailingDatabase(Servers):
    """The database from the lock, whatever `ROVIEC_DATABASE` names: it fails commands when it is asked to."""

    server = LOCKED


async def failing_commands(stage: Stage, size: float) -> None:
    """The database fails commands, one kind after the other, each tenth of them."""

    def set_fail_point(mode: Any, data: dict[str, Any] | None) -> None:
        mongo = stage.arena.mongo
        mongo.admin.command({"configureFailPoint": "failCommand", "mode": mode, **({"data": data} if data else {})})

    for name, data in FAIL_POINTS:
        stage.story.fault("failing command", f"database: {name}")
        await asyncio.to_thread(set_fail_point, {"activationProbability": 0.1}, data)
        await asyncio.sleep(3 * size)
        await asyncio.to_thread(set_fail_point, "off", None)


# --- records ---


async def duplicates(stage: Stage, size: float) -> None:
    """Every record of the topic so far comes again, one to five times."""
    await asyncio.sleep(3 * size)
    records = await read_topic(stage.arena, EVENTS)
    producer = AIOKafkaProducer(bootstrap_servers=stage.arena.servers.kafka, acks="all")
    await producer.start()
    try:
        sent = [
            await producer.send(r.topic, r.value, r.key, partition=r.partition, headers=list(r.headers))
            for r in records[-int(400 * size) :]
            for _ in range(stage.dice.randint(1, 5))
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
    stage.story.fault("repeated record", f"{len(sent)} records came again", len(sent))


def poison(stage: Stage) -> list[tuple[str, str, bytes | None, list[tuple[str, bytes]], int]]:
    """What is wrong, event id, value, headers, and how many of the three readers cannot read it."""
    made = []
    for what, kind, value, readers in (
        ("not JSON", "tasks.task.assigned.v1", b"{" + stage.dice.randbytes(20).hex().encode(), 3),
        ("not UTF-8", "tasks.task.assigned.v1", b'{"title": "\xff\xfe"}', 3),
        ("another schema", "tasks.task.assigned.v1", b'{"title": 7}', 1),
        ("a later major version", "tasks.task.assigned.v9", b"{}", 1),
        ("900 KiB", "tasks.task.assigned.v1", b"x" * 900 * 1024, 3),
        ("no value", "tasks.task.assigned.v1", None, 3),
        ("no headers", "", b"{}", 3),
    ):
        key = new_id()
        envelope = Envelope(key, "/roviec/tasks", kind, PLANTED + key, datetime.now(UTC), 1, "system:rig", key)
        made.append((what, key, value, envelope.headers() if kind else [], readers))
    return made


async def poisoned(stage: Stage, size: float) -> None:
    """Records that cannot be read, straight on the topic: dead letters have them with the original bytes, others flow."""
    for _ in range(max(1, int(size))):
        await little_under_way(stage)
        await poison_once(stage)
        await asyncio.sleep(1)


async def poison_once(stage: Stage) -> None:
    topic = stage.arena.prefix + EVENTS
    letters = {name: BY_OWNER[name].dead_letters for name in ("notifications", "audit", probe.NAME)}
    records = poison(stage)
    stage.planted |= {key for _, key, _, _, _ in records}
    producer = AIOKafkaProducer(bootstrap_servers=stage.arena.servers.kafka, acks="all", max_request_size=2**20)
    await producer.start()
    planted_at: dict[str, tuple[str, bytes | None]] = {}
    began: dict[str, datetime] = {}
    try:
        for what, key, value, headers, _ in records:
            now = datetime.now(UTC)
            done = await producer.send_and_wait(topic, value, key.encode(), headers=headers)
            place = f"{EVENTS}/{done.partition}/{done.offset}"
            began[place], planted_at[place] = now, (what, value)
    finally:
        await producer.stop()
        stage.planted_places |= began.keys()
    stage.story.fault("poison", f"{len(records)} records that cannot be read", len(records))
    wanted = sum(readers for *_, readers in records)

    async def all_sent() -> list[float] | None:
        taken = await asyncio.to_thread(dead_letters_sent, stage, began)
        return taken if len(taken) >= wanted else None

    _, taken = await stage.until(f"{wanted} dead letters are sent", all_sent, 30)
    if taken:
        stage.figure("dead letter after, s", max(taken), 2)
    found: dict[tuple[str, str], Any] = {}
    for reader, name in letters.items():
        for letter in await read_topic(stage.arena, name):
            marks = {name: (value or b"").decode(errors="replace") for name, value in letter.headers}
            place = f"{EVENTS}/{marks.get('dlq-partition')}/{marks.get('dlq-offset')}"
            if place in planted_at:
                found[reader, place] = (letter, marks)
    if len(found) != wanted:
        there = tuple(sorted(f"{planted_at[place][0]} by {reader}" for reader, place in found))
        stage.findings.append(Finding(Damage.LOST, f"dead letters: {len(found)} of {wanted}", 1, there))
    for (reader, place), (letter, marks) in found.items():
        what, value = planted_at[place]
        if letter.value != value or not marks.get("dlq-reason"):
            stage.findings.append(Finding(Damage.WRONG, f"dead letter of {reader}, {what}: other bytes or no reason"))


def dead_letters_sent(stage: Stage, began: Mapping[str, datetime]) -> list[float]:
    """Seconds from when each record began to be written, by its place, until its dead letter was sent: one for each reader that
    sets it aside; by the database's clock, which is this machine's.
    """
    query = {"aggregatetype": DEAD_LETTER, "aggregateid": {"$in": list(began)}, "state": "S"}
    fields = {"aggregateid": 1, "sent_at": 1}  # not the bytes: who looks must not keep the server busy
    readers = ("notifications", "audit", probe.NAME)
    rows = [row for name in readers for row in stage.arena.database(name)["outbox"].find(query, fields)]
    return [(row["sent_at"] - began[row["aggregateid"]]).total_seconds() for row in rows]


async def redriven(stage: Stage, size: float) -> None:
    """A reader that cannot read some events is replaced by one that can: `redrive` heals what was set aside, once."""
    arena, title = stage.arena, stage.callers.title
    arena.deploy("notifications", "illiterate")
    stage.callers.title = f"{saboteur.MARK}: {title}"
    await asyncio.sleep(2)
    await stage.until("the reader is ready", arena.of("notifications")[0].part.ready, 40)

    def dead() -> int:
        return arena.database("notifications")["inbox_parked"].count_documents({"why": "dead"})

    async def some() -> bool:
        return await asyncio.to_thread(dead) >= 3

    await stage.until("some records are set aside", some, 40)
    stage.callers.title = title
    await asyncio.sleep(2.5)  # offsets are committed: the next version does not meet these records again by itself
    stage.story.fault("illiterate reader", f"{await asyncio.to_thread(dead)} records set aside")
    arena.deploy("notifications", None)
    await asyncio.sleep(2)
    await stage.until("the reader is ready", arena.of("notifications")[0].part.ready, 40)
    status, said = await command(arena, "notifications", "common.redrive", "--service", "notifications")
    stage.story.tell(f"redrive ended with {status}: {said.count('put back')} put back")
    # what the poison row planted stays where it is and is refused: status 1
    if "put back" not in said:
        stage.findings.append(Finding(Damage.STUCK, f"redrive put nothing back: {said[-300:]}"))


async def bad_deployment(stage: Stage, size: float) -> None:
    """Every handler fails on every record: the reader stops and says so, and does not empty the topic into its inbox."""
    arena = stage.arena
    arena.deploy(probe.NAME, "failing")

    async def halted() -> bool:
        return max([await gauge(one, "roviec_consumer_halted") for one in arena.of(probe.NAME)]) >= 1

    took, _ = await stage.until("the reader has halted", halted, 90)
    stage.figure("a bad deployment halts after, s", took)
    await asyncio.sleep(3)

    def parked() -> int:
        return arena.database(probe.NAME)["inbox_parked"].count_documents({"why": "failed"})

    number = await asyncio.to_thread(parked)
    stage.story.fault("bad deployment", f"halted with {number} records set aside")
    stage.figure("records set aside by a bad deployment", number, 100)
    arena.deploy(probe.NAME, None)


async def idempotency_storm(stage: Stage, size: float) -> None:
    """Fifty callers at once with one key, while a replica dies: one effect, one answer."""
    callers = stage.callers
    for _ in range(int(4 * size)):
        request_id = f"{stage.dice.getrandbits(96):024x}"
        step: Step = next(life(stage.dice, callers.people, f"{callers.title}, bão {request_id[:6]}"))
        first = asyncio.gather(
            *(callers.insist(stage.dice, "POST", "/v1/tasks", {"json": step.body}, request_id, request_id) for _ in range(50))
        )
        await asyncio.sleep(stage.dice.random() * 0.1)
        stage.arena.kill(stage.arena.any_of(stage.dice, stage.arena.of("tasks", "api")))
        answers = await first
        bodies = {answer.content for answer in answers}
        if len(bodies) != 1 or any(answer.status_code != 201 for answer in answers):
            stage.findings.append(Finding(Damage.DOUBLED, f"answers to one key: {len(bodies)} different ones"))
        task_id, sequence = answers[0].json()["id"], int(answers[0].headers["ETag"].strip('"'))
        callers.note(request_id, task_id, sequence, step)
        stage.story.fault("idempotency storm", "50 at once with one key")


# --- the end of a process ---


async def terminated(stage: Stage, size: float) -> None:
    """SIGTERM under load, and with broker or database down: ends in time, and hands its leases back."""
    arena, servers = stage.arena, stage.arena.servers
    for _ in range(max(1, int(size))):
        await arena.all_ready()
        one = arena.any_of(stage.dice, arena.of("tasks"))
        await ends_in_time(stage, one, "under load")
        at = datetime.now(UTC)
        await everything_sent(stage, at, 30)
        stage.figure("published after a relay's SIGTERM, s", (datetime.now(UTC) - at).total_seconds(), LEASE_SECONDS - 1)
        one.held = False
        others = [arena.of("tasks", "api")[0], arena.of("audit")[0], arena.of(probe.NAME)[0]]
        others += [arena.of("gateway", "api")[0], arena.of("notifications")[0]]
        await asyncio.gather(*(ends_in_time(stage, other, "under load") for other in others))
        await arena.all_ready()
        for name in ("kafka", "mongo"):
            servers.kill(name)
            stage.story.fault(f"kill -9 {name}", f"kill -9 {name}")
            await asyncio.sleep(1)
            some = [arena.of("tasks", "api")[1], arena.of("tasks")[1], arena.of("audit")[1], arena.of(probe.NAME)[1]]
            some += [arena.of("gateway", "api")[1], arena.of("notifications")[1]]
            await asyncio.gather(*(ends_in_time(stage, other, f"without {name}") for other in some))
            await servers.revive(name)
            await arena.all_ready()


async def ends_in_time(stage: Stage, one: Replica, when: str) -> None:
    took, status = await stage.arena.terminate(one)
    stage.figure(f"exit after SIGTERM {when}, s", took, 25)
    if status != 0:
        stage.findings.append(Finding(Damage.WRONG, f"{one.name} ended with {status} after SIGTERM {when}"))


async def rebalance_storm(stage: Stage, size: float) -> None:
    """A member of each group leaves and comes back every five seconds."""
    for _ in range(int(4 * size)):
        for service in (probe.NAME, "notifications"):
            one = stage.arena.any_of(stage.dice, stage.arena.of(service))
            await stage.until(f"{one.name} is a member again", one.part.ready, 40)  # before, nothing of ours hears a signal
            await ends_in_time(stage, one, "in a rebalance storm")
            one.held = False
        await asyncio.sleep(3)


ROWS: tuple[FaultRow, ...] = (
    FaultRow("quiet", (), "no fault at all", nothing, smoke=0, full=2, quiet=True),
    FaultRow("kills", (2, 4, 6), "kill -9 of any replica at random", kills, smoke=0.8, full=5),
    FaultRow("crash-points", (1, 3, 5), "death at a named point between two steps", crash_points, smoke=0.2, full=1),
    FaultRow("crash-pairs", (1, 3, 5), "two replicas die at two points at once", crash_pairs, smoke=0, full=2),
    FaultRow("deaths", (1, 2, 3, 4, 5, 6, 7, 8), "each role killed, crashed, paused in turn", deaths, smoke=0.02, full=1),
    FaultRow("dead-relay", (4,), "kill -9 of a relay that stays away: take-over", dead_relay, smoke=0),
    FaultRow("dead-consumer", (6,), "kill -9 of a reader that stays away: take-over", dead_consumer, smoke=0),
    FaultRow("paused-relay", (7,), "SIGSTOP of a relay past its lease", paused_relay),
    FaultRow("paused-consumer", (8,), "SIGSTOP of a reader past its session", paused_consumer, smoke=0),
    FaultRow("pauses", (7, 8), "SIGSTOP of any two replicas, short and long", pauses, smoke=0),
    FaultRow("broker", (9,), "kill -9 of the broker, and its return", broker_away, full=2),
    FaultRow("repeats", (14,), "every record comes again, 1 to 5 times", duplicates, full=3),
    FaultRow("poison", (16,), "records that cannot be read", poisoned),
    FaultRow("redrive", (16,), "a reader that cannot read some events; redrive", redriven, smoke=0, full=1),
    FaultRow("bad-deployment", (), "handlers that fail on every record", bad_deployment, smoke=0, full=1),
    FaultRow("blocked-loop", (18,), "an event loop that is blocked for 15 s", blocked_loop, smoke=0, full=1),
    FaultRow("rebalances", (19,), "a member leaves every 5 s", rebalance_storm, smoke=0),
    FaultRow("database", (20,), "kill -9 of the database, and its return", database_away),
    FaultRow(
        "failing-commands", (21, 22), "the database fails commands", failing_commands, smoke=0, full=2, servers=FailingDatabase
    ),
    FaultRow("terminations", (26,), "SIGTERM under load, without broker, without database", terminated, smoke=0),
    FaultRow("one-key", (31,), "50 callers with one key while a replica dies", idempotency_storm, smoke=0.5),
    FaultRow("black-hole", (10,), "the broker behind a black hole", black_hole, smoke=0, servers=LinkedServers),
    FaultRow("bad-links", (11,), "slow links that tear connections", bad_links, smoke=0, servers=LinkedServers),
    FaultRow("shuffled", (15,), "records out of order within their key", shuffled, smoke=0),
    FaultRow("slow-reader", (17,), "a reader that is given ten times what it can take", slow_reader, smoke=0, full=2.4),
    FaultRow("full-disk", (23,), "the database's disk is full", full_disk, smoke=0, full=1, servers=SmallDisk),
    FaultRow("wrong-clocks", (24,), "clocks that are wrong, and step", wrong_clocks, smoke=0),
    FaultRow("no-descriptors", (25,), "an API without descriptors", no_descriptors, smoke=0, full=2),
    FaultRow("versions", (35,), "an older version beside today's; events with a field more", mixed_versions, smoke=0, full=2),
    FaultRow(
        "three-brokers", (9, 12), "one and then two of three brokers killed", three_brokers, smoke=0, servers=ThreeBrokers
    ),
)
