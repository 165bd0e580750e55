"""Extensions, disputes, reopening, the ladder of lateness, promises: on a real database, by a clock that is set by hand."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from common.domain import Actor
from common.outbox import OUTBOX
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.tasks.tests.report_world import ALL, keep, with_rubric
from services.tasks.tests.task_world import (
    DOER,
    HEAD,
    MINISTRY,
    SCOPES,
    SYSTEM_A,
    TODAY,
    A,
    B,
    HandClock,
    TaskApi,
    a_task,
    calling,
    cut_off_at,
)
from tasks.domain.directive import Directive
from tasks.domain.directory import Person
from tasks.features import climb_ladders
from tasks.store import PEOPLE

pytestmark = pytest.mark.servers
AGENCY = Actor("person", "per-agency", SCOPES)
LEADER = Actor("person", "per-leader", SCOPES)
WHY = "Chờ số liệu của hai xã"
EVIDENCE = {"kind": "document", "title": "Báo cáo số 12/BC-UBND"}


async def officials(process: Process) -> None:
    async def work(uow: UnitOfWork) -> None:
        uow.put(PEOPLE, Person(id="per-agency", unit_id=B, position="standing_agency"))
        uow.put(PEOPLE, Person(id="per-leader", unit_id=B, position="committee_leader"))

    await process.units.run(work, process.units.system())


async def climb(process: Process) -> None:
    await climb_ladders.run(process.units, None)


async def told(process: Process, *kinds: str) -> list[tuple[str, str]]:
    """(event, level) of these kinds, in the order in which they were written; "" for an event of no level."""
    rows = await process.database.collection(OUTBOX).find({}).sort([("_id", 1)]).to_list(None)
    wanted = {f"tasks.task.{kind}.v1" for kind in kinds}
    return [(row["type"].split(".")[2], _level(row["payload"])) for row in rows if row["type"] in wanted]


def _level(payload: bytes) -> str:
    return str(json.loads(payload).get("level", ""))


def at(day: date, hour: int = 3, minute: int = 0) -> datetime:
    """A moment of UTC; from 17:00 on it is the next day in the province."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


# --- extension ---


