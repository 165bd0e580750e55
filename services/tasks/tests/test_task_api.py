"""The API of tasks on a real database: their life, who may, what is refused and with which words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from common.domain import Actor
from common.outbox import OUTBOX, new_id
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.tasks.tests.task_world import (
    CLEAR,
    DOER,
    HEAD,
    MINISTRY,
    PEOPLE_OF,
    PROVINCE,
    SCOPES,
    SYSTEM_A,
    SYSTEM_B,
    A,
    B,
    HandClock,
    TaskApi,
    calling,
)
from tasks.store import PEOPLE

pytestmark = pytest.mark.servers
EVIDENCE = {"kind": "document", "title": "Báo cáo số 12/BC-UBND"}


async def events(process: Process) -> list[str]:
    """Types of the task events written to the outbox, in order."""
    rows = await process.database.collection(OUTBOX).find({}).sort([("aggregateid", 1), ("aggseq", 1)]).to_list(None)
    return [row["type"].removeprefix("tasks.task.").removesuffix(".v1") for row in rows]


# --- the life of a task ---


async def test_a_task_lives_from_draft_to_done_among_its_people(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.create()
    assert (await api.do(task, "publish"))["state"] == "published"
    assert (await api.do(task, "assign"))["state"] == "assigned"
    async with calling(area, process, DOER) as doer, calling(area, process, HEAD) as head:
        await doer.do(task, "refuse", {"reason_code": "not_our_function", "words": "Không thuộc chức năng"})
        await api.do(task, "assign", {"responsible_id": "per-doer"})
        assert (await doer.do(task, "accept"))["state"] == "in_progress"
        assert (await doer.do(task, "report-progress", {"percent": 40, "words": "Đã rà 4/10 hệ thống"}))["percent"] == 40
        assert "evidence_missing" in await doer.refused(409, f"tasks/{task}/submit", {"words": "xong"})
        (evidence,) = (await doer.do(task, "add-evidence", EVIDENCE))["evidence"]
        assert (evidence["title"], evidence["added_by"]) == (EVIDENCE["title"], "person:per-doer")
        assert (await doer.do(task, "submit"))["timeliness"] == "in_time"
        back = await head.do(task, "return", {"reason_code": "incomplete", "words": "Thiếu phụ lục"})
        assert (back["state"], back["submitted_on"]) == ("in_progress", None)
        await doer.do(task, "submit", {"words": "Đã bổ sung phụ lục"})
        done = await head.do(task, "complete", {"words": "Đạt"})
    assert (done["state"], done["timeliness"], done["submissions"], done["percent"]) == ("completed", "done_in_time", 2, 100)
    told = [
        "drafted", "published", "assigned", "refused", "assigned", "accepted", "progress_reported", "evidence_added",
        "submitted", "returned", "submitted", "completed",
    ]  # fmt: skip
    assert await events(process) == told
    minutes = (await api.get(f"tasks/{task}/history"))["items"]
    assert [line["what"] for line in minutes] == told
    assert [line["number"] for line in minutes] == list(range(1, 13))
    refusal, returned = minutes[3], minutes[9]
    assert (refusal["actor"], refusal["words"]) == ("person:per-doer", "Không thuộc chức năng")
    assert (returned["title"], returned["changes"]) == ("Trả lại để bổ sung", {"reason_code": [None, "incomplete"]})


async def test_history_is_paged_oldest_first_and_told_in_english_on_request(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.create()
    await api.patch(f"tasks/{task}", {"due_on": "2026-12-15"})
    await api.do(task, "publish")
    async with calling(area, process, language="en") as english:
        first = await english.get(f"tasks/{task}/history", limit=2)
        rest = await english.get(f"tasks/{task}/history", limit=2, cursor=first["next_cursor"])
    assert [line["title"] for line in first["items"] + rest["items"]] == ["Written down", "Amended", "Published"]
    assert first["items"][1]["changes"] == {"due_on": ["2026-11-30", "2026-12-15"]}
    assert rest["next_cursor"] is None


async def test_a_paused_task_goes_on_where_it_was_and_a_cancelled_one_does_not(api: TaskApi) -> None:
    task = await api.started()
    paused = await api.do(task, "pause", {"words": "Chờ hướng dẫn"})
    assert (paused["state"], paused["timeliness"]) == ("paused", "paused")
    assert (await api.do(task, "resume"))["state"] == "in_progress"
    cancelled = await api.do(task, "cancel", {"words": "Đã gộp vào việc khác"})
    assert (cancelled["state"], cancelled["timeliness"], cancelled["days_left"]) == ("cancelled", None, None)
    assert (await api.refused(409, f"tasks/{task}/resume"))["wrong_state"]["quote"] == "cancelled"


async def test_what_is_handed_in_on_the_due_day_is_in_time_and_after_its_midnight_late(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    """Golden case G043: 2026-11-30T17:30Z is already 1 December in Hà Giang."""
    in_time, late = await api.started(), await api.started()
    for task in (in_time, late):
        await api.do(task, "add-evidence", EVIDENCE)
    clock.now = clock.now.replace(day=30, hour=16, minute=59)
    await api.do(in_time, "submit")
    clock.now += timedelta(minutes=31)
    assert (await api.do(late, "submit"))["timeliness"] == "overdue"
    assert (await api.do(late, "complete"))["timeliness"] == "done_late"
    clock.now += timedelta(days=5)
    assert (await api.do(in_time, "complete"))["timeliness"] == "done_in_time", "submission counts, not approval (G044)"
    await api.patch("committee", {"lateness_counts": "approval"})
    assert (await api.get(f"tasks/{in_time}"))["timeliness"] == "done_late"


# --- the gate ---


async def test_nq03_114_is_refused_for_every_reason_with_its_words_and_repaired_step_by_step(
    area: Area, process: Process, api: TaskApi
) -> None:
    """The row as the plan has it: several leads, no product, an open end, nobody named (DOMAIN 2.2)."""
    words = {
        "title": "Giải pháp bảo vệ dữ liệu",
        "lead_written": "Bộ Khoa học và Công nghệ, các bộ, ngành, địa phương",
        "deadline_written": "2025 và những năm tiếp theo",
    }
    made = await api.post("tasks", words, 201)
    task = made["id"]
    assert (made["deadline_kind"], made["due_on"], made["deadline_written"]) == ("open_ended", None, words["deadline_written"])
    found = await api.refused(409, f"tasks/{task}/publish")
    assert {code: one["quote"] for code, one in found.items()} == {
        "lead_several": words["lead_written"],
        "responsible_missing": "(ô để trống)",
        "deadline_open_ended": words["deadline_written"],
        "approver_missing": "(ô để trống)",
        "product_missing": "(ô để trống)",
    }
    shown = [clear for clear in made["clears"] if not clear["met"]]
    assert [clear["code"] for clear in shown] == list(found)
    assert [(clear["key"], clear["met"]) for clear in made["clears"] if clear["met"]] == [("work", True)]
    assert all(clear["because"] and clear["repair"] and clear["quote"] for clear in shown)
    await api.patch(f"tasks/{task}", {"lead_unit_id": A, "coordinator_unit_ids": [B, B, MINISTRY]})
    await api.patch(f"tasks/{task}", {"responsible_id": "per-doer", "approver_id": "per-head", "due_on": "2026-12-31"})
    assert list(await api.refused(409, f"tasks/{task}/publish")) == ["product_missing"]
    mended = await api.patch(f"tasks/{task}", {"product": "Quyết định ban hành quy chế"})
    assert (mended["product_kind"], mended["evidence_kind"]) == ("document", "document")
    assert mended["coordinator_unit_ids"] == [B, MINISTRY]
    assert all(clear["met"] for clear in mended["clears"])
    assert (await api.do(task, "publish"))["state"] == "published"


async def test_the_committee_can_ask_for_the_sixth_clear(api: TaskApi) -> None:
    task = await api.create()
    await api.patch("committee", {"authority_required": True})
    assert list(await api.refused(409, f"tasks/{task}/publish")) == ["authority_missing"]
    await api.patch(f"tasks/{task}", {"authority": "Chủ tịch UBND phường, theo Quyết định 12/QĐ-UBND"})
    await api.do(task, "publish")


async def test_a_published_task_cannot_be_amended_into_an_unclear_one(process: Process, api: TaskApi) -> None:
    task = await api.create()
    await api.do(task, "publish")
    assert "deadline_missing" in await api.refused(409, f"tasks/{task}", {"due_on": None, "deadline_written": ""}, "PATCH")
    assert "responsible_elsewhere" in await api.refused(409, f"tasks/{task}", {"responsible_id": "per-other"}, "PATCH")
    before = (await api.get(f"tasks/{task}"))["due_on"]
    assert before == "2026-11-30", "what was refused has changed nothing"

    async def leave(uow: UnitOfWork) -> None:
        uow.put(PEOPLE, PEOPLE_OF["per-head"].model_copy(update={"active": False}))

    await process.units.run(leave, process.units.system())
    mended = await api.patch(f"tasks/{task}", {"title": "Rà soát tài khoản và thiết bị"})
    assert [clear["code"] for clear in mended["clears"] if not clear["met"]] == ["person_inactive"]


@pytest.mark.parametrize(
    ("person", "code"),
    [
        ("per-none", "person_unknown"),
        ("per-gone", "person_inactive"),
        ("per-other", "responsible_elsewhere"),
        ("per-head", "responsible_is_approver"),
    ],
)
async def test_nobody_is_given_a_task_whom_the_clears_forbid(api: TaskApi, person: str, code: str) -> None:
    task = await api.create()
    await api.do(task, "publish")
    assert (await api.refused(409, f"tasks/{task}/assign", {"responsible_id": person}))[code]["quote"] == person


async def test_a_task_changes_hands_by_assigning_alone(api: TaskApi) -> None:
    task = await api.started()
    assert "already_assigned" in await api.refused(409, f"tasks/{task}", {"responsible_id": "per-second"}, "PATCH")
    assert "already_assigned" in await api.refused(409, f"tasks/{task}/assign", {"responsible_id": "per-doer"})
    again = await api.do(task, "assign", {"responsible_id": "per-second"})
    assert (again["state"], again["responsible_id"]) == ("assigned", "per-second")


# --- effects, once ---


async def test_the_same_key_gives_the_first_answer_again_and_another_body_is_refused(process: Process, api: TaskApi) -> None:
    key = new_id()
    first, again = await api.send("tasks", CLEAR, key=key), await api.send("tasks", CLEAR, key=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"] == '"1"'
    assert again.headers["location"] == f"/v1/tasks/{first.json()['id']}"
    assert (await api.send("tasks", CLEAR | {"title": "Việc khác hẳn"}, key=key)).status_code == 422
    assert await events(process) == ["drafted"]


async def test_emptying_a_field_and_leaving_it_out_are_two_things_also_to_the_key(api: TaskApi) -> None:
    task, key = await api.create(), new_id()
    assert (await api.send(f"tasks/{task}", {}, method="PATCH", key=key)).headers["etag"] == '"1"'
    assert (await api.send(f"tasks/{task}", {"directive_id": None}, method="PATCH", key=key)).status_code == 422


async def test_a_stale_version_is_refused_and_the_present_one_taken(api: TaskApi) -> None:
    made = await api.send("tasks", CLEAR)
    task, version = made.json()["id"], made.headers["etag"]
    amended = await api.send(f"tasks/{task}", {"group": "Nhóm I"}, method="PATCH", If_Match=version)
    assert (amended.status_code, amended.headers["etag"]) == (200, '"2"')
    for path, body, method in ((f"tasks/{task}", {"group": "II"}, "PATCH"), (f"tasks/{task}/publish", None, "POST")):
        assert (await api.send(path, body, method=method, If_Match=version)).status_code == 412
    assert (await api.send(f"tasks/{task}/publish", If_Match='"2"')).headers["etag"] == '"3"'


async def test_a_reader_who_has_the_version_is_told_so(api: TaskApi) -> None:
    task = await api.create()
    answer = await api.client.get(f"/v1/tasks/{task}", headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.headers["etag"]) == (304, '"1"')


# --- who may ---


async def test_a_foreign_task_is_answered_like_one_that_is_not_there(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.create()
    async with calling(area, process, SYSTEM_B) as foreign:
        for path in ("tasks/{}", "tasks/{}/history"):
            there, nowhere = await foreign.get(path.format(task), 404), await foreign.get(path.format("none"), 404)
            assert there["detail"].replace(task, "none") == nowhere["detail"]
        for verb, body in (("publish", None), ("cancel", {"words": "không cần"}), ("report-progress", {"percent": 1})):
            answer = await foreign.send(f"tasks/{task}/{verb}", body, If_Match='"99"')
            assert answer.status_code == 404, "not 412, not 409: nothing is said of it"
        await foreign.patch(f"tasks/{task}", {"group": "x"}, 404)
        assert await foreign.ids() == []
        assert (await foreign.get("summary"))["total"] == 0
        assert (await foreign.get("summary", unit=A))["total"] == 0


async def test_who_coordinates_sees_and_does_not_manage(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.create(coordinator_unit_ids=[B])
    async with calling(area, process, SYSTEM_B) as other:
        assert await other.ids() == [task]
        assert (await other.get(f"tasks/{task}"))["id"] == task
        await other.post(f"tasks/{task}/publish", expect=403)


async def test_a_system_of_a_unit_writes_tasks_of_that_unit_alone(area: Area, process: Process) -> None:
    async with calling(area, process, SYSTEM_A) as own:
        task = await own.create()
        for lead in (B, None):
            assert "lead_foreign" in await own.refused(403, "tasks", CLEAR | {"lead_unit_id": lead})
            assert "lead_foreign" in await own.refused(403, f"tasks/{task}", {"lead_unit_id": lead}, "PATCH")


async def test_only_the_responsible_works_and_only_the_approver_judges(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.started()
    colleague = Actor("person", "per-second", SCOPES, frozenset({A}))
    async with calling(area, process, colleague) as other, calling(area, process, DOER) as doer:
        await other.post(f"tasks/{task}/report-progress", {"percent": 5}, expect=403)
        await doer.do(task, "add-evidence", EVIDENCE)
        await doer.do(task, "submit")
        await doer.post(f"tasks/{task}/complete", expect=403)
        await other.post(f"tasks/{task}/return", {"reason_code": "no", "words": "không đạt"}, expect=403)


async def test_a_person_without_units_sees_what_is_theirs(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.create()
    await api.create(responsible_id="per-second")
    async with calling(area, process, Actor("person", "per-doer", SCOPES, frozenset())) as doer:
        assert await doer.ids() == [task]


@pytest.mark.parametrize(
    ("scope", "path", "method"),
    [
        ("tasks:assign", "tasks/x/assign", "POST"),
        ("tasks:review", "tasks/x/complete", "POST"),
        ("tasks:write", "tasks/x/publish", "POST"),
        ("committee:write", "committee", "PATCH"),
        ("tasks:read", "summary", "GET"),
    ],
)
async def test_a_missing_scope_is_named(area: Area, process: Process, scope: str, path: str, method: str) -> None:
    async with calling(area, process, Actor("client", "other", SCOPES - {scope})) as api:
        answer = await api.send(path, {} if method == "PATCH" else None, method=method)
        assert answer.status_code == 403
        assert scope in answer.json()["detail"]


# --- what is refused ---


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("tasks", {}, "title"),
        ("tasks", {"title": "   "}, "title"),
        ("tasks", {"title": "x" * 501}, "title"),
        ("tasks", {"title": None}, "title"),
        ("tasks", CLEAR | {"state": "completed"}, "state"),
        ("tasks", CLEAR | {"lead_unit_id": "vn:none"}, "lead_unit_id"),
        ("tasks", CLEAR | {"coordinator_unit_ids": [A, "vn:none"]}, "coordinator_unit_ids.1"),
        ("tasks", CLEAR | {"responsible_id": "per-none"}, "responsible_id"),
        ("tasks", CLEAR | {"approver_id": "per-none"}, "approver_id"),
        ("tasks", CLEAR | {"directive_id": "none"}, "directive_id"),
        ("tasks", CLEAR | {"due_on": "30/11/2026"}, "due_on"),
        ("tasks", CLEAR | {"product_kind": "wish"}, "product_kind"),
        ("tasks/x/report-progress", {"percent": 101}, "percent"),
        ("tasks/x/report-progress", {"percent": "40"}, "percent"),
        ("tasks/x/report-progress", {}, "percent"),
        ("tasks/x/add-evidence", {"kind": "rumour", "title": "x"}, "kind"),
        ("tasks/x/add-evidence", {"kind": "link", "title": "x", "url": "http://example.vn/a"}, "url"),
        ("tasks/x/add-evidence", {"kind": "link", "title": "x", "url": "javascript:alert(1)"}, "url"),
        ("tasks/x/add-evidence", {"kind": "document", "title": "x", "sha256": "ABC"}, "sha256"),
        ("tasks/x/refuse", {"reason_code": "Not ours", "words": "không phải"}, "reason_code"),
        ("tasks/x/return", {"reason_code": "no", "words": " "}, "words"),
        ("tasks/x/pause", {}, "words"),
        ("tasks/x/assign", {"responsible_id": ""}, "responsible_id"),
    ],
)
async def test_bad_bodies_are_answered_field_by_field(api: TaskApi, path: str, body: Any, field: str) -> None:
    answer = await api.send(path, body)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert all(one["repair"] for one in answer.json()["errors"])


async def test_a_link_needs_its_address(api: TaskApi) -> None:
    task = await api.started()
    path = f"tasks/{task}/add-evidence"
    assert "link_without_url" in await api.refused(422, path, {"kind": "link", "title": "Cổng dữ liệu"})
    shown = await api.post(path, {"kind": "link", "title": "Cổng dữ liệu", "url": "https://data.example.vn/"})
    assert shown["evidence"][0]["url"] == "https://data.example.vn/"


@pytest.mark.parametrize("body", [{"nearly_due_days": -1}, {"nearly_due_days": 61}, {"authority_required": "yes"}, {"x": 1}])
async def test_bad_settings_are_refused(api: TaskApi, body: Any) -> None:
    await api.patch("committee", body, 422)


async def test_every_verb_says_in_which_states_it_is_possible(api: TaskApi) -> None:
    task = await api.create()
    reason = {"reason_code": "no", "words": "không được"}
    bodies: dict[str, Any] = {"refuse": reason, "return": reason, "pause": {"words": "chờ"}, "report-progress": {"percent": 1}}
    for verb in ("assign", "accept", "refuse", "report-progress", "submit", "return", "complete", "pause", "resume"):
        found = await api.refused(409, f"tasks/{task}/{verb}", bodies.get(verb))
        assert found["wrong_state"]["quote"] == "draft", verb
    assert "wrong_state" in await api.refused(409, f"tasks/{task}/add-evidence", EVIDENCE)
    await api.do(task, "publish")
    assert "wrong_state" in await api.refused(409, f"tasks/{task}/publish")


# --- the committee ---


async def test_settings_are_the_defaults_until_decided_and_only_the_province_decides(
    area: Area, process: Process, api: TaskApi
) -> None:
    first = await api.client.get("/v1/committee")
    assert (first.headers["etag"], first.json()["nearly_due_days"]) == ('"0"', 3)
    set_ = await api.send("committee", {"nearly_due_days": 7}, method="PATCH", If_Match='"0"')
    assert (set_.headers["etag"], set_.json()["nearly_due_days"]) == ('"1"', 7)
    assert (await api.send("committee", {"nearly_due_days": 9}, method="PATCH", If_Match='"0"')).status_code == 412
    same = await api.send("committee", {"nearly_due_days": 7}, method="PATCH")
    assert same.headers["etag"] == '"1"'
    async with calling(area, process, SYSTEM_A) as limited:
        await limited.patch("committee", {"nearly_due_days": 1}, 403)
    assert len(await events(process)) == 1
    task = await api.create()
    assert (await api.get(f"tasks/{task}"))["timeliness"] == "nearly_due", "six days are left"


def test_the_callers_of_these_tests_can_do_everything() -> None:
    assert PROVINCE.units is None
