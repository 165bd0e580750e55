"""From other services' events to inboxes and mailboxes, over a real broker, database and mail server."""

from __future__ import annotations

import logging
from datetime import date
from typing import ClassVar

import pytest

from common import inbox
from common.contracts.base import Event
from common.contracts.tasks import (
    PersonChanged,
    PersonRegistered,
    TaskAssigned,
    TaskBecameOverdue,
    TaskCompleted,
    TaskFellDueSoon,
    TaskRefused,
    TaskReturned,
    TaskSubmitted,
)
from common.contracts.tasks_life import ExtensionGranted, TaskEscalated
from common.contracts.training import EnrolmentOpened
from common.domain import Actor, Aggregate
from common.observability import JsonLines
from common.outbox import OUTBOX
from common.repository import Reader, Store
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from notifications.service import service
from notifications.store import CONTACTS, NOTICES, PEOPLE
from services.notifications.tests.mail_sink import Sink

pytestmark = pytest.mark.servers
SCOPES = frozenset({"notices:read", "preferences:write"})
ADDRESS = "lan.tran.secret@so.example.vn"


class Fact(Aggregate):
    noun: ClassVar = ("sự việc", "fact")


FACTS = Store(Fact, "facts")
TASKS = Service("tasks", "facts of tasks", Settings, [FACTS])
TRAINING = Service("training", "facts of training", Settings, [FACTS])


async def say(process: Process, *events: Event) -> None:
    async def work(uow: UnitOfWork) -> None:
        for event in events:
            fact = await uow.get(FACTS, event.subject) or Fact(id=event.subject)
            uow.save(FACTS, fact.record(event))

    await process.units.run(work, process.units.system())


def person(person_id: str, position: str = "officer", unit: str = "u1", **more: object) -> PersonRegistered:
    return PersonRegistered(person_id=person_id, unit_id=unit, position=position, audiences=[], **more)


def task(task_id: str, **more: object) -> dict[str, object]:
    fields = {"title": "Rà soát tài khoản", "lead_unit_id": "u1", "responsible_id": "lan", "approver_id": "minh"}
    return {"task_id": task_id, "due_on": date(2026, 11, 30), **fields, **more}


