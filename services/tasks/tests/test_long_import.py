"""Plans too long for one transaction: handed in whole, taken over part by part, each once, whatever breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain import Actor
from common.errors import Conflict, Words, database_away
from common.mongo import OutOfTime
from common.observability import JsonLines
from common.repository import Reader
from common.service import Process
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from services.tasks.tests.register_world import (
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
from services.tasks.tests.task_world import HandClock
from tasks.domain import long_import
from tasks.domain.long_import import MOST_PLANS, MOST_TRIES, ImportPart, LongImport, due_parts, in_parts, plans_of
from tasks.domain.rows_tasks import TASK_COLUMNS
from tasks.domain.table import MAX_ROWS, read_csv
from tasks.domain.task import Task
from tasks.features import import_tasks, work_through_imports
from tasks.features.long_import_view import LongImportView
from tasks.service import service
from tasks.store import IMPORT_PARTS, IMPORTS, save_task

PROVINCE = Actor("client", "province", SCOPES | {"imports:read"})
PATH = "imports/long"
servers = pytest.mark.servers


@pytest.fixture
async def register(area: Area, process: Process) -> Any:
    async with calling(area, process, PROVINCE, **{"Accept-Language": "en"}) as register:
        yield register


@pytest.fixture
def parts_of_10(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_import, "PART", 10)


def plan(rows: int, **changes: str) -> bytes:
    """A plan of so many rows, made of the real ones."""
    real = rows_of("tasks")
    return csv_of({**real[number % len(real)], "task_uid": f"long-{number:05d}", **changes} for number in range(rows))


async def hand_in(register: Register, body: bytes, expect: int = 202, key: str = "k", **params: Any) -> Any:
    headers = {"Idempotency-Key": key, "Content-Type": "text/csv"}
    answer = await register.client.post(f"/v1/{PATH}", params=params, content=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


async def work(process: Process) -> None:
    await work_through_imports.run(process.units, None)


def test_parts_are_of_bounded_size_and_know_what_earlier_ones_hold() -> None:
    rows = [{"task_uid": f"t{n % 700}", "title_short": "x"} for n in range(1401)]
    columns = dict.fromkeys(TASK_COLUMNS.required, "")
    table = read_csv(csv_of({**columns, **row} for row in rows), TASK_COLUMNS, 2000)
    parts = in_parts(table.rows, "task_uid")
    assert [len(part) for part in parts] == [250] * 5 + [151]
    assert [row.number for part in parts for row in part] == list(range(2, 1403))
    marked = [[finding.code for finding in row.findings] for part in parts for row in part]
    assert marked == [[]] * 700 + [["duplicate_in_file"]] * 701
    assert long_import.PART <= MAX_ROWS, "a part is a transaction that is known to fit"


def test_what_is_kept_of_a_part_is_read_back_as_it_was() -> None:
    table = read_csv(file_of("tasks"), TASK_COLUMNS)
    (rows,) = in_parts(table.rows[:20], "task_uid")
    part = ImportPart.model_validate({"id": "i/0001", "at": "2026-11-24T00:00:00Z", "rows": rows})
    again = IMPORT_PARTS.parse(IMPORT_PARTS.dump(part))
    assert again.rows == rows


@servers
async def test_a_long_plan_comes_in_part_by_part_and_its_progress_shows(
    process: Process, register: Register, parts_of_10: None
) -> None:
    started = await hand_in(register, plan(34))
    assert (started["rows"], started["parts"], started["rows_done"], started["ended_at"]) == (34, 4, 0, None)
    assert await documents(process, "tasks") == 0, "nothing is taken over before the answer"
    key = started["id"]
    await register.get(f"{PATH}/{key}/parts/1", 404)
    seen, one = [], await Reader(process.database).get(IMPORTS, key)
    assert one is not None
    for number in (1, 2, 3, 4):
        await work_through_imports.take_part(process.units, one, number)
        shown = await register.get(f"{PATH}/{key}")
        seen.append((shown["parts_done"], shown["rows_done"], shown["counts"]["created"], await documents(process, "tasks")))
    assert seen == [(1, 10, 10, 10), (2, 20, 20, 20), (3, 30, 30, 30), (4, 34, 34, 34)]
    assert (shown["ended_at"] is not None, shown["state"], shown["problems"]) == (True, "done", [])
    await work_through_imports.take_part(process.units, one, 2)  # another worker that was slow
    await work(process)  # there is nothing more
    assert await events(process) == 34
    part = await register.get(f"{PATH}/{key}/parts/2")
    assert [row["row"] for row in part["rows"]] == list(range(12, 22))
    assert "person_missing" in codes(part, 12)
    stored = await process.database.collection(IMPORT_PARTS.collection).find({}).to_list(None)
    assert [one["rows"] for one in stored] == [[]] * 4, "what was taken over is kept once"
    again = await hand_in(register, plan(34), key="again")
    await work(process)
    assert (await register.get(f"{PATH}/{again['id']}"))["counts"]["unchanged"] == 34
    assert await events(process) == 34


@servers
async def test_the_same_request_starts_one_import(process: Process, register: Register, parts_of_10: None) -> None:
    first, second = await hand_in(register, plan(12)), await hand_in(register, plan(12))
    assert first["id"] == second["id"]
    assert await documents(process, "import_parts") == 2
    await hand_in(register, plan(13), 422)


@servers
@pytest.mark.parametrize("end", [asyncio.CancelledError, database_away])
async def test_an_import_that_breaks_off_goes_on_and_takes_each_row_once(
    process: Process, register: Register, parts_of_10: None, monkeypatch: pytest.MonkeyPatch, end: Callable[[], BaseException]
) -> None:
    started = await hand_in(register, plan(24))
    saved, real = 0, save_task

    def breaks(uow: UnitOfWork, task: Task) -> Task:
        nonlocal saved
        saved += 1
        if saved == 15:
            raise end()
        return real(uow, task)

    monkeypatch.setattr(import_tasks, "save_task", breaks)
    with pytest.raises(type(end())):
        await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert (shown["parts_done"], await documents(process, "tasks"), await events(process)) == (1, 10, 10)
    assert shown["problems"] == [], "no part is to blame"
    await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert (counts(shown), await documents(process, "tasks"), await events(process)) == ("created 24", 24, 24)


def fails_at(monkeypatch: pytest.MonkeyPatch, reference: str, error: Callable[[], Exception]) -> list[int]:
    """Plant a failure in the part that holds this row; empty what is returned to mend it."""
    real, planted = save_task, [1]

    def save(uow: UnitOfWork, task: Task) -> Task:
        if planted and task.reference == reference:
            raise error()
        return real(uow, task)

    monkeypatch.setattr(import_tasks, "save_task", save)
    return planted


@servers
async def test_a_part_that_always_fails_holds_up_nothing_and_its_import_ends_as_failed_at_it(
    process: Process,
    clock: HandClock,
    register: Register,
    parts_of_10: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    planted = fails_at(monkeypatch, "long-00012", lambda: RuntimeError("Nguyễn Văn An, 0912345678"))
    first = await hand_in(register, plan(34))
    other = await hand_in(register, plan(1, source_doc="Kế hoạch khác", task_uid="other"), key="other")
    same = await hand_in(register, plan(34), key="same")
    await work(process)
    shown = await register.get(f"{PATH}/{first['id']}")
    assert (shown["state"], shown["parts_done"], counts(shown)) == ("running", 3, "created 24")
    assert [(one["part"], one["tries"]) for one in shown["problems"]] == [(2, 1)]
    assert shown["problems"][0]["again_at"] is not None
    assert (await register.get(f"{PATH}/{other['id']}"))["state"] == "done", "an import behind it goes on"
    assert (await register.get(f"{PATH}/{same['id']}"))["parts_done"] == 0, (
        "the next version of the same plan has its turn later"
    )
    await work(process)
    assert (await register.get(f"{PATH}/{first['id']}"))["problems"] == shown["problems"], "it rests"
    pauses = 0
    while (await register.get(f"{PATH}/{first['id']}"))["state"] == "running":
        clock.now += timedelta(seconds=5 * 2**pauses)
        pauses += 1
        await work(process)
    assert pauses == MOST_TRIES - 1
    shown = await register.get(f"{PATH}/{first['id']}")
    assert (shown["state"], shown["rows_done"], shown["parts_done"]) == ("failed", 24, 3)
    assert shown["ended_at"] is not None
    (problem,) = shown["problems"]
    assert (problem["part"], problem["first_row"], problem["last_row"], problem["tries"]) == (2, 12, 21, MOST_TRIES)
    assert (problem["code"], problem["again_at"]) == ("part_unexpected", None)
    assert problem["message"].startswith("Rows 12 to 21 did not come in")
    assert "Idempotency-Key" in problem["repair"]
    assert "what has come in stays" in problem["repair"]
    await register.get(f"{PATH}/{first['id']}/parts/2", 404)
    part = await register.get(f"{PATH}/{first['id']}/parts/3")
    assert [row["row"] for row in part["rows"]] == list(range(22, 32)), "parts that are done stay"

    lines = [JsonLines("tasks").format(record) for record in caplog.records if record.name.endswith("work_through_imports")]
    told = [line for line in lines if first["id"] in line]
    assert len(told) == MOST_TRIES
    assert '"event": "import_part_given_up"' in told[-1]
    assert '"part": 2, "tries": 8, "why": "part_unexpected", "error": "RuntimeError"' in told[-1]
    assert not any("Nguyễn" in line or "0912345678" in line for line in lines)

    shown = await register.get(f"{PATH}/{same['id']}")
    assert (shown["parts_done"], counts(shown)) == (3, "unchanged 24"), "the version that waited has its turn"
    planted.clear()
    clock.now += timedelta(seconds=5)
    await work(process)  # it is the same plan sent again, and brings what is missing
    shown = await register.get(f"{PATH}/{same['id']}")
    assert (shown["state"], counts(shown)) == ("done", "created 10, unchanged 24")
    assert (await register.get(f"{PATH}/{first['id']}"))["state"] == "failed", "what was given up stays so"
    again = await hand_in(register, plan(34), key="again")
    await work(process)
    assert counts(await register.get(f"{PATH}/{again['id']}")) == "unchanged 34"
    assert await documents(process, "tasks") == await events(process) == 35


@servers
async def test_a_part_that_is_mended_in_time_comes_in(
    process: Process, clock: HandClock, register: Register, parts_of_10: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = fails_at(monkeypatch, "long-00003", lambda: Conflict(Words("Đang sửa.", "Being changed.")))
    started = await hand_in(register, plan(24))
    await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert (shown["parts_done"], [one["code"] for one in shown["problems"]]) == (2, ["part_busy"])
    planted.clear()
    clock.now += timedelta(seconds=5)
    await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert (shown["state"], counts(shown), shown["problems"]) == ("done", "created 24", [])
    assert await events(process) == 24


@servers
async def test_a_part_whose_rows_are_gone_or_that_is_too_slow_is_told_so(
    process: Process, register: Register, parts_of_10: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = await hand_in(register, plan(24))
    gone = ImportPart.id_of(started["id"], 3)
    await process.database.collection(IMPORT_PARTS.collection).delete_one({"_id": gone})
    fails_at(monkeypatch, "long-00003", lambda: database_away(OutOfTime))
    await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert [(one["part"], one["code"]) for one in shown["problems"]] == [(1, "part_slow"), (3, "part_lost")]
    assert (shown["parts_done"], shown["rows_done"]) == (1, 10)


@servers
async def test_a_row_that_stands_twice_comes_in_once_also_in_another_part(
    process: Process, register: Register, parts_of_10: None
) -> None:
    rows = rows_of("tasks")[:12]
    rows.append({**rows[0], "title_short": "Việc khác cùng mã"})
    started = await hand_in(register, csv_of(rows))
    await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert counts(shown) == "created 12, refused 1"
    part = await register.get(f"{PATH}/{started['id']}/parts/2")
    assert "duplicate_in_file" in codes(part, 14)


@servers
async def test_a_dry_run_writes_nothing_and_a_file_that_is_no_plan_starts_nothing(
    area: Area, process: Process, register: Register, parts_of_10: None
) -> None:
    started = await hand_in(register, plan(12), dry_run=True)
    await work(process)
    assert counts(await register.get(f"{PATH}/{started['id']}")) == "created 12"
    assert (await documents(process, "tasks"), await events(process)) == (0, 0)
    for body, code in ((b"", "file_empty"), (b"PK\x03\x04", "spreadsheet_file"), (b"a,b\n1,2\n", "other_table")):
        problem = await hand_in(register, body, 422, key=code)
        assert code in {one["code"] for one in problem["errors"]}
    assert await documents(process, "imports") == 1
    await register.get(f"{PATH}/none", 404)
    for number in ("0", "10000", "x"):
        await register.get(f"{PATH}/{started['id']}/parts/{number}", 422)
    limited = of_unit("u:1", scopes=PROVINCE.scopes)
    async with calling(area, process, limited) as caller:
        await hand_in(caller, plan(2), 403)
        await caller.get(f"{PATH}/{started['id']}", 403)


@servers
async def test_the_worker_works_through_imports_in_the_name_of_who_handed_them_in(
    area: Area, process: Process, clock: HandClock, register: Register, parts_of_10: None
) -> None:
    started = await hand_in(register, plan(12))
    async with area.running(service, "worker", clock) as worker:

        async def ended() -> bool:
            return (await register.get(f"{PATH}/{started['id']}"))["ended_at"] is not None

        await eventually("the worker has taken the plan over", ended, 60)
        lines = await worker.database.collection("history").find({}).to_list(None)
    assert {line["actor"] for line in lines} == {"client:province"}
    assert len(lines) == 12
    part = await register.get(f"{PATH}/{started['id']}/parts/1")
    found = next(one for one in part["rows"][0]["findings"] if one["code"] == "person_missing")
    assert found["message"] == "The plan names no responsible person.", "in the language of the request"


# --- which part has its turn ---

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def an_import(key: str = "i", parts: int = 2, **changes: Any) -> LongImport:
    fields = {
        "id": key, "started_at": NOW, "by_kind": "client", "by_id": "c", "language": "vi", "dry_run": False, "sample": None,
        "rows": 3, "parts": parts, "plans": [key], "first_rows": [2 + 10 * part for part in range(parts)], "last_row": 99,
    }  # fmt: skip
    return LongImport.model_validate(fields | changes)


def due(*waiting: LongImport, seconds: float = 0) -> list[tuple[str, int]]:
    return [(one.id, number) for one, number in due_parts(waiting, NOW + timedelta(seconds=seconds))]


def test_counts_are_those_of_all_parts() -> None:
    one, ends = an_import(), []
    for number, rows, refused in ((1, 2, 1), (2, 1, 0)):
        one.take(number, rows, {"created": 1, "refused": refused}, NOW)
        ends.append(one.ended_at)
    assert ends == [None, NOW]
    assert (one.counts, one.rows_done, one.state) == ({"created": 2, "refused": 1}, 3, "done")


def test_a_part_that_failed_rests_twice_as_long_each_time_behind_those_that_nobody_has_tried() -> None:
    one, seconds, pauses = an_import(parts=3), 0.0, []
    one.fail(1, "part_busy", NOW)
    assert due(one, seconds=3600) == [("i", 2)], "fresh parts first"
    one.take(2, 1, {}, NOW)
    one.take(3, 1, {}, NOW)
    while not one.failing[0].given_up:
        pause = (one.failing[0].again_at - NOW).total_seconds() - seconds
        assert due(one, seconds=seconds + pause - 1) == []
        seconds += pause
        pauses.append(pause)
        assert due(one, seconds=seconds) == [("i", 1)]
        one.fail(1, "part_busy", NOW + timedelta(seconds=seconds))
    assert pauses == [5, 10, 20, 40, 80, 160, 320]
    assert (one.state, one.ended_at, one.parts_done) == ("failed", NOW + timedelta(seconds=sum(pauses)), 2)
    assert due(one, seconds=9999) == []


def test_the_last_part_has_its_turn_before_any_is_tried_again_and_then_what_rested_longest() -> None:
    one = an_import(parts=3)
    assert one.actor == Actor("client", "c")
    one.fail(2, "part_slow", NOW)
    one.fail(1, "part_slow", NOW + timedelta(seconds=3))
    assert due(one, seconds=60) == [("i", 3)]
    one.take(3, 1, {}, NOW)
    assert due(one, seconds=60) == [("i", 2)]
    assert due(one, seconds=4.9) == []


def test_an_import_ends_when_every_part_is_done_or_given_up() -> None:
    one = an_import(parts=3)
    for number in (1, 2):
        one.fail(number, "part_slow", NOW)
    for _ in range(MOST_TRIES - 1):
        one.fail(1, "part_slow", NOW)
    assert (one.state, one.ended_at) == ("running", None)
    one.take(3, 1, {}, NOW)
    assert one.state == "running", "part 2 may still come in"
    assert [one.waits_for(number) for number in (1, 2, 3)] == [False, True, False]
    one.take(2, 1, {}, NOW)
    assert (one.state, [failing.number for failing in one.failing]) == ("failed", [1])


def test_an_import_waits_for_earlier_ones_of_its_plans_and_for_no_others() -> None:
    first = an_import("a", plans=["x", "y"])
    behind, apart = an_import("b", plans=["y"]), an_import("c", plans=["z"])
    assert due(first, behind, apart) == [("a", 1), ("c", 1)]
    assert due(behind, apart) == [("b", 1), ("c", 1)]
    assert due(an_import("d", plans=None), apart) == [("d", 1)], "nobody knows of which plans it is"
    assert due(apart, an_import("d", plans=None)) == [("c", 1)]


def test_plans_are_named_while_they_are_few() -> None:
    columns = dict.fromkeys(TASK_COLUMNS.required, "")
    rows = [{**columns, "task_uid": f"t{n}", "source_doc": f"KH {n}"} for n in range(MOST_PLANS + 1)]
    table = read_csv(csv_of(rows), TASK_COLUMNS)
    assert plans_of(table.rows[:3], "source_doc") == ["KH 0", "KH 1", "KH 2"]
    assert plans_of(table.rows, "source_doc") is None


def test_a_problem_names_the_rows_of_its_part_and_a_repair() -> None:
    one = an_import(parts=2, first_rows=[2, 14], last_row=20)
    one.fail(2, "part_lost", NOW)
    one.fail(1, "part_slow", NOW)
    shown = LongImportView.of(one).problems
    assert [(problem.part, problem.first_row, problem.last_row) for problem in shown] == [(1, 2, 13), (2, 14, 20)]
    assert shown[0].repair == "Chưa cần làm gì: hệ thống sẽ thử lại."
    older = an_import(first_rows=[], last_row=0)
    older.fail(1, "part_busy", NOW)
    assert (LongImportView.of(older).problems[0].first_row, LongImportView.of(older).problems[0].last_row) == (1, 3)


@servers
@pytest.mark.parametrize(("path", "mib", "status"), [("imports?kind=tasks", 8, 413), (PATH, 8, 422), (PATH, 16, 413)])
async def test_a_long_plan_may_be_twice_as_large_as_another_table(register: Register, path: str, mib: int, status: int) -> None:
    """30,000 real rows are 10 MiB."""
    headers = {"Idempotency-Key": "k", "Content-Type": "text/csv"}
    answer = await register.client.post(f"/v1/{path}", content=b"x" * (mib * 2**20 + 1), headers=headers)
    assert answer.status_code == status, answer.text
