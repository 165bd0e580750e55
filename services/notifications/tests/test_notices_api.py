"""The inbox and the preferences over HTTP, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from common.domain import Actor
from common.http import IDEMPOTENCY
from common.outbox import OUTBOX, new_id
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from notifications.domain.notice import Mail, Notice, notice_id
from notifications.domain.person import Person
from notifications.domain.text import Bilingual
from notifications.service import service
from notifications.store import CONTACTS, NOTICES, PEOPLE
from services.notifications.tests.mail_sink import Sink

pytestmark = pytest.mark.servers
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SCOPES = frozenset({"notices:read", "notices:write", "preferences:read", "preferences:write"})
PORTAL = Actor("client", "portal", SCOPES)
UNIT_ONE = Actor("client", "one", SCOPES, frozenset({"u1"}))
ANNA, BINH = Actor("person", "anna", SCOPES), Actor("person", "binh", SCOPES)


def make_notice(fact: str, recipient: str, kind: str = "task_assigned", minutes: int = 0) -> Notice:
    text = Bilingual(vi=f"Giao nhiệm vụ: {fact}", en=f"Task assigned: {fact}")
    return Notice(
        id=notice_id(fact, recipient, kind), recipient_id=recipient, kind=kind, fact_id=fact, about="/v1/tasks/t", title=text,
        body=text, created_at=NOW + timedelta(minutes=minutes), mail=Mail(state="none", reason_code="no_address"),
        correlation_id="c",
    ).create()  # fmt: skip


@asynccontextmanager
async def api(area: Area, settings: dict[str, Any]) -> AsyncIterator[Process]:
    """The API alone, with Anna in unit u1 and Binh in u2, seven notices for her and one for him."""

    async def work(uow: UnitOfWork) -> None:
        uow.put(PEOPLE, Person(id="anna", unit_id="u1", position="officer"))
        uow.put(PEOPLE, Person(id="binh", unit_id="u2", position="unit_head"))
        for number in range(7):
            kind = "task_overdue" if number == 3 else "task_assigned"
            uow.save(NOTICES, make_notice(f"f{number}", "anna", kind, number // 2))
        uow.save(NOTICES, make_notice("g", "binh"))

    async with area.running(service, "api", **settings) as process:
        await process.units.run(work, process.units.system())
        yield process


async def test_an_inbox_is_its_owners_alone(area: Area, sink: Sink) -> None:
    async with api(area, sink.settings()) as process:
        anna, binh = area.client(process, ANNA), area.client(process, BINH)
        portal, one = area.client(process, PORTAL), area.client(process, UNIT_ONE)

        async def facts(client: httpx2.AsyncClient, **query: str) -> list[str]:
            answer = await client.get("/v1/notices", params=query)
            assert answer.status_code == 200, answer.text
            return [item["fact_id"] for item in answer.json()["items"]]

        assert len(await facts(anna)) == 7
        assert await facts(binh) == ["g"]
        assert await facts(anna, recipient="binh") == []
        assert len(await facts(portal)) == 8
        assert await facts(portal, recipient="binh") == ["g"]
        assert len(await facts(one)) == 7
        assert await facts(one, recipient="binh") == []
        assert await facts(anna, kind="task_overdue") == ["f3"]
        assert await facts(portal, mail="failed") == []

        his, nobodys = notice_id("g", "binh", "task_assigned"), new_id()
        for method, path in (("GET", ""), ("POST", "/read")):
            for client in (anna, one):
                headers = {"Idempotency-Key": new_id()}
                foreign = await client.request(method, f"/v1/notices/{his}{path}", headers=headers)
                missing = await client.request(method, f"/v1/notices/{nobodys}{path}", headers=headers)
                assert foreign.status_code == missing.status_code == 404
                assert foreign.json()["detail"].replace(his, "") == missing.json()["detail"].replace(nobodys, "")
        assert (await binh.get(f"/v1/notices/{his}")).status_code == 200


async def test_pages_come_newest_first_and_survive_what_comes_in(area: Area, sink: Sink) -> None:
    async with api(area, sink.settings()) as process:
        anna = area.client(process, ANNA)
        seen, cursor = [], None
        while True:
            query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
            answer = (await anna.get("/v1/notices", params=query)).json()
            seen += [item["created_at"] + item["fact_id"] for item in answer["items"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                break

            async def one_more(uow: UnitOfWork, later: str = f"later {len(seen)}") -> None:
                uow.save(NOTICES, make_notice(later, "anna", minutes=60))

            await process.units.run(one_more, process.units.system())
        assert len(seen) == len(set(seen)) == 7
        assert [moment[:20] for moment in seen] == sorted((moment[:20] for moment in seen), reverse=True)
        forged = await anna.get("/v1/notices", params={"cursor": "ImEi.AAAA"})
        assert forged.status_code == 422
        unknown = await anna.get("/v1/notices", params={"kind": "gossip"})
        assert unknown.status_code == 422
        assert "task_assigned" in unknown.json()["errors"][0]["repair"]


async def test_reading_is_marked_once(area: Area, sink: Sink) -> None:
    async with api(area, sink.settings()) as process:
        anna = area.client(process, ANNA)
        path = f"/v1/notices/{notice_id('f0', 'anna', 'task_assigned')}"
        before = await anna.get(path)
        assert before.json()["state"] == "unread"
        assert (await anna.get(path, headers={"If-None-Match": before.headers["etag"]})).status_code == 304
        stale = await anna.post(f"{path}/read", headers={"Idempotency-Key": new_id(), "If-Match": '"99"'})
        assert stale.status_code == 412
        headers = {"Idempotency-Key": new_id(), "If-Match": before.headers["etag"]}
        done = await anna.post(f"{path}/read", headers=headers)
        assert done.status_code == 200, done.text
        assert done.json()["state"] == "read"
        again = await anna.post(f"{path}/read", headers=headers)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == done.json()
        other = await anna.post(f"{path}/read", headers={"Idempotency-Key": new_id()})
        assert other.headers["etag"] == done.headers["etag"]
        assert (await anna.post(f"{path}/read")).status_code == 400
        unread = await anna.get("/v1/notices", params={"state": "unread"})
        assert len(unread.json()["items"]) == 6
        events = await process.database.collection(OUTBOX).count_documents({"type": "notifications.notice.read.v1"})
        assert events == 1


async def test_preferences_are_kept_changed_and_erased(area: Area, sink: Sink) -> None:
    async with api(area, sink.settings()) as process:
        anna, one = area.client(process, ANNA), area.client(process, UNIT_ONE)
        path, address = "/v1/preferences/anna", "anna.nguyen@so.example.vn"
        none = await anna.get(path)
        assert (none.json()["address"], none.headers["etag"]) == (None, '"0"')
        assert all(none.json()["mail"].values())

        put = await anna.put(path, json={"address": address, "mail": {"task_overdue": False}})
        assert put.status_code == 200, put.text
        assert put.json()["mail"]["task_overdue"] is False
        again = await one.put(path, json={"address": address}, headers={"If-Match": put.headers["etag"]})
        assert again.json()["mail"]["task_overdue"] is True
        stale = await anna.put(path, json={"address": None}, headers={"If-Match": put.headers["etag"]})
        assert stale.status_code == 412

        for body in (
            {"address": "not an address"},
            {"address": "a@b\r\nBcc: c@d"},
            {"mail": {"gossip": True}},
            {"adress": "a@b"},
        ):
            refused = await anna.put(path, json=body)
            assert refused.status_code == 422, body
            assert refused.json()["errors"][0]["repair"]
        for who, other in ((anna, "binh"), (one, "binh"), (one, "nobody"), (area.client(process, PORTAL), "nobody")):
            for method in ("GET", "PUT", "DELETE"):
                content = {"address": "x@example.vn"} if method == "PUT" else None
                assert (await who.request(method, f"/v1/preferences/{other}", json=content)).status_code == 404

        for collection in (OUTBOX, IDEMPOTENCY, NOTICES.collection, PEOPLE.collection):
            assert address not in repr(await process.database.collection(collection).find({}).to_list(None))
        assert (await anna.delete(path)).status_code == 204
        assert (await anna.delete(path)).status_code == 204
        assert await process.database.collection(CONTACTS.collection).count_documents({}) == 0
        assert (await anna.get(path)).json()["address"] is None


async def test_every_route_needs_its_scope(area: Area, sink: Sink) -> None:
    async with api(area, sink.settings()) as process:
        reader = area.client(process, Actor("client", "r", frozenset({"notices:read"})))
        writer = area.client(process, Actor("client", "w", frozenset({"notices:write", "preferences:write"})))
        path = f"/v1/notices/{notice_id('f0', 'anna', 'task_assigned')}"
        key = {"Idempotency-Key": new_id()}
        assert (await reader.post(f"{path}/read", headers=key)).status_code == 403
        assert (await reader.get("/v1/preferences/anna")).status_code == 403
        assert (await reader.put("/v1/preferences/anna", json={})).status_code == 403
        assert (await reader.delete("/v1/preferences/anna")).status_code == 403
        assert (await writer.get("/v1/notices")).status_code == 403
        assert (await writer.get(path)).status_code == 403
        assert (await writer.get("/v1/preferences/anna")).status_code == 403
