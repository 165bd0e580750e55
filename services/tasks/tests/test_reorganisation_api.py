"""A reorganisation from its rehearsal on, through the API, on the real table: 337 relations, 330 communes to 124."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from common.domain import Actor
from common.outbox import OUTBOX
from common.service import Process
from common.settings import Settings
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.tasks.tests import task_world
from services.tasks.tests.register_world import rows_of
from services.tasks.tests.task_world import HandClock, TaskApi
from tasks.domain.directory import Person, Succession, Unit
from tasks.features import carry_out_reorganisations
from tasks.service import service
from tasks.store import PEOPLE, SUCCESSIONS, UNITS

pytestmark = pytest.mark.servers

SCOPES = task_world.SCOPES | {"reorganisations:read", "reorganisations:write", "summary:read", "scores:read", "scores:write"}
PROVINCE = Actor("client", "province", SCOPES)
RELATIONS = rows_of("successions")
OLD = [row["unit_uid"] for row in rows_of("units") if row["level"] == "commune" and row["valid_to"]]
HEIRS: dict[str, list[str]] = {}
for _row in RELATIONS:
    HEIRS.setdefault(_row["from_uid"], []).append(_row["to_uid"])
SPLIT = sorted(unit for unit, heirs in HEIRS.items() if len(heirs) > 1)
DISTRICT = "vn:district:024@pre"
DAY = "2025-07-01"
EVE = datetime(2025, 6, 30, 3, 0, tzinfo=UTC)
"""The day before, at ten in the morning in Hà Giang."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock(EVE)


async def register(uow: UnitOfWork) -> None:
    """The real tables, as their imports would have left them."""
    for row in rows_of("units"):
        names = {"code": row["nso_code"], "level": row["level"], "name": row["name"], "full_name": row["full_name"]}
        days = {"valid_from": row["valid_from"] or None, "valid_to": row["valid_to"] or None}
        uow.add(UNITS, Unit.model_validate({"id": row["unit_uid"], **names, **days}))
    for row in RELATIONS:
        ends = {"from_unit_id": row["from_uid"], "to_unit_id": row["to_uid"]}
        key = Succession.id_of(*ends.values())
        uow.add(SUCCESSIONS, Succession.model_validate({"id": key, **ends, "kind": row["kind"], "effective_on": DAY}))


@pytest.fixture
async def process(area: Area, clock: HandClock) -> AsyncIterator[Process]:
    """The real register on the eve of the reorganisation."""
    async with area.running(service, "api", clock) as process:
        await process.units.run(register, process.units.system())
        yield process


@pytest.fixture
async def api(area: Area, process: Process) -> AsyncIterator[TaskApi]:
    async with task_world.calling(area, process, PROVINCE) as api:
        yield api


async def work(process: Process) -> None:
    """Let the job do what there is to do."""
    await carry_out_reorganisations.run(process.units, Settings)


async def planned(api: TaskApi, process: Process, day: str = DAY) -> Any:
    """A reorganisation that was rehearsed."""
    made = await api.post("reorganisations", {"title": "Sắp xếp 330 xã thành 124", "effective_on": day}, 201)
    assert (made["state"], made["rehearsal"]) == ("rehearsing", None)
    await work(process)
    shown = await api.get(f"reorganisations/{made['id']}")
    assert shown["state"] == "rehearsed"
    return shown


async def all_of(api: TaskApi, path: str, **params: Any) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await api.get(path, params=cursor, **params, limit=100)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def drafts(api: TaskApi, leads: list[str], **fields: Any) -> list[str]:
    """A draft for each of these lead units."""
    made: list[str] = []
    for start in range(0, len(leads), 20):
        part = leads[start : start + 20]
        titled = {place: {"title": f"Lập danh sách hộ số {start + place}"} for place in range(len(part))}
        bodies = [titled[place] | {"lead_unit_id": unit} | fields for place, unit in enumerate(part)]
        made += [one["id"] for one in await asyncio.gather(*(api.post("tasks", body, 201) for body in bodies))]
    return made


async def employ(process: Process, *people: Person) -> None:
    async def put(uow: UnitOfWork) -> None:
        for person in people:
            uow.put(PEOPLE, person)

    await process.units.run(put, process.units.system())


