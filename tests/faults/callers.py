"""Callers: each takes one task after another through its life, with an Idempotency-Key for each effect, and asks again
until there is an answer. Every answer is kept.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.faults.arena import Arena
from tests.faults.checker import Asked
from tests.faults.mails import address_of

AGAIN = frozenset({429, 502, 503, 504})
RATE = 2.0
"""Effects a second, all callers together: a year of a province's plans in some hours. Each is some fifty requests to the
database, readers and relays included, and twelve processes at rest ask a hundred a second. The local one answers some 350 on
two cores: at 3 effects a second it was busy to 90 %, and what was asked beyond that waited for it, so that rows with a bound in
seconds judged the database.
"""
UNIT = "vn:commune:00694@2025-07-01"
UNITS = """\
unit_uid,nso_code,level,type,name,full_name,slug,parent_uid,valid_from,valid_to,verified,note
vn:province:08@2025-07-01,08,province,Tỉnh,Tuyên Quang,Tỉnh Tuyên Quang,tinh-tuyen-quang,,2025-07-01,,V2,
vn:commune:00694@2025-07-01,00694,commune,Phường,Hà Giang 1,Phường Hà Giang 1,phuong-ha-giang-1,\
vn:province:08@2025-07-01,2025-07-01,,V2,
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One effect: what is asked, and who must be told of it."""

    verb: str
    body: Any = None
    tells: tuple[tuple[str, str], ...] = ()


@dataclass
class People:
    officers: list[str]
    head: str


def life(dice: random.Random, people: People, title: str) -> Iterator[Step]:
    """A task from draft to completion, with the turns that a real one takes. Every step is allowed after those before."""
    does, other = dice.sample(people.officers, 2)
    head = people.head
    due = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()
    content = {"title": title, "lead_unit_id": UNIT, "responsible_id": does, "approver_id": head, "due_on": due}
    yield Step("create", {**content, "product": "Báo cáo rà soát", "authority": "Trưởng Ban Chỉ đạo quyết định và gia hạn"})
    if dice.random() < 0.3:
        yield Step("amend", {"title": f"{title}, bản sửa"})
    yield Step("publish")
    yield Step("assign", {"responsible_id": does}, ((does, "task_assigned"),))
    if dice.random() < 0.3:
        yield Step("refuse", {"reason_code": "overloaded", "words": "Đang chủ trì ba việc khác."}, ((head, "task_refused"),))
        does = other
        yield Step("assign", {"responsible_id": does}, ((does, "task_assigned"),))
    yield Step("accept")
    for percent in sorted(dice.sample(range(1, 100), dice.randint(1, 4))):
        yield Step("report-progress", {"percent": percent, "words": "Đã xong một phần."})
    yield Step("add-evidence", {"kind": "document", "title": "Báo cáo 12/BC-UBND"})
    yield Step("submit", {"words": "Trình kết quả."}, ((head, "task_submitted"),))
    if dice.random() < 0.3:
        yield Step("return", {"reason_code": "incomplete", "words": "Thiếu số liệu."}, ((does, "task_returned"),))
        yield Step("submit", {"words": "Trình lại."}, ((head, "task_submitted"),))
    yield Step("complete", {"words": "Đạt yêu cầu."}, ((does, "task_completed"), (head, "task_completed")))


class Callers:
    """Some callers at work. `asked` is what they wanted and were told, `answers` what they should never have been told."""

    def __init__(self, arena: Arena, seed: int, number: int = 5) -> None:
        self.arena, self.seed, self.number, self.rate = arena, seed, number, RATE
        self._slot = 0.0
        self.asked: dict[str, Asked] = {}
        self.answers: list[str] = []
        self.turned_away: Counter[str] = Counter()
        self.acknowledged = 0
        self.repeated = 0
        self.slowest = 0.0
        self.people = People([], "")
        self.addresses: dict[str, str] = {}
        self.title = "Rà soát tài khoản người dùng"
        self.stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Callers:
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=20)
        self.http = await self._stack.enter_async_context(httpx2.AsyncClient(timeout=8.0, trust_env=False, limits=limits))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def register(self) -> None:
        """The unit and its people, before anything else."""
        dice = random.Random(f"{self.seed}/register")
        content = {"content": UNITS.encode(), "content-type": "text/csv"}
        await self.insist(dice, "POST", "/v1/imports?kind=units", content, f"{self.seed}-units", "units")
        for position in ("unit_head", "officer", "officer", "officer", "officer"):
            body = {"json": {"unit_id": UNIT, "position": position}}
            key = f"{self.seed}-person-{len(self.people.officers)}-{position}"
            answer = await self.insist(dice, "POST", "/v1/people", body, key, key)
            if answer.status_code != 201:
                raise RuntimeError(f"a person was not taken: {answer.status_code} {answer.text[:300]}")
            if position == "unit_head":
                self.people.head = answer.json()["id"]
            else:
                self.people.officers.append(answer.json()["id"])
        for person in (self.people.head, *self.people.officers):
            await self._give_address(dice, person)

    async def _give_address(self, dice: random.Random, person: str) -> None:
        """Have somebody's mail go somewhere; the notifications service knows new people within seconds."""
        body = {"json": {"address": address_of(person)}}
        while True:
            answer = await self.insist(dice, "PUT", f"/v1/preferences/{person}", body, person, f"address-{person}")
            if answer.status_code != 404:
                break
            await asyncio.sleep(0.2)
        if answer.status_code != 200:
            raise RuntimeError(f"an address was not taken: {answer.status_code} {answer.text[:300]}")
        self.addresses[person] = address_of(person)

    def start(self) -> None:
        self.stopping = False
        round_ = len(self._tasks)
        self._tasks += [asyncio.create_task(self._work(f"{round_}.{n}")) for n in range(self.number)]

    async def stop(self, seconds: float = 60.0) -> None:
        """Let each finish the effect in hand. What is not answered by then stays unacknowledged."""
        self.stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            self.answers += [f"{len(late)} callers had no answer within {seconds:.0f} s"] if late else []
            for task in self._tasks:
                if task.done() and not task.cancelled() and task.exception() is not None:
                    self.answers.append(f"a caller failed: {task.exception()!r}")

    async def _work(self, name: str) -> None:
        dice = random.Random(f"{self.seed}/{name}")
        number = 0
        while not self.stopping:
            number += 1
            await self.play(dice, f"{name}.{number}")

    async def play(self, dice: random.Random, name: str) -> None:
        """One task through its life, as far as there is time."""
        task_id = ""
        for place, step in enumerate(life(dice, self.people, f"{self.title} {name}")):
            if self.stopping:
                return
            request_id = f"{dice.getrandbits(96):024x}"
            answer = await self.effect(dice, step, task_id, request_id)
            if answer is None:
                return
            if not place:
                task_id = answer.json()["id"]
            await self._rest()

    async def _rest(self) -> None:
        now = time.monotonic()
        self._slot = max(now, self._slot + 1 / self.rate)
        await asyncio.sleep(self._slot - now)

    async def effect(self, dice: random.Random, step: Step, task_id: str, request_id: str) -> httpx2.Response | None:
        """One effect under one key. None, and an entry in `answers`, when it was refused."""
        method = {"create": "POST", "amend": "PATCH"}.get(step.verb, "POST")
        path = "/v1/tasks" + {"create": "", "amend": f"/{task_id}"}.get(step.verb, f"/{task_id}/{step.verb}")
        self.asked[request_id] = Asked(request_id, task_id, step.verb, None, step.tells)
        body = {} if step.body is None else {"json": step.body}
        answer = await self.insist(dice, method, path, body, f"key-{request_id}", request_id)
        if answer.status_code not in (200, 201):
            self.answers.append(f"{step.verb} {task_id} of {request_id}: {answer.status_code} {answer.text[:200]}")
            return None
        found = answer.json()["id"]
        sequence = int(answer.headers["ETag"].strip('"'))
        self.note(request_id, found, sequence, step)
        if dice.random() < 0.1:  # asked once more: the same answer, and no second effect
            self.repeated += 1
            again = await self.insist(dice, method, path, body, f"key-{request_id}", request_id)
            if again.content != answer.content:
                self.answers.append(f"{step.verb} {found}: the same key was answered otherwise")
        return answer

    def note(self, request_id: str, task_id: str, sequence: int, step: Step) -> None:
        """An effect was acknowledged."""
        self.asked[request_id] = Asked(request_id, task_id, step.verb, sequence, step.tells)
        self.acknowledged += 1

    async def insist(
        self, dice: random.Random, method: str, path: str, content: dict[str, Any], key: str, request_id: str
    ) -> httpx2.Response:
        """Ask, through any gateway, until there is an answer."""
        content = dict(content)
        kind = content.pop("content-type", None)
        started = time.monotonic()
        while True:
            headers = {"Authorization": f"Bearer {self.arena.signer.access()}", "Idempotency-Key": key}
            headers |= {"X-Request-Id": request_id} | ({"Content-Type": kind} if kind else {})
            url = dice.choice(self.arena.doors) + path
            try:
                answer = await self.http.request(method, url, headers=headers, **content)
            except httpx2.TransportError as error:
                self.turned_away[type(error).__name__] += 1
            else:
                busy = answer.status_code == 409 and "Retry-After" in answer.headers
                if not busy and answer.status_code not in AGAIN:
                    self.slowest = max(self.slowest, time.monotonic() - started)
                    return answer
                self.turned_away[str(answer.status_code)] += 1
            await asyncio.sleep(0.1 + dice.random() * 0.3)
