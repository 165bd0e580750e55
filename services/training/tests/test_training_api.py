"""The API of the training service on a real database; the people are put there as the events would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.domain import Actor
from common.http import scope_of
from common.outbox import OUTBOX, new_id
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.training.tests.training_world import PROVINCE, SCOPES, A, Api, B, calling, of_unit
from training.domain.directory import Person, Unit
from training.service import service
from training.store import PEOPLE, UNITS

pytestmark = pytest.mark.servers

STAFF = {
    "lead-a": (A, "unit_head", ["AUD-LEAD", "AUD-PARTY"]),
    "off-a1": (A, "officer", ["AUD-CBCC"]),
    "off-a2": (A, "officer", ["AUD-CBCC", "AUD-PARTY"]),
    "cit-a": (A, "officer", ["AUD-CITIZEN"]),
    "none-a": (A, "officer", []),
    "off-b": (B, "officer", ["AUD-CBCC"]),
}


@pytest.fixture
async def process(area: Area) -> AsyncIterator[Process]:
    async with area.running(service, "api") as process:

        async def work(uow: UnitOfWork) -> None:
            for person, (unit, position, audiences) in STAFF.items():
                uow.put(PEOPLE, Person(id=person, unit_id=unit, position=position, audiences=audiences, active=True))
            uow.put(PEOPLE, Person(id="gone-a", unit_id=A, position="officer", audiences=["AUD-CBCC"], active=False))
            uow.put(UNITS, Unit(id=A, full_name="Phường Hà Giang 1"))

        await process.units.run(work, process.units.system())
        yield process


@pytest.fixture
async def api(area: Area, process: Process) -> AsyncIterator[Api]:
    async with calling(area, process) as api:
        await api.post("courses", {"id": "C-AI", "title": "Responsible use of AI", "topic": "officials"}, expect=201)
        yield api


async def events(process: Process, kind: str) -> int:
    return int(await process.database.collection(OUTBOX).count_documents({"type": f"training.{kind}.v1"}))


def test_every_route_declares_who_may_call_it() -> None:
    scopes = {scope_of(route) for router in service.routes for route in router.routes}  # type: ignore[arg-type]
    assert scopes == SCOPES


async def test_courses_are_registered_once_and_listed_by_id(process: Process, api: Api) -> None:
    for course in ("C-NET", "C-DX"):
        await api.post("courses", {"id": course, "title": course, "topic": "basics", "source": "Gia Lai"}, expect=201)
    assert [course["id"] for course in await api.items("courses")] == ["C-AI", "C-DX", "C-NET"]
    first = await api.get("courses", limit=2)
    rest = await api.get("courses", limit=2, cursor=first["next_cursor"])
    assert [course["id"] for course in first["items"] + rest["items"]] == ["C-AI", "C-DX", "C-NET"]
    assert await api.get("courses/C-DX") == {"id": "C-DX", "title": "C-DX", "topic": "basics", "source": "Gia Lai"}
    await api.get("courses/C-NONE", expect=404)
    await api.refused(409, "course_exists", "courses", {"id": "C-AI", "title": "Other", "topic": "x"})
    assert await events(process, "course.registered") == 3


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("courses", {"id": "not an id", "title": "x", "topic": "y"}, "id"),
        ("courses", {"id": "C-1", "title": "  ", "topic": "y"}, "title"),
        ("courses", {"id": "C-1", "title": "x", "topic": "y", "more": 1}, "more"),
        ("courses", None, "body"),
        ("programmes", {"title": "x", "course_ids": []}, "course_ids"),
        ("programmes", {"title": "x", "course_ids": ["C-NONE"]}, "course_ids.0"),
        ("programmes", {"title": "x", "course_ids": ["C-AI"], "threshold_percent": 0}, "threshold_percent"),
        ("programmes", {"title": "x", "course_ids": ["C-AI"], "threshold_percent": 101}, "threshold_percent"),
        ("programmes", {"title": "x", "course_ids": ["C-AI"], "threshold_percent": "80"}, "threshold_percent"),
        ("programmes", {"title": "x", "course_ids": ["C-AI"], "audiences": {}}, "audiences"),
        ("programmes", {"title": "x", "course_ids": ["C-AI"], "audiences": {"AUD-LEAD": 1}}, "audiences.AUD-LEAD"),
        ("programmes", {"title": "x", "course_ids": ["C-AI"], "audiences": {"AUD-CBCC": 10}}, "audiences.AUD-CBCC"),
        ("programmes", {"title": "x", "course_ids": ["C-AI"], "audiences": {"$a.b": 1}}, "audiences.$a.b"),
        ("enrolments", {"programme_id": "x"}, "person_id"),
        ("programmes/x/waves/1/open", {"unit_id": A, "reason": "  no  "}, "reason"),
        ("programmes/x/waves/99/open", {"unit_id": A, "reason": "long enough"}, "wave"),
    ],
)
async def test_bad_input_is_answered_field_by_field(api: Api, path: str, body: Any, field: str) -> None:
    problem = await api.post(path, body, expect=422)
    assert field in [one["field"] for one in problem["errors"]], problem


async def test_programmes_have_the_default_audiences_and_are_listed_newest_first(api: Api) -> None:
    made = [await api.programme(title=f"Đợt {number}", course_ids=["C-AI", "C-AI"]) for number in range(3)]
    assert [programme["id"] for programme in await api.items("programmes")] == made[::-1]
    shown = await api.get(f"programmes/{made[0]}")
    assert (shown["threshold_percent"], shown["audiences"]["AUD-LEAD"], shown["course_ids"]) == (100, 0, ["C-AI"])
    assert len(shown["audiences"]) == 15
    await api.get("programmes/none", expect=404)


async def test_leaders_begin_at_once_and_the_others_wait_in_whatever_order_they_are_enrolled(
    process: Process, api: Api
) -> None:
    programme = await api.programme()
    officer = await api.enrol(programme, "off-a1")
    assert (officer["wave"], officer["state"]) == (1, "waiting"), "the unit has a leader who is not enrolled yet"
    leader = await api.enrol(programme, "lead-a")
    assert (leader["wave"], leader["state"], leader["position"]) == (0, "open", "unit_head")
    assert (await api.enrol(programme, "cit-a"))["state"] == "waiting"
    assert await api.states(programme) == "open closed closed"
    await api.refused(409, "wave_closed", f"enrolments/{officer['id']}/complete")
    assert (await events(process, "enrolment.created"), await events(process, "enrolment.opened")) == (3, 1)


async def test_a_unit_without_leaders_is_not_held_up(api: Api) -> None:
    programme = await api.programme()
    assert (await api.enrol(programme, "off-b"))["state"] == "open"
    assert await api.states(programme, B) == "open open closed"


async def test_audiences_can_be_limited_to_those_whom_the_programme_is_for(api: Api) -> None:
    programme = await api.programme(audiences={"AUD-CITIZEN": 0})
    assert (await api.enrol(programme, "cit-a"))["state"] == "open"
    body = {"programme_id": programme, "person_id": "off-a1"}
    await api.refused(409, "audience_missing", "enrolments", body)


async def test_enrolling_is_refused_with_reasons(api: Api) -> None:
    programme = await api.programme()
    await api.enrol(programme, "off-a1")
    for person, code in (("off-a1", "already_enrolled"), ("gone-a", "person_inactive"), ("none-a", "audience_missing")):
        await api.refused(409, code, "enrolments", {"programme_id": programme, "person_id": person})
    await api.post("enrolments", {"programme_id": programme, "person_id": "nobody"}, expect=404)
    await api.post("enrolments", {"programme_id": "none", "person_id": "off-a1"}, expect=404)


async def test_an_enrolment_completes_once_whatever_is_sent_again(process: Process, api: Api) -> None:
    programme = await api.programme()
    enrolment = await api.enrol(programme, "lead-a")
    path, key = f"enrolments/{enrolment['id']}/complete", new_id()
    await api.post(path, expect=412, key=key, **{"If-Match": '"7"'})
    done = await api.post(path, expect=200, key=key, **{"If-Match": '"1"'})
    assert done["state"] == "completed"
    assert await api.post(path, expect=200, key=key, **{"If-Match": '"1"'}) == done
    await api.refused(409, "already_completed", path)
    await api.post("enrolments/none/complete", expect=404)
    assert await events(process, "enrolment.completed") == 1


async def test_two_who_complete_the_same_enrolment_at_once_complete_it_once(process: Process, api: Api) -> None:
    enrolment = await api.enrol(await api.programme(), "lead-a")

    async def attempt() -> int:
        answer = await api.client.post(f"/v1/enrolments/{enrolment['id']}/complete", headers={"Idempotency-Key": new_id()})
        return int(answer.status_code)

    assert sorted(await asyncio.gather(*(attempt() for _ in range(4)))) == [200, 409, 409, 409]
    assert await events(process, "enrolment.completed") == 1


async def test_everybody_enrolled_at_once_is_counted_once(process: Process, api: Api) -> None:
    programme = await api.programme()

    async def enrol(person: str) -> int:
        for _ in range(20):  # as a client does: the same key until there is an answer
            answer = await api.client.post(
                "/v1/enrolments",
                json={"programme_id": programme, "person_id": person},
                headers={"Idempotency-Key": f"k-{person}"},
            )
            if answer.status_code == 201:
                return 1
            assert answer.status_code in (409, 503), answer.text
        return 0

    people = ["lead-a", "off-a1", "off-a2", "cit-a"]
    assert await asyncio.gather(*(enrol(person) for person in people * 2)) == [1] * 8
    assert [wave["enrolled"] for wave in await api.waves(programme)] == [1, 2, 1]
    assert await api.states(programme) == "open closed closed"
    assert len(await api.items("enrolments", programme=programme)) == 4
    assert await events(process, "enrolment.created") == 4


async def test_enrolments_are_listed_newest_first_by_filter_and_page(api: Api) -> None:
    programme, other = await api.programme(), await api.programme()
    made = [(await api.enrol(programme, person))["id"] for person in ("lead-a", "off-a1", "off-a2", "off-b")]
    await api.enrol(other, "lead-a")

    async def listed(**filters: str) -> list[str]:
        return [one["id"] for one in await api.items("enrolments", **filters)]

    assert await listed(programme=programme) == made[::-1]
    assert await listed(programme=programme, person="off-a1") == [made[1]]
    assert await listed(programme=programme, unit=A, state="waiting") == [made[2], made[1]]
    assert await listed(programme=programme, state="completed") == []
    assert len(await listed(person="lead-a")) == 2
    await api.get("enrolments", expect=422, state="done")

    first = await api.get("enrolments", programme=programme, limit=3)
    rest = await api.get("enrolments", programme=programme, limit=3, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    await api.get("enrolments", expect=422, programme=other, limit=3, cursor=first["next_cursor"])


async def test_one_enrolment_has_an_etag(api: Api) -> None:
    enrolment = await api.enrol(await api.programme(), "lead-a")
    answer = await api.client.get(f"/v1/enrolments/{enrolment['id']}")
    assert answer.json() == enrolment
    again = await api.client.get(f"/v1/enrolments/{enrolment['id']}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_who_acts_for_some_units_neither_sees_nor_touches_the_others(area: Area, process: Process, api: Api) -> None:
    programme = await api.programme()
    own, foreign = await api.enrol(programme, "off-b"), await api.enrol(programme, "lead-a")
    async with calling(area, process, of_unit(B)) as limited:
        assert [one["id"] for one in await limited.items("enrolments")] == [own["id"]]
        assert await limited.items("enrolments", unit=A) == []
        assert [one["unit_id"] for one in await limited.items(f"programmes/{programme}/waves")] == [B]
        assert await limited.items(f"programmes/{programme}/waves", unit=A) == []
        assert [row["key"] for row in await limited.items(f"programmes/{programme}/coverage", by="unit")] == [B]
        (row,) = await limited.items(f"programmes/{programme}/coverage", by="position")
        assert row["people"] == 1

        hidden = await limited.get(f"enrolments/{foreign['id']}", expect=404)
        missing = await limited.get("enrolments/missing", expect=404)
        assert hidden["detail"].replace(foreign["id"], "missing") == missing["detail"]
        await limited.post(f"enrolments/{foreign['id']}/complete", expect=404)
        await limited.post("enrolments", {"programme_id": programme, "person_id": "off-a1"}, expect=404)
        early = {"unit_id": A, "reason": "không thuộc đơn vị"}
        await limited.post(f"programmes/{programme}/waves/1/open", early, expect=404)

        await limited.post(f"enrolments/{own['id']}/complete", expect=200)
        assert (await limited.get(f"programmes/{programme}"))["id"] == programme
        await limited.post("courses", {"id": "C-X", "title": "x", "topic": "x"}, expect=403)
        await limited.post("programmes", {"title": "x", "course_ids": ["C-AI"]}, expect=403)


async def test_a_scope_is_needed_for_everything(area: Area, process: Process) -> None:
    async with calling(area, process, Actor("client", "reader", frozenset({"courses:read"}))) as reader:
        await reader.items("courses")
        for path in ("programmes", "enrolments", "programmes/x/waves", "programmes/x/coverage?by=unit"):
            await reader.get(path, expect=403)
        for path, body in (
            ("courses", {"id": "C-X", "title": "x", "topic": "x"}),
            ("programmes", {"title": "x", "course_ids": ["C-AI"]}),
            ("programmes/x/waves/1/open", {"unit_id": A, "reason": "long enough"}),
            ("enrolments", {"programme_id": "x", "person_id": "y"}),
            ("enrolments/x/complete", None),
        ):
            await reader.post(path, body, expect=403)


async def test_an_override_is_recorded_with_its_reason(process: Process, api: Api) -> None:
    programme = await api.programme()
    await api.enrol(programme, "lead-a")
    body = {"unit_id": A, "reason": "Lãnh đạo nghỉ ốm dài ngày"}
    await api.refused(409, "already_open", f"programmes/{programme}/waves/0/open", body)
    await api.refused(409, "not_next", f"programmes/{programme}/waves/2/open", body)
    await api.post(f"programmes/{programme}/waves/5/open", body, expect=404)
    await api.post(f"programmes/{programme}/waves/1/open", {**body, "unit_id": B}, expect=404)
    opened = await api.post(f"programmes/{programme}/waves/1/open", body, expect=200)
    assert opened["unit_name"] == "Phường Hà Giang 1"
    await api.refused(409, "already_open", f"programmes/{programme}/waves/1/open", body)
    _, early, last = await api.waves(programme)
    assert (early["state"], early["overridden"], early["reason"]) == ("open", True, body["reason"])
    assert early["overridden_by"] == str(PROVINCE)
    assert (last["state"], last["overridden"], last["reason"]) == ("closed", False, None)
    assert (await api.enrol(programme, "off-a1"))["state"] == "open", "who comes late to an open wave begins at once"
    assert await events(process, "wave.opened") == 1


async def test_coverage_counts_also_those_from_whom_nobody_is_enrolled(api: Api) -> None:
    programme = await api.programme(audiences={"AUD-LEAD": 0, "AUD-CBCC": 1})
    await api.complete(await api.enrol(programme, "lead-a"))
    await api.enrol(programme, "off-a1")
    await api.enrol(programme, "off-a2")
    path = f"programmes/{programme}/coverage"
    assert await api.items(path, by="unit") == [
        {"key": A, "name": "Phường Hà Giang 1", "people": 3, "enrolled": 3, "completed": 1, "share_percent": 33.33},
        {"key": B, "name": None, "people": 1, "enrolled": 0, "completed": 0, "share_percent": None},
    ]
    officer, head = await api.items(path, by="position")
    assert (officer["key"], officer["people"], officer["enrolled"], officer["completed"]) == ("officer", 3, 2, 0)
    assert (head["key"], head["people"], head["enrolled"], head["share_percent"]) == ("unit_head", 1, 1, 100.0)
    first = await api.get(path, by="unit", limit=1)
    rest = await api.get(path, by="unit", limit=1, cursor=first["next_cursor"])
    assert [row["key"] for row in first["items"] + rest["items"]] == [A, B]
    await api.get(path, expect=422, by="name")
    await api.get(path, expect=422)
    await api.get("programmes/none/coverage", expect=404, by="unit")
