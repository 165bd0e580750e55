"""Lists, summary and the sweeper of due days, on a real database."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest

from common.contracts.fields import Timeliness
from common.outbox import OUTBOX
from common.repository import Reader
from common.service import Process
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from services.tasks.tests.task_world import (
    NOW,
    SYSTEM_A,
    TODAY,
    A,
    B,
    HandClock,
    TaskApi,
    a_task,
    calling,
    cut_off_at,
    furnished,
    open_periods,
)
from tasks.domain.committee import Committee
from tasks.domain.task import Task
from tasks.domain.timeliness import matching, timeliness
from tasks.features import pages, sweep_due_days
from tasks.service import service
from tasks.store import HISTORY, TASKS, save_task

pytestmark = pytest.mark.servers


async def store(process: Process, *tasks: Task) -> None:
    """Put tasks in the database as they are."""

    async def work(uow: UnitOfWork) -> None:
        for task in tasks:
            save_task(uow, task.model_copy())

    await process.units.run(work, process.units.system())


# --- lists ---


async def test_pages_are_newest_first_and_stay_whole_while_tasks_are_written(api: TaskApi, clock: HandClock) -> None:
    made = []
    for _ in range(5):
        clock.now += timedelta(seconds=1)
        made.append(await api.create())
    first = await api.get("tasks", limit=2)
    clock.now += timedelta(seconds=1)
    newest = await api.create()
    second = await api.get("tasks", limit=2, cursor=first["next_cursor"])
    third = await api.get("tasks", limit=2, cursor=second["next_cursor"])
    seen = [task["id"] for page in (first, second, third) for task in page["items"]]
    assert (seen, third["next_cursor"]) == (made[::-1], None)
    assert (await api.ids())[0] == newest


async def test_tasks_written_in_the_same_moment_are_each_shown_once(api: TaskApi) -> None:
    made = {await api.create() for _ in range(5)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await api.get("tasks", params=cursor, limit=2)
        seen += [task["id"] for task in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (sorted(seen), len(seen)) == (sorted(made), 5)


async def test_a_cursor_is_good_for_its_own_list_alone(area: Area, process: Process, api: TaskApi) -> None:
    for _ in range(2):
        await api.create()
    cursor = (await api.get("tasks", limit=1))["next_cursor"]
    await api.get("tasks", 422, limit=1, cursor=cursor, state="draft")
    await api.get("tasks", 422, limit=1, cursor=cursor[:-2])


async def test_each_filter_finds_its_tasks(api: TaskApi, process: Process) -> None:
    plain = await api.create()
    led_by_b = await api.create(lead_unit_id=B, responsible_id="per-other", title="Đào tạo kỹ năng số cho cán bộ")
    helped_by_b = await api.create(coordinator_unit_ids=[B], directive_id="dir-1", due_on="2026-12-20")
    await api.do(plain, "publish")
    await store(process, a_task(id="imported", reference="NQ03-114", sample="foreign", due_on=None, deadline_kind="external"))
    assert await api.ids(unit=B) == [helped_by_b, led_by_b]
    assert await api.ids(directive="dir-1") == [helped_by_b]
    assert await api.ids(state="published") == [plain]
    assert await api.ids(responsible="per-other") == [led_by_b]
    assert await api.ids(reference="NQ03-114") == ["imported"] == await api.ids(sample="foreign")
    assert await api.ids(due_before="2026-12-01") == [led_by_b, plain], "neither the later nor the undated one"
    assert await api.ids(timeliness="waiting") == ["imported"]
    assert await api.ids(unit=B, state="draft", due_before="2026-12-01", timeliness="in_time") == [led_by_b]
    await api.get("tasks", 422, state="lost")
    await api.get("tasks", 422, due_before="soon")
    await api.get("tasks", 422, limit=101)


async def test_words_are_found_without_tone_marks_and_by_their_beginning(api: TaskApi) -> None:
    task = await api.create(title="Đào tạo kỹ năng số cho cán bộ Hoà Bình")
    for words in ("dao tao", "ĐÀO TẠO", "kỹ năng can", "ca", "Hòa Bình", "so dao", "bao cao ra"):
        assert await api.ids(q=words) == [task], words
    for words in ("dao tao xyz", "tao d x", "ao tao", "!!!", "$.*"):
        assert await api.ids(q=words) == [], words


# --- timeliness in the database's words ---


def some_task(number: int, chance: random.Random) -> Task:
    """Any task that its life can lead to."""

    def day() -> date:
        return TODAY + timedelta(days=chance.randint(-6, 6))

    state = chance.choice(["draft", "published", "assigned", "in_progress", "submitted", "completed", "paused", "cancelled"])
    handed_in = day() if state in ("submitted", "completed") else None
    return a_task(
        id=f"t{number:03d}",
        state=state,
        due_on=chance.choice([None, day(), day()]),
        deadline_kind=chance.choice(["date", "external", "on_event", "relative_event", "recurring"]),
        submitted_on=handed_in,
        completed_on=None if handed_in is None or state == "submitted" else handed_in + timedelta(days=chance.randint(0, 4)),
        lead_unit_id=chance.choice([A, B]),
        open_periods=open_periods(chance),
    )


@pytest.mark.parametrize("counts", ["submission", "approval"])
@pytest.mark.parametrize("near", [0, 3])
async def test_the_query_finds_what_the_rule_says(process: Process, counts: Any, near: int) -> None:
    chance = random.Random(114)
    tasks = [some_task(number, chance) for number in range(300)]
    await store(process, *tasks)
    rules = Committee(lateness_counts=counts, nearly_due_days=near)
    for wanted in get_args(Timeliness):
        found = await Reader(process.database).find(TASKS, matching(wanted, TODAY, rules))
        expected = {task.id for task in tasks if timeliness(task, TODAY, rules) == wanted}
        assert {task.id for task in found} == expected, wanted
        assert expected, f"none of the random tasks is {wanted}"


async def test_the_summary_adds_up_and_agrees_with_the_rule(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    chance = random.Random(57)
    tasks = [some_task(number, chance) for number in range(200)]
    await store(process, *tasks)
    later = TODAY + timedelta(days=4)
    async with calling(area, process, SYSTEM_A) as of_a:
        for caller, params, day, kept in (
            (api, {}, TODAY, tasks),
            (api, {"as_of": later.isoformat()}, later, tasks),
            (api, {"unit": B}, TODAY, [task for task in tasks if task.lead_unit_id == B]),
            (of_a, {}, TODAY, [task for task in tasks if task.lead_unit_id == A]),
            (of_a, {"unit": B}, TODAY, []),
            (api, {"directive": "dir-1"}, TODAY, []),
        ):
            summary = await caller.get("summary", params=params)
            assert summary["as_of"] == day.isoformat()
            assert summary["total"] == len(kept) == sum(summary["by_state"].values())
            stands = [timeliness(task, day, Committee()) for task in kept]
            assert summary["by_timeliness"] == {name: stands.count(name) for name in get_args(Timeliness)}
            assert sum(summary["by_timeliness"].values()) == len(kept) - summary["by_state"]["cancelled"]


# --- the sweeper ---


async def told(process: Process) -> list[tuple[str, str]]:
    """(task, event) of what the sweeper has said so far."""
    found = {"type": {"$in": ["tasks.task.fell_due_soon.v1", "tasks.task.became_overdue.v1"]}}
    rows = await process.database.collection(OUTBOX).find(found).to_list(None)
    return sorted((row["aggregateid"], row["type"].split(".")[2]) for row in rows)


def published(task_id: str, due_on: date | None, **changes: Any) -> Task:
    return a_task(id=task_id, state="published", due_on=due_on, **changes)


async def test_the_sweeper_tells_once_that_a_day_is_near_and_once_that_it_has_passed(
    process: Process, api: TaskApi, clock: HandClock
) -> None:
    await store(
        process,
        published("near", TODAY + timedelta(days=3)),
        published("today", TODAY),
        published("far", TODAY + timedelta(days=4)),
        published("never", None),
        published("late", TODAY - timedelta(days=1)),
        a_task(id="draft", due_on=TODAY),
        published("done", TODAY - timedelta(days=9)).model_copy(update={"state": "completed"}),
        published("stopped", TODAY).model_copy(update={"state": "paused"}),
    )
    for _ in range(2):
        await sweep_due_days.run(process.units, None)
        assert await told(process) == [("late", "became_overdue"), ("near", "fell_due_soon"), ("today", "fell_due_soon")]
    clock.now = datetime(2026, 11, 24, 16, 59, 59, tzinfo=UTC)  # 23:59:59 in Hà Giang
    await sweep_due_days.run(process.units, None)
    assert len(await told(process)) == 3
    clock.now += timedelta(seconds=1)
    await sweep_due_days.run(process.units, None)
    assert set(await told(process)) - {("late", "became_overdue"), ("near", "fell_due_soon"), ("today", "fell_due_soon")} == {
        ("today", "became_overdue"),
        ("far", "fell_due_soon"),
    }
    lines = await Reader(process.database).find(HISTORY, {"task_id": "today"}, sort=("number",))
    assert [(line.what, line.actor) for line in lines] == [
        ("fell_due_soon", "system:tasks"),
        ("became_overdue", "system:tasks"),
    ]


async def told_of_parts(process: Process) -> list[tuple[str, int, str]]:
    """(task, part, event) of what the sweeper has said of parts so far."""
    found = {"type": {"$in": ["tasks.task.part_fell_due_soon.v1", "tasks.task.part_became_overdue.v1"]}}
    rows = await process.database.collection(OUTBOX).find(found).to_list(None)
    return sorted((row["aggregateid"], json.loads(row["payload"])["part"], row["type"].split(".")[2]) for row in rows)


def with_parts(task_id: str, *days: int, **changes: Any) -> Task:
    """A task, due later, whose coordinator owes a part on each of these days from today."""
    asked = {"at": NOW, "by": "person:per-doer", "words": "Số liệu"}
    parts = [
        {"number": number, "unit_id": B, "due_on": TODAY + timedelta(days=day), "asked": asked}
        for number, day in enumerate(days, 1)
    ]
    return a_task(**{"id": task_id, "state": "in_progress", "due_on": date(2027, 1, 30), "parts": parts, **changes})


async def test_the_sweeper_tells_of_parts_likewise_also_when_it_was_cut_off(
    process: Process, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    withdrawn, accepted = with_parts("withdrawn", 0), with_parts("accepted", 0)
    withdrawn.parts[0].state, accepted.parts[0].state = "withdrawn", "accepted"
    await store(
        process, with_parts("a", -1, 2, 9), with_parts("b", 0), with_parts("c", -5), with_parts("far", 4), withdrawn, accepted,
        with_parts("cancelled", -1, state="cancelled"), with_parts("stopped", -1, state="paused", paused_from="in_progress"),
    )  # fmt: skip
    monkeypatch.setattr(sweep_due_days, "PAGE", 1)
    with monkeypatch.context() as patched:
        patched.setattr(pages, "apart", cut_off_at(2))
        with pytest.raises(ConnectionError):
            await sweep_due_days.run(process.units, None)
    assert await told_of_parts(process) == [("c", 1, "part_became_overdue")]
    said = [
        ("a", 1, "part_became_overdue"), ("a", 2, "part_fell_due_soon"), ("b", 1, "part_fell_due_soon"),
        ("c", 1, "part_became_overdue"),
    ]  # fmt: skip
    for _ in range(2):
        await sweep_due_days.run(process.units, None)
        assert await told_of_parts(process) == said
    clock.now += timedelta(days=5)  # the worker stood still meanwhile

    async def go_on(uow: UnitOfWork) -> None:
        task = await uow.load(TASKS, "stopped")
        task.resume(TODAY + timedelta(days=5))
        save_task(uow, task)

    await process.units.run(go_on, process.units.system())
    for _ in range(2):
        await sweep_due_days.run(process.units, None)
    later = {("a", 2), ("b", 1), ("far", 1), ("stopped", 1)}
    assert await told_of_parts(process) == sorted([*said, *((*one, "part_became_overdue") for one in later)])
    lines = await Reader(process.database).find(HISTORY, {"task_id": "far"}, sort=("number",))
    assert [(line.what, line.actor, line.changes["part"]) for line in lines] == [
        ("part_became_overdue", "system:tasks", [None, 1]),
    ]  # fmt: skip


async def test_a_new_due_day_is_told_of_anew(process: Process, api: TaskApi) -> None:
    task = await api.create(deadline_written="25/11/2026")
    await api.do(task, "publish")
    await sweep_due_days.run(process.units, None)
    await api.patch(f"tasks/{task}", {"due_on": "2026-11-26"})
    await sweep_due_days.run(process.units, None)
    assert await told(process) == [(task, "fell_due_soon")] * 2


async def test_many_pages_are_swept_also_when_two_sweep_at_once(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_due_days, "PAGE", 4)
    await store(process, *(published(f"t{number:02d}", TODAY) for number in range(15)))
    await asyncio.gather(*(sweep_due_days.run(process.units, None) for _ in range(2)))
    await sweep_due_days.run(process.units, None)
    assert await told(process) == [(f"t{number:02d}", "fell_due_soon") for number in range(15)]


async def test_a_task_that_somebody_holds_does_not_hold_up_the_others(process: Process) -> None:
    await store(process, *(published(f"t{number}", TODAY) for number in range(3)))
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hold(uow: UnitOfWork) -> None:
        task = await uow.load(TASKS, "t1")
        uow.save(TASKS, task)
        await uow.flush()
        entered.set()
        await go_on.wait()

    holding = asyncio.create_task(process.units.run(hold, process.units.system()))
    await entered.wait()
    sweeping = asyncio.create_task(sweep_due_days.run(process.units, None))
    await asyncio.wait({sweeping}, timeout=1.0)
    go_on.set()
    await asyncio.gather(holding, sweeping)
    await sweep_due_days.run(process.units, None)
    assert await told(process) == [(f"t{number}", "fell_due_soon") for number in range(3)]


async def test_the_worker_sweeps_by_itself(area: Area, clock: HandClock) -> None:
    async with furnished(area, clock) as api_alone:
        await store(api_alone, published("near", TODAY))
    async with area.running(service, "worker", clock) as process:

        async def said() -> bool:
            return await told(process) == [("near", "fell_due_soon")]

        await eventually("the sweeper has told of the due day", said)
