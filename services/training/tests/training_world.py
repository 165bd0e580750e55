"""What the tests of the training service share: callers, a stand-in for the tasks service, a client with few words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx2

from common.contracts.tasks import PersonChanged, PersonRegistered, UnitChanged, UnitRegistered
from common.domain import Actor, Aggregate
from common.outbox import new_id
from common.repository import Store
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area
from common.unit_of_work import UnitOfWork

A, B = "vn:commune:00694@2025-07-01", "vn:commune:00700@2025-07-01"
SCOPES = frozenset(f"{noun}:{verb}" for noun in ("courses", "programmes", "enrolments") for verb in ("read", "write"))
PROVINCE = Actor("client", "province", SCOPES)


def of_unit(*units: str) -> Actor:
    return Actor("client", f"system-of-{len(units)}", SCOPES, frozenset(units))


class PersonAtOwner(Aggregate):
    noun: ClassVar[tuple[str, str]] = ("người", "person")


class UnitAtOwner(Aggregate):
    noun: ClassVar[tuple[str, str]] = ("đơn vị", "unit")


PEOPLE = Store(PersonAtOwner, "people")
UNITS = Store(UnitAtOwner, "units")
TASKS = Service("tasks", "stand-in for tasks", Settings, [PEOPLE, UNITS])


@dataclass
class Directory:
    """The tasks service as the others see it: people and units that register and change."""

    process: Process

    async def person(
        self, person_id: str, unit_id: str, *audiences: str, position: str = "officer", active: bool = True
    ) -> None:
        """Register a person, or tell how they have changed."""

        async def work(uow: UnitOfWork) -> None:
            found = await uow.get(PEOPLE, person_id)
            kind = PersonRegistered if found is None else PersonChanged
            person = found or PersonAtOwner(id=person_id)
            person.record(
                kind(person_id=person_id, unit_id=unit_id, position=position, audiences=list(audiences), active=active)
            )
            uow.save(PEOPLE, person)

        await self.process.units.run(work, self.process.units.system())

    async def unit(self, unit_id: str, full_name: str) -> None:
        async def work(uow: UnitOfWork) -> None:
            found = await uow.get(UNITS, unit_id)
            kind = UnitRegistered if found is None else UnitChanged
            unit = found or UnitAtOwner(id=unit_id)
            unit.record(kind(unit_id=unit_id, code=unit_id.split(":")[2][:5], level="commune", full_name=full_name))
            uow.save(UNITS, unit)

        await self.process.units.run(work, self.process.units.system())


@dataclass
class Api:
    """A caller of the training service."""

    client: httpx2.AsyncClient

    async def get(self, path: str, expect: int = 200, **params: Any) -> Any:
        answer = await self.client.get(f"/v1/{path}", params=params)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def items(self, path: str, **params: Any) -> list[Any]:
        answer = await self.get(path, **params)
        assert answer["next_cursor"] is None
        found: list[Any] = answer["items"]
        return found

    async def post(self, path: str, body: Any = None, *, expect: int | None = None, key: str = "", **headers: str) -> Any:
        headers = {"Idempotency-Key": key or new_id(), **headers}
        answer = await self.client.post(f"/v1/{path}", json=body, headers=headers)
        assert answer.status_code == (expect or answer.status_code), answer.text
        assert expect or answer.is_success, answer.text
        return answer.json()

    async def refused(self, status: int, code: str, path: str, body: Any = None) -> Any:
        """Post what must be refused with this status and this code; every problem says how to repair it."""
        problem = await self.post(path, body, expect=status)
        assert code in [one["code"] for one in problem["errors"]], problem
        assert all(one["message"] and one["repair"] for one in problem["errors"])
        return problem

    async def programme(self, **changes: Any) -> str:
        body = {"title": "Bình dân học vụ số 2026", "course_ids": ["C-AI"], **changes}
        made = await self.post("programmes", body, expect=201)
        return str(made["id"])

    async def enrol(self, programme: str, person: str) -> Any:
        return await self.post("enrolments", {"programme_id": programme, "person_id": person}, expect=201)

    async def complete(self, enrolment: Any) -> Any:
        return await self.post(f"enrolments/{enrolment['id']}/complete")

    async def waves(self, programme: str, unit: str = A) -> list[Any]:
        (found,) = await self.items(f"programmes/{programme}/waves", unit=unit)
        waves: list[Any] = found["waves"]
        return waves

    async def states(self, programme: str, unit: str = A) -> str:
        """`open closed closed`, first wave first."""
        return " ".join(wave["state"] for wave in await self.waves(programme, unit))


@asynccontextmanager
async def calling(area: Area, process: Process, actor: Actor = PROVINCE, **headers: str) -> AsyncIterator[Api]:
    async with area.client(process, actor, **headers) as client:
        yield Api(client)
