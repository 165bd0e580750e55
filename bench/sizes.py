"""The same requests through the gateway where there are more and more tasks; and what boards cost who saves a task.

`SIZES=1000,10000,100000` says how many tasks; the first is what the others are held against. Loaded is what the domain's own
code makes of tasks, boards and papers, by `insert_many`. The local database server is good to about 20,000 rows: for more, set
`MONGO_URI` to a server of another size (1,000,000 tasks and more).
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from motor.motor_asyncio import AsyncIOMotorClient

from bench.corner import Corner
from bench.gateway import front, granted
from bench.load import running
from bench.measure import Comparison, Goal, Meter, Pace, Sample, Side, compared, contest
from common.domain import local_day
from common.repository import D, Store
from common.testing import eventually
from common.unit_of_work import UnitOfWork
from deploy.local.database import is_local
from deploy.local.parts import free_port
from tasks.domain.concretisation import Asked, Concretisation, Entry
from tasks.domain.directive import Directive
from tasks.domain.directory import Unit
from tasks.domain.standings import Change, Place, added_up
from tasks.domain.task import State, Task
from tasks.features import add_up_boards
from tasks.service import service as tasks
from tasks.store import BOARDS, CONCRETISATIONS, DIRECTIVES, TASKS, UNITS, save_task

GOAL = Goal((1.5,), at_most=True)
ALL_BUT_FREE = Goal((0.9,))
UNITS_THERE, PAPERS = 124, 20
TIMES = 40
"""Requests of one sample."""
LOAD = 1_000
"""Documents of one `insert_many`."""
WRITERS, WRITES = 8, 160
NOTE_LOCAL = (
    "the local database server is good to about 20,000 rows: it sorts in memory, and reads the collection for a prefix, `$in` "
    "with an order, and what is behind a key; so lists and search grow there with what their equality leaves over, "
    "which they do not on a server that plans from indexes"
)
NOTE_WRITES = (
    f"{WRITERS} in flight, all of one unit and one paper, each with its event and its line of history; ours inserts what "
    "changed about boards and adds it up as well"
)
SETTLES = 120.0
"""Seconds that a server may take after so much was put into it: 100,000 tasks, and it answered nothing at first."""
SCOPES = "tasks:read summary:read directives:read"
_BEGAN = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
_STATES: tuple[State, ...] = (
    "draft",
    "published",
    "assigned",
    "in_progress",
    "in_progress",
    "submitted",
    "completed",
    "completed",
)
_WORK = ("Rà soát", "Xây dựng", "Số hóa", "Đào tạo", "Kết nối", "Công bố", "Nâng cấp", "Kiểm tra")
_OF = ("tài khoản", "hồ sơ", "cơ sở dữ liệu", "kỹ năng số", "trục liên thông", "dịch vụ công", "hạ tầng", "an toàn thông tin")


@dataclass(frozen=True)
class Spot:
    """One database of some size behind a gateway of its own."""

    size: int
    http: httpx2.AsyncClient


def unit_id(number: int) -> str:
    return f"vn:commune:{number % UNITS_THERE:05d}@2025-07-01"


def paper_id(number: int) -> str:
    return f"paper-{number % PAPERS:02d}"


def requests(size: int) -> dict[str, str]:
    """What is asked for, by what the page calls it."""
    return {
        "task by id": f"/v1/tasks/{task_id(size // 2)}",
        "newest page": "/v1/tasks",
        "page of a unit": f"/v1/tasks?unit={unit_id(7)}",
        "page of a paper": f"/v1/tasks?directive={paper_id(3)}",
        "page of a unit by due day": f"/v1/tasks?unit={unit_id(7)}&sort=due_on",
        "late list": "/v1/tasks?timeliness=overdue&sort=due_on",
        "search": "/v1/tasks?q=so%20hoa%20ho%20so",
        "summary": "/v1/summary",
        "summary of a unit": f"/v1/summary?unit={unit_id(7)}",
        "evenness": "/v1/summary/evenness",
        "page of the matrix": f"/v1/directives/{paper_id(3)}/concretisation?level=commune&limit=50",
    }


async def through_the_gateway(kafka: str, mongo: str, pace: Pace) -> tuple[list[Comparison], dict[str, str]]:
    """p50 at each size over p50 at the first one, request by request; and savings a second with boards and without."""
    local = is_local(mongo)
    sizes = [int(size) for size in (os.environ.get("SIZES") or ("1000,10000" if local else "1000,10000,100000")).split(",")]
    home = Path(tempfile.mkdtemp(prefix="roviec-bench-"))
    note = NOTE_LOCAL if local else ""
    loaded = []
    try:
        async with AsyncExitStack() as stack:
            places = []
            for size in sizes:
                place, seconds = await _open(kafka, mongo, home, size, stack)
                places.append(place)
                loaded.append(f"{size:,} in {seconds:.0f} s")
            found = [one for name in requests(1) for one in await _measure(name, places, pace, note)]
        return [*found, await _writes(kafka, mongo, pace)], {"tasks loaded": ", ".join(loaded)}
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _measure(name: str, places: list[Spot], pace: Pace, note: str) -> list[Comparison]:
    base = places[0].size
    try:
        rounds = await contest({str(place.size): _side(place, requests(place.size)[name], pace) for place in places}, pace)
    except AssertionError as refused:  # a server that is too slow for this one is said to be so, and asked the others
        why = str(refused)[:120]
        return [
            Comparison(f"{name}, {place.size:,} tasks", f"{base:,} tasks", "ms", GOAL, note, missing=why)
            for place in places[1:]
        ]
    return [
        compared(
            rounds, str(place.size), str(base), measure=f"{name}, {place.size:,} tasks", peer=f"{base:,} tasks", unit="ms",
            goal=GOAL, note=note,
        )
        for place in places[1:]
    ]  # fmt: skip


def _side(place: Spot, path: str, pace: Pace) -> Side:
    async def ask() -> Sample:
        taken = []
        for _ in range(pace.many(TIMES)):
            began = time.perf_counter()
            answer = await place.http.get(path)
            taken.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, f"{path} answered {answer.status_code}: {answer.text[:300]}"
        return Sample(statistics.median(taken))

    return ask


# --- a database of some size, and the platform before it ---


async def _open(kafka: str, mongo: str, home: Path, size: int, stack: AsyncExitStack) -> tuple[Spot, float]:
    corner, port = Corner(kafka, mongo), free_port()
    folder = home / str(size)
    folder.mkdir()
    # no deadline and no retry: a server that is slow to take so much would be sent it twice
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo, w="majority", retryWrites=False)
    async with corner.units(tasks) as (_, settings):
        began = time.perf_counter()
        await _load(client[settings.database], size)
        seconds = time.perf_counter() - began
    client.close()
    door, url, secret = front(folder, kafka, mongo, port)
    service = corner.process(tasks, "api", folder, jwks_url=f"{url}/.well-known/jwks.json", port=port)
    service.patience = door.patience = 180.0
    await stack.enter_async_context(running(door, service))
    headers = {"Authorization": f"Bearer {await granted(url, secret, SCOPES)}"}
    http = httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60)
    await stack.enter_async_context(http)
    total = (await http.get("/v1/summary")).json()["total"]
    assert total == size, f"{total} tasks are counted, not {size}"

    async def answered() -> bool:
        return all([(await http.get(path)).status_code == 200 for path in requests(size).values()])

    with suppress(AssertionError):  # what goes on being too slow is said to be so, request by request
        await eventually(f"a server that was given {size:,} tasks has settled", answered, SETTLES)
    return Spot(size, http), seconds


async def _load(database: Any, size: int) -> None:
    await _put(database, UNITS, _register())
    await _put(database, DIRECTIVES, _papers())
    await _put(database, CONCRETISATIONS, _answers())
    boards = added_up(())
    for first in range(0, size, LOAD):
        made = [a_task(number, size) for number in range(first, min(size, first + LOAD))]
        await _put(database, TASKS, made)
        for key, more in added_up(Change(id=task.id, was=None, now=Place.of(task)) for task in made).items():
            boards[key] = boards[key].add(more) if key in boards else more
    await _put(database, BOARDS, boards.values())


async def _put(database: Any, store: Store[D], documents: Iterable[D]) -> None:
    rows = [store.dump(document) for document in documents]
    for first in range(0, len(rows), LOAD):
        await database[store.collection].insert_many(rows[first : first + LOAD], ordered=False)


def _register() -> Iterator[Unit]:
    for number in range(UNITS_THERE):
        name = f"Xã số {number}"
        yield Unit(id=unit_id(number), version=1, code=f"{number:05d}", level="commune", name=name, full_name=name)


def _papers() -> Iterator[Directive]:
    for number in range(PAPERS):
        yield Directive(
            id=paper_id(number), version=1, number=f"{number + 1}-KH/TU", issuer="Tỉnh ủy", issued_on=_BEGAN.date(),
            asks_of=Asked(levels=["commune"], working_days=10),
        )  # fmt: skip


def _answers() -> Iterator[Concretisation]:
    """Two of three communes have a paper of their own below each paper."""
    for paper in range(PAPERS):
        for unit in range(UNITS_THERE):
            if unit % 3:
                own = Entry(
                    directive_id=f"own-{paper}-{unit}", number=f"{unit}/KH-UBND", issued_on=_BEGAN.date() + timedelta(9)
                )
                key = Concretisation.id_of(paper_id(paper), unit_id(unit))
                yield Concretisation(
                    id=key, version=1, directive_id=paper_id(paper), unit_id=unit_id(unit), papers=[own]
                )  # fmt: skip


def task_id(number: int) -> str:
    return Task.id_of_reference(f"bench-{number}")


def a_task(number: int, size: int) -> Task:
    """One of so many tasks, spread evenly over units, papers, states and a year of due days."""
    chance = random.Random(number)
    today, state = local_day(datetime.now(UTC)), chance.choice(_STATES)
    due = today + timedelta(days=chance.randint(-30, 330))
    handed_in = due + timedelta(days=chance.randint(-9, 3)) if state in ("submitted", "completed") else None
    task = Task(
        id=task_id(number),
        version=1,
        created_at=_BEGAN + timedelta(days=300) * (number / size),
        reference=f"bench-{number}",
        title=f"{chance.choice(_WORK)} {chance.choice(_OF)} đợt {number}",
        directive_id=paper_id(number),
        lead_unit_id=unit_id(number),
        lead_written=f"Xã số {number % UNITS_THERE}",
        coordinator_unit_ids=[unit_id(chance.randrange(UNITS_THERE))],
        responsible_id=f"per-{number % UNITS_THERE}",
        approver_id=f"head-{number % UNITS_THERE}",
        deadline_written=f"{due:%d/%m/%Y}",
        deadline_kind="date",
        due_on=due,
        product="Báo cáo kết quả",
        product_kind="document",
        evidence_kind="document",
    )
    task.state, task.submitted_on, task.completed_on = state, handed_in, handed_in if state == "completed" else None
    return task


# --- what boards cost ---


async def _writes(kafka: str, mongo: str, pace: Pace) -> Comparison:
    """Savings a second that each change a board, with what tells the boards of it and without."""
    corner = Corner(kafka, mongo)
    async with corner.units(tasks) as (units, _):
        made = [
            a_task(0, 1).model_copy(update={"id": f"w{number}", "version": 0, "state": "published"})
            for number in range(WRITERS)
        ]

        async def create(uow: UnitOfWork) -> None:
            for task in made:
                save_task(uow, task)

        await units.run(create, units.system())
        times = max(1, pace.many(WRITES) // WRITERS)

        async def save(task_id: str, *, told: bool) -> None:
            async def change(uow: UnitOfWork) -> None:
                task = await uow.load(TASKS, task_id)
                if task.state == "paused":
                    task.resume(local_day(uow.now))
                else:
                    task.pause("Tạm dừng")
                if not told:
                    task.take_saved()
                save_task(uow, task)

            for _ in range(times):
                await units.run(change, units.system())

        def side(*, told: bool) -> Side:
            async def run() -> Sample:
                with Meter() as meter:
                    await asyncio.gather(*(save(task.id, told=told) for task in made))
                    if told:
                        await add_up_boards.run(units, None)
                return meter.sample(times * WRITERS)

            return run

        rounds = await contest({"ours": side(told=True), "bare": side(told=False)}, pace)
    return compared(
        rounds, "ours", "bare", measure=f"saving a task, {WRITERS} in flight", peer="the same, boards not told",
        unit="savings/s", goal=ALL_BUT_FREE, note=NOTE_WRITES,
    )  # fmt: skip
