"""Calls through the gateway to a real service, over real sockets: what a new user of the API would try, and get wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from common.contracts.tasks import PersonChanged, PersonRegistered
from common.domain import Aggregate
from common.outbox import new_id
from common.repository import Store
from common.service import Process, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from deploy.local.parts import free_port
from gateway.tests.gateway_world import UNIT, World, behind, gateway
from training.domain.directory import Person as Learner
from training.service import service as training
from training.store import PEOPLE as LEARNERS

pytestmark = pytest.mark.servers

COURSE = {"id": "C-AI", "title": "Responsible use of AI", "topic": "officials"}
FOREIGN = "vn:commune:00700@2025-07-01"


@asynccontextmanager
async def both(area: Area) -> AsyncIterator[tuple[World, Process]]:
    """The gateway and the training service behind it."""
    port, inner = free_port(), free_port()
    async with (
        behind(area, training, inner, port) as process,
        gateway(area, port=port, training_url=f"http://127.0.0.1:{inner}") as world,
    ):
        yield world, process


@pytest.fixture
async def world(area: Area) -> AsyncIterator[World]:
    async with both(area) as (world, _):
        yield world


async def post(world: World, path: str, body: Any, headers: dict[str, str], key: str | None = None) -> httpx2.Response:
    return await world.http.post(path, headers={**headers, "Idempotency-Key": key or new_id()}, json=body)


def problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    return dict(answer.json())


async def test_a_partner_reads_what_it_wrote(world: World) -> None:
    headers = await world.as_root()
    made = await post(world, "/v1/courses", COURSE, headers, key="k1")
    assert (made.status_code, made.headers["location"]) == (201, "/v1/courses/C-AI")
    again = await post(world, "/v1/courses", COURSE, headers, key="k1")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    read = await world.http.get("/v1/courses/C-AI", headers=headers)
    assert (read.json()["title"], read.headers["etag"]) == (COURSE["title"], '"1"')
    unchanged = await world.http.get("/v1/courses/C-AI", headers={**headers, "If-None-Match": '"1"'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    listed = await world.http.get("/v1/courses?limit=1", headers=headers)
    assert [course["id"] for course in listed.json()["items"]] == ["C-AI"]
    assert listed.headers["ratelimit"].startswith('"read";r=')


async def test_what_a_new_user_gets_wrong_is_told_how_to_mend(world: World) -> None:
    headers = await world.as_root()
    await post(world, "/v1/courses", COURSE, headers, key="k1")
    with_key = {**headers, "Idempotency-Key": new_id(), "Content-Type": "application/json"}
    problem(await world.http.post("/v1/courses", headers=with_key, content=b"{"), 400, "bad-request")
    wrong_type = problem(await post(world, "/v1/courses", {**COURSE, "title": 7}, headers), 422, "invalid")
    assert wrong_type["errors"][0]["field"] == "title"
    unknown = problem(await post(world, "/v1/courses", {**COURSE, "owner": "me"}, headers), 422, "invalid")
    assert unknown["errors"][0]["code"] == "extra_forbidden"
    problem(await post(world, "/v1/courses", {**COURSE, "title": "x" * 2**21}, headers), 413, "too-large")
    form = {**with_key, "Content-Type": "text/csv", "Idempotency-Key": new_id()}
    problem(await world.http.post("/v1/courses", headers=form, content=b"a,b"), 415, "unsupported-media-type")
    problem(await post(world, "/v1/courses", {**COURSE, "id": "C-2"}, headers, key="k1"), 422, "idempotency-key-reused")
    problem(await world.http.post("/v1/courses", headers=headers, json=COURSE), 400, "bad-request")
    problem(await world.http.get("/v1/courses/no-such", headers=headers), 404, "not-found")
    problem(await world.http.get("/v1/courses/x/y/z", headers=headers), 404, "not-found")
    problem(await world.http.get("/v1/planets", headers=headers), 404, "not-found")
    problem(await world.http.delete("/v1/courses/C-AI", headers=headers), 405, "method-not-allowed")
    problem(await world.http.get("/v1/courses?limit=101", headers=headers), 422, "invalid")
    problem(await world.http.get("/v1/courses", headers={**headers, "Accept": "text/html"}), 406, "not-acceptable")
    problem(await world.http.get("/v1/tasks", headers=headers), 503, "unavailable")  # that service is not running here
    problem(await world.http.get("/v1/courses"), 401, "unauthenticated")
    english = await world.http.get("/v1/courses/no-such", headers={**headers, "Accept-Language": "en"})
    assert "There is no course" in problem(english, 404, "not-found")["detail"]


async def test_a_stale_if_match_is_412(world: World) -> None:
    made = await world.register()
    path, headers = f"/v1/clients/{made['id']}", await world.as_root()
    problem(await world.http.delete(path, headers={**headers, "If-Match": '"9"'}), 412, "stale-version")
    assert (await world.http.delete(path, headers={**headers, "If-Match": '"1"'})).status_code == 204


async def test_a_scope_is_needed_for_each_thing(world: World) -> None:
    reader = await world.client_headers(scopes=["courses:read"])
    assert (await world.http.get("/v1/courses", headers=reader)).status_code == 200
    missing = problem(await post(world, "/v1/courses", COURSE, reader), 403, "forbidden")
    assert "courses:write" in missing["detail"]
    problem(await world.http.get("/v1/ledger/entries", headers=reader), 403, "forbidden")


async def test_a_foreign_units_id_is_answered_as_if_there_were_none(area: Area) -> None:
    async with both(area) as (world, process):
        await learner(process, "per-own", UNIT)
        await learner(process, "per-foreign", FOREIGN)
        root = await world.as_root()
        await post(world, "/v1/courses", COURSE, root)
        programme = (await post(world, "/v1/programmes", {"title": "AI", "course_ids": ["C-AI"]}, root)).json()["id"]
        limited = await world.client_headers(scopes=["enrolments:read", "enrolments:write"], unit_ids=[UNIT])

        async def enrol(person_id: str) -> httpx2.Response:
            return await post(world, "/v1/enrolments", {"programme_id": programme, "person_id": person_id}, limited)

        assert (await enrol("per-own")).status_code == 201
        foreign, nobody = await enrol("per-foreign"), await enrol("per-nobody")
        problem(foreign, 404, "not-found")
        problem(nobody, 404, "not-found")
        assert foreign.json()["detail"].replace("per-foreign", "per-nobody") == nobody.json()["detail"]


async def learner(process: Process, person_id: str, unit_id: str) -> None:
    async def work(uow: UnitOfWork) -> None:
        person = Learner(id=person_id, unit_id=unit_id, position="officer", audiences=["AUD-CBCC"], active=True)
        uow.put(LEARNERS, person)

    await process.units.run(work, process.units.system())


async def test_people_come_in_with_their_providers_token(world: World) -> None:
    officer = await world.person_headers("per-1")
    assert (await world.http.get("/v1/courses", headers=officer)).status_code == 200
    problem(await post(world, "/v1/courses", COURSE, officer), 403, "forbidden")
    agency = await world.person_headers("per-2", position="standing_agency")
    assert (await post(world, "/v1/courses", COURSE, agency)).status_code == 201
    stranger = {"Authorization": f"Bearer {world.provider.token('per-3')}"}
    problem(await world.http.get("/v1/courses", headers=stranger), 401, "unauthenticated")
    elsewhere = {"Authorization": f"Bearer {world.provider.token('per-1', aud='another-system')}"}
    problem(await world.http.get("/v1/courses", headers=elsewhere), 401, "unauthenticated")


class PersonAtOwner(Aggregate):
    pass


async def test_people_are_known_by_the_events_of_their_owner(area: Area) -> None:
    people = Store(PersonAtOwner, "people")
    owner = Service("tasks", "stand-in for tasks", Settings, [people])
    async with area.running(owner) as tasks, gateway(area, role="all") as world:
        headers = {"Authorization": f"Bearer {world.provider.token('per-9')}"}

        async def tell(kind: type[PersonRegistered | PersonChanged], position: str, active: bool) -> None:
            async def work(uow: UnitOfWork) -> None:
                person = await uow.get(people, "per-9") or PersonAtOwner(id="per-9")
                person.record(kind(person_id="per-9", unit_id=UNIT, position=position, audiences=[], active=active))
                uow.save(people, person)

            await tasks.units.run(work, tasks.units.system())

        async def answers(status: int) -> None:
            async def so() -> bool:
                return (await world.http.get("/v1/clients", headers=headers)).status_code == status

            await eventually(f"the person's call is answered {status}", so, 40)

        await answers(401)
        await tell(PersonRegistered, "officer", True)
        await answers(403)  # known now, and no administrator of clients
        await tell(PersonChanged, "officer", False)
        await answers(401)


async def test_the_whole_api_in_one_document_and_on_one_page(world: World) -> None:
    document = (await world.http.get("/openapi.json")).json()
    assert {"/v1/courses", "/v1/clients", "/v1/clients/{client_id}/rotate-secret", "/oauth2/token"} <= document["paths"].keys()
    assert document["x-services-missing"] == ["tasks", "notifications", "audit"]
    assert document["servers"] == [{"url": world.url}]
    schemas = document["components"]["schemas"]
    references = [part.split('"')[0] for part in str(document).replace("'", '"').split("#/components/schemas/")[1:]]
    assert references
    assert set(references) <= schemas.keys()
    page = await world.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/v1/courses/{course_id}" in page.text
    assert "Tham số / Parameters" in page.text
    assert "tasks, notifications, audit" in page.text
    assert "<script" not in page.text
    assert "src=" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_operations_have_a_port_of_their_own(world: World) -> None:
    for path in ("/metrics", "/livez", "/readyz"):
        assert (await world.http.get(path)).status_code == 404