async def test_the_due_day_of_an_issued_task_moves_by_an_extension_alone_and_both_days_stay(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started()
    async with (
        calling(area, process, SYSTEM_A) as unit,
        calling(area, process, DOER) as doer,
        calling(area, process, HEAD) as head,
    ):
        for change in ({"due_on": "2026-12-31"}, {"deadline_written": "31/12/2026"}):
            refused = await unit.refused(409, f"tasks/{task}", change, "PATCH")
            assert "request-extension" in refused["due_day_issued"]["repair"]
        await unit.patch(f"tasks/{task}", {"group": "II"})
        asked = await doer.do(task, "request-extension", {"due_on": "2026-12-15", "words": WHY})
        (request,) = asked["extensions"]
        assert (asked["due_on"], request["state"], request["level"]) == ("2026-11-30", "asked", "approver")
        assert "extension_pending" in await unit.refused(
            409, f"tasks/{task}/request-extension", {"due_on": "2026-12-20", "words": WHY}
        )
        assert await api.ids(pending="extension") == [task]
        grant = {"decision": "grant", "words": "Đồng ý"}
        await doer.refused(403, f"tasks/{task}/decide-extension", grant)
        await unit.refused(403, f"tasks/{task}/decide-extension", grant)
        granted = await head.do(task, "decide-extension", grant)
        assert "nothing_asked" in await head.refused(409, f"tasks/{task}/decide-extension", grant)
    assert (granted["due_on"], granted["original_due_on"]) == ("2026-12-15", "2026-11-30")
    (decided,) = granted["extensions"]
    assert (decided["decided"]["by"], decided["decided"]["words"], decided["asked"]["words"]) == (
        "person:per-head", "Đồng ý", WHY,
    )  # fmt: skip
    assert await api.ids(pending="extension") == []
    clock.now = at(date(2026, 12, 15))
    await api.do(task, "add-evidence", EVIDENCE)
    assert (await api.do(task, "submit"))["timeliness"] == "in_time", "timeliness holds against the granted day"
    lines = (await api.get(f"tasks/{task}/history"))["items"]
    (line,) = [line for line in lines if line["what"] == "extension_granted"]
    assert (line["title"], line["changes"]) == ("Gia hạn", {"due_on": ["2026-11-30", "2026-12-15"]})


async def test_a_day_that_a_paper_set_is_the_standing_agencys_to_extend_and_may_be_another_than_asked(
    area: Area, process: Process, api: TaskApi
) -> None:
    task = await api.started(directive_id="dir-1")
    await officials(process)
    async with calling(area, process, HEAD) as head, calling(area, process, AGENCY) as agency:
        await head.do(task, "request-extension", {"due_on": "2026-12-31", "words": WHY})
        grant = {"decision": "grant", "words": "Chỉ đến 10/12", "due_on": "2026-12-10"}
        await head.refused(403, f"tasks/{task}/decide-extension", grant)
        assert "extension_not_later" in await agency.refused(
            409, f"tasks/{task}/decide-extension", grant | {"due_on": "2026-11-30"}
        )
        granted = await agency.do(task, "decide-extension", grant)
        assert (granted["due_on"], granted["extensions"][0]["wanted_on"]) == ("2026-12-10", "2026-12-31")
        await head.do(task, "request-extension", {"due_on": "2026-12-20", "words": "Lần hai"})
        again = await agency.do(task, "decide-extension", {"decision": "refuse", "words": "Không có lý do mới"})
        assert (again["due_on"], again["original_due_on"]) == ("2026-12-10", "2026-11-30")
        assert [one["state"] for one in again["extensions"]] == ["granted", "refused"]
        await api.patch("committee", {"extension_decided_by": "approver"})
        await agency.do(task, "request-extension", {"due_on": "2026-12-20", "words": "Lần ba"})
        await agency.refused(403, f"tasks/{task}/decide-extension", {"decision": "grant", "words": "Tự duyệt"})
        assert (await head.do(task, "decide-extension", {"decision": "grant", "words": "Được"}))["due_on"] == "2026-12-20"
    corrected = await api.patch(f"tasks/{task}", {"due_on": "2026-12-21"})
    assert corrected["due_on"] == "2026-12-21", "the standing agency mends mistakes"


async def test_an_extension_that_makes_no_sense_is_refused_with_a_repair(api: TaskApi, clock: HandClock) -> None:
    task = await api.started()
    path = f"tasks/{task}/request-extension"
    assert "extension_not_later" in await api.refused(409, path, {"due_on": "2026-11-30", "words": WHY})
    clock.now = at(date(2026, 12, 5))
    assert "day_has_passed" in await api.refused(409, path, {"due_on": "2026-12-04", "words": WHY})
    await api.refused(422, path, {"due_on": "2026-12-20"})
    await api.refused(422, path, {"due_on": "mai", "words": WHY})
    await api.refused(422, path, {"due_on": "2026-12-20", "words": WHY, "granted": True})
    assert "nothing_asked" in await api.refused(409, f"tasks/{task}/decide-extension", {"decision": "grant", "words": WHY})
    await api.do(task, "request-extension", {"due_on": "2026-12-20", "words": WHY})
    refusal = {"decision": "refuse", "words": WHY, "due_on": "2026-12-20"}
    assert "day_of_refusal" in await api.refused(422, f"tasks/{task}/decide-extension", refusal)
    undated = await api.create(deadline_written="Hằng tháng, trước ngày 25")
    await api.do(undated, "publish")
    nothing = await api.refused(409, f"tasks/{undated}/request-extension", {"due_on": "2026-12-20", "words": WHY})
    assert "no_due_day" in nothing


# --- dispute ---


async def test_a_dispute_is_rejected_once_and_upheld_once_and_the_task_is_assigned_anew(
    area: Area, process: Process, api: TaskApi
) -> None:
    task, other = await api.started(), await api.started()
    async with calling(area, process, SYSTEM_A) as unit, calling(area, process, HEAD) as head:
        wording = {"kind": "wording", "words": "Sản phẩm phải là danh mục, không phải báo cáo"}
        shown = await unit.do(task, "dispute", wording)
        (open_one,) = shown["disputes"]
        assert (shown["disputed"], open_one["answer_by"], open_one["level"]) == (True, "2026-12-01", "approver")
        assert "dispute_open" in await unit.refused(409, f"tasks/{task}/dispute", wording)
        assert await api.ids(disputed="true") == [task] == await api.ids(pending="dispute")
        assert await api.ids(disputed="false") == [other]
        await unit.refused(403, f"tasks/{task}/answer-dispute", {"answer": "uphold", "words": "Tự đồng ý"})
        rejected = await head.do(task, "answer-dispute", {"answer": "reject", "words": "Giữ nguyên theo kế hoạch"})
        assert (rejected["disputed"], rejected["state"]) == (False, "in_progress")
        assert "nothing_disputed" in await head.refused(
            409, f"tasks/{task}/answer-dispute", {"answer": "reject", "words": "Lần nữa"}
        )
        theirs = {"kind": "not_our_function", "words": "Thuộc phường bên cạnh", "proposed_unit_id": B}
        await unit.do(task, "dispute", theirs)
        await head.do(task, "answer-dispute", {"answer": "uphold", "words": "Đồng ý chuyển"})
        await unit.get(f"tasks/{task}", 404)
    released = await api.get(f"tasks/{task}")
    assert (released["state"], released["lead_unit_id"], released["responsible_id"]) == ("published", None, None)
    first, second = released["disputes"]
    assert (first["state"], first["answered"]["words"]) == ("rejected", "Giữ nguyên theo kế hoạch")
    assert (second["state"], second["unit_id"], second["said"]["words"]) == (
        "upheld", A, "Thuộc phường bên cạnh (đề xuất giao: Phường Hà Giang 2)",
    )  # fmt: skip
    assert "lead_missing" in await api.refused(409, f"tasks/{task}/assign", {"responsible_id": "per-other"})
    await api.patch(f"tasks/{task}", {"lead_unit_id": B, "responsible_id": "per-other"})
    assert (await api.do(task, "assign"))["state"] == "assigned"
    kinds = ("disputed", "dispute_rejected", "dispute_upheld", "released")
    assert [name for name, _ in await told(process, *kinds)] == [
        "disputed", "dispute_rejected", "disputed", "dispute_upheld", "released",
    ]  # fmt: skip


async def test_a_dispute_without_an_answer_goes_up_a_level_at_a_time_by_working_days(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    await officials(process)
    await api.patch("committee", {"holidays": ["2026-11-26"], "dispute_answer_days": 3})
    task = await api.started(due_on="2027-03-31")
    await api.do(task, "dispute", {"kind": "wording", "words": "Chưa đúng tên hệ thống"})
    answer = {"answer": "reject", "words": "Giữ nguyên"}
    for today, level, until in (
        (date(2026, 11, 30), "approver", "2026-11-30"),  # Tuesday; Thursday is a holiday, then a weekend
        (date(2026, 12, 1), "standing_agency", "2026-12-04"),
        (date(2026, 12, 4), "standing_agency", "2026-12-04"),
        (date(2026, 12, 7), "committee_leader", "2026-12-10"),
        (date(2027, 1, 11), "committee_leader", "2026-12-10"),
    ):
        clock.now = at(today)
        for _ in range(2):
            await climb(process)
        (waiting,) = (await api.get(f"tasks/{task}"))["disputes"]
        assert (waiting["level"], waiting["answer_by"]) == (level, until), today
    assert waiting["raised_on"] == ["2026-12-01", "2026-12-07"]
    assert await told(process, "dispute_raised") == [
        ("dispute_raised", "standing_agency"),
        ("dispute_raised", "committee_leader"),
    ]
    async with (
        calling(area, process, HEAD) as head,
        calling(area, process, AGENCY) as agency,
        calling(area, process, LEADER) as leader,
    ):
        for lower in (head, agency):
            await lower.refused(403, f"tasks/{task}/answer-dispute", answer)
        assert (await leader.do(task, "answer-dispute", answer))["disputed"] is False


async def test_an_upheld_status_scores_the_month_anew_and_both_scores_remain(
    area: Area, process: Process, clock: HandClock
) -> None:
    committee = Actor("client", "standing-agency", ALL)
    paper = Directive(id="dir-sc", number="01-KH/BCĐ", issuer="Ban Chỉ đạo tỉnh")
    late = a_task(
        id="late", directive_id="dir-sc", due_on=date(2026, 11, 12), state="completed",
        submitted_on=date(2026, 11, 13), completed_on=date(2026, 11, 13),
    )  # fmt: skip
    async with calling(area, process, committee) as api, calling(area, process, SYSTEM_A) as unit:
        await with_rubric(api)
        await keep(process, paper, late)
        first = await api.post("scores", {"unit_id": A, "period": "2026-11"}, 201)
        await unit.do("late", "dispute", {"kind": "wrong_status", "words": "Đã gửi văn bản ngày 11/11"})
        late_day = {"answer": "uphold", "words": "Đúng", "handed_in_on": "2026-11-13"}
        assert "no_day_to_correct" in await api.refused(409, "tasks/late/answer-dispute", late_day)
        upheld = await api.do("late", "answer-dispute", late_day | {"handed_in_on": "2026-11-11"})
        assert (upheld["timeliness"], upheld["submitted_on"]) == ("done_in_time", "2026-11-11")
        (kept,) = upheld["disputes"]
        scores = [await api.get(f"scores/{kept[name]}") for name in ("score_before_id", "score_after_id")]
        points = [next(line["points"] for line in one["sum"]["lines"] if line["criterion"] == "M-II-1") for one in scores]
        assert ([one["number"] for one in scores], points) == ([1, 2], ["0", "10"])
        assert (scores[0]["id"], "Kiến nghị số 1" in scores[1]["because"]) == (first["id"], True)
        assert len((await api.get("scores", unit=A))["items"]) == 2


async def test_a_lower_level_pushes_no_task_up(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.started()
    of_both = Actor("client", "two-levels", SCOPES, frozenset({A, MINISTRY}))
    async with calling(area, process, SYSTEM_A) as unit, calling(area, process, of_both) as both:
        up = {"kind": "not_our_function", "words": "Việc của Bộ", "proposed_unit_id": MINISTRY}
        assert "226-KL/TW" in (await unit.refused(409, f"tasks/{task}/dispute", up))["pushed_up"]["message"]
        assert "pushed_up" in await both.refused(409, f"tasks/{task}", {"lead_unit_id": MINISTRY}, "PATCH")
        unknown = await unit.refused(422, f"tasks/{task}/dispute", up | {"proposed_unit_id": "none"})
        assert unknown["unit_unknown"]["field"] == "proposed_unit_id"
        wording = {"kind": "wording", "words": "Sai tên", "proposed_unit_id": B}
        assert "proposal_without_function" in await unit.refused(422, f"tasks/{task}/dispute", wording)
    draft = await api.create(lead_unit_id=MINISTRY)
    assert (await api.patch(f"tasks/{draft}", {"lead_unit_id": A}))["lead_unit_id"] == A, "down is the way tasks go"


# --- reopening ---


async def test_the_approver_reopens_what_was_done_and_it_is_handed_in_anew(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.started()
    async with calling(area, process, DOER) as doer, calling(area, process, HEAD) as head:
        again = {"words": "Thiếu danh mục của hai xã"}
        assert "wrong_state" in await head.refused(409, f"tasks/{task}/reopen", again)
        await doer.do(task, "add-evidence", EVIDENCE)
        await doer.do(task, "submit")
        await head.do(task, "complete")
        await doer.refused(403, f"tasks/{task}/reopen", again)
        await head.refused(422, f"tasks/{task}/reopen", {})
        opened = await head.do(task, "reopen", again)
        assert (opened["state"], opened["submitted_on"], opened["completed_on"]) == ("in_progress", None, None)
        assert len(opened["evidence"]) == 1
        await doer.do(task, "submit")
        done = await head.do(task, "complete")
    assert (done["state"], done["submissions"]) == ("completed", 2)
    whats = [line["what"] for line in (await api.get(f"tasks/{task}/history"))["items"]]
    assert whats[-4:] == ["completed", "reopened", "submitted", "completed"]


# --- the ladder ---

STEPS = ("escalated", "remedy_plan_asked", "commitment_asked")
FIRST = ("commitment_asked", "")
THIRD = ("escalated", "unit_head")
FIFTH = [("remedy_plan_asked", ""), ("escalated", "standing_agency")]
TENTH = ("escalated", "committee_leader")


@pytest.mark.parametrize("due", [date(2026, 11, 30), date(2026, 12, 31), date(2027, 2, 28)], ids=["month", "year", "february"])
async def test_each_step_is_said_once_at_its_midnight_in_the_province(process: Process, clock: HandClock, due: date) -> None:
    await keep(process, a_task(state="in_progress", due_on=due))
    expected: list[tuple[str, str]] = []
    for late, new in ((0, []), (1, [FIRST]), (2, []), (3, [THIRD]), (4, []), (5, FIFTH), (9, []), (10, [TENTH]), (40, [])):
        clock.now = at(due + timedelta(days=late - 1), 16, 59)
        for _ in range(2):
            await climb(process)
        if late < 40:
            assert await told(process, *STEPS) == expected, f"a minute before day {late}"
        clock.now += timedelta(minutes=1)
        for _ in range(2):
            await climb(process)
        expected += new
        assert await told(process, *STEPS) == expected, f"at midnight of day {late}"


async def test_after_an_extension_or_a_pause_the_ladder_is_climbed_anew(
    process: Process, api: TaskApi, clock: HandClock
) -> None:
    await api.patch("committee", {"remedy_plan_days": None, "commitment_days": None})
    task = await api.started(due_on="2026-11-25")
    clock.now = at(date(2026, 11, 30))
    await climb(process)
    steps = [THIRD, FIFTH[1]]
    assert await told(process, *STEPS) == steps
    await api.do(task, "pause", {"words": "Chờ hướng dẫn"})
    clock.now = at(date(2026, 12, 20))
    await climb(process)
    assert await told(process, *STEPS) == steps, "nobody is told while it is paused"
    await api.do(task, "resume")
    await climb(process)
    assert await told(process, *STEPS) == steps, "days of the pause are nobody's lateness"
    clock.now = at(date(2026, 12, 23))
    await climb(process)
    assert await told(process, *STEPS) == [*steps, THIRD]
    await api.do(task, "request-extension", {"due_on": "2027-01-05", "words": WHY})
    await api.do(task, "decide-extension", {"decision": "grant", "words": "Được"})
    clock.now = at(date(2027, 1, 7))
    await climb(process)
    assert await told(process, *STEPS) == [*steps, THIRD]
    clock.now = at(date(2027, 1, 8))
    await climb(process)
    assert await told(process, *STEPS) == [*steps, THIRD, THIRD]


async def test_a_run_that_is_cut_off_or_doubled_says_each_step_once(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climb_ladders, "PAGE", 4)
    late = [a_task(id=f"t{number:02d}", state="assigned", due_on=TODAY - timedelta(days=4)) for number in range(11)]
    idle = [a_task(id=f"x-{state}", state=state, due_on=date(2026, 1, 1)) for state in ("draft", "submitted", "cancelled")]
    await keep(process, *late, *idle)
    with monkeypatch.context() as patched:
        patched.setattr("tasks.features.pages.apart", cut_off_at(3))
        with pytest.raises(ConnectionError):
            await climb(process)
    assert len(await told(process, "escalated")) == 8
    await asyncio.gather(climb(process), climb(process))
    await climb(process)
    assert await told(process, "escalated") == [("escalated", "unit_head")] * 11
    assert len(await told(process, "commitment_asked")) == 11


async def test_the_committee_sets_the_steps_and_nonsense_is_refused(process: Process, api: TaskApi) -> None:
    shown = await api.get("committee")
    assert shown["escalations"] == [
        {"days": 3, "level": "unit_head"},
        {"days": 5, "level": "standing_agency"},
        {"days": 10, "level": "committee_leader"},
    ]
    for wrong in (
        {"escalations": [{"days": 0, "level": "unit_head"}]},
        {"escalations": [{"days": 91, "level": "unit_head"}]},
        {"escalations": [{"days": 1, "level": "minister"}]},
        {"escalations": [{"days": 1, "level": "unit_head", "more": 1}]},
        {"dispute_answer_days": 0},
        {"remedy_plan_days": -31},
        {"commitment_days": 0},
        {"extension_decided_by": "anyone"},
    ):
        await api.refused(422, "committee", wrong, "PATCH")
    given = [{"days": 2, "level": "committee_leader"}, {"days": 1, "level": "responsible"}, {"days": 1, "level": "responsible"}]
    changed = await api.patch("committee", {"escalations": given, "remedy_plan_days": None, "commitment_days": None})
    assert changed["escalations"] == [{"days": 1, "level": "responsible"}, {"days": 2, "level": "committee_leader"}]
    await keep(process, a_task(state="in_progress", due_on=TODAY - timedelta(days=2)))
    await climb(process)
    assert await told(process, *STEPS) == [("escalated", "responsible"), TENTH]


# --- remedy plan, commitment ---


async def test_a_late_task_owes_a_plan_and_a_commitment_that_is_broken_and_one_that_is_kept(
    process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started()
    early = await api.refused(409, f"tasks/{task}/commit", {"day": "2026-12-01", "words": "Xin cam kết"})
    assert "not_overdue" in early
    clock.now = at(date(2026, 12, 5))
    await climb(process)
    assert (await api.get(f"tasks/{task}"))["owed"] == ["remedy_plan", "commitment"]
    assert await api.ids(pending="remedy_plan") == [task] == await api.ids(pending="commitment")
    plan = {"words": "Tăng người, làm cả thứ bảy", "milestones": [{"due_on": "2026-12-08", "words": "Xong xã 1"}]}
    past = plan | {"milestones": [{"due_on": "2026-12-04", "words": "Hôm qua"}]}
    assert "day_has_passed" in await api.refused(409, f"tasks/{task}/give-remedy-plan", past)
    mixed = plan | {"milestones": [{"due_on": day, "words": "Mốc"} for day in ("2026-12-09", "2026-12-08")]}
    assert "milestones_unordered" in await api.refused(409, f"tasks/{task}/give-remedy-plan", mixed)
    await api.refused(422, f"tasks/{task}/give-remedy-plan", plan | {"milestones": []})
    given = await api.do(task, "give-remedy-plan", plan)
    assert (given["owed"], given["remedy_plans"][0]["milestones"]) == (["commitment"], plan["milestones"])
    assert "day_has_passed" in await api.refused(409, f"tasks/{task}/commit", {"day": "2026-12-04", "words": "Hôm qua"})
    promised = await api.do(task, "commit", {"day": "2026-12-06", "words": "Cam kết xong trong 6/12"})
    assert (promised["owed"], promised["due_on"], promised["commitments"][0]["stands"]) == ([], "2026-11-30", "open")
    assert "commitment_runs" in await api.refused(409, f"tasks/{task}/commit", {"day": "2026-12-20", "words": "Lùi lại"})
    clock.now = at(date(2026, 12, 6), 17)  # midnight: the 7th in the province
    assert (await api.get(f"tasks/{task}"))["commitments"][0]["stands"] == "broken"
    for _ in range(2):
        await climb(process)
    assert await told(process, "commitment_broken") == [("commitment_broken", "standing_agency")]
    await api.do(task, "commit", {"day": "2026-12-07", "words": "Cam kết lần hai"})
    await api.do(task, "add-evidence", EVIDENCE)
    kept = await api.do(task, "submit")
    assert [one["stands"] for one in kept["commitments"]] == ["broken", "kept"]
    assert kept["timeliness"] == "overdue", "a promise moves no due day"
    clock.now = at(date(2026, 12, 20))
    done = await api.do(task, "complete")
    assert [one["stands"] for one in done["commitments"]] == ["broken", "kept"]


async def test_a_remedy_plan_that_is_owed_is_asked_for_again(process: Process, api: TaskApi, clock: HandClock) -> None:
    task = await api.started()
    await api.patch("committee", {"remind_again_days": 2, "broken_commitment_told": "unit_head"})
    for day, times in ((5, 0), (6, 0), (7, 1), (8, 1), (9, 2)):
        clock.now = at(date(2026, 12, day))
        for _ in range(2):
            await climb(process)
        assert len(await told(process, "remedy_plan_reminded")) == times, day
    plan = {"words": "Tăng người", "milestones": [{"due_on": "2026-12-20", "words": "Xong xã 1"}]}
    await api.do(task, "give-remedy-plan", plan)
    await api.do(task, "commit", {"day": "2026-12-10", "words": "Xong trong 10/12"})
    clock.now = at(date(2026, 12, 11))
    await climb(process)
    assert await told(process, "remedy_plan_reminded", "commitment_broken") == [
        ("remedy_plan_reminded", ""), ("remedy_plan_reminded", ""), ("commitment_broken", "unit_head"),
    ]  # fmt: skip
    await api.patch("committee", {"broken_commitment_told": "nobody"}, 422)