async def recorded(process: Process, kind: str) -> list[str]:
    """Ids of what this event was told of, in order."""
    rows = await process.database.collection(OUTBOX).find({"type": kind}).sort([("_id", 1)]).to_list(None)
    return [row["aggregateid"] for row in rows]


# --- rehearsal ---


async def test_the_real_table_is_rehearsed_with_some_hundred_tasks_and_nothing_changes(api: TaskApi, process: Process) -> None:
    tasks = await drafts(api, [*OLD, DISTRICT])
    assert len(tasks) == 331
    before = await all_of(api, "tasks")
    shown = await planned(api, process)
    assert shown["units"] == {"rule": 327, "choice": 5, "orphan": 18}
    found = shown["rehearsal"]
    assert found["outcomes"] == {"by_rule": 325, "choice": 5, "orphan": 1}
    assert found["tally"] == {
        "tasks": 331,
        "by_state": {"draft": 331},
        "by_level": {"commune": 330, "district": 1},
        "by_directive": {"none": 331},
    }
    lines = {one["task_id"]: one for one in await all_of(api, f"reorganisations/{shown['id']}/tasks")}
    assert sorted(lines) == sorted(tasks)
    for task, unit in zip(tasks, OLD, strict=False):
        expected = HEIRS[unit][0] if len(HEIRS[unit]) == 1 else None
        assert (lines[task]["lead_before"], lines[task]["lead_after"]) == (unit, expected)
    asking = await all_of(api, f"reorganisations/{shown['id']}/tasks", outcome="choice")
    assert sorted(one["unit_id"] for one in asking) == SPLIT
    (orphan,) = await all_of(api, f"reorganisations/{shown['id']}/tasks", outcome="orphan")
    assert orphan["unit_id"] == DISTRICT
    split = await all_of(api, f"reorganisations/{shown['id']}/units", how="choice")
    assert [(one["unit_id"], [heir["unit_id"] for heir in one["heirs"]], one["tasks"]) for one in split] == [
        (unit, sorted(HEIRS[unit]), 1) for unit in SPLIT
    ]
    assert len(await all_of(api, f"reorganisations/{shown['id']}/units")) == 350
    assert await all_of(api, "tasks") == before, "a rehearsal changes nothing"
    assert await recorded(process, "tasks.reorganisation.rehearsed.v1") == [shown["id"]]


async def test_double_leads_and_people_of_units_that_end_are_found(api: TaskApi, process: Process) -> None:
    heir, (one, other, *_) = next(
        (unit, olds) for unit in HEIRS["vn:commune:00691@pre"] if len(olds := [old for old in OLD if HEIRS[old] == [unit]]) > 2
    )
    await employ(process, Person(id="per-old", unit_id=one, position="officer"))
    led, twice = await drafts(api, [one, other], title="Rà soát tài khoản người dùng")
    (coordinated,) = await drafts(api, [one], coordinator_unit_ids=[other, heir], title="Tập huấn kỹ năng số")
    (elsewhere,) = await drafts(api, ["vn:province:08@2025-07-01"], coordinator_unit_ids=[one, SPLIT[0]])
    shown = await planned(api, process)
    lines = {line["task_id"]: line for line in await all_of(api, f"reorganisations/{shown['id']}/tasks")}
    assert {line["lead_after"] for line in (lines[led], lines[twice], lines[coordinated])} == {heir}
    assert lines[led]["findings"] == lines[twice]["findings"] == ["same_words"]
    assert (lines[coordinated]["findings"], lines[coordinated]["coordinators_after"]) == (["double_lead"], [])
    assert (lines[elsewhere]["outcome"], lines[elsewhere]["lead_after"]) == ("coordination", "vn:province:08@2025-07-01")
    assert sorted(lines[elsewhere]["coordinators_after"]) == sorted({heir, *HEIRS[SPLIT[0]]})
    assert shown["rehearsal"]["findings"] == {"same_words": 2, "double_lead": 1}
    assert shown["rehearsal"]["people"] == 1
    found = await all_of(api, f"reorganisations/{shown['id']}/tasks", finding="double_lead")
    assert [line["task_id"] for line in found] == [coordinated]


