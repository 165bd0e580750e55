"""The register as callers see it: units on a day, people of the caller's units, directives by number."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from common.domain import Actor
from common.outbox import new_id
from common.service import Process
from common.testing import Area
from services.tasks.tests.register_world import PROVINCE, SCOPES, Register, calling, documents, events, of_unit
from tasks.service import service

pytestmark = pytest.mark.servers

BEFORE, AFTER = "vn:commune:00694@pre", "vn:commune:00694@2025-07-01"
A, B = "agency:HG-KHCN", "agency:HG-TC"
NOW = datetime(2025, 6, 30, 18, tzinfo=UTC)  # the first hour of 1 July 2025 in the province


@pytest.fixture(scope="module")
def module_area(servers: tuple[str, str]) -> Area:
    """One register for all tests here: they add to it, and none counts on what another has added."""
    return Area(f"reg{os.getpid()}", *servers)


@pytest.fixture(scope="module")
async def process(module_area: Area) -> AsyncIterator[Process]:
    async with module_area.running(service, "api", clock=lambda: NOW) as process:
        async with calling(module_area, process) as register:
            for kind in ("units", "agencies", "successions"):
                await register.imported(kind)
        yield process


@pytest.fixture
async def register(module_area: Area, process: Process) -> AsyncIterator[Register]:
    async with calling(module_area, process) as register:
        yield register


# --- units ---


async def test_a_code_names_another_unit_on_another_day(register: Register) -> None:
    async def named(**params: str) -> list[str]:
        return [unit["full_name"] for unit in await register.all("units", code="00694", **params)]

    assert await named(as_of="2025-06-30") == ["Phường Nguyễn Trãi"], "golden case G061"
    assert await named(as_of="2025-07-01") == ["Phường Hà Giang 1"], "golden case G062"
    assert await named() == ["Phường Hà Giang 1"], "today begins at midnight in the province"
    assert len(await named(as_of="any")) == 2


async def test_a_name_that_two_units_bear_is_answered_with_both(register: Register) -> None:
    found = await register.all("units", q="xa tan tien", as_of="2025-06-30", level="commune")
    assert [unit["code"] for unit in found if unit["full_name"] == "Xã Tân Tiến"] == ["01051", "02461"], "golden case G065"


async def test_the_register_is_counted_by_level_parent_and_page(register: Register) -> None:
    assert len(await register.all("units", level="commune", as_of="2025-06-30")) == 330
    now = await register.all("units", level="commune")
    assert len(now) == 124
    assert [unit["id"] for unit in now] == sorted(unit["id"] for unit in now)
    assert not await register.all("units", level="district")
    assert len(await register.all("units", parent="vn:province:08@2025-07-01")) == 124
    assert len(await register.all("units", as_of="any")) == 475 + 39


async def test_one_unit_shows_what_became_of_it_and_has_an_etag(register: Register) -> None:
    answer = await register.client.get(f"/v1/units/{BEFORE}")
    shown = answer.json()
    assert [one["to_unit_id"] for one in shown["followed_by"]] == [AFTER]
    assert not shown["follows"]
    assert BEFORE in [one["from_unit_id"] for one in (await register.get(f"units/{AFTER}"))["follows"]]
    again = await register.client.get(f"/v1/units/{BEFORE}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    await register.get("units/vn:none", 404)


@pytest.mark.parametrize("day", ["2025-02-30", "tomorrow"])
async def test_a_day_that_is_none_is_refused(register: Register, day: str) -> None:
    await register.get("units", 422, as_of=day)


# --- people ---


async def person(register: Register, unit: str, expect: int = 201, **more: object) -> dict[str, object]:
    made: dict[str, object] = await register.send("POST", "people", {"unit_id": unit, "position": "officer", **more}, expect)
    return made


async def test_a_person_is_registered_without_the_name_leaving_its_place(process: Process, register: Register) -> None:
    before = await events(process)
    made = await person(register, A, name="  Nguyễn   Văn B ", audiences=["AUD-CBCC", "AUD-CBCC"])
    assert "name" not in made
    assert made["audiences"] == ["AUD-CBCC"]
    assert (await register.get(f"people/{made['id']}"))["name"] == "Nguyễn Văn B"
    listed = next(one for one in await register.all("people", unit=A) if one["id"] == made["id"])
    assert "name" not in listed
    assert await events(process) == before + 1


async def test_the_name_is_shown_to_those_alone_who_keep_the_register(
    module_area: Area, process: Process, register: Register
) -> None:
    made = await person(register, A, name="Nguyễn Văn C")
    async with calling(module_area, process, Actor("client", "reader", SCOPES - {"people:write"})) as reader:
        assert (await reader.get(f"people/{made['id']}"))["name"] is None


async def test_a_name_is_erased_with_null_and_everything_else_stays(process: Process, register: Register) -> None:
    made = await person(register, A, name="Nguyễn Văn D")
    kept, told = await documents(process, "person_names"), await events(process)
    path = f"people/{made['id']}"
    tag = (await register.client.get(f"/v1/{path}")).headers["ETag"]
    await register.send("PATCH", path, {"active": True}, 200)
    assert (await register.client.get(f"/v1/{path}")).headers["ETag"] == tag, "what changes nothing is no new version"
    await register.send("PATCH", path, {"name": None}, 200, **{"If-Match": tag})
    assert (await register.get(path))["name"] is None
    assert (await register.client.get(f"/v1/{path}")).headers["ETag"] != tag
    assert await documents(process, "person_names") == kept - 1
    assert await events(process) == told, "a name is in no event, so neither is its end"
    await register.send("PATCH", path, {"name": "X"}, 412, **{"If-Match": tag})


async def test_a_person_moves_and_leaves(process: Process, register: Register) -> None:
    made = await person(register, A)
    told = await events(process)
    moved = await register.send("PATCH", f"people/{made['id']}", {"unit_id": B, "position": "unit_head", "active": False}, 200)
    assert (moved["unit_id"], moved["position"], moved["active"]) == (B, "unit_head", False)
    assert await events(process) == told + 1
    for wrong in ({"unit_id": "agency:none"}, {"position": "boss"}, {"unit_id": None}, {"colour": "red"}):
        await register.send("PATCH", f"people/{made['id']}", wrong, 422)
    assert made["id"] in [one["id"] for one in await register.all("people", position="unit_head", active="false")]


async def test_a_limited_caller_sees_and_touches_people_of_its_units_alone(
    module_area: Area, process: Process, register: Register
) -> None:
    mine, foreign = await person(register, A), await person(register, B)
    async with calling(module_area, process, of_unit(A)) as limited:
        assert {one["unit_id"] for one in await limited.all("people")} == {A}
        assert not await limited.all("people", unit=B)
        await limited.get(f"people/{mine['id']}")
        none = await limited.get(f"people/{new_id()}", 404)
        hidden = await limited.get(f"people/{foreign['id']}", 404)
        assert {**none, "detail": "", "instance": ""} == {**hidden, "detail": "", "instance": ""}
        await limited.send("PATCH", f"people/{foreign['id']}", {"active": False}, 404)
        await limited.send("PATCH", f"people/{mine['id']}", {"unit_id": B}, 404)
        await person(limited, B, 404)
        await person(limited, A)


# --- directives ---

PAPER = {"number": "5-KH/BCĐTW", "issuer": "Central SC", "issued_on": "2026-07-11", "subject": "100 working days"}


async def test_a_directive_is_registered_once_and_found_in_any_spelling(process: Process, register: Register) -> None:
    made = await register.send("POST", "directives", PAPER, 201)
    assert (made["number"], made["type"]) == ("5-KH/BCĐTW", "KH")
    assert (made["parsed"]["standing"], made["parsed"]["canonical"]) == ("alias", "05-KH/BCĐTW")
    assert [one["id"] for one in await register.all("directives", number="05-KH/BCĐTW")] == [made["id"]]
    told = await events(process)
    for same in (PAPER, {**PAPER, "number": "05-KH/BCĐTW"}):
        problem = await register.send("POST", "directives", same, 409)
        assert made["id"] in problem["detail"]
    assert await events(process) == told
    child = await register.send(
        "POST", "directives", {**PAPER, "number": "11-KH/BCĐ", "issued_on": "2026-07-28", "parent_id": made["id"]}, 201
    )
    assert [one["id"] for one in await register.all("directives", parent=made["id"])] == [child["id"]]
    undated = await register.send("POST", "directives", {"number": "HG-KH-SC", "issuer": "Hà Giang SC"}, 201)
    assert undated["parsed"]["standing"] == "unreadable"
    assert [one["id"] for one in await register.all("directives")] == [child["id"], made["id"], undated["id"]]
    answer = await register.client.get(f"/v1/directives/{child['id']}")
    assert answer.json() == child
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert (await register.client.get(f"/v1/directives/{child['id']}", headers=tag)).status_code == 304


async def test_a_directive_needs_a_known_parent(register: Register) -> None:
    problem = await register.send("POST", "directives", {**PAPER, "issued_on": "2020-01-01", "parent_id": "none"}, 422)
    assert [one["code"] for one in problem["errors"]] == ["directive_unknown"]
    await register.get("directives/none", 404)


@pytest.mark.parametrize("path", ["units", "people", "directives"])
async def test_every_list_asks_for_its_scope(module_area: Area, process: Process, path: str) -> None:
    noun = f"{path}:read"
    async with calling(module_area, process, Actor("client", "x", PROVINCE.scopes - {noun})) as caller:
        await caller.get(path, 403)
