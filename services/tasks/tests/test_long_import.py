"""Plans too long for one transaction: handed in whole, taken over part by part, each once, whatever breaks off."""

from __future__ import annotations

from typing import Any

import pytest

from common.domain import Actor
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
from tasks.domain.long_import import ImportPart, LongImport, in_parts
from tasks.domain.rows_tasks import TASK_COLUMNS
from tasks.domain.table import MAX_ROWS, read_csv
from tasks.domain.task import Task
from tasks.features import import_tasks, work_through_imports
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
    for _ in range(4):
        await work_through_imports.next_part(process.units, one)
        shown = await register.get(f"{PATH}/{key}")
        seen.append((shown["parts_done"], shown["rows_done"], shown["counts"]["created"], await documents(process, "tasks")))
    assert seen == [(1, 10, 10, 10), (2, 20, 20, 20), (3, 30, 30, 30), (4, 34, 34, 34)]
    assert shown["ended_at"] is not None
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
async def test_an_import_that_breaks_off_goes_on_and_takes_each_row_once(
    process: Process, register: Register, parts_of_10: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = await hand_in(register, plan(24))
    saved, real = 0, save_task

    def breaks(uow: UnitOfWork, task: Task) -> Task:
        nonlocal saved
        saved += 1
        if saved == 15:
            raise PermissionError("the plug was pulled")
        return real(uow, task)

    monkeypatch.setattr(import_tasks, "save_task", breaks)
    with pytest.raises(PermissionError):
        await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert (shown["parts_done"], await documents(process, "tasks"), await events(process)) == (1, 10, 10)
    await work(process)
    shown = await register.get(f"{PATH}/{started['id']}")
    assert (counts(shown), await documents(process, "tasks"), await events(process)) == ("created 24", 24, 24)


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


def test_counts_are_those_of_all_parts() -> None:
    one = LongImport.model_validate(
        {"id": "i", "started_at": "2026-11-24T00:00:00Z", "by_kind": "client", "by_id": "c", "language": "vi",
         "dry_run": False, "sample": None, "rows": 3, "parts": 2}
    )  # fmt: skip
    ends = []
    for rows, refused in ((2, 1), (1, 0)):
        one.take(rows, {"created": 1, "refused": refused}, one.started_at)
        ends.append(one.ended_at)
    assert ends == [None, one.started_at]
    assert (one.counts, one.rows_done) == ({"created": 2, "refused": 1}, 3)
