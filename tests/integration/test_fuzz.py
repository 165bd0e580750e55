"""Nothing that a caller sends brings a service out of its OpenAPI document (`tests/integration/fuzzing.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from fastapi import Query, Response

from audit.domain.ledger import Ledger
from audit.store import ENTRIES, ORIGINALS
from common.contracts.base import Envelope, Record
from common.domain import Actor
from common.http import Call, Routes, View, reads
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area
from common.unit_of_work import UnitOfWork
from deploy.local.parts import free_port
from notifications.domain.person import Person as Recipient
from notifications.store import NOTICES
from notifications.store import PEOPLE as RECIPIENTS
from services.notifications.tests.mail_sink import Sink
from services.notifications.tests.test_notices_api import make_notice
from services.tasks.tests.report_world import with_rubric
from services.tasks.tests.task_world import MINISTRY, A, B, TaskApi, furnish
from services.training.tests.training_world import Api as TrainingApi
from tasks.domain.target import Target as Goal
from tasks.store import TARGETS
from tests.integration.fuzzing import PATIENCE, Called, Known, scopes_of, walk
from tools.services import load
from training.domain.directory import Person as Learner
from training.store import PEOPLE as LEARNERS

pytestmark = pytest.mark.servers


LIFE: list[tuple[str, Any]] = [
    ("publish", None),
    ("assign", None),
    ("accept", None),
    ("add-evidence", {"kind": "document", "title": "Báo cáo 12/BC-UBND"}),
    ("submit", {"words": "Đã làm xong"}),
    ("complete", None),
]


async def of_tasks(process: Process, http: Any) -> Known:
    await furnish(process)
    api = TaskApi(http)
    due = datetime.now(UTC).date() + timedelta(days=30)
    tasks = []
    for verbs in range(len(LIFE) + 1):
        task = await api.create(deadline_written=f"{due:%d/%m/%Y}", directive_id="dir-1")
        for verb, body in LIFE[:verbs]:
            await api.do(task, verb, body)
        tasks.append(task)
    await api.patch("committee/report-plans/committee", {})
    rubric = await with_rubric(api)

    async def target(uow: UnitOfWork) -> None:
        words = {"source": "57-NQ/TW", "indicator": "Kinh tế số", "value_written": "30%", "due_written": "2030"}
        uow.save(TARGETS, Goal(id="goal-1", measure="percent", operator=">=", low=30, high=30, **words).set_up())

    await process.units.run(target, process.units.system())
    month = datetime.now(UTC).strftime("%Y-%m")
    return {
        "task_id": tasks, "directive_id": ["dir-1"], "unit_id": [A, B, MINISTRY], "lead_unit_id": [A, B], "unit": [A, B],
        "person_id": ["per-doer", "per-head"], "responsible_id": ["per-doer"], "approver_id": ["per-head"],
        "plan_id": ["committee"], "plan": ["committee"], "period": [month, "2025-12"], "rubric_id": [rubric["id"]],
        "target_id": ["goal-1"], "parent_id": ["dir-1"], "directive": ["dir-1"],
    }  # fmt: skip


async def of_training(process: Process, http: Any) -> Known:
    async def learners(uow: UnitOfWork) -> None:
        for person in ("anna", "binh", "chi"):
            uow.put(LEARNERS, Learner(id=person, unit_id=A, position="officer", audiences=["AUD-LEAD"], active=True))

    await process.units.run(learners, process.units.system())
    api = TrainingApi(http)
    await api.post("courses", {"id": "C-AI", "title": "Trí tuệ nhân tạo", "topic": "ai"}, expect=201)
    programme = await api.programme()
    enrolled = await api.enrol(programme, "anna")
    return {
        "course_id": ["C-AI"], "course_ids": ["C-AI"], "programme_id": [programme], "programme": [programme], "wave": [0, 1],
        "person_id": ["anna", "binh", "chi"], "person": ["anna"], "unit_id": [A], "unit": [A], "enrolment_id": [enrolled["id"]],
    }  # fmt: skip


async def of_notifications(process: Process, http: Any) -> Known:
    notices = [make_notice(f"f{number}", "anna") for number in range(3)]

    async def told(uow: UnitOfWork) -> None:
        uow.put(RECIPIENTS, Recipient(id="anna", unit_id="u1", position="officer"))
        for notice in notices:
            uow.save(NOTICES, notice)

    await process.units.run(told, process.units.system())
    return {"notice_id": [notice.id for notice in notices], "recipient": ["anna"]}


async def of_audit(process: Process, http: Any) -> Known:
    async def entered(uow: UnitOfWork) -> None:
        ledger = Ledger(id="head")
        for number in range(3):
            at = datetime.now(UTC)
            about = Envelope(f"e-{number}", "/roviec/tasks", "tasks.task.done.v1", "t-1", at, number + 1, "client:gate", "c-9")
            record = Record("tasks-events", 0, number, b"t-1", b"{}", tuple(about.headers()))
            entry, original = ledger.enter(about, record, secret=bytes(32), at=at)
            uow.add(ENTRIES, entry)
            uow.add(ORIGINALS, original)

    await process.units.run(entered, process.units.system())
    return {"index": ["0", "1", "2"], "subject": ["t-1"], "event_id": ["e-1"], "type": ["tasks.task.done.v1"]}


SEEDED = {"tasks": of_tasks, "training": of_training, "notifications": of_notifications, "audit": of_audit}


@pytest.mark.parametrize("name", SEEDED)
async def test_no_call_brings_a_service_out_of_its_document(area: Area, name: str) -> None:
    async with calling(area, load(name), SEEDED[name]) as called:
        wrong = await asyncio.to_thread(walk, called)
    assert not wrong, "\n\n".join(wrong)


@asynccontextmanager
async def calling(area: Area, service: Service, seeded: Callable[[Process, Any], Awaitable[Known]]) -> AsyncIterator[Called]:
    port, actor = free_port(), Actor("client", "fuzz", scopes_of(service))
    more = {"transaction_seconds": PATIENCE, **(Sink().settings() if service.name == "notifications" else {})}
    async with area.running(service, "api", api_port=port, **more) as process, area.client(process, actor) as http:
        known = await seeded(process, http)
        yield Called(service, f"http://127.0.0.1:{port}", lambda: f"Bearer {area.keys.token(service.name, actor)}", known)


planted = Routes("planted")


class Counted(View):
    count: int


@planted.get("/courses/broken", response_model=Counted)
async def broken(call: Annotated[Call, reads("courses:read")], size: int = 0) -> Response:
    return Response(status_code=503 if size < 0 else 200)


@planted.get("/courses/other", response_model=Counted)
async def other(call: Annotated[Call, reads("courses:read")]) -> Response:
    return Response(b'{"count": "seven"}', media_type="application/json")


@planted.get("/courses/lax", response_model=Counted)
async def lax(
    call: Annotated[Call, reads("courses:read")],
    size: Annotated[str, Query(json_schema_extra={"pattern": "^[0-9]{3}$"})],
) -> Response:
    return call.one(Counted(count=len(size)))


async def test_what_leaves_its_document_is_caught(area: Area) -> None:
    async def nothing(process: Process, http: Any) -> Known:
        return {}

    async with calling(area, Service("training", "planted", Settings, [], routes=[planted]), nothing) as called:
        wrong = await asyncio.to_thread(walk, called)
    assert {one.split(" (")[0] for one in wrong} == {f"GET /v1/courses/{path}" for path in ("broken", "other", "lax")}
