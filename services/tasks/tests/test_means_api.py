"""A task's means through the API, on a real database: evidence, criteria, resources, parts, marks, load."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from common.domain import Actor
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.tasks.tests.task_world import (
    DOER,
    HEAD,
    PROVINCE,
    SCOPES,
    SYSTEM_A,
    SYSTEM_B,
    TODAY,
    A,
    B,
    HandClock,
    TaskApi,
    a_task,
    calling,
)
from tasks import store
from tasks.features import keep_calendars
from tasks.store import save_task

pytestmark = pytest.mark.servers
EVIDENCE = {"kind": "document", "title": "Báo cáo số 12/BC-UBND"}
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
FILE = {**EVIDENCE, "file": "iOffice/2026/12.pdf", "sha256": SHA}


async def lines(api: TaskApi, task: str) -> list[str]:
    return [line["what"] for line in (await api.get(f"tasks/{task}/history"))["items"]]


# --- evidence and criteria ---


async def test_evidence_is_rejected_with_a_reason_superseded_and_proves_the_criteria(
    area: Area, process: Process, api: TaskApi
) -> None:
    task = await api.started(criteria=["100 % tài khoản được rà soát", "Có biên bản"])
    async with calling(area, process, DOER) as doer, calling(area, process, HEAD) as head:
        first = (await doer.do(task, "add-evidence", FILE | {"criteria": [1]}))["evidence"][0]
        assert (first["state"], first["file"], first["sha256"], first["criteria"]) == (
            "unreviewed", "iOffice/2026/12.pdf", SHA, ["100 % tài khoản được rà soát"],
        )  # fmt: skip
        path = f"tasks/{task}/evidence/{first['id']}/review"
        await doer.refused(403, path, {"verdict": "accepted"})
        assert "reason_missing" in await head.refused(422, path, {"verdict": "rejected", "words": " "})
        await head.post(path, {"verdict": "seen"})
        rejected = await head.post(path, {"verdict": "rejected", "words": "Thiếu chữ ký", "reason_code": "unsigned"})
        (piece,) = rejected["evidence"]
        assert [(one["verdict"], one["by"], one["words"]) for one in piece["reviews"]] == [
            ("seen", "person:per-head", ""), ("rejected", "person:per-head", "Thiếu chữ ký"),
        ]  # fmt: skip
        assert [one["evidence_ids"] for one in rejected["criteria"]] == [[], []]
        assert await api.ids(pending="evidence") == [task]
        assert "evidence_missing" in await doer.refused(409, f"tasks/{task}/submit")
        mended = await doer.do(task, "add-evidence", EVIDENCE | {"criteria": [1], "supersedes": first["id"]})
        assert [one["state"] for one in mended["evidence"]] == ["superseded", "unreviewed"]
        assert await api.ids(pending="evidence") == []
        await doer.do(task, "submit")
        refused = await head.refused(409, f"tasks/{task}/complete")
        assert (list(refused), refused["criterion_unproven"]["quote"]) == (["criterion_unproven"], "Có biên bản")
        await head.do(task, "return", {"reason_code": "incomplete", "words": "Thiếu biên bản"})
        await doer.do(task, "add-evidence", {**EVIDENCE, "title": "Biên bản", "criteria": [2, 1]})
        await doer.do(task, "submit")
        await api.patch("committee", {"evidence_reviewed": True})
        refused = await head.refused(409, f"tasks/{task}/complete")
        assert (list(refused), "review" in refused["evidence_unreviewed"]["repair"]) == (["evidence_unreviewed"], True)
        for one in (await head.get(f"tasks/{task}"))["evidence"][1:]:
            await head.post(f"tasks/{task}/evidence/{one['id']}/review", {"verdict": "accepted"})
        done = await head.do(task, "complete")
        assert "wrong_state" in await head.refused(409, path, {"verdict": "accepted"})
    assert [len(one["evidence_ids"]) for one in done["criteria"]] == [2, 1]
    told = [what for what in await lines(api, task) if what.startswith("evidence_")]
    assert told == [
        "evidence_added", "evidence_seen", "evidence_rejected", "evidence_added", "evidence_superseded", "evidence_added",
        "evidence_accepted", "evidence_accepted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"file": "a.pdf"}, "file_without_digest"),
        ({"file": "a.pdf", "sha256": SHA, "url": "https://x.vn/a"}, "link_and_file"),
        ({"kind": "link", "file": "a.pdf", "sha256": SHA}, "link_without_url"),
        ({"criteria": [2]}, "criterion_unknown"),
        ({"supersedes": "nothing"}, "evidence_unknown"),
        ({"sha256": SHA.upper()}, "string_pattern_mismatch"),
        ({"sha256": "abc"}, "string_pattern_mismatch"),
        ({"criteria": [True]}, "int_type"),
        ({"criteria": ["1"]}, "int_type"),
        ({"file": "  "}, "too_short"),
    ],
)
async def test_evidence_that_cannot_be_is_refused_with_a_repair(api: TaskApi, body: dict[str, Any], code: str) -> None:
    task = await api.started(criteria=["Có biên bản"])
    assert code in await api.refused(422, f"tasks/{task}/add-evidence", EVIDENCE | body)


async def test_the_committee_may_ask_for_a_source_and_a_foreign_unit_learns_nothing(
    area: Area, process: Process, api: TaskApi
) -> None:
    task = await api.started()
    await api.patch("committee", {"evidence_source_required": True})
    for body in (EVIDENCE, EVIDENCE | {"sha256": SHA}):
        assert "source_missing" in await api.refused(422, f"tasks/{task}/add-evidence", body)
    await api.do(task, "add-evidence", FILE)
    piece = (await api.do(task, "add-evidence", EVIDENCE | {"url": "https://hagiang.vn/12"}))["evidence"][1]
    async with calling(area, process, SYSTEM_B) as other:
        await other.refused(404, f"tasks/{task}/evidence/{piece['id']}/review", {"verdict": "accepted"})
    await api.refused(404, f"tasks/{task}/evidence/none/review", {"verdict": "accepted"})
    await api.refused(422, f"tasks/{task}/evidence/{piece['id']}/review", {"verdict": "maybe"})
    await api.refused(422, "committee", {"evidence_reviewed": "yes"}, "PATCH")


async def test_a_vague_criterion_keeps_a_task_from_being_published_and_from_being_worsened(api: TaskApi) -> None:
    task = await api.create(criteria=["Nâng cao chất lượng"])
    refused = await api.refused(409, f"tasks/{task}/publish")
    assert (list(refused), refused["criterion_vague"]["quote"]) == (["criterion_vague"], "Nâng cao")
    await api.patch(f"tasks/{task}", {"criteria": ["80 % hồ sơ trực tuyến", "80 % hồ sơ trực tuyến"]})
    shown = await api.do(task, "publish")
    assert [(one["number"], one["words"]) for one in shown["criteria"]] == [(1, "80 % hồ sơ trực tuyến")]
    assert "criterion_vague" in await api.refused(409, f"tasks/{task}", {"criteria": ["Tăng cường"]}, "PATCH")


async def test_evidence_of_a_period_is_reviewed_and_proves_that_period(process: Process, api: TaskApi) -> None:
    task = await api.started(deadline_written="Hằng tháng, trước ngày 25", criteria=["Có báo cáo"])
    await keep_calendars.run(process.units, None)
    (period,) = (await api.get(f"tasks/{task}/periods"))["items"]
    path = f"tasks/{task}/periods/{period['key']}"
    first = (await api.post(f"{path}/add-evidence", EVIDENCE))["evidence"][0]
    await api.post(f"{path}/evidence/{first['id']}/review", {"verdict": "rejected", "words": "Sai kỳ"})
    assert "evidence_missing" in await api.refused(409, f"{path}/submit", {"words": "Xong"})
    shown = await api.post(f"{path}/add-evidence", EVIDENCE | {"supersedes": first["id"]})
    assert [one["state"] for one in shown["evidence"]] == ["superseded", "unreviewed"]
    await api.post(f"{path}/submit", {"words": "Xong"})
    assert "criterion_unproven" in await api.refused(409, f"{path}/complete")
    await api.post(f"{path}/return", {"reason_code": "incomplete", "words": "Thiếu"})
    await api.post(f"{path}/add-evidence", EVIDENCE | {"criteria": [1]})
    await api.post(f"{path}/submit", {"words": "Xong"})
    assert (await api.post(f"{path}/complete"))["state"] == "completed"
    await api.refused(404, f"{path}/evidence/none/review", {"verdict": "seen"})


# --- resources ---


async def test_resources_are_planned_by_the_lead_granted_by_the_approver_and_spent(
    area: Area, process: Process, api: TaskApi
) -> None:
    task = await api.started()
    assert await api.ids(mark="without_resources") == [task]
    fund = {"source": "Ngân sách tỉnh"}
    async with (
        calling(area, process, SYSTEM_A) as unit,
        calling(area, process, DOER) as doer,
        calling(area, process, HEAD) as head,
        calling(area, process, SYSTEM_B) as other,
    ):
        planned = {
            "people": 3,
            "months": "1.5",
            "money": [{**fund, "planned": 250_000_000}],
            "equipment": [{"what": "Máy quét", "number": 2}],
        }
        shown = await unit.do(task, "plan-resources", planned)
        assert (shown["resources"]["months"], shown["resources"]["lacking"], shown["marks"]) == ("1.5", [], [])
        grant = {**fund, "granted": 200_000_000, "words": "QĐ 12/QĐ-UBND"}
        await unit.refused(403, f"tasks/{task}/grant-money", grant)
        await head.do(task, "grant-money", grant)
        await other.refused(404, f"tasks/{task}/plan-resources", {"people": 1})
        await doer.do(task, "report-spending", {**fund, "spent": 200_000_000})
        assert await api.ids(mark="overspent") == []
        over = await doer.do(task, "report-spending", {**fund, "spent": 200_000_001})
        assert over["resources"]["money"] == [
            {"number": 1, **fund, "planned": 250_000_000, "granted": 200_000_000, "spent": 200_000_001, "overspent": True}
        ]
        assert (over["marks"], await api.ids(mark="overspent"), await api.ids(mark="without_resources")) == (
            ["overspent"],
            [task],
            [],
        )
        await api.patch("committee", {"money_granted_by": "standing_agency"})
        await head.refused(403, f"tasks/{task}/grant-money", grant)
        await api.do(task, "grant-money", {**fund, "granted": 300_000_000, "words": "Bổ sung"})
    assert (await lines(api, task))[-5:] == [
        "money_granted",
        "spending_reported",
        "spending_reported",
        "overspent",
        "money_granted",
    ]


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("plan-resources", {"people": 0}, "people"),
        ("plan-resources", {"people": "3"}, "people"),
        ("plan-resources", {"months": 1.5}, "months"),
        ("plan-resources", {"months": "0"}, "months"),
        ("plan-resources", {"months": "-1"}, "months"),
        ("plan-resources", {"money": [{"source": "Quỹ", "planned": 1.5}]}, "money.0.planned"),
        ("plan-resources", {"money": [{"source": "Quỹ", "planned": -1}]}, "money.0.planned"),
        ("plan-resources", {"money": [{"source": "Quỹ", "planned": 10**16}]}, "money.0.planned"),
        ("plan-resources", {"money": [{"source": " ", "planned": 1}]}, "money.0.source"),
        ("plan-resources", {"equipment": [{"what": "Máy", "number": 0}]}, "equipment.0.number"),
        ("plan-resources", {"names": ["An"]}, "names"),
        ("grant-money", {"source": "Quỹ", "granted": 1}, "words"),
        ("report-spending", {"source": "Quỹ", "spent": True}, "spent"),
    ],
)
async def test_resources_that_cannot_be_are_refused(api: TaskApi, verb: str, body: dict[str, Any], field: str) -> None:
    task = await api.create()
    refused = await api.refused(422, f"tasks/{task}/{verb}", body)
    assert [one["field"] for one in refused.values()] == [field]


async def test_the_gate_asks_for_resources_and_what_was_issued_keeps_them(api: TaskApi) -> None:
    await api.patch("committee", {"resources_required": ["money", "money"]})
    task = await api.create()
    refused = await api.refused(409, f"tasks/{task}/publish")
    assert (list(refused), refused["money_missing"]["field"]) == (["money_missing"], "resources.money")
    await api.do(task, "plan-resources", {"money": [{"source": "Quỹ", "planned": 0}]})
    await api.do(task, "publish")
    assert "money_missing" in await api.refused(409, f"tasks/{task}/plan-resources", {"money": []})
    await api.refused(422, "committee", {"resources_required": ["gold"]}, "PATCH")


# --- parts ---

HEAD_B = Actor("person", "per-head-b", SCOPES, frozenset({B}))
PART = {"unit_id": B, "due_on": "2026-11-27", "words": "Số liệu của phường 2"}


async def test_a_coordinator_hands_its_part_to_the_lead_who_sees_who_is_outstanding(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started(coordinator_unit_ids=[B])
    async with (
        calling(area, process, DOER) as doer,
        calling(area, process, HEAD_B) as partner,
        calling(area, process, SYSTEM_A) as unit,
    ):
        await partner.refused(403, f"tasks/{task}/ask-part", PART)
        assert "not_a_coordinator" in await doer.refused(409, f"tasks/{task}/ask-part", PART | {"unit_id": A})
        await doer.do(task, "ask-part", PART)
        assert await partner.ids(owing=B) == await unit.ids(owing=B, mark="parts_missing") == [task]
        assert await unit.ids(owing=A) == []
        path = f"tasks/{task}/parts/1"
        await doer.refused(403, f"{path}/submit", {"words": "Xong"})
        result = {"words": "Xong", "file": "a.xlsx"}
        assert "file_without_digest" in await partner.refused(422, f"{path}/submit", result)
        clock.now += timedelta(days=4)
        assert (await doer.get(f"tasks/{task}"))["parts"][0]["stands"] == "late"
        shown = await partner.post(f"{path}/submit", result | {"sha256": SHA})
        assert (shown["parts"][0]["stands"], shown["parts"][0]["handed_in"][0]["by"]) == ("done_late", "person:per-head-b")
        await partner.refused(403, f"{path}/decide", {"decision": "accept", "words": "Tự nhận"})
        await doer.post(f"{path}/decide", {"decision": "return", "words": "Thiếu hai thôn"})
        await doer.do(task, "add-evidence", EVIDENCE)
        handed_in = await doer.do(task, "submit")
        assert handed_in["submitted_without"] == [1], "it is listed and keeps nobody from handing in"
        await api.do(task, "return", {"reason_code": "incomplete", "words": "Thiếu"})
        removed = await unit.refused(409, f"tasks/{task}", {"coordinator_unit_ids": []}, "PATCH")
        assert removed["coordinator_owes_part"]["quote"] == B
        await partner.post(f"{path}/submit", {"words": "Đã bổ sung"})
        done = await unit.post(f"{path}/decide", {"decision": "accept", "words": "Đủ cả"})
        assert (done["parts"][0]["state"], done["marks"]) == ("accepted", ["without_resources"])
        assert "wrong_part_state" in await partner.refused(409, f"{path}/submit", {"words": "Lần nữa"})
        assert await unit.ids(owing=B) == []
    line = next(line for line in (await api.get(f"tasks/{task}/history"))["items"] if line["what"] == "submitted")
    assert line["changes"] == {"missing_parts": [None, [1]]}


async def test_a_part_that_cannot_be_is_refused(api: TaskApi) -> None:
    task = await api.started(coordinator_unit_ids=[B])
    path = f"tasks/{task}/ask-part"
    for body in ({"due_on": "mai"}, {"words": ""}, {"unit_id": ""}, {"lead": A}):
        await api.refused(422, path, PART | body)
    assert list(await api.refused(409, path, PART | {"due_on": "2026-12-01"})) == ["part_after_task"]
    assert list(await api.refused(409, path, PART | {"due_on": str(TODAY - timedelta(days=1))})) == ["day_has_passed"]
    for number, status in (("1", 404), ("0", 422), ("x", 422)):
        await api.refused(status, f"tasks/{task}/parts/{number}/submit", {"words": "Xong"})
        await api.refused(status, f"tasks/{task}/parts/{number}/decide", {"decision": "accept", "words": "Đủ cả"})
    await api.do(task, "ask-part", PART)
    await api.refused(422, f"tasks/{task}/parts/1/decide", {"decision": "maybe", "words": "Đủ cả"})


# --- marks and load ---

SUMS = SCOPES | {"summary:read"}


async def test_the_focus_list_is_the_standing_agencys_and_feasibility_is_said_by_who_does_it(
    area: Area, process: Process, api: TaskApi
) -> None:
    task, other = await api.started(), await api.started()
    async with (
        calling(area, process, DOER) as doer,
        calling(area, process, HEAD) as head,
        calling(area, process, SYSTEM_B) as stranger,
    ):
        await doer.do(task, "mark", {"feasibility": "doubtful", "words": "Thiếu máy quét"})
        for who in (doer, head):
            await who.refused(403, f"tasks/{task}/mark", {"focus": True, "words": "Gấp lắm"})
        await stranger.refused(404, f"tasks/{task}/mark", {"feasibility": "feasible", "words": "Được"})
        shown = await api.do(task, "mark", {"focus": True, "priority": "high", "words": "Kết luận họp tháng 4"})
        assert (shown["rating"]["focus"]["by"], shown["rating"]["feasibility"]["by"]) == ("client:province", "person:per-doer")
        await api.patch("committee", {"focus_set_by": "approver"})
        await head.do(task, "mark", {"priority": "low", "words": "Đã có phương án"})
    assert (await api.ids(focus=True), await api.ids(focus=False)) == ([task], [other])
    assert await api.ids(mark="doubtful", focus=True) == await api.ids(mark="priority_low") == [task]
    assert await api.ids(mark="priority_high") == []
    path = f"tasks/{task}/mark"
    wrong: list[dict[str, Any]] = [{"focus": "yes"}, {"priority": "urgent"}, {"words": ""}, {"marks": []}]
    for body in wrong:
        await api.refused(422, path, {"words": "Lý do"} | body)
    version = (await api.send(f"tasks/{task}", method="GET")).headers["ETag"]
    await api.do(task, "mark", {"priority": "low", "words": "Như cũ"})
    assert (await api.send(f"tasks/{task}", method="GET")).headers["ETag"] == version, "what changes nothing leaves it as it is"


async def test_the_load_of_units_and_people_on_a_day_and_who_is_over_and_under(
    area: Area, process: Process, clock: HandClock
) -> None:
    async with calling(area, process, replace(PROVINCE, scopes=SUMS)) as api:
        first = await api.started(due_on="2026-11-25", deadline_written="")
        await api.started(responsible_id="per-second")
        theirs = await api.started(lead_unit_id=B, responsible_id="per-other", approver_id="per-head")
        await api.started()
        await api.do(first, "mark", {"priority": "high", "words": "Gấp lắm"})
        await api.do(theirs, "pause", {"words": "Chờ"})
        lines = (await api.get("summary/load"))["items"]
        assert lines == [
            {"unit_id": A, "person_id": None, "open": 3, "overdue": 0, "load": 3, "tasks": f"/v1/tasks?unit={A}"}
        ], "what is paused weighs on nobody"
        await api.do(theirs, "resume")
        await api.patch("committee", {"priority_weights": {"high": 5, "normal": 1, "low": 0}})
        query = {"by": "person", "as_of": "2026-11-26"}
        page = await api.get("summary/load", limit=2, params=query)
        rest = await api.get("summary/load", limit=2, params={**query, "cursor": page["next_cursor"]})
        found = [(one["person_id"], one["unit_id"], one["open"], one["overdue"], one["load"]) for one in
                 (*page["items"], *rest["items"])]  # fmt: skip
        assert found == [("per-doer", A, 2, 1, 6), ("per-other", B, 1, 0, 1), ("per-second", A, 1, 0, 1)]
        uneven = await api.get("summary/evenness", people=True)
        people = uneven["by_person"]
        assert (uneven["total"], people["people"], people["mean"]) == (8, 4, "2"), "who left is not counted"
        assert [(one["person_id"], one["load"]) for one in people["over"]] == [("per-doer", 6)]
        assert [one["person_id"] for one in people["under"]] == ["per-head", "per-other", "per-second"]
        assert (await api.get("summary/evenness"))["by_person"] is None
        for wrong in ({"by": "galaxy"}, {"as_of": "mai"}):
            await api.get("summary/load", 422, params=wrong)
        weights = {"high": 1.5, "normal": 1, "low": 1}
        await api.refused(422, "committee", {"priority_weights": weights}, "PATCH")
    async with calling(area, process, replace(SYSTEM_B, scopes=SUMS)) as unit:
        assert [one["unit_id"] for one in (await unit.get("summary/load"))["items"]] == [B]
        assert (await unit.get("summary/load", unit=A))["items"] == []
    async with calling(area, process, SYSTEM_B) as without:
        await without.get("summary/load", 403)


async def test_a_page_of_loads_reads_the_tasks_of_that_page_alone(
    area: Area, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(uow: UnitOfWork) -> None:
        for who, count in enumerate((5, 1, 4, 2)):
            for number in range(count):
                holders = {"lead_unit_id": f"u{who}", "responsible_id": f"p{number}"}
                save_task(uow, a_task(id=f"t{who}{number}", state="published", **holders))
        save_task(uow, a_task(id="done", state="completed", lead_unit_id="u9"))

    await process.units.run(work, process.units.system())
    grouped: list[int] = []
    counted = store._counted

    async def watched(*arguments: Any) -> Any:
        found = await counted(*arguments)
        grouped.append(sum(count for _, count in found))
        return found

    monkeypatch.setattr(store, "_counted", watched)
    async with calling(area, process, replace(PROVINCE, scopes=SUMS)) as api:
        first = await api.get("summary/load", limit=1)
        second = await api.get("summary/load", limit=2, cursor=first["next_cursor"])
        last = await api.get("summary/load", limit=2, cursor=second["next_cursor"])
        assert [[(one["unit_id"], one["open"]) for one in page["items"]] for page in (first, second, last)] == [
            [("u0", 5)], [("u1", 1), ("u2", 4)], [("u3", 2)],
        ]  # fmt: skip
        assert (grouped, last["next_cursor"]) == ([5 + 1, 1 + 4 + 2, 2], None), "of twelve"
        people = await api.get("summary/load", by="person", unit="u2", limit=2)
        assert [(one["person_id"], one["open"]) for one in people["items"]] == [("p0", 1), ("p1", 1)]
        assert grouped[-1] == 2 + 1


# --- parties ---


async def test_a_party_without_an_account_is_reached_through_a_unit(area: Area, process: Process, api: TaskApi) -> None:
    task = await api.started(coordinator_unit_ids=[B])
    body = {"kind": "youth_union", "label": "Đoàn thanh niên phường 2", "unit_id": B, "words": "Ra quân hai ngày"}
    async with calling(area, process, DOER) as doer, calling(area, process, HEAD_B) as partner:
        await partner.refused(403, f"tasks/{task}/name-party", body)
        assert "label_personal" in await doer.refused(422, f"tasks/{task}/name-party", body | {"label": "Gọi 0912345678"})
        assert "unit_not_of_task" in await doer.refused(409, f"tasks/{task}/name-party", body | {"unit_id": "unit:c"})
        for wrong in ({"kind": "person"}, {"label": " "}, {"words": ""}, {"phone": "1"}):
            await doer.refused(422, f"tasks/{task}/name-party", body | wrong)
        (party,) = (await doer.do(task, "name-party", body))["parties"]
        path = f"tasks/{task}/parties/{party['id']}"
        await doer.refused(403, f"{path}/reach", {"words": "Đã gặp"})
        await partner.refused(403, f"{path}/remove", {"words": "Thôi nhé"})
        shown = await partner.post(f"{path}/reach", {"words": "Đã gặp bí thư đoàn"})
        assert [one["by"] for one in shown["parties"][0]["reached"]] == ["person:per-head-b"]
        removed = await doer.post(f"{path}/remove", {"words": "Đã xong việc"})
        assert removed["parties"][0]["removed"]["words"] == "Đã xong việc"
        assert "party_removed" in await partner.refused(409, f"{path}/reach", {"words": "Lần nữa"})
        await partner.refused(404, f"tasks/{task}/parties/none/reach", {"words": "Đã gặp"})
    assert (await lines(api, task))[-3:] == ["party_named", "party_reached", "party_removed"]


# --- no work ---


async def test_a_month_without_work_is_confirmed_by_the_other_side_and_is_neither_late_nor_done(
    area: Area, process: Process, api: TaskApi, clock: HandClock
) -> None:
    task = await api.started(deadline_written="Hằng tháng, trước ngày 25")
    await keep_calendars.run(process.units, None)
    async with calling(area, process, DOER) as doer, calling(area, process, HEAD) as head:
        path = f"tasks/{task}/periods/2026-11"
        await head.refused(403, f"{path}/state-no-work", {"words": "Không có hồ sơ"})
        await doer.refused(422, f"{path}/state-no-work", {"words": ""})
        await doer.refused(404, f"tasks/{task}/periods/2026-12/state-no-work", {"words": "Không có hồ sơ"})
        await doer.post(f"{path}/state-no-work", {"words": "Không có hồ sơ"})
        await doer.refused(403, f"{path}/confirm-no-work")
        assert "no_work_stated" in await head.refused(409, f"{path}/complete")
        await head.refused(422, f"{path}/reject-no-work")
        await head.post(f"{path}/reject-no-work", {"words": "Có ba hồ sơ"})
        await doer.post(f"{path}/state-no-work", {"words": "Ba hồ sơ của tháng trước"})
        closed = await head.post(f"{path}/confirm-no-work", {"words": "Đúng"})
        assert (closed["state"], closed["timeliness"]) == ("without_work", None)
        assert [one["state"] for one in closed["no_work"]] == ["rejected", "confirmed"]
        assert "nothing_stated" in await head.refused(409, f"{path}/confirm-no-work")
    clock.now += timedelta(days=40)
    await keep_calendars.run(process.units, None)
    november = next(one for one in (await api.get(f"tasks/{task}/periods"))["items"] if one["key"] == "2026-11")
    assert (november["state"], november["timeliness"], november["completed_on"]) == ("without_work", None, None)
    assert "period_became_overdue" not in (await lines(api, task))[:7]
