"""Periods, papers that are waited for, and tasks whose paper ends: on a real database, with the jobs that keep them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain import Actor
from common.outbox import OUTBOX
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.tasks.tests.task_world import DOER, HEAD, SCOPES, A, B, HandClock, TaskApi, a_task, calling, cut_off_at
from tasks.domain.reading import read_words
from tasks.domain.steps import MOST
from tasks.features import add_up_boards, climb_ladders, follow_papers, keep_calendars
from tasks.store import TASKS, save_task
from tasks.verify import CHECKS, periods_differing

pytestmark = pytest.mark.servers
REGISTRAR = Actor("client", "registrar", SCOPES | {"directives:read", "directives:write", "summary:read"})
EVIDENCE = {"kind": "document", "title": "Báo cáo tháng 11"}
CENTRE = "30 ngày sau khi Trung ương ban hành"


async def told(process: Process, prefix: str) -> list[str]:
    """Types of the task events whose name begins so, in the order in which they were written."""
    rows = await process.database.collection(OUTBOX).find({}).sort([("_id", 1)]).to_list(None)
    names = [row["type"].removeprefix("tasks.task.").removesuffix(".v1") for row in rows]
    return [name for name in names if name.startswith(prefix)]


async def keep(process: Process) -> None:
    await keep_calendars.run(process.units, None)


async def follow(process: Process) -> None:
    await follow_papers.run(process.units, None)


# --- periods ---


async def test_each_month_has_its_own_result_from_opening_to_closing(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started(deadline_written="Hằng tháng, trước ngày 28")
    assert (await api.get(f"tasks/{task}"))["calendar"] == "month"
    for _ in range(2):  # the second run finds nothing to do
        await keep(process)
    (november,) = (await api.get(f"tasks/{task}/periods"))["items"]
    assert (november["key"], november["due_on"], november["timeliness"]) == ("2026-11", "2026-11-28", "in_time")
    path = f"tasks/{task}/periods/2026-11"
    async with calling(area, process, DOER) as doer, calling(area, process, HEAD) as head:
        assert "evidence_missing" in await doer.refused(409, f"{path}/submit", {"words": "Đã làm"})
        await doer.post(f"{path}/add-evidence", EVIDENCE)
        await doer.post(f"{path}/submit", {"words": "Đã rà 4 hệ thống"})
        await head.post(f"{path}/return", {"reason_code": "incomplete", "words": "Thiếu số liệu"})
        await doer.post(f"{path}/submit", {"words": "Đã bổ sung"})
        await doer.refused(403, f"{path}/complete")
        closed = await head.post(f"{path}/complete")
    assert (closed["state"], closed["timeliness"], closed["report"]) == ("completed", "done_in_time", "Đã bổ sung")
    clock.now = datetime(2026, 12, 28, 18, 0, tzinfo=UTC)  # 29 December in the province
    await keep(process)
    december, november = (await api.get(f"tasks/{task}/periods"))["items"]
    assert (december["key"], december["timeliness"], november["state"]) == ("2026-12", "overdue", "completed")
    assert (await api.get(f"tasks/{task}"))["state"] == "in_progress", "the task itself goes on"
    names = [name.removeprefix("period_") for name in await told(process, "period_")]
    assert names == ["opened", "evidence_added", "submitted", "returned", "submitted", "closed", "opened", "became_overdue"]
    await api.refused(404, f"tasks/{task}/periods/2027-01/complete")


async def test_a_late_period_shows_in_lists_and_counts_and_goes_with_its_handing_in(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started(deadline_written="Hằng tháng, trước ngày 28")
    other = await api.create(deadline_written="Hằng tháng, trước ngày 28", lead_unit_id=B, responsible_id="per-other")
    await api.do(other, "publish")
    await keep(process)

    async def stands(day: datetime) -> dict[str, int]:
        """How both tasks stand, by every way in which it is counted."""
        clock.now = day
        counts = []
        for added_up in (False, True):
            if added_up:
                await add_up_boards.run(process.units, None)
            counts.append((await api.get("summary"))["by_timeliness"])
        async with calling(area, process, Actor("client", "both", SCOPES, frozenset({A, B}))) as both:
            counts.append((await both.get("summary"))["by_timeliness"])  # over an index, by no board
        assert counts[0] == counts[1] == counts[2]
        for name, count in counts[0].items():
            for sort in ("-created_at", "due_on"):
                assert len(await api.ids(timeliness=name, sort=sort)) == count, (name, sort)
        return {name: count for name, count in counts[0].items() if count}

    assert await stands(datetime(2026, 11, 24, 3, tzinfo=UTC)) == {"in_time": 2}
    assert await stands(datetime(2026, 11, 28, 3, tzinfo=UTC)) == {"nearly_due": 2}
    assert await stands(datetime(2026, 11, 28, 17, tzinfo=UTC)) == {"overdue": 2}, "the first second of the 29th"
    (line,) = [one for one in (await api.get("tasks", timeliness="overdue"))["items"] if one["id"] == task]
    assert line["open_periods"] == [{"key": "2026-11", "due_on": "2026-11-28", "submitted_on": None, "timeliness": "overdue"}]
    assert (await api.get("summary", unit=A))["by_timeliness"]["overdue"] == 1
    assert sorted(await api.ids(due_before="2026-11-29")) == sorted([task, other])
    path = f"tasks/{task}/periods/2026-11"
    async with calling(area, process, DOER) as doer, calling(area, process, HEAD) as head:
        await doer.post(f"{path}/state-no-work", {"words": "Không phát sinh"})
        assert await stands(clock.now) == {"overdue": 2}, "said too late, and not answered"
        await head.post(f"{path}/confirm-no-work", {"words": "Đúng"})
    assert await stands(clock.now) == {"overdue": 1, "no_due_date": 1}, "nothing is asked for until the next month begins"
    clock.now = datetime(2026, 12, 1, 3, tzinfo=UTC)
    await keep(process)
    assert await stands(clock.now) == {"overdue": 1, "in_time": 1}
    await api.do(other, "pause", {"words": "Tạm dừng"})
    assert await stands(clock.now) == {"paused": 1, "in_time": 1}
    assert [await check(process.units) for _, _, _, check in CHECKS] == [[]] * len(CHECKS)


async def test_a_month_that_nobody_hands_in_is_brought_before_level_after_level_each_once(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started(deadline_written="Hằng tháng, trước ngày 28")
    await keep(process)
    heard = []
    for late in (2, 3, 4, 12, 13):
        clock.now = datetime(2026, 11, 28, 3, 0, tzinfo=UTC) + timedelta(days=late)
        for _ in range(2):
            await climb_ladders.run(process.units, None)
        heard.append(len(await told(process, "period_escalated")))
    assert heard == [0, 1, 1, 3, 3], "after 3, 5 and 10 days; what was missed is made up for"
    minutes = (await api.get(f"tasks/{task}/history"))["items"]
    assert [line["changes"]["level"][1] for line in minutes if line["what"] == "period_escalated"] == [
        "unit_head", "standing_agency", "committee_leader",
    ]  # fmt: skip
    async with calling(area, process, DOER) as doer:
        await doer.post(f"tasks/{task}/periods/2026-11/add-evidence", EVIDENCE)
        await doer.post(f"tasks/{task}/periods/2026-11/submit", {"words": "Đã rà 4 hệ thống"})
    clock.now += timedelta(days=60)
    await climb_ladders.run(process.units, None)
    assert len(await told(process, "period_escalated")) == 3


async def test_a_period_that_is_owed_no_more_is_done_with_and_its_task_stays_as_it_is(
    process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started(deadline_written="Hằng tháng, trước ngày 28")
    await keep(process)
    await api.post(f"tasks/{task}/cancel", {"words": "Không còn phù hợp"})
    clock.now = datetime(2026, 12, 28, 3, 0, tzinfo=UTC)
    tasks = process.database.collection("tasks")
    before = await tasks.find_one({"_id": task})
    for _ in range(2):
        await climb_ladders.run(process.units, None)
    assert await tasks.find_one({"_id": task}) == before
    kept = await process.database.collection("periods").find_one({"task_id": task})
    assert kept["climbed"] == MOST, "it is not found again"


async def test_what_an_older_version_did_not_say_of_periods_is_found_and_mended(
    process: Process, api: TaskApi, clock: HandClock
) -> None:
    tasks = [await api.started(deadline_written="Hằng tháng, trước ngày 28") for _ in range(2)]
    await keep(process)
    await add_up_boards.run(process.units, None)
    older = {"open_periods": 1, "last_period_due_on": 1, "_d.owes": 1, "_d.owed_on": 1, "_d.unclosed_on": 1}
    written = process.database.collection(TASKS.collection)
    await written.update_one({"_id": tasks[0]}, {"$unset": older})
    clock.now = datetime(2026, 11, 29, 3, tzinfo=UTC)
    assert await api.ids(timeliness="overdue") == [tasks[1]]
    assert await api.ids(timeliness="no_due_date") == [tasks[0]], "it is not lost meanwhile"
    assert await periods_differing(process.units) == [tasks[0]]
    for _, _, _, check in CHECKS:
        await check(process.units, mend=True)
    assert sorted(await api.ids(timeliness="overdue")) == sorted(tasks)
    assert [await check(process.units) for _, _, _, check in CHECKS] == [[]] * len(CHECKS)
    assert (await api.get("summary"))["by_timeliness"]["overdue"] == 2


async def test_an_occurrence_is_opened_by_whoever_saw_it_happen(process: Process, api: TaskApi) -> None:
    task = await api.create(deadline_written="Khi có nhiệm vụ chậm", due_on="2027-12-31")
    happened = {"words": "Nhiệm vụ 12 chậm 5 ngày", "due_on": "2026-12-01"}
    assert "wrong_state" in await api.refused(409, f"tasks/{task}/open-occurrence", happened)
    await api.do(task, "publish")
    first = await api.post(f"tasks/{task}/open-occurrence", happened, 201)
    second = await api.post(f"tasks/{task}/open-occurrence", happened, 201)
    assert (first["key"], second["key"], first["occasion"]) == ("E0001", "E0002", "Nhiệm vụ 12 chậm 5 ngày")
    ordinary = await api.started()
    assert "not_on_event" in await api.refused(409, f"tasks/{ordinary}/open-occurrence", happened)


# --- papers that are waited for ---


@pytest.fixture
async def registrar(area: Area, process: Process) -> Any:
    async with calling(area, process, REGISTRAR) as caller:
        yield caller


async def paper(registrar: TaskApi, number: str, **fields: Any) -> str:
    body = {"number": number, "issuer": "SC", "issued_on": "2026-11-01", **fields}
    return str((await registrar.post("directives", body, 201))["id"])


async def test_one_paper_dates_two_levels_and_its_correction_and_withdrawal_follow_with_history(
    process: Process, api: TaskApi, registrar: TaskApi, clock: HandClock
) -> None:
    """DOMAIN 7.3: register the upstream paper, and two levels get dates."""
    root = await paper(registrar, "57-NQ/TW")
    province = await paper(registrar, "11-KH/BCĐ", parent_id=root)
    commune = await paper(registrar, "03-KH/ĐU", parent_id=province)
    elsewhere = await paper(registrar, "09-KH/BCĐ")
    upper = await api.create(deadline_written=CENTRE, directive_id=province)
    lower = await api.create(deadline_written="10 ngày làm việc sau khi trung ương ban hành", directive_id=commune)
    other = await api.create(deadline_written=CENTRE, directive_id=elsewhere)
    their_own = await api.create(deadline_written="20 ngày sau khi Tỉnh ủy ban hành văn bản", directive_id=commune)
    assert "deadline_relative_event" in await api.refused(409, f"tasks/{upper}/publish")

    clock.now = datetime(2026, 12, 10, 3, 0, tzinfo=UTC)
    await api.patch("committee", {"holidays": ["2026-12-07"]})
    up = await paper(registrar, "06-KH/BCĐTW", issued_on="2026-12-04", parent_id=root, awaited_as=["Trung ương"])
    await follow(process)
    dated = [(await api.get(f"tasks/{task}"))["due_on"] for task in (upper, lower, other, their_own)]
    assert dated == ["2027-01-03", "2026-12-21", None, None]
    shown = await api.get(f"tasks/{upper}")
    assert (shown["days_waited"], shown["clock"]["directive_id"]) == (10, up)
    assert (await api.do(upper, "publish"))["state"] == "published", "its time is clear now"
    assert (await registrar.get(f"directives/{up}"))["settled"]
    counted = {one["body"]: one for one in (await registrar.get("summary/waiting"))["items"]}
    centre = next(one for body, one in counted.items() if body.casefold() == "trung ương")
    assert (centre["waiting"], centre["dated"], centre["days"]) == (1, 2, 10 + 10 + 16)
    assert counted["Tỉnh ủy"]["waiting"] == 1

    await registrar.patch(f"directives/{up}", {"issued_on": "2026-12-14", "words": "Đọc lại bản gốc"})
    await follow(process)
    assert (await api.get(f"tasks/{upper}"))["due_on"] == "2027-01-13"
    withdrawn = {"words": "Ban hành nhầm", "effective_on": "2026-12-15"}
    ended = await registrar.post(f"directives/{up}/withdraw", withdrawn)
    assert [line["what"] for line in ended["history"]] == ["corrected", "withdrawn"]
    assert ended["history"][0]["changes"] == {"issued_on": ["2026-12-04", "2026-12-14"]}
    await follow(process)
    again = await api.get(f"tasks/{upper}")
    assert (again["due_on"], again["timeliness"], again["clock"]) == (None, "waiting", None)
    minutes = [line["what"] for line in (await api.get(f"tasks/{upper}/history"))["items"]]
    assert minutes == ["drafted", "clock_started", "published", "clock_started", "clock_stopped"]


async def test_a_task_that_comes_after_its_paper_is_dated_as_well(process: Process, api: TaskApi, registrar: TaskApi) -> None:
    root = await paper(registrar, "57-NQ/TW")
    await paper(registrar, "06-KH/BCĐTW", issued_on="2026-11-20", parent_id=root, awaited_as=["Trung ương"])
    await follow(process)
    task = await api.create(deadline_written=CENTRE, directive_id=root)
    await keep(process)
    shown = await api.get(f"tasks/{task}")
    assert (shown["due_on"], shown["days_waited"]) == ("2026-12-20", 0)


async def test_a_plan_that_is_put_under_its_superior_paper_later_finds_what_it_waited_for(
    process: Process, api: TaskApi, registrar: TaskApi
) -> None:
    root, plan = await paper(registrar, "57-NQ/TW"), await paper(registrar, "11-KH/BCĐ")
    below = await paper(registrar, "03-KH/ĐU", parent_id=plan)
    task = await api.create(deadline_written=CENTRE, directive_id=below)
    await paper(registrar, "06-KH/BCĐTW", issued_on="2026-11-20", parent_id=root, awaited_as=["Trung ương"])
    await follow(process)
    await keep(process)
    assert (await api.get(f"tasks/{task}"))["due_on"] is None
    await registrar.patch(f"directives/{plan}", {"parent_id": root})
    await follow(process)
    await keep(process)
    assert (await api.get(f"tasks/{task}"))["due_on"] == "2026-12-20"
    assert (await registrar.get(f"directives/{plan}"))["settled"]


async def test_hundreds_of_waiting_tasks_follow_in_pages_and_a_run_that_was_cut_off_is_taken_up(
    process: Process, api: TaskApi, registrar: TaskApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await paper(registrar, "57-NQ/TW")
    read = read_words({"deadline_written": CENTRE})
    for first in range(0, 150, 50):

        async def draft(uow: UnitOfWork, first: int = first) -> None:
            for number in range(first, first + 50):
                save_task(uow, a_task(id=f"w{number:03d}", directive_id=root, clock=None, **read).draft())

        await process.units.run(draft, process.units.system())
    await paper(registrar, "06-KH/BCĐTW", issued_on="2026-11-20", parent_id=root, awaited_as=["Trung ương"])
    monkeypatch.setattr(follow_papers, "PAGE", 40)
    monkeypatch.setattr(follow_papers, "apart", cut_off_at(3))
    with pytest.raises(ConnectionError):
        await follow(process)
    assert len(await told(process, "clock_started")) == 80
    await follow(process)
    assert len(await told(process, "clock_started")) == 150, "each once"
    assert await process.database.collection(TASKS.collection).count_documents({"due_on": "2026-12-20"}) == 150


# --- papers that end ---


async def test_tasks_of_a_replaced_paper_ask_what_becomes_of_them_and_somebody_decides(
    area: Area, process: Process, api: TaskApi, registrar: TaskApi
) -> None:
    old, new = await paper(registrar, "03/NQ-CP"), await paper(registrar, "71/NQ-CP")
    amended = await registrar.post(
        f"directives/{old}/amend", {"words": "Cập nhật nhiệm vụ", "by_id": new, "effective_on": "2026-11-20"}
    )
    assert (amended["ended_how"], amended["history"][0]["by_id"]) == (None, new)
    goes_on, stops = await api.started(directive_id=old), await api.create(directive_id=old)
    await registrar.post(f"directives/{old}/replace", {"words": "Thay thế", "by_id": new, "effective_on": "2026-11-24"})
    for _ in range(2):
        await follow(process)
    assert await told(process, "fate_") == ["fate_asked", "fate_asked"]
    assert sorted(await api.ids(asks="directive_ended")) == sorted([goes_on, stops])
    again = {"words": "Lần nữa", "effective_on": "2026-11-25"}
    assert "directive_ended" in await registrar.refused(409, f"directives/{old}/repeal", again)
    kept = await api.do(goes_on, "decide-fate", {"decision": "goes_on", "basis_id": new, "words": "Chuyển sang 71/NQ-CP"})
    assert (kept["state"], kept["asks"], kept["directive_id"]) == ("in_progress", None, new)
    gone = await api.do(stops, "decide-fate", {"decision": "cancelled", "words": "Không còn căn cứ"})
    assert gone["state"] == "cancelled"
    assert await api.ids(asks="directive_ended") == []
    assert "nothing_asked" in await api.refused(409, f"tasks/{goes_on}/decide-fate", {"decision": "goes_on", "words": "Lại"})
    async with calling(area, process, Actor("client", "limited", SCOPES, frozenset({A}))) as limited:
        await limited.refused(403, f"directives/{old}/repeal", again)


async def test_a_paper_is_not_put_above_itself_and_unknown_ones_are_refused(process: Process, registrar: TaskApi) -> None:
    root = await paper(registrar, "57-NQ/TW")
    below = await paper(registrar, "11-KH/BCĐ", parent_id=root)
    assert "directive_circle" in await registrar.refused(422, f"directives/{root}", {"parent_id": below}, "PATCH")
    assert "directive_unknown" in await registrar.refused(422, f"directives/{root}", {"parent_id": "none"}, "PATCH")