async def test_rehearsed_again_it_sees_what_has_come_and_ended_since(api: TaskApi, process: Process) -> None:
    first, second = await drafts(api, OLD[5:7])
    shown = await planned(api, process)
    (third,) = await drafts(api, OLD[7:8])
    await api.do(first, "cancel", {"words": "Không còn cần"})
    again = await api.post(f"reorganisations/{shown['id']}/rehearse")
    assert (again["state"], again["rehearsals"], again["rehearsal"]["number"]) == ("rehearsing", 2, 1)
    await work(process)
    lines = await all_of(api, f"reorganisations/{shown['id']}/tasks")
    assert sorted(line["task_id"] for line in lines) == sorted([second, third])
    assert (await api.get(f"reorganisations/{shown['id']}"))["rehearsal"]["tally"]["tasks"] == 2


async def test_a_rehearsal_that_is_cut_off_begins_anew(api: TaskApi, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = await drafts(api, OLD[:5])
    made = await api.post("reorganisations", {"title": "Sắp xếp", "effective_on": DAY}, 201)
    monkeypatch.setattr(carry_out_reorganisations, "PAGE", 2)
    write, times = carry_out_reorganisations._write, 0

    async def cut_off(uow: UnitOfWork, **more: Any) -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise ConnectionError("cut off")
        await write(uow, **more)

    monkeypatch.setattr(carry_out_reorganisations, "_write", cut_off)
    with pytest.raises(ConnectionError):
        await work(process)
    assert (await api.get(f"reorganisations/{made['id']}"))["state"] == "rehearsing"
    await work(process)
    lines = await all_of(api, f"reorganisations/{made['id']}/tasks")
    assert sorted(line["task_id"] for line in lines) == sorted(tasks)
    assert await recorded(process, "tasks.reorganisation.rehearsed.v1") == [made["id"]]


async def test_what_is_refused(area: Area, api: TaskApi, process: Process) -> None:
    body = {"title": "Sắp xếp", "effective_on": DAY}
    assert list(await api.refused(422, "reorganisations", body | {"effective_on": "2030-01-01"})) == ["nothing_to_reorganise"]
    await api.refused(422, "reorganisations", body | {"title": "x"})
    await api.refused(422, "reorganisations", body | {"effective_on": "soon"})
    await api.refused(422, "reorganisations", body | {"more": 1})
    shown = await planned(api, process)
    overlap = await api.refused(409, "reorganisations", body)
    assert list(overlap) == ["overlaps"]
    assert shown["id"] in overlap["overlaps"]["repair"]
    path = f"reorganisations/{shown['id']}"
    await api.get("reorganisations/none", 404)
    await api.get(f"{path}/tasks", 422, outcome="lost")
    limited = Actor("client", "commune", SCOPES, frozenset({OLD[0]}))
    async with task_world.calling(area, process, limited) as commune:
        await commune.refused(403, "reorganisations", body)
        for read in ("reorganisations", path, f"{path}/units", f"{path}/tasks"):
            await commune.get(read, 403)
        await commune.refused(403, f"{path}/discard", {"words": "Nhập nhầm"})
        await commune.refused(403, f"{path}/rehearse")
    await api.refused(422, f"{path}/discard", {"words": ""})
    stale = await api.send(f"{path}/discard", {"words": "Nhập nhầm danh sách"}, If_Match='"1"')
    assert stale.status_code == 412
    discarded = await api.post(f"{path}/discard", {"words": "Nhập nhầm danh sách"})
    assert (discarded["state"], discarded["discarded"]["words"]) == ("discarded", "Nhập nhầm danh sách")
    assert list(await api.refused(409, f"{path}/rehearse")) == ["wrong_state"]
    second = await planned(api, process)
    assert second["number"] == 2, "its units are free again"
    assert [one["number"] for one in await all_of(api, "reorganisations")] == [2, 1]


async def test_two_that_touch_the_same_units_are_not_made_at_once(api: TaskApi) -> None:
    body = {"title": "Sắp xếp", "effective_on": DAY}
    answers = await asyncio.gather(*(api.send("reorganisations", body) for _ in range(4)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
