"""The chain of parent tasks through the API: links, what stands below, which units are silent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from common.outbox import OUTBOX
from common.service import Process
from common.testing import Area
from services.tasks.tests.report_world import keep
from services.tasks.tests.task_world import MINISTRY, SYSTEM_A, SYSTEM_B, A, B, HandClock, TaskApi, a_task, calling
from tasks.domain.chain import LONGEST

pytestmark = pytest.mark.servers


async def link(api: TaskApi, task: str, *parents: str) -> Any:
    return await api.patch(f"tasks/{task}", {"parent_task_ids": list(parents)})


async def chain(api: TaskApi, number: int) -> list[str]:
    """So many tasks, each below the one before."""
    made: list[str] = []
    for _ in range(number):
        made.append(await api.create(parent_task_ids=made[-1:]))
    return made


async def below(api: TaskApi, task: str, **params: Any) -> list[tuple[str, int]]:
    found = await api.get(f"tasks/{task}/descendants", **params)
    return [(one["id"], one["depth"]) for one in found["items"]]


async def test_a_task_carries_out_several_and_is_carried_out_by_several(api: TaskApi, clock: HandClock) -> None:
    nv39, nv40 = await api.create(title="NV 39"), await api.create(title="NV 40")
    clock.now += timedelta(seconds=1)
    row = await api.create(parent_task_ids=[nv39, nv40], parent_reference="NV 39, 40")
    clock.now += timedelta(seconds=1)
    other = await api.create(parent_task_ids=[nv39])
    commune = await api.create(parent_task_ids=[row, nv39])
    assert (await api.get(f"tasks/{row}"))["parent_task_ids"] == [nv39, nv40]
    assert await api.ids(parent=nv40) == [row]
    assert set(await api.ids(parent=nv39)) == {commune, other, row}
    shown = await api.get(f"tasks/{nv40}/descendants")
    assert ([(one["id"], one["depth"]) for one in shown["items"]], shown["total"]) == ([(row, 1), (commune, 2)], 2)
    assert (shown["by_depth"], shown["by_state"]["draft"], shown["due_after_parent"]) == ([1, 1], 2, 0)
    assert len(await below(api, nv39)) == 3, "each once, however many ways lead to it"
    assert await below(api, nv40, depth=1) == [(row, 1)]
    assert await below(api, nv40, state="published") == []
    await api.do(row, "publish")
    assert await below(api, nv40, state="published") == [(row, 1)]
    assert await below(api, nv40, unit=B) == []
    assert await below(api, commune) == []
    await link(api, commune, row)
    assert await below(api, nv39) == [(row, 1), (other, 1), (commune, 2)]


async def test_pages_of_what_stands_below_go_on_and_keep_the_counts(api: TaskApi) -> None:
    top = await api.create()
    made = {await api.create(parent_task_ids=[top]) for _ in range(5)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await api.get(f"tasks/{top}/descendants", params=cursor, limit=2)
        assert (page["total"], page["by_depth"]) == (5, [5])
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (len(seen), set(seen)) == (5, made)


async def test_a_circle_and_a_chain_that_is_too_long_are_refused_with_the_field(api: TaskApi) -> None:
    made = await chain(api, LONGEST)
    for parent in (made[0], made[1], made[-1]):
        body = {"parent_task_ids": [parent]}
        found = await api.refused(422, f"tasks/{made[0]}", body, "PATCH")
        assert found["parent_circle"]["field"] == "parent_task_ids.0"
    too_long = await api.refused(422, "tasks", {"title": "Một việc", "parent_task_ids": [made[-1]]})
    assert too_long["chain_too_long"]["field"] == "parent_task_ids"
    longer = await api.refused(422, f"tasks/{made[0]}", {"parent_task_ids": [await api.create()]}, "PATCH")
    assert longer["chain_too_long"]["field"] == "parent_task_ids"
    assert [deep for _, deep in await below(api, made[0])] == list(range(1, LONGEST))
    assert (await api.get(f"tasks/{made[0]}"))["parent_task_ids"] == []
    await link(api, made[-1], made[0])
    assert await below(api, made[0], depth=1) == [(made[1], 1), (made[-1], 1)], "a shorter chain is linked at once"


async def test_two_halves_of_a_circle_are_not_closed_at_the_same_moment(api: TaskApi) -> None:
    for _ in range(5):
        a, b, c, d = [await api.create() for _ in range(4)]
        await link(api, b, a)
        await link(api, d, c)
        await asyncio.gather(*(
            api.send(f"tasks/{child}", {"parent_task_ids": [parent]}, method="PATCH") for child, parent in ((a, d), (c, b))
        ))  # fmt: skip
        linked = [(await api.get(f"tasks/{task}"))["parent_task_ids"] for task in (a, c)]
        assert linked != [[d], [b]]


@pytest.mark.parametrize(
    "parents", [["nowhere"], "x", [1], [""], ["a"] * 2001, None], ids=["unknown", "text", "number", "empty", "many", "null"]
)
async def test_parents_that_are_none_are_refused(api: TaskApi, parents: Any) -> None:
    body = {"title": "Một việc", "parent_task_ids": parents}
    if parents == ["a"] * 2001:
        body["parent_task_ids"] = [f"t{number}" for number in range(21)]
    found = await api.refused(422, "tasks", body)
    assert all(one["field"].startswith("parent_task_ids") for one in found.values()), found


async def test_a_unit_links_to_what_it_sees_and_sees_below_what_is_its_own(area: Area, process: Process, api: TaskApi) -> None:
    shared = await api.create(lead_unit_id=MINISTRY, coordinator_unit_ids=[A])
    hidden = await api.create(lead_unit_id=MINISTRY)
    async with calling(area, process, SYSTEM_A) as of_a:
        own = await of_a.create(parent_task_ids=[shared])
        found = await of_a.refused(422, f"tasks/{own}", {"parent_task_ids": [shared, hidden]}, "PATCH")
        assert found["task_unknown"]["field"] == "parent_task_ids.1"
        await link(api, own, shared, hidden)
        await of_a.patch(f"tasks/{own}", {"parent_task_ids": [hidden], "group": "I"})
        await link(api, own, shared, hidden)
        foreign = await api.create(lead_unit_id=B, responsible_id="per-other", parent_task_ids=[shared])
        assert await below(of_a, shared) == [(own, 1)]
        assert {one for one, _ in await below(api, shared)} == {own, foreign}
        await of_a.get(f"tasks/{hidden}/descendants", 404)
        await of_a.get(f"tasks/{hidden}/concretisation", 404)
        matrix = await of_a.get(f"tasks/{shared}/concretisation", level="commune")
        assert [one["unit_id"] for one in matrix["items"]] == [A]


async def test_units_that_are_addressed_and_have_no_task_are_silent(area: Area, process: Process, api: TaskApi) -> None:
    top = await api.create(asks_of={"levels": ["commune"]})
    await api.do(top, "publish")
    middle = await api.create(lead_unit_id=MINISTRY, parent_task_ids=[top])
    own = await api.create(parent_task_ids=[middle])

    async def states() -> dict[str, str]:
        return {one["unit_id"]: one["state"] for one in (await api.get(f"tasks/{top}/concretisation"))["items"]}

    assert await states() == {A: "draft", B: "silent"}
    await api.do(own, "publish")
    assert await states() == {A: "issued", B: "silent"}
    silent = await api.get(f"tasks/{top}/concretisation", state="silent")
    assert (silent["units"], silent["counts"]) == (2, {"issued": 1, "draft": 0, "silent": 1})
    assert [(one["unit_id"], one["tasks"], one["silent_working_days"]) for one in silent["items"]] == [(B, [], 0)]
    (first,) = (await api.get(f"tasks/{top}/concretisation", state="issued"))["items"]
    assert ([one["task_id"] for one in first["tasks"]], first["tasks"][0]["depth"], first["silent_working_days"]) == (
        [own], 2, None,
    )  # fmt: skip
    await api.do(own, "cancel", {"words": "Không cần nữa"})
    assert await states() == {A: "silent", B: "silent"}
    named = await api.create(asks_of={"unit_ids": [B]})
    assert (await api.get(f"tasks/{named}/concretisation"))["units"] == 1
    nobody = await api.create()
    assert (await api.get(f"tasks/{nobody}/concretisation"))["units"] == 0
    assert (await api.get(f"tasks/{nobody}/concretisation", level="commune"))["units"] == 2
    async with calling(area, process, SYSTEM_B) as of_b:
        await of_b.get(f"tasks/{top}/concretisation", 404)


async def test_silence_counts_from_the_day_of_issue(api: TaskApi, clock: HandClock) -> None:
    top = await api.create(asks_of={"levels": ["commune"]})
    await api.do(top, "publish")
    clock.now += timedelta(days=7)
    rows = (await api.get(f"tasks/{top}/concretisation"))["items"]
    assert [one["silent_working_days"] for one in rows] == [5, 5]


@pytest.mark.parametrize("asks", [{}, {"levels": ["moon"]}, {"unit_ids": ["nowhere"]}, {"levels": ["commune"], "more": 1}, "x"])
async def test_whom_a_task_asks_is_checked(api: TaskApi, asks: Any) -> None:
    found = await api.refused(422, "tasks", {"title": "Một việc", "asks_of": asks})
    assert all(one["field"].startswith("asks_of") for one in found.values()), found


async def test_a_day_after_the_parents_is_a_finding_until_the_committee_has_it_refused(api: TaskApi) -> None:
    top = await api.create()
    late = await api.create(parent_task_ids=[top], deadline_written="01/12/2026")
    (found,) = (await api.get(f"tasks/{late}"))["findings"]
    assert (found["code"], found["field"], found["quote"]) == ("due_after_parent", "due_on", "2026-12-01")
    assert found["repair"]
    shown = await api.get(f"tasks/{top}/descendants", due_after_parent=True)
    assert ([one["id"] for one in shown["items"]], shown["due_after_parent"]) == ([late], 1)
    assert shown["items"][0]["due_after_parent"] is True
    assert await below(api, top, due_after_parent=False) == []
    await api.patch("committee", {"due_after_parent": "refused"})
    body = {"title": "Một việc", "parent_task_ids": [top], "deadline_written": "01/12/2026"}
    assert (await api.refused(409, "tasks", body))["due_after_parent"]["field"] == "due_on"
    in_time = await api.create(parent_task_ids=[top])
    assert "due_after_parent" in await api.refused(409, f"tasks/{in_time}", {"deadline_written": "01/12/2026"}, "PATCH")
    await api.patch(f"tasks/{late}", {"deadline_written": "30/11/2026"})
    assert (await api.get(f"tasks/{late}"))["findings"] == []
    await api.patch("committee", {"due_after_parent": 1}, 422)


async def test_an_extension_beyond_the_parents_day_follows_the_setting(api: TaskApi) -> None:
    top = await api.create()
    task = await api.started(parent_task_ids=[top])
    await api.do(task, "request-extension", {"due_on": "2026-12-05", "words": "Chờ số liệu"})
    await api.patch("committee", {"due_after_parent": "refused"})
    grant = {"decision": "grant", "words": "Đồng ý"}
    assert "due_after_parent" in await api.refused(409, f"tasks/{task}/decide-extension", grant)
    await api.patch("committee", {"due_after_parent": "finding"})
    assert (await api.do(task, "decide-extension", grant))["findings"][0]["code"] == "due_after_parent"


async def test_links_are_told_and_stand_in_the_history(api: TaskApi, process: Process) -> None:
    top = await api.create()
    task = await api.create(parent_task_ids=[top])
    await link(api, task)
    rows = await process.database.collection(OUTBOX).find({"aggregateid": task}).sort([("_id", 1)]).to_list(None)
    told = [(row["type"], f'"parent_task_ids":["{top}"]'.encode() in row["payload"]) for row in rows]
    assert told == [("tasks.task.drafted.v1", True), ("tasks.task.amended.v1", False)]
    lines = (await api.get(f"tasks/{task}/history"))["items"]
    assert lines[-1]["changes"] == {"parent_task_ids": [[top], []]}


async def test_a_task_of_an_older_version_has_no_parents(api: TaskApi, process: Process) -> None:
    await keep(process, a_task(id="old"))
    await process.database.collection("tasks").update_one({"_id": "old"}, {"$unset": {"parent_task_ids": 1, "asks_of": 1}})
    assert (await api.get("tasks/old"))["parent_task_ids"] == []
    child = await api.create(parent_task_ids=["old"])
    assert await below(api, "old") == [(child, 1)]
