"""What the tests of tasks share: a clock that is set by hand, the register, callers, a client with few words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import httpx2

from common.domain import Actor
from common.outbox import new_id
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.directive import Directive
from tasks.domain.directory import Person, Unit
from tasks.domain.matters import OpenPeriod
from tasks.domain.task import Task
from tasks.features.pages import Step, apart
from tasks.service import service
from tasks.store import DIRECTIVES, PEOPLE, UNITS

A, B = "vn:commune:00694@2025-07-01", "vn:commune:00700@2025-07-01"
MINISTRY = "agency:bkhcn"
SCOPES = frozenset({"tasks:read", "tasks:write", "tasks:assign", "tasks:review", "committee:read", "committee:write"})
PROVINCE = Actor("client", "province", SCOPES)
SYSTEM_A = Actor("client", "system-a", SCOPES, frozenset({A}))
SYSTEM_B = Actor("client", "system-b", SCOPES, frozenset({B}))
DOER = Actor("person", "per-doer", SCOPES, frozenset({A}))
HEAD = Actor("person", "per-head", SCOPES, frozenset({A}))

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

CLEAR = {
    "title": "Rà soát tài khoản người dùng",
    "lead_unit_id": A,
    "responsible_id": "per-doer",
    "approver_id": "per-head",
    "deadline_written": "30/11/2026",
    "product": "Báo cáo rà soát",
}
"""What is clear in all five points."""

PEOPLE_OF = {
    "per-doer": Person(id="per-doer", unit_id=A, position="officer"),
    "per-second": Person(id="per-second", unit_id=A, position="officer"),
    "per-head": Person(id="per-head", unit_id=A, position="unit_head"),
    "per-gone": Person(id="per-gone", unit_id=A, position="officer", active=False),
    "per-other": Person(id="per-other", unit_id=B, position="officer"),
}


def a_task(**changes: Any) -> Task:
    """A task that is clear in every point, with these fields instead."""
    fields = {
        "id": "t1", "created_at": NOW, "title": "Rà soát tài khoản người dùng", "lead_unit_id": A, "responsible_id": "per-doer",
        "approver_id": "per-head", "deadline_written": "30/11/2026", "deadline_kind": "date", "due_on": date(2026, 11, 30),
        "product": "Báo cáo", "product_kind": "document", "evidence_kind": "document",
    }  # fmt: skip
    return Task.model_validate(fields | changes)


def open_periods(chance: Random) -> list[OpenPeriod]:
    """None, or some periods with days around today, handed in by today or not."""
    return [
        OpenPeriod(
            key=f"p{number}",
            due_on=TODAY + timedelta(days=chance.randint(-6, 6)),
            submitted_on=chance.choice([None, TODAY - timedelta(days=chance.randint(0, 6))]),
        )
        for number in range(chance.choice([0, 0, 1, 2]))
    ]


class HandClock:
    """A clock that shows what it was set to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class TaskApi:
    """A caller of the tasks service."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, expect: int = 200, params: Mapping[str, str] | None = None, **more: Any) -> Any:
        answer = await self.client.get(f"/v1/{path}", params={**(params or {}), **more})
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def ids(self, **params: Any) -> list[str]:
        """Ids of the tasks on the first page."""
        return [task["id"] for task in (await self.get("tasks", **params))["items"]]

    async def send(
        self, path: str, body: Any = None, *, method: str = "POST", key: str = "", **headers: str
    ) -> httpx2.Response:
        headers = {"Idempotency-Key": key or new_id()} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, f"/v1/{path}", json=body, headers=headers)

    async def post(self, path: str, body: Any = None, expect: int = 200) -> Any:
        answer = await self.send(path, body)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def patch(self, path: str, body: Any, expect: int = 200) -> Any:
        answer = await self.send(path, body, method="PATCH")
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def create(self, **changes: Any) -> str:
        return str((await self.post("tasks", CLEAR | changes, 201))["id"])

    async def do(self, task: str, verb: str, body: Any = None) -> Any:
        return await self.post(f"tasks/{task}/{verb}", body)

    async def refused(self, status: int, path: str, body: Any = None, method: str = "POST") -> dict[str, dict[str, str]]:
        """Send what must be refused with this status; the reasons by code, each with a repair."""
        answer = await self.send(path, body, method=method)
        assert answer.status_code == status, answer.text
        problem = answer.json()
        assert all(one["message"] and one["repair"] for one in problem.get("errors", [])), problem
        return {one["code"]: one for one in problem.get("errors", [])}

    async def started(self, **changes: Any) -> str:
        """A task that its responsible person has accepted."""
        task = await self.create(**changes)
        for verb in ("publish", "assign", "accept"):
            await self.do(task, verb)
        return task


async def furnish(process: Process) -> None:
    """Put units, people and a directive in the register, as an import would."""

    async def work(uow: UnitOfWork) -> None:
        for unit, level, name in (
            (A, "commune", "Phường Hà Giang 1"),
            (B, "commune", "Phường Hà Giang 2"),
            (MINISTRY, "central", "Bộ Khoa học và Công nghệ"),
        ):
            uow.put(UNITS, Unit(id=unit, code=unit[-5:], level=level, name=name, full_name=name))
        for person in PEOPLE_OF.values():
            uow.put(PEOPLE, person)
        uow.put(DIRECTIVES, Directive(id="dir-1", number="57-NQ/TW", issuer="Bộ Chính trị"))

    await process.units.run(work, process.units.system())


@asynccontextmanager
async def calling(area: Area, process: Process, actor: Actor = PROVINCE, language: str = "vi") -> AsyncIterator[TaskApi]:
    async with area.client(process, actor, **{"Accept-Language": language}) as client:
        yield TaskApi(client)


@asynccontextmanager
async def furnished(area: Area, clock: HandClock, role: str = "api") -> AsyncIterator[Process]:
    async with area.running(service, role, clock) as process:
        await furnish(process)
        yield process


def cut_off_at(page: int) -> Callable[..., Awaitable[bool]]:
    """`pages.apart` of a run that is cut off before the page of this number."""
    begun = 0

    async def apart_until(units: Units, step: Step, ids: list[str]) -> bool:
        nonlocal begun
        begun += 1
        if begun == page:
            raise ConnectionError("cut off")
        return await apart(units, step, ids)

    return apart_until
