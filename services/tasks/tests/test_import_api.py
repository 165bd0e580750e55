"""Imports on a real database: the real files, again, in other forms, after people have worked on what came of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from common.domain import Actor
from common.http import IDEMPOTENCY
from common.outbox import new_id
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.tasks.tests.register_world import (
    FILES,
    PROVINCE,
    SCOPES,
    Register,
    calling,
    codes,
    counts,
    csv_of,
    documents,
    events,
    file_of,
    of_unit,
    rows_of,
)
from tasks.domain.task import Task
from tasks.features import import_tasks
from tasks.service import service
from tasks.store import save_task

pytestmark = pytest.mark.servers

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
ROWS = {"units": 475, "agencies": 39, "successions": 337, "directives": 34, "tasks": 186}


@pytest.fixture
async def process(area: Area) -> AsyncIterator[Process]:
    async with area.running(service, "api", clock=lambda: NOW) as process:
        yield process


@pytest.fixture
async def register(area: Area, process: Process) -> AsyncIterator[Register]:
    async with calling(area, process) as register:
        yield register


def one_task(**cells: str) -> bytes:
    return csv_of([{**rows_of("tasks")[0], **cells}])


async def test_the_real_files_come_in_whole_and_a_second_time_change_nothing(process: Process, register: Register) -> None:
    for kind, number in ROWS.items():
        rehearsed = await register.imported(kind, dry_run="true")
        before = await events(process)
        done = await register.imported(kind)
        assert counts(done) == f"created {number}"
        assert rehearsed == done, "the dry run says what happens"
        assert await events(process) - before == number, "the dry run told nothing, the import each row once"
        assert [row["row"] for row in done["rows"]] == list(range(2, number + 2))
    told, history = await events(process), await documents(process, "history")
    assert told == sum(ROWS.values())
    assert history == ROWS["tasks"]
    for kind, number in ROWS.items():
        assert counts(await register.imported(kind)) == f"unchanged {number}"
    assert (await events(process), await documents(process, "history")) == (told, history)
    assert await documents(process, "units") == ROWS["units"] + ROWS["agencies"]


async def test_what_the_real_plans_leave_open_is_found_on_their_rows(register: Register) -> None:
    answers = await register.import_all()
    tasks = {row["id"]: row for row in answers["tasks"]["rows"]}

    def found(reference: str) -> dict[str, dict[str, str]]:
        return {finding["code"]: finding for finding in tasks[Task.id_of_reference(reference)]["findings"]}

    assert found("NQ03-001")["lead_abolished"]["quote"] == "Bộ Thông tin và Truyền thông"
    assert found("KH11-34")["deadline_column_shift"]["field"] == "deadline_raw"
    assert {"lead_several", "name_variant"} <= found("NQ03-046").keys(), "golden case G070"
    assert all(
        finding["quote"] and finding["repair"]
        for answer in answers.values()
        for row in answer["rows"]
        for finding in row["findings"]
    )
    shown = await register.get(f"tasks/{Task.id_of_reference('NQ03-001')}")
    assert (shown["lead_unit_id"], shown["reference"], shown["state"]) == ("agency:BKHCN", "NQ03-001", "draft")
    (paper,) = (await register.get("directives", number="03/NQ-CP"))["items"]
    assert shown["directive_id"] == paper["id"]


async def test_json_says_the_same_as_csv(register: Register) -> None:
    body = json.dumps(rows_of("agencies")).encode()
    done = await register.imported("agencies", body, form="application/json")
    assert counts(done) == "created 39"
    assert [row["row"] for row in done["rows"]] == list(range(1, 40))
    assert counts(await register.imported("agencies")) == "unchanged 39"


async def test_a_changed_row_is_updated_and_says_what_changed(process: Process, register: Register) -> None:
    await register.import_all()
    before = await events(process)
    units = rows_of("units")
    units[5]["note"] = "mended"
    done = await register.imported("units", csv_of(units))
    assert counts(done) == "unchanged 474, updated 1"
    assert codes(done, 7) == ["changed"]
    assert done["rows"][5]["findings"][0]["quote"] == "note"
    assert await events(process) == before + 1
    without_notes = csv_of({name: cell for name, cell in row.items() if name != "note"} for row in units)
    assert counts(await register.imported("units", without_notes)) == "unchanged 475", "a column left out is no change"


async def test_the_plan_sent_again_shows_what_it_changes_before_it_does(process: Process, register: Register) -> None:
    """Same task ids, columns in another order: the preview says field by field what was and what will be."""
    await register.imported("agencies")
    plan = [row for row in rows_of("tasks") if row["task_uid"] in ("NQ03-001", "NQ03-002", "NQ03-005")]
    first = await register.imported("tasks", csv_of(plan))
    assert [row["changes"] for row in first["rows"]] == [{}, {}, {}]
    plan[0] = {**plan[0], "deadline_raw": "Quý III/2025", "deadline_date": ""}
    plan[1] = {**plan[1], "title_short": "Chuyên mục mới"}
    shuffled = csv_of([dict(reversed(row.items())) for row in plan])
    written = await events(process), await documents(process, "tasks")
    preview = await register.imported("tasks", shuffled, dry_run="true")
    assert counts(preview) == "unchanged 1, updated 2"
    assert [row["id"] for row in preview["rows"]] == [row["id"] for row in first["rows"]]
    assert preview["rows"][0]["changes"] == {
        "deadline_written": ["6/2025", "Quý III/2025"], "deadline_kind": ["month", "quarter"],
        "due_on": ["2025-06-30", "2025-09-30"],
    }  # fmt: skip
    assert preview["rows"][1]["changes"]["title"][1] == "Chuyên mục mới"
    assert preview["rows"][2]["changes"] == {}
    assert (await events(process), await documents(process, "tasks")) == written
    done = await register.imported("tasks", shuffled)
    assert [row["changes"] for row in done["rows"]] == [row["changes"] for row in preview["rows"]]
    assert counts(await register.imported("tasks", shuffled)) == "unchanged 3"


async def test_what_a_whole_plan_no_longer_names_is_listed_and_asked_about_once(process: Process, register: Register) -> None:
    await register.imported("agencies")
    plan = [row for row in rows_of("tasks") if row["task_uid"] in ("NQ03-001", "NQ03-002", "NQ03-005", "HG-SEED-01")]
    first = await register.imported("tasks", csv_of(plan), whole="true")
    assert (first["dropped"], first["counts"]["dropped"]) == ([], 0)
    ids = {row["task_uid"]: shown["id"] for row, shown in zip(plan, first["rows"], strict=True)}
    fewer = csv_of([row for row in plan if row["task_uid"] in ("NQ03-002", "NQ03-005")])
    assert (await register.imported("tasks", fewer))["dropped"] == [], "a part of a plan drops nothing"
    written = await events(process)
    preview = await register.imported("tasks", fewer, whole="true", dry_run="true")
    assert [(one["id"], one["reference"]) for one in preview["dropped"]] == [(ids["NQ03-001"], "NQ03-001")], "of its own plan"
    assert await events(process) == written
    done = await register.imported("tasks", fewer, whole="true")
    assert (done["dropped"], counts(done)) == (preview["dropped"], "unchanged 2, dropped 1")
    assert done["dropped"][0]["asks"] == "dropped_from_plan"
    assert await events(process) == written + 1
    asked = (await register.get("tasks", asks="dropped_from_plan"))["items"]
    assert [one["id"] for one in asked] == [ids["NQ03-001"]]
    decided = {"decision": "goes_on", "words": "Vẫn phải làm"}
    await register.send("POST", f"tasks/{ids['NQ03-001']}/decide-fate", decided, 200)
    again = await register.imported("tasks", fewer, whole="true")
    assert (again["dropped"][0]["asks"], await events(process)) == (None, written + 2)
    assert counts(await register.imported("tasks", csv_of(plan), whole="true")) == "unchanged 4"
    assert await events(process) == written + 3
    changed = csv_of([{**row, "title_short": "Việc khác"} for row in plan if row["task_uid"] == "NQ03-005"])
    assert (await register.imported("tasks", changed, whole="true"))["counts"]["dropped"] == 2
    await register.send("POST", f"tasks/{ids['NQ03-002']}/decide-fate", {"decision": "cancelled", "words": "Thôi"}, 200)
    left = (await register.imported("tasks", changed, whole="true"))["dropped"]
    assert [one["id"] for one in left] == [ids["NQ03-001"]], "what was cancelled is over"
    answer = await register.bring("agencies", file_of("agencies"), 422, whole="true")
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [("whole", "not_a_plan")]


async def test_an_import_that_breaks_off_leaves_nothing_behind(
    process: Process, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, real = 0, save_task

    def breaks(uow: UnitOfWork, task: Task) -> Task:
        nonlocal saved
        saved += 1
        if saved == 100:
            raise PermissionError("the plug was pulled")
        return real(uow, task)

    monkeypatch.setattr(import_tasks, "save_task", breaks)
    await register.bring("tasks", file_of("tasks"), 500)
    assert (await documents(process, "tasks"), await documents(process, "history"), await events(process)) == (0, 0, 0)
    monkeypatch.setattr(import_tasks, "save_task", real)
    assert counts(await register.imported("tasks")) == "created 186"


async def test_wrong_rows_are_refused_and_the_others_come_in(register: Register) -> None:
    body = (
        "unit_uid,nso_code,level,full_name,parent_uid,colour\n"
        "u:1,1,commune,Xã Một,,red\n"
        "u:2,2,hamlet,Thôn Hai,,\n"
        "u:3,3,commune,Xã Ba, thừa,,\n"
        "u:1,1,commune,Xã Một nữa,,\n"
        "u:4,4,commune,Xã Bốn,u:2,\n"
    ).encode()
    done = await register.imported("units", body)
    assert counts(done) == "created 1, refused 4"
    assert done["rows"][0] == {**done["rows"][0], "row": 1, "outcome": None, "id": None}
    assert [codes(done, row) for row in range(1, 7)] == [
        ["column_unknown"], [], ["value_unknown"], ["columns_shifted"], ["duplicate_in_file"], ["parent_unknown"],
    ]  # fmt: skip
    assert done["counts"]["warnings"] == 1
    assert (await register.get("units"))["items"][0]["full_name"] == "Xã Một"


async def test_what_people_mended_survives_the_plan(process: Process, register: Register) -> None:
    await register.imported("agencies")
    await register.imported("tasks", one_task(deadline_raw="Thường xuyên", deadline_date=""))
    path = f"tasks/{Task.id_of_reference('NQ03-001')}"
    await register.send("PATCH", path, {"due_on": "2027-03-31"}, 200)
    same = await register.imported("tasks", one_task(deadline_raw="Thường xuyên", deadline_date=""))
    assert counts(same) == "unchanged 1"
    changed = await register.imported(
        "tasks", one_task(deadline_raw="Thường xuyên", deadline_date="", title_short="Chương trình truyền thông mới")
    )
    assert counts(changed) == "updated 1"
    shown = await register.get(path)
    assert (shown["title"], shown["due_on"]) == ("Chương trình truyền thông mới", "2027-03-31")
    history = await register.get(f"{path}/history")
    assert [line["what"] for line in history["items"]].count("amended") == 2


async def test_an_issued_task_is_not_touched(process: Process, register: Register) -> None:
    await register.imported("tasks", one_task())
    key = Task.id_of_reference("NQ03-001")
    await process.database.collection("tasks").update_one({"_id": key}, {"$set": {"state": "published"}})
    assert counts(await register.imported("tasks", one_task())) == "unchanged 1"
    before = await events(process)
    refused = await register.imported("tasks", one_task(title_short="Một việc khác"))
    assert counts(refused) == "refused 1"
    assert "task_already_issued" in codes(refused, 2)
    assert refused["rows"][0]["changes"]["title"][1] == "Một việc khác", "somebody has to amend it by hand"
    assert await events(process) == before
    assert (await register.get(f"tasks/{key}"))["title"] != "Một việc khác"


async def test_a_paper_gets_its_day_of_issue_when_it_is_found_out(register: Register) -> None:
    paper = {"number": "226-KL/TW", "issuer": "Secretariat", "issued_on": "", "subject_en": "Working style"}
    first = await register.imported("directives", csv_of([paper]))
    assert codes(first, 2) == ["issue_day_missing"]
    dated = csv_of([{**paper, "issued_on": "2025-12-11"}])
    found_out = await register.imported("directives", dated)
    assert counts(found_out) == "updated 1"
    assert found_out["rows"][0]["id"] == first["rows"][0]["id"]
    assert counts(await register.imported("directives", dated)) == "unchanged 1"
    assert counts(await register.imported("directives", csv_of([paper]))) == "unchanged 1", "not knowing is no change"
    shown = await register.get(f"directives/{first['rows'][0]['id']}")
    assert shown["issued_on"] == "2025-12-11"
    next_year = await register.imported("directives", csv_of([{**paper, "issued_on": "2026-12-11"}]))
    assert counts(next_year) == "created 1", "the same number of another year is another paper"


async def test_people_come_in_with_their_names_kept_apart(process: Process, register: Register) -> None:
    await register.imported("agencies")
    head = {"person_id": "per-1", "unit_id": "agency:HG-KHCN", "position": "unit_head", "audiences": "AUD-LEAD;AUD-PARTY"}
    people = [
        {**head, "name": "Nguyễn Thị A"},
        {**head, "person_id": "per-2", "unit_id": "agency:NONE", "name": ""},
        {**head, "person_id": "012345678901", "name": ""},
    ]
    done = await register.imported("people", csv_of(people))
    assert counts(done) == "created 1, refused 2"
    assert counts(await register.imported("people", csv_of(people[:1]))) == "unchanged 1"
    renamed = await register.imported("people", csv_of([{**people[0], "name": "Trần Thị A"}]))
    assert counts(renamed) == "updated 1"
    assert (await register.get("people/per-1"))["name"] == "Trần Thị A"
    nameless = csv_of([{name: cell for name, cell in people[0].items() if name != "name"}])
    assert counts(await register.imported("people", nameless)) == "unchanged 1"
    for collection in ("outbox", IDEMPOTENCY, "people", "history"):
        for row in await process.database.collection(collection).find().to_list(None):
            assert "Thị A" not in repr(row)
            assert "Thị A".encode() not in bytes(row.get("payload") or row.get("body") or b"")


async def test_the_same_key_is_answered_again_and_with_other_bytes_refused(process: Process, register: Register) -> None:
    first = await register.bring("agencies", file_of("agencies"), key="k1")
    before = await events(process)
    again = await register.bring("agencies", file_of("agencies"), key="k1")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await events(process) == before
    await register.bring("agencies", file_of("agencies") + b"\n", 422, key="k1")
    await register.bring("agencies", file_of("agencies"), 422, key="k1", dry_run="true")
    assert problem_of(await register.bring("units", file_of("units"), 422, key="k1")) == "/problems/idempotency-key-reused"


@pytest.mark.parametrize("key", ["the same", ""])
async def test_two_at_once_are_taken_over_once(process: Process, register: Register, key: str) -> None:
    async def one() -> int:
        headers = {"Idempotency-Key": key or new_id(), "Content-Type": "text/csv"}
        answer = await register.client.post("/v1/imports?kind=agencies", content=file_of("agencies"), headers=headers)
        return answer.status_code

    answers = await asyncio.gather(*(one() for _ in range(3)))
    assert 200 in answers
    assert set(answers) <= {200, 409}
    assert await events(process) == 39


def problem_of(answer: httpx2.Response) -> str:
    return str(answer.json()["type"])


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (415, {"form": "application/xml"}),
        (415, {"form": "text/csv; charset=windows-1258"}),
        (415, {"form": ""}),
        (422, {"kind": "buildings"}),
        (422, {"sample": "mine"}),
        (422, {"body": b"\xff\xfei\0d\0"}),
        (413, {"body": b"unit_uid,nso_code,level,full_name\n" + b"x" * (8 * 1024 * 1024)}),
        (413, {"body": b"code,name_vi,level\n" + b"C,Ban,central\n" * 1001}),
        (200, {"form": "text/csv; charset=UTF-8"}),
    ],
    ids=["xml", "charset", "none", "kind", "sample", "utf-16", "bytes", "rows", "fine"],
)
async def test_what_is_no_import_is_named(process: Process, register: Register, status: int, changes: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"kind": "agencies", "body": file_of("agencies"), "dry_run": "true", **changes}
    answer = await register.bring(asked.pop("kind"), asked.pop("body"), status, **asked)
    if status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert await events(process) == 0


async def test_imports_are_for_those_who_act_for_the_whole_province(area: Area, process: Process) -> None:
    for actor in (of_unit("agency:HG-TC"), Actor("client", "reader", SCOPES - {"imports:write"})):
        async with calling(area, process, actor) as register:
            await register.bring("agencies", file_of("agencies"), 403)
    async with calling(area, process, PROVINCE, **{"Accept-Language": "en"}) as register:
        answer = await register.imported("directives", dry_run="true")
        words = [finding["message"] for row in answer["rows"] for finding in row["findings"]]
        assert any("day of issue is missing" in message for message in words)
    assert set(FILES) == set(ROWS)