async def test_the_right_people_are_told_once_by_inbox_and_mail(
    area: Area, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        area.running(TASKS) as tasks,
        area.running(TRAINING) as training,
        area.running(service, **sink.settings()) as process,
    ):
        reader = Reader(process.database)
        await say(
            tasks,
            person("lan"),
            person("minh", "unit_head"),
            person("hoa", "unit_head"),
            person("old", "unit_head", active=False),
            person("far", "unit_head", unit="u2"),
        )

        async def people_known() -> bool:
            return await reader.count(PEOPLE, {}) == 5

        await eventually("the copy of people is there", people_known)

        # an address that is set later serves later notices only
        await say(tasks, TaskAssigned(**task("t0")))

        async def told(count: int) -> bool:
            return await reader.count(NOTICES, {}) == count

        await eventually("the first notice is there", lambda: told(1))
        portal = area.client(process, Actor("client", "portal", SCOPES))
        assert (await portal.put("/v1/preferences/lan", json={"address": ADDRESS})).status_code == 200
        assert (await portal.put("/v1/preferences/old", json={"address": "old@example.vn"})).status_code == 200

        await say(
            tasks,
            TaskAssigned(**task("t1")),
            TaskReturned(**task("t1"), reason_code="evidence"),
            TaskRefused(**task("t1"), reason_code="not_our_function"),
            TaskSubmitted(**task("t1"), submitted_at=process.units.clock()),
            TaskFellDueSoon(**task("t1"), days_left=3),
            TaskBecameOverdue(**task("t1")),
            TaskCompleted(**task("t1"), completed_at=process.units.clock(), timeliness="done_late"),
            TaskAssigned(**task("t2", responsible_id="old")),
        )
        opened = EnrolmentOpened(
            enrolment_id="e1", programme_id="p1", title="An toàn thông tin", person_id="lan", unit_id="u1", wave=0
        )
        await say(training, opened)
        # overdue tells lan, minh (approver and head, once) and hoa; completed tells lan and minh
        expected = sorted(
            [
                ("task_assigned", "lan"), ("task_assigned", "lan"), ("task_returned", "lan"), ("task_refused", "minh"),
                ("task_submitted", "minh"), ("task_due_soon", "lan"), ("task_overdue", "lan"), ("task_overdue", "minh"),
                ("task_overdue", "hoa"), ("task_completed", "lan"), ("task_completed", "minh"), ("task_assigned", "old"),
                ("wave_opened", "lan"),
            ]
        )  # fmt: skip
        await eventually("everybody is told", lambda: told(len(expected)))
        assert sorted((notice.kind, notice.recipient_id) for notice in await reader.find(NOTICES, {})) == expected

        # mail: to lan alone, six times; not for the first notice, not to who has left
        async def delivered() -> bool:
            return await reader.count(NOTICES, {"mail.state": "delivered"}) == 6

        await eventually("her mail is delivered", delivered)
        assert {to for to, _ in sink.taken} == {ADDRESS}
        assert len({message["Message-ID"] for _, message in sink.taken}) == len(sink.taken) == 6
        without = {n.recipient_id: n.mail.reason_code for n in await reader.find(NOTICES, {"mail.state": "none"})}
        assert without == {"lan": "no_address", "minh": "no_address", "hoa": "no_address", "old": "person_inactive"}

        # what the broker delivers again changes nothing, not even when the inbox has forgotten it
        for collection in (inbox.CLAIMS, inbox.GUARDS):
            await process.database.collection(collection).delete_many({})
        await tasks.database.collection(OUTBOX).update_many({}, {"$set": {"state": "P"}})
        await say(tasks, PersonChanged(person_id="lan", unit_id="u2", position="officer", audiences=[]))

        async def moved() -> bool:
            lan = await reader.get(PEOPLE, "lan")
            return lan is not None and lan.unit_id == "u2"

        await eventually("she has moved, and all before it was read again", moved)

        async def read_again() -> bool:
            query = {"_id": {"$regex": "/t1$"}, "seq": 7}
            return bool(await process.database.collection(inbox.GUARDS).count_documents(query) == 1)

        await eventually("the task's facts were read again", read_again)
        assert await told(len(expected))
        assert len(sink.taken) == 6

        # a client limited to units follows the person
        for unit, count in (("u1", 6), ("u2", 7)):
            limited = area.client(process, Actor("client", "limited", SCOPES, frozenset({unit})))
            assert len((await limited.get("/v1/notices")).json()["items"]) == count

        # the address is in one place
        for owner in (process, tasks, training):
            for name in await owner.database._db.list_collection_names():
                rows = repr(await owner.database.collection(name).find({}).to_list(None))
                assert ("lan.tran" in rows) == (owner is process and name == CONTACTS.collection), name
        ours = [record for record in caplog.records if record.name != "mail.log"]
        assert any(record.getMessage() == "mail_settled" for record in ours)
        lines = JsonLines("notifications")
        assert not any("lan.tran" in lines.format(record) for record in ours)


async def test_what_is_late_is_told_to_the_level_that_the_fact_names(area: Area, sink: Sink) -> None:
    late = {"days_late": 5, "counted_from": date(2026, 11, 30)}
    async with area.running(TASKS) as tasks, area.running(service, **sink.settings()) as process:
        reader = Reader(process.database)
        await say(
            tasks,
            person("lan"),
            person("minh", "unit_head"),
            person("khoa", "standing_agency", unit="u9"),
            person("left", "standing_agency", unit="u9", active=False),
            person("binh", "committee_leader", unit="u8"),
        )

        async def people_known() -> bool:
            return await reader.count(PEOPLE, {}) == 5

        await eventually("the copy of people is there", people_known)
        await say(
            tasks,
            TaskEscalated(**task("t1"), **late, level="unit_head"),
            TaskEscalated(**task("t1"), **late, level="standing_agency"),
            TaskEscalated(**task("t1"), **late, level="committee_leader"),
            ExtensionGranted(
                **task("t1"), number=1, wanted_on=date(2026, 12, 15), due_before=date(2026, 11, 20),
                original_due_on=date(2026, 11, 20),
            ),
        )  # fmt: skip
        expected = [
            ("extension_granted", "lan"), ("extension_granted", "minh"), ("task_escalated", "binh"),
            ("task_escalated", "khoa"), ("task_escalated", "minh"),
        ]  # fmt: skip

        async def told() -> bool:
            return await reader.count(NOTICES, {}) == len(expected)

        await eventually("everybody is told", told)
        assert sorted((notice.kind, notice.recipient_id) for notice in await reader.find(NOTICES, {})) == expected
