"""Boards: counts kept by the transactions that save tasks, added up behind them, and equal to what there is."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.fields import Timeliness
from common.domain import Actor
from common.outbox import new_id
from common.repository import Reader
from common.service import Process
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from services.tasks.tests.task_world import (
    SCOPES,
    SYSTEM_A,
    TODAY,
    A,
    B,
    HandClock,
    TaskApi,
    a_task,
    calling,
    furnished,
    open_periods,
)
from tasks.domain.committee import Committee
from tasks.domain.matters import OpenPeriod
from tasks.domain.standings import Board, Change, Group, Place, Wait, added_up
from tasks.domain.task import Clock, Task
from tasks.domain.timeliness import timeliness
from tasks.features import add_up_boards
from tasks.service import service
from tasks.store import BOARD_CHANGES, BOARDS, TASKS, board, save_task
from tasks.verify import boards_differing, keys_differing

DAYS = st.none() | st.dates(TODAY - timedelta(days=5), TODAY + timedelta(days=5))
STATES = st.sampled_from(["draft", "published", "assigned", "in_progress", "submitted", "completed", "paused", "cancelled"])
LOOKING = [TODAY + timedelta(days=days) for days in range(-7, 8)]
RULES = [Committee(lateness_counts=counts, nearly_due_days=near) for counts in ("submission", "approval") for near in (0, 3)]


@st.composite
def tasks(draw: Any) -> Task:
    """Any task that its life can lead to."""
    state, handed_in = draw(STATES), draw(st.dates(TODAY - timedelta(days=5), TODAY + timedelta(days=5)))
    done = state in ("submitted", "completed")
    waits_for = draw(st.sampled_from(["", "", "Trung ương", "Bộ. Nội | vụ"]))
    return a_task(
        id=draw(st.sampled_from("abc")),
        version=1,
        state=state,
        due_on=draw(DAYS),
        deadline_kind=draw(st.sampled_from(["date", "external", "recurring"])),
        submitted_on=handed_in if done else None,
        completed_on=handed_in + timedelta(days=draw(st.integers(0, 3))) if state == "completed" else None,
        lead_unit_id=draw(st.sampled_from([None, A, B])),
        coordinator_unit_ids=draw(st.sampled_from([[], [A], [B], [A, B]])),
        directive_id=draw(st.sampled_from([None, "d1", "d2"])),
        sample=draw(st.sampled_from([None, None, "demo"])),
        open_periods=open_periods(draw(st.randoms(use_true_random=False))),
        waits_for=waits_for,
        clock=draw(st.none() | st.just(Clock(directive_id="p", issued_on=TODAY, due_on=TODAY, days_waited=9)))
        if waits_for
        else None,
    )


def stands(counts: dict[str, int], day: date, rules: Committee) -> Counter[tuple[str, Timeliness | None]]:
    found: Counter[tuple[str, Timeliness | None]] = Counter()
    for key, count in counts.items():
        group = Group.read(key)
        found[group.state, timeliness(group, day, rules)] += count
    return found


@given(tasks(), st.sampled_from(LOOKING), st.sampled_from(RULES))
def test_a_group_stands_as_each_of_its_tasks_on_every_day_and_by_every_setting(task: Task, day: date, rules: Committee) -> None:
    group = Group.read(Group.of(task).key())
    assert group == Group.of(task)
    assert (group.state, timeliness(group, day, rules)) == (task.state, timeliness(task, day, rules))


@given(st.lists(tasks(), max_size=12), st.randoms())
def test_boards_count_what_there_is_in_whatever_order_changes_are_added_up(history: list[Task], chance: Any) -> None:
    present: dict[str, Task] = {}
    changes = []
    for number, task in enumerate(history):
        changes.append(Change.between(present.get(task.id), task, str(number)))
        present[task.id] = task
    kept = [change for change in changes if change is not None]
    chance.shuffle(kept)
    half = len(kept) // 2
    boards = added_up(kept[:half])
    for key, more in added_up(kept[half:]).items():
        boards[key] = boards[key].add(more) if key in boards else more
    boards = {key: one for key, one in boards.items() if not one.is_empty}
    for unit in (None, A, B):
        for directive in (None, "d1", "d2"):
            mine = [
                task
                for task in present.values()
                if unit in (None, task.lead_unit_id, *task.coordinator_unit_ids) and directive in (None, task.directive_id)
            ]
            found = boards.pop(Board.id_of(unit, directive), Board.empty(unit, directive))
            wanted = Counter((task.state, timeliness(task, TODAY, RULES[0])) for task in mine)
            assert stands(found.stands, TODAY, RULES[0]) == wanted, (unit, directive)
            assert Counter(found.waits) == Counter(wait.key() for wait in map(Wait.of, mine) if wait is not None)
            assert all(Wait.read(key).key() == key for key in found.waits)
            carried = Counter(place.carried_by for place in map(Place.of, mine) if place.carried_by is not None)
            assert Counter(found.loads) == (carried if unit is None else Counter())
    assert boards == {}, "no board of anything else"


def test_what_has_no_periods_is_counted_under_the_key_that_it_had_before_there_were_any() -> None:
    assert Group.of(a_task()).key() == "draft||2026-11-30||"
    owing = a_task(state="in_progress", due_on=None, open_periods=[OpenPeriod(key="2026-11", due_on=TODAY)])
    assert Group.of(owing).key() == "in_progress|date||||2026-11-24|2026-11-24"
    assert Group.read("in_progress|date|||") == Group("in_progress", "date", None, None, None)


@pytest.mark.parametrize(
    ("submitted", "completed", "days"),
    [(-3, 0, "2000-01-01|2000-01-01"), (0, 1, "2000-01-01|2000-01-02"), (1, 2, "2000-01-02|2000-01-02")],
)
def test_of_what_is_done_only_whether_it_was_late_is_counted(submitted: int, completed: int, days: str) -> None:
    given = {"submitted_on": TODAY + timedelta(days=submitted), "completed_on": TODAY + timedelta(days=completed)}
    assert Group.of(a_task(state="completed", due_on=TODAY, **given)).key() == f"completed||2000-01-01|{days}"
    handed_in = a_task(state="submitted", due_on=TODAY, submitted_on=given["submitted_on"])
    assert Group.of(handed_in).key() == f"submitted||{TODAY}|{given['submitted_on']}|"


def test_days_of_waiting_are_counted_until_the_paper_and_after_it() -> None:
    words = {"waits_for": "Trung ương", "deadline_kind": "external", "due_on": None}
    waiting = a_task(**words, waiting_since=TODAY)
    assert Wait.of(waiting) == Wait("Trung ương", TODAY, None)
    assert Wait.of(a_task(**words)) == Wait("Trung ương", TODAY, None), "since it was written down"
    clock = Clock(directive_id="p", issued_on=TODAY, due_on=TODAY, days_waited=9)
    assert Wait.of(waiting.model_copy(update={"due_on": TODAY, "clock": clock})) == Wait("Trung ương", None, 9)
    assert [Wait.of(a_task()), Wait.of(a_task(**words, state="cancelled"))] == [None, None]


def test_what_is_carried_is_open_and_no_sample() -> None:
    carried = [a_task(state="in_progress"), a_task(), a_task(state="in_progress", sample="demo"), a_task(state="completed")]
    assert [Place.of(task).carried_by for task in carried] == [A, None, None, None]
    board = Board.empty(None, None)
    assert board.is_empty is True
    board.count(Place.of(carried[0]), 1)
    assert (board.is_empty, board.loads) == (False, {A: 1})


def test_what_boards_do_not_show_is_no_change() -> None:
    before, after = a_task(version=1), a_task(version=1, percent=40, title="x", responsible_id="per-second")
    assert Change.between(before, after, "c") is None
    assert Change.between(None, after, "c") == Change(id="c", was=None, now=Place.of(after))


def test_a_task_remembers_how_it_was_saved() -> None:
    stored = TASKS.parse(TASKS.dump(a_task(version=1)))
    stored.state = "completed"
    before = stored.take_saved()
    assert before is not None
    assert (before.state, before.coordinator_unit_ids) == ("draft", [])
    again = stored.take_saved()
    assert again is not None
    assert again.state == "completed"
    assert a_task().take_saved() is None, "a new one was nowhere"


# --- on a real database ---

servers = pytest.mark.servers


async def waiting(process: Process) -> int:
    return int(await process.database.collection(BOARD_CHANGES.collection).count_documents({}))


async def add_up(process: Process) -> None:
    await add_up_boards.run(process.units, None)
    assert await waiting(process) == 0


@servers
async def test_summaries_say_the_same_before_and_after_boards_are_added_up(
    area: Area, process: Process, api: TaskApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_up_boards, "PAGE", 3)
    first = await api.started()
    second = await api.create(lead_unit_id=B, coordinator_unit_ids=[A], directive_id="dir-1", responsible_id="per-other")
    await api.post("tasks", {"title": "Chờ", "deadline_written": "30 ngày sau khi Trung ương ban hành"}, 201)
    questions: list[dict[str, str]] = [{}, {"unit": A}, {"unit": B}, {"directive": "dir-1"}, {"unit": A, "directive": "dir-1"}]
    async with calling(area, process, SYSTEM_A) as of_a:

        async def summaries() -> list[Any]:
            return [await caller.get("summary", params=one) for caller in (api, of_a) for one in questions]

        before = await summaries()
        assert [one["total"] for one in before] == [3, 2, 1, 1, 1, 2, 2, 1, 1, 1]
        assert before[0]["by_state"]["in_progress"] == 1
        assert before[0]["by_timeliness"]["waiting"] == 1
        await add_up(process)
        assert await summaries() == before
        await api.do(first, "pause", {"words": "Tạm dừng theo chỉ đạo"})
        await api.patch(f"tasks/{second}", {"coordinator_unit_ids": [], "directive_id": None})
        moved = await summaries()
        assert [one["total"] for one in moved] == [3, 1, 1, 0, 0, 1, 1, 0, 0, 0]
        assert moved[1]["by_state"]["paused"] == 1
        await add_up(process)
        assert await summaries() == moved
    assert await boards_differing(process.units) == []
    assert (await board(Reader(process.database), A, "dir-1")).is_empty


@servers
async def test_the_worker_adds_up_by_itself(area: Area, clock: HandClock) -> None:
    async with furnished(area, clock) as api_alone, calling(area, api_alone) as api:
        await api.create()
    async with area.running(service, "worker", clock) as process:

        async def done() -> bool:
            return await waiting(process) == 0

        await eventually("the worker has added up what changed", done)
        assert sum((await board(Reader(process.database), A, None)).stands.values()) == 1


@servers
async def test_a_person_sees_beside_their_unit_what_is_theirs_elsewhere(area: Area, process: Process, api: TaskApi) -> None:
    await api.create()
    await api.create(lead_unit_id=B, responsible_id="per-other", approver_id="per-head")
    await api.create(lead_unit_id=B, responsible_id="per-other", approver_id=None)
    both = Actor("client", "both", SCOPES, frozenset({A, B}))
    await api.create(coordinator_unit_ids=[B])
    for actor, params, total in (
        (Actor("person", "per-head", SCOPES, frozenset({A})), {}, 3),
        (Actor("person", "per-head", SCOPES, frozenset({A})), {"unit": B}, 2),
        (Actor("client", "of-a", SCOPES, frozenset({A})), {}, 2),
        (Actor("client", "of-a", SCOPES, frozenset({A})), {"unit": B}, 1),
        (both, {}, 4),
        (both, {"unit": B}, 3),
        (Actor("client", "of-none", SCOPES, frozenset()), {}, 0),
    ):
        async with calling(area, process, actor) as caller:
            assert (await caller.get("summary", params=params))["total"] == total, (actor, params)


@servers
async def test_saving_a_task_of_a_unit_waits_for_no_other_one_of_it(process: Process, api: TaskApi) -> None:
    both = [a_task(id=name, directive_id="dir-1") for name in ("held", "other")]
    await process.units.run(lambda uow: keep(uow, *both), process.units.system())
    await add_up(process)
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def hold(uow: UnitOfWork) -> None:
        task = await uow.load(TASKS, "held")
        task.state = "paused"
        save_task(uow, task)
        await uow.flush()
        entered.set()
        await go_on.wait()

    holding = asyncio.create_task(process.units.run(hold, process.units.system()))
    await entered.wait()
    async with asyncio.timeout(5):
        await api.do("other", "cancel", {"words": "Không còn cần"})
        await add_up_boards.run(process.units, None)
    go_on.set()
    await holding
    assert (await api.get("summary"))["by_state"] == dict.fromkeys(
        ["draft", "published", "assigned", "in_progress", "submitted", "completed"], 0
    ) | {"paused": 1, "cancelled": 1}


async def keep(uow: UnitOfWork, *kept: Task) -> None:
    for task in kept:
        save_task(uow, task.model_copy())


@servers
async def test_what_was_taken_back_is_not_counted(process: Process, api: TaskApi) -> None:
    async def breaks(uow: UnitOfWork) -> None:
        await keep(uow, a_task(id="never"))
        await uow.flush()
        raise ConnectionError("cut off")

    with pytest.raises(ConnectionError):
        await process.units.run(breaks, process.units.system())
    assert await waiting(process) == 0


@servers
async def test_two_that_add_up_at_once_count_each_change_once(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add_up_boards, "PAGE", 5)
    await process.units.run(lambda uow: keep(uow, *(a_task(id=f"t{n}") for n in range(30))), process.units.system())
    await asyncio.gather(*(add_up_boards.run(process.units, None) for _ in range(2)), return_exceptions=True)
    await add_up(process)
    assert (await board(Reader(process.database), None, None)).stands == {"draft||2026-11-30||": 30}


@servers
async def test_boards_that_differ_are_found_and_mended_while_tasks_are_written(process: Process, api: TaskApi) -> None:
    chance = random.Random(11)
    kept = [
        a_task(id=f"t{n}", lead_unit_id=chance.choice([A, B]), directive_id=chance.choice([None, "dir-1"])) for n in range(40)
    ]
    await process.units.run(lambda uow: keep(uow, *kept), process.units.system())
    await add_up(process)
    assert await boards_differing(process.units) == []
    boards = process.database.collection(BOARDS.collection)
    await boards.delete_one({"_id": Board.id_of(None, None)})
    await boards.update_one({"_id": Board.id_of(A, None)}, {"$set": {"stands": [["draft||2026-11-30||", 999]]}})
    await boards.insert_one(BOARDS.dump(Board.empty("vn:none", None).model_copy(update={"waits": {"x": 1}})))
    await api.create()
    wrong = sorted([Board.id_of(None, None), Board.id_of(A, None), Board.id_of("vn:none", None)])
    assert await boards_differing(process.units) == wrong
    mending = asyncio.create_task(boards_differing(process.units, mend=True))
    for _ in range(3):
        await api.create(title="Ghi trong lúc sửa", directive_id="dir-1")
    assert await mending == wrong
    assert await boards_differing(process.units) == []
    assert (await api.get("summary"))["total"] == 44


@servers
async def test_boards_of_a_database_that_is_older_than_they_are_can_be_made(process: Process, api: TaskApi) -> None:
    async def put(uow: UnitOfWork) -> None:
        for number in range(5):
            uow.put(TASKS, a_task(id=new_id(), version=1, lead_unit_id=A if number else B))

    await process.units.run(put, process.units.system())
    assert (await api.get("summary"))["total"] == 0
    assert len(await boards_differing(process.units, mend=True)) == 3
    assert (await api.get("summary", unit=A))["total"] == 4
    assert await boards_differing(process.units) == []


@servers
async def test_keys_of_lists_that_an_older_version_did_not_write_are_found_and_made(process: Process, api: TaskApi) -> None:
    tasks = [await api.create(title="Việc cũ", directive_id="dir-1") for _ in range(3)]
    assert await keys_differing(process.units) == []
    written = process.units.database.collection("tasks")
    await written.update_one({"_id": tasks[1]}, {"$unset": {"_d.by_due": 1}, "$set": {"_d.marks": ["overspent"]}})
    assert len((await api.get("tasks", mark="overspent"))["items"]) == 1
    assert await keys_differing(process.units, mend=True) == [f"tasks/{tasks[1]}"]
    assert await keys_differing(process.units) == []
    assert (await api.get("tasks", mark="overspent"))["items"] == []
