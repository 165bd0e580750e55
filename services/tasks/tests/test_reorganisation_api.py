"""A reorganisation from its rehearsal on, through the API, on the real table: 337 relations, 330 communes to 124."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from common.domain import Actor
from common.outbox import OUTBOX, new_id
from common.repository import Reader
from common.service import Process
from common.settings import Settings
from common.testing import Area
from common.unit_of_work import UnitOfWork, Units
from services.tasks.tests import task_world
from services.tasks.tests.register_world import rows_of
from services.tasks.tests.task_world import HandClock, TaskApi, a_task
from tasks.domain.directory import Person, Succession, Unit
from tasks.domain.month import Month
from tasks.features import carry_out_reorganisations
from tasks.features.pages import Step, apart
from tasks.service import service
from tasks.store import HISTORY, PEOPLE, REORGANISATIONS, SUCCESSIONS, TASKS, UNITS, save_task, stand_now, tasks_due_in

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


FEW = {*OLD[:12], *SPLIT, DISTRICT, "vn:province:08@2025-07-01"}
"""Of the real table what most tests need: the city of Hà Giang, the split units, one district."""
FEW |= {heir for unit in FEW for heir in HEIRS.get(unit, ())}


async def register(process: Process, units: Collection[str], besides: Collection[str] = ()) -> None:
    """These units of the real tables, as their imports would have left them; `besides` are there already."""
    new = {*units} - {*besides}
    found: list[Unit | Succession] = []
    for row in rows_of("units"):
        if row["unit_uid"] in new:
            names = {"code": row["nso_code"], "level": row["level"], "name": row["name"], "full_name": row["full_name"]}
            days = {"valid_from": row["valid_from"] or None, "valid_to": row["valid_to"] or None}
            found.append(Unit.model_validate({"id": row["unit_uid"], **names, **days}))
    for row in RELATIONS:
        if row["from_uid"] in new:
            ends = {"from_unit_id": row["from_uid"], "to_unit_id": row["to_uid"]}
            key = Succession.id_of(*ends.values())
            found.append(Succession.model_validate({"id": key, **ends, "kind": row["kind"], "effective_on": DAY}))

    async def add(uow: UnitOfWork, part: list[Unit | Succession]) -> None:
        for one in part:
            if isinstance(one, Unit):
                uow.add(UNITS, one)
            else:
                uow.add(SUCCESSIONS, one)

    for start in range(0, len(found), 100):
        await process.units.run(partial(add, part=found[start : start + 100]), process.units.system(), seconds=30)


async def register_all(process: Process) -> None:
    await register(process, {row["unit_uid"] for row in rows_of("units")}, besides=FEW)


@pytest.fixture
async def process(area: Area, clock: HandClock) -> AsyncIterator[Process]:
    """A part of the real register on the eve of the reorganisation."""
    async with area.running(service, "api", clock) as process:
        await register(process, FEW)
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


async def draft(api: TaskApi, body: dict[str, Any]) -> str:
    """A draft; asked for again under its key while a busy database lets the deadline pass."""
    key = new_id()
    while (answer := await api.send("tasks", body, key=key)).status_code == 503:
        pass
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def drafts(api: TaskApi, leads: list[str], **fields: Any) -> list[str]:
    """A draft for each of these lead units."""
    bodies = [{"title": f"Lập danh sách hộ số {place}", "lead_unit_id": unit} | fields for place, unit in enumerate(leads)]
    made: list[str] = []
    for start in range(0, len(bodies), 4):
        made += await asyncio.gather(*(draft(api, body) for body in bodies[start : start + 4]))
    return made


async def many_drafts(area: Area, process: Process, leads: list[str]) -> list[str]:
    """As `drafts`, by callers whose tokens do not end meanwhile on a busy machine."""
    made: list[str] = []
    for start in range(0, len(leads), 60):
        async with task_world.calling(area, process, PROVINCE) as api:
            made += await drafts(api, leads[start : start + 60])
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


async def test_the_real_table_is_rehearsed_with_some_hundred_tasks_and_nothing_changes(area: Area, process: Process) -> None:
    await register_all(process)
    tasks = await many_drafts(area, process, [*OLD, DISTRICT])
    assert len(tasks) == 331
    async with task_world.calling(area, process, PROVINCE) as api:
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
    monkeypatch.setattr(carry_out_reorganisations, "LINES", 2)
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


# --- deciding ---


async def decided(api: TaskApi, plan: str, *decisions: dict[str, str]) -> Any:
    return await api.post(f"reorganisations/{plan}/decide", {"decisions": list(decisions), "words": "Theo địa bàn"})


def of_unit(unit: str, to: str | None = None) -> dict[str, str]:
    return {"unit_id": unit, "to_unit_id": to or HEIRS[unit][0]}


def of_task(task: str, to: str) -> dict[str, str]:
    return {"task_id": task, "to_unit_id": to}


async def test_what_asks_is_decided_by_unit_or_by_task(api: TaskApi, process: Process) -> None:
    tasks = await drafts(api, [SPLIT[0], SPLIT[0], SPLIT[1], DISTRICT])
    shown = await planned(api, process)
    path = f"reorganisations/{shown['id']}"
    assert shown["undecided"] == 4
    here, there = HEIRS[SPLIT[0]]
    again = await decided(api, shown["id"], of_task(tasks[0], here), of_unit(SPLIT[0], here))
    assert again["undecided"] == 2
    asking = await all_of(api, f"{path}/tasks", undecided=True)
    assert sorted(line["task_id"] for line in asking) == sorted(tasks[2:])
    (late,) = await drafts(api, [SPLIT[1]])
    again = await decided(
        api, shown["id"], of_task(tasks[1], there), of_task(late, HEIRS[SPLIT[1]][0]), of_task(tasks[2], HEIRS[SPLIT[1]][1]),
        of_task(tasks[3], there),
    )  # fmt: skip
    assert again["undecided"] == 0, "the one that came after the rehearsal is decided as well"
    await api.post(f"{path}/rehearse")
    await work(process)
    lines = {line["task_id"]: line for line in await all_of(api, f"{path}/tasks")}
    heirs = [here, there, HEIRS[SPLIT[1]][1], there]
    assert [lines[task]["lead_after"] for task in tasks] == heirs, "what was decided stays"
    assert (lines[tasks[1]]["chosen"], lines[tasks[1]]["decided"]["words"]) == (there, "Theo địa bàn")
    (unit,) = (one for one in await all_of(api, f"{path}/units", how="choice") if one["unit_id"] == SPLIT[0])
    assert (unit["default"], unit["decided"]["by"]) == (here, "client:province")
    assert await recorded(process, "tasks.reorganisation.decided.v1") == [shown["id"]] * 2


async def test_what_cannot_be_decided_so_is_refused_whole(area: Area, api: TaskApi, process: Process) -> None:
    mine, ruled, stranger = await drafts(api, [SPLIT[0], OLD[5], HEIRS[OLD[5]][0]])
    shown = await planned(api, process)
    path = f"reorganisations/{shown['id']}/decide"
    heir = HEIRS[SPLIT[0]][0]
    for decision, field, code in (
        (of_task(mine, HEIRS[SPLIT[1]][0]), "to_unit_id", "not_an_heir"),
        (of_unit(SPLIT[0], SPLIT[0]), "to_unit_id", "not_an_heir"),
        (of_unit(DISTRICT, OLD[0]), "to_unit_id", "not_an_heir"),  # it ends as well
        (of_unit(DISTRICT, "nobody"), "to_unit_id", "not_an_heir"),
        (of_task(ruled, heir), "task_id", "nothing_to_decide"),
        (of_task(stranger, heir), "task_id", "nothing_to_decide"),
        (of_unit(OLD[5]), "unit_id", "nothing_to_decide"),
        (of_task("none", heir), "task_id", "task_unknown"),
    ):
        found = await api.refused(422, path, {"decisions": [of_unit(SPLIT[0]), decision]})
        assert (list(found), found[code]["field"]) == ([code], f"decisions.1.{field}")
    await api.refused(422, path, {"decisions": []})
    await api.refused(422, path, {"decisions": [{"to_unit_id": heir}]})
    await api.refused(422, path, {"decisions": [of_unit(SPLIT[0]) | {"task_id": mine}]})
    assert (await api.get(f"reorganisations/{shown['id']}"))["undecided"] == 1, "nothing of it was taken"
    limited = Actor("client", "commune", SCOPES, frozenset({SPLIT[0]}))
    async with task_world.calling(area, process, limited) as commune:
        await commune.refused(403, path, {"decisions": [of_unit(SPLIT[0])]})


# --- execution ---


async def ordered(api: TaskApi, process: Process) -> str:
    """A reorganisation of which everything is decided, for all units that ask."""
    shown = await planned(api, process)
    everything = [*(of_unit(unit) for unit in SPLIT), of_unit(DISTRICT, HEIRS[SPLIT[0]][0])]
    await decided(api, shown["id"], *everything)
    answer = await api.post(f"reorganisations/{shown['id']}/execute", {"words": "Theo nghị quyết"})
    assert (answer["state"], answer["execution"]["begun_at"]) == ("ordered", None)
    return str(shown["id"])


def heir_of(unit: str) -> str:
    return HEIRS[SPLIT[0] if unit == DISTRICT else unit][0]


async def store_drafts(process: Process, leads: list[str]) -> list[str]:
    """A task for each of these lead units, written down without the API."""
    made = [f"t{number:03d}" for number in range(len(leads))]

    async def write(uow: UnitOfWork, start: int) -> None:
        for task, lead in list(zip(made, leads, strict=True))[start : start + 40]:
            save_task(uow, a_task(id=task, lead_unit_id=lead, created_at=uow.now).draft())

    for start in range(0, len(leads), 40):
        await process.units.run(partial(write, start=start), process.units.system(), seconds=30)
    return made


async def test_the_real_table_is_carried_out_at_midnight_and_every_count_adds_up(
    area: Area, process: Process, clock: HandClock
) -> None:
    await register_all(process)
    units = [*OLD, DISTRICT]
    tasks = await store_drafts(process, units)
    async with task_world.calling(area, process, PROVINCE) as api:
        plan = await ordered(api, process)
    clock.now = datetime(2025, 6, 30, 16, 59, 59, tzinfo=UTC)
    await work(process)
    reader = Reader(process.database)
    assert (await reader.find(REORGANISATIONS, {}))[0].state == "ordered", "one second before midnight in Hà Giang"
    clock.now = datetime(2025, 6, 30, 17, 0, tzinfo=UTC)
    await work(process)
    async with task_world.calling(area, process, PROVINCE) as api:
        shown = await api.get(f"reorganisations/{plan}")
        assert list(await api.refused(409, f"reorganisations/{plan}/discard", {"words": "Quá muộn"})) == ["wrong_state"]
    assert shown["state"] == "executed"
    execution = shown["execution"]
    assert (execution["begun_at"], execution["adds_up"]) == ("2025-06-30T17:00:00Z", True)
    assert execution["check"] == {"tasks": 331, "lost": 0, "doubled": 0}
    assert execution["before"] == execution["after"] | {"by_level": {"commune": 330, "district": 1}}
    assert (execution["after"]["by_level"], execution["crossed"]) == ({"commune": 331}, {"commune": 1, "district": -1})
    now = {task.id: task.lead_unit_id for task in await reader.find(TASKS, {})}
    assert now == {task: heir_of(unit) for task, unit in zip(tasks, units, strict=True)}
    assert sorted(await recorded(process, "tasks.task.handed_over.v1")) == tasks
    (line,) = await reader.find(HISTORY, {"task_id": tasks[3], "what": "handed_over"})
    assert line.changes == {"lead_unit_id": [OLD[3], heir_of(OLD[3])]}
    received = await recorded(process, "tasks.reorganisation.unit_received.v1")
    assert len(received) == len({heir_of(unit) for unit in units})
    assert await recorded(process, "tasks.reorganisation.executed.v1") == [plan]
    await work(process)
    assert len(await recorded(process, "tasks.task.handed_over.v1")) == 331, "nothing is done twice"


# --- killed anywhere, read meanwhile ---


async def small_order(api: TaskApi, process: Process, clock: HandClock) -> tuple[str, dict[str, str]]:
    """An order whose day has come, over eleven tasks; and the unit that each will belong to."""
    units = [*OLD[1:5], OLD[1], OLD[1], OLD[2], OLD[2], SPLIT[1], SPLIT[1], DISTRICT]
    tasks = await drafts(api, units)
    plan = await ordered(api, process)
    clock.now = datetime(2025, 6, 30, 17, 0, 1, tzinfo=UTC)
    return plan, {task: heir_of(unit) for task, unit in zip(tasks, units, strict=True)}


async def check_executed(api: TaskApi, process: Process, plan: str, expected: dict[str, str]) -> None:
    """Each task is where it belongs, was handed over once, and every count adds up."""
    shown = await api.get(f"reorganisations/{plan}")
    assert (shown["state"], shown["execution"]["adds_up"]) == ("executed", True)
    assert shown["execution"]["check"] == {"tasks": len(expected), "lost": 0, "doubled": 0}
    assert shown["execution"]["before"]["tasks"] == shown["execution"]["after"]["tasks"] == len(expected)
    assert {one["id"]: one["lead_unit_id"] for one in await all_of(api, "tasks")} == expected
    assert sorted(await recorded(process, "tasks.task.handed_over.v1")) == sorted(expected)
    for task in expected:
        lines = [line["what"] for line in (await api.get(f"tasks/{task}/history"))["items"]]
        assert lines == ["drafted", "handed_over"]
    received = await recorded(process, "tasks.reorganisation.unit_received.v1")
    assert len(received) == len(set(expected.values()))
    assert await recorded(process, "tasks.reorganisation.executed.v1") == [plan]


async def cut_off(*_: Any, **__: Any) -> Any:
    raise ConnectionError("cut off")


async def test_cut_off_before_every_page_each_task_is_handed_over_once(
    api: TaskApi, process: Process, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, expected = await small_order(api, process, clock)
    monkeypatch.setattr(carry_out_reorganisations, "PAGE", 2)
    runs = 0
    while (await api.get(f"reorganisations/{plan}"))["state"] != "executed":
        runs += 1
        with monkeypatch.context() as patch, suppress(ConnectionError):
            patch.setattr(carry_out_reorganisations, "apart", task_world.cut_off_at(2))  # it does one page, and dies
            await work(process)
    assert runs == 8, "a page a run: eleven tasks of six units, two at a time"
    await check_executed(api, process, plan, expected)


async def test_cut_off_within_a_transaction_nothing_of_it_stays(
    api: TaskApi, process: Process, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, expected = await small_order(api, process, clock)
    before = await all_of(api, "tasks")
    with monkeypatch.context() as patch:
        patch.setattr(carry_out_reorganisations, "stand_now", cut_off)  # tasks, events and lines are written by then
        with pytest.raises(ConnectionError):
            await work(process)
    assert await all_of(api, "tasks") == before
    assert await recorded(process, "tasks.task.handed_over.v1") == []
    with monkeypatch.context() as patch:
        patch.setattr(carry_out_reorganisations, "handovers_of", cut_off)  # every task has changed hands by then
        with pytest.raises(ConnectionError):
            await work(process)
    assert (await api.get(f"reorganisations/{plan}"))["state"] == "executing"
    await work(process)
    await check_executed(api, process, plan, expected)


async def test_two_workers_at_once_hand_each_task_over_once(api: TaskApi, process: Process, clock: HandClock) -> None:
    """One that was paused goes on beside the one that took its lease."""
    plan, expected = await small_order(api, process, clock)
    await asyncio.gather(work(process), work(process), return_exceptions=True)
    await work(process)
    await check_executed(api, process, plan, expected)


async def test_readers_do_not_wait_and_who_works_on_a_task_goes_first(
    api: TaskApi, process: Process, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, expected = await small_order(api, process, clock)
    before = {one["id"]: one["lead_unit_id"] for one in await all_of(api, "tasks")}
    cancelled = next(iter(expected))
    seen: list[dict[str, str]] = []
    look, do = stand_now, apart

    async def read_first(*args: Any) -> Any:
        if not seen:  # written, and not committed: who reads meanwhile is answered, by what was there before
            seen.append({one["id"]: one["lead_unit_id"] for one in await all_of(api, "tasks")})
        return await look(*args)

    async def cancel_first(units: Units, step: Step, ids: list[str]) -> bool:
        if cancelled in ids:
            await api.do(cancelled, "cancel", {"words": "Không còn cần"})
        return await do(units, step, ids)

    monkeypatch.setattr(carry_out_reorganisations, "stand_now", read_first)
    monkeypatch.setattr(carry_out_reorganisations, "apart", cancel_first)
    await work(process)
    assert seen == [before]
    now = {one["id"]: one["lead_unit_id"] for one in await all_of(api, "tasks")}
    assert now == expected | {cancelled: before[cancelled]}, "what ended meanwhile stays with the unit that ended it"
    execution = (await api.get(f"reorganisations/{plan}"))["execution"]
    assert (execution["adds_up"], execution["check"]["tasks"]) == (True, len(expected) - 1)


async def test_what_comes_undecided_after_the_order_is_left_until_it_is_decided(
    api: TaskApi, process: Process, clock: HandClock
) -> None:
    (first,) = await drafts(api, [SPLIT[0]])
    shown = await planned(api, process)
    path = f"reorganisations/{shown['id']}"
    refused = await api.refused(409, f"{path}/execute", {})
    assert list(refused) == ["undecided"]
    assert refused["undecided"]["quote"] == "Phường Quang Trung"
    await decided(api, shown["id"], of_task(first, HEIRS[SPLIT[0]][1]))
    await api.post(f"{path}/execute", {})
    (late,) = await drafts(api, [SPLIT[0]])
    await api.do(first, "cancel", {"words": "Không còn cần"})
    clock.now = datetime(2025, 7, 1, tzinfo=UTC)
    await work(process)
    shown = await api.get(path)
    assert (shown["state"], shown["undecided"]) == ("executing", 1)
    await decided(api, shown["id"], of_unit(SPLIT[0], HEIRS[SPLIT[0]][1]))
    await work(process)
    assert (await api.get(path))["state"] == "executed", "a decision whose task has ended since is no hindrance"
    assert (await api.get(f"tasks/{late}"))["lead_unit_id"] == HEIRS[SPLIT[0]][1]
    assert (await api.get(f"tasks/{first}"))["lead_unit_id"] == SPLIT[0]


async def test_an_order_is_refused_when_the_list_has_changed_and_can_be_called_off_before_its_day(
    api: TaskApi, process: Process, clock: HandClock
) -> None:
    shown = await planned(api, process)
    more = f"{OLD[-1]}"
    await register(process, {more, *HEIRS[more]})
    assert list(await api.refused(409, f"reorganisations/{shown['id']}/execute", {})) == ["successions_changed"]
    await api.post(f"reorganisations/{shown['id']}/discard", {"words": "Danh sách đã sửa"})
    (task,) = await drafts(api, [OLD[1]])
    plan = await ordered(api, process)
    await api.post(f"reorganisations/{plan}/discard", {"words": "Hoãn"})
    clock.now = datetime(2025, 7, 2, tzinfo=UTC)
    await work(process)
    assert (await api.get(f"tasks/{task}"))["lead_unit_id"] == OLD[1]


# --- what was open goes on, what was done stays ---


async def test_the_life_of_a_task_goes_on_with_the_next_unit(
    area: Area, api: TaskApi, process: Process, clock: HandClock
) -> None:
    old, heir = OLD[1], heir_of(OLD[1])
    await employ(
        process,
        Person(id="per-doer", unit_id=old, position="officer"),
        Person(id="per-head", unit_id=old, position="unit_head"),
    )
    handed_in = await api.started(lead_unit_id=old, deadline_written="25/06/2025")
    await api.do(handed_in, "add-evidence", {"kind": "document", "title": "Báo cáo"})
    await api.do(handed_in, "submit", {"words": "Đã xong"})
    running = await api.started(lead_unit_id=old, deadline_written="20/07/2025", directive_id=None)
    await api.do(running, "request-extension", {"due_on": "2025-08-01", "words": "Chờ số liệu"})
    await api.do(running, "dispute", {"kind": "wording", "words": "Cần ghi rõ hơn"})
    done = await api.started(lead_unit_id=old)
    await api.do(done, "add-evidence", {"kind": "document", "title": "Báo cáo"})
    for verb in ("submit", "complete"):
        await api.do(done, verb, {"words": "Xong"})
    before = {task: await api.get(f"tasks/{task}") for task in (handed_in, running, done)}
    await ordered(api, process)
    clock.now = datetime(2025, 6, 30, 17, 0, tzinfo=UTC)
    await work(process)
    after = {task: await api.get(f"tasks/{task}") for task in before}
    assert (after[done]["lead_unit_id"], after[done]["handovers"]) == (old, []), "what is done stays as it was"
    for task in (handed_in, running):
        (handover,) = after[task]["handovers"]
        assert (handover["from_unit_id"], handover["to_unit_id"], handover["on"]) == (old, heir, DAY)
        changed = {name for name in before[task] if before[task][name] != after[task][name]}
        assert changed <= {"lead_unit_id", "handovers", "clears", "days_left"}, changed
    assert after[handed_in]["submitted_by_unit_id"] == old
    async with task_world.calling(area, process, Actor("client", "old", SCOPES, frozenset({old}))) as former:
        await former.get(f"tasks/{running}", 404)
    async with task_world.calling(area, process, Actor("client", "new", SCOPES, frozenset({heir}))) as present:
        await present.do(handed_in, "complete", {"words": "Đạt"})
        async with task_world.calling(area, process, Actor("person", "per-head", SCOPES, frozenset({heir}))) as approver:
            shown = await approver.do(running, "decide-extension", {"decision": "grant", "words": "Đồng ý"})
            await approver.do(running, "answer-dispute", {"answer": "reject", "words": "Đã rõ"})
        assert (shown["due_on"], shown["original_due_on"]) == ("2025-08-01", "2025-07-20")
        clear = {one["code"] for one in shown["clears"] if not one["met"]}
        assert clear == {"responsible_elsewhere"}, "people are placed by those who place people"
        await employ(process, Person(id="per-doer", unit_id=heir, position="officer"))
        assert all(one["met"] for one in (await present.get(f"tasks/{running}"))["clears"])
    reader = Reader(process.database)
    june, august = Month.read("2025-06"), Month.read("2025-08")
    assert handed_in in [task.id for task in await tasks_due_in(reader, old, june)], "what fell due before is the old unit's"
    assert handed_in not in [task.id for task in await tasks_due_in(reader, heir, june)]
    assert [task.id for task in await tasks_due_in(reader, heir, august)] == [running]


async def test_it_is_undone_by_a_succession_of_its_own(api: TaskApi, process: Process, clock: HandClock) -> None:
    old, heir = OLD[1], heir_of(OLD[1])
    (task,) = await drafts(api, [old])
    first = await ordered(api, process)
    clock.now = datetime(2025, 7, 1, tzinfo=UTC)
    await work(process)

    async def split_again(uow: UnitOfWork) -> None:
        uow.add(UNITS, Unit(id="again", code="00001", level="commune", name="Lập lại", full_name="Phường lập lại"))
        ends = {"from_unit_id": heir, "to_unit_id": "again"}
        back = Succession.model_validate({"id": "back", **ends, "kind": "partial", "effective_on": "2026-01-01"})
        uow.add(SUCCESSIONS, back)

    await process.units.run(split_again, process.units.system())
    second = (await planned(api, process, "2026-01-01"))["id"]
    await decided(api, second, of_unit(heir, "again"))
    await api.post(f"reorganisations/{second}/execute", {})
    clock.now = datetime(2026, 1, 1, tzinfo=UTC)
    await work(process)
    shown = await api.get(f"tasks/{task}")
    assert shown["lead_unit_id"] == "again"
    assert [one["reorganisation_id"] for one in shown["handovers"]] == [first, second], "both stay in its history"
