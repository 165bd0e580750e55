"""A trial of a reorganisation: the real list of 2025 over 30,000 tasks, cut off in the middle and resumed, against MONGO_URI.

`python -m bench.reorganisation [tasks]`. No ratio to a peer, since there is none: it prints what was counted, how long it took,
and how long a task took to be read meanwhile.
"""

from __future__ import annotations

import asyncio
import csv
import statistics
import sys
import time
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from bench.corner import Corner
from common.domain import Actor
from common.repository import Reader
from common.unit_of_work import Cause, UnitOfWork, Units
from deploy.local.servers import Servers
from tasks.domain.directory import Succession, Unit
from tasks.domain.reorganisation import Sum
from tasks.domain.task import Task
from tasks.features import carry_out_reorganisations, decide_reorganisation, execute_reorganisation, plan_reorganisation
from tasks.features.decide_reorganisation import Decide, Decision, Decisions
from tasks.features.plan_reorganisation import PlanReorganisation
from tasks.features.reorganisation_view import OnPlan
from tasks.service import service
from tasks.store import REORGANISATIONS, SUCCESSIONS, TASKS, UNITS, moves_of_units, save_task

DATA = Path(__file__).parents[1] / "data"
DAY = date(2025, 7, 1)
PAGE = 100
SECONDS = 120.0
PROVINCE = Cause(Actor("client", "bench"), "bench")


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def register(uow: UnitOfWork) -> None:
    """The real tables."""
    for row in rows("units.csv"):
        names = {"code": row["nso_code"], "level": row["level"], "name": row["name"], "full_name": row["full_name"]}
        days = {"valid_from": row["valid_from"] or None, "valid_to": row["valid_to"] or None}
        uow.add(UNITS, Unit.model_validate({"id": row["unit_uid"], **names, **days}))
    for row in rows("unit_succession.csv"):
        ends = {"from_unit_id": row["from_uid"], "to_unit_id": row["to_uid"], "kind": row["kind"], "effective_on": DAY}
        uow.add(SUCCESSIONS, Succession.model_validate({"id": f"{row['from_uid']}>{row['to_uid']}", **ends}))


async def fill(units: Units, number: int) -> None:
    """Tasks of the old communes, as many of each."""
    old = [row["unit_uid"] for row in rows("units.csv") if row["level"] == "commune" and row["valid_to"]]

    async def write(uow: UnitOfWork, start: int) -> None:
        for place in range(start, min(start + PAGE, number)):
            lead = old[place % len(old)]
            save_task(uow, Task(id=f"t{place:06d}", created_at=uow.now, title=f"Nhiệm vụ {place}", lead_unit_id=lead).draft())

    for start in range(0, number, PAGE):
        await units.run(partial(write, start=start), PROVINCE, seconds=SECONDS)


async def ordered(units: Units) -> str:
    """Planned, rehearsed, decided and ordered; prints how long the rehearsal took."""

    async def plan(uow: UnitOfWork) -> str:
        return (await plan_reorganisation.handle(PlanReorganisation(title="Sắp xếp", effective_on=DAY), uow)).plan.id

    plan_id = await units.run(plan, PROVINCE, seconds=SECONDS)
    started = time.perf_counter()
    await carry_out_reorganisations.run(units, None)
    print(f"rehearsed in {time.perf_counter() - started:.1f} s")

    async def decide(uow: UnitOfWork) -> None:
        asking = [move for move in await moves_of_units(uow, [plan_id]) if move.how == "choice"]
        choices = [Decision(unit_id=move.unit_id, to_unit_id=move.heirs[0]) for move in asking]
        command = Decide(plan_id=plan_id, expected_version=None, body=Decisions(decisions=choices))
        await decide_reorganisation.handle(command, uow)
        await execute_reorganisation.handle(OnPlan(plan_id=plan_id, expected_version=None, words=""), uow)

    await units.run(decide, PROVINCE, seconds=SECONDS)
    return plan_id


async def read(units: Units, taken: list[float]) -> None:
    """Read one task after the other, until cancelled."""
    reader = Reader(units.database)
    while True:
        started = time.perf_counter()
        await reader.get(TASKS, f"t{len(taken) % 100:06d}")
        taken.append(time.perf_counter() - started)
        await asyncio.sleep(0.05)


async def trial(kafka: str, mongo: str, number: int) -> bool:
    async with Corner(kafka, mongo).units(service) as (units, _):
        await units.run(register, PROVINCE, seconds=SECONDS)
        await fill(units, number)
        reader, plan_id, taken = Reader(units.database), await ordered(units), list[float]()
        reading = asyncio.create_task(read(units, taken))
        started = time.perf_counter()
        half: Any = asyncio.create_task(carry_out_reorganisations.run(units, None))
        handed_over = {"handovers.reorganisation_id": plan_id}
        while await reader.count(TASKS, handed_over) < number // 2 and not half.done():
            await asyncio.sleep(0.5)
        half.cancel()
        with suppress(asyncio.CancelledError):
            await half
        print(f"cut off at {await reader.count(TASKS, handed_over)} of {number}")
        await carry_out_reorganisations.run(units, None)
        print(f"carried out in {time.perf_counter() - started:.1f} s")
        reading.cancel()
        plan = await reader.get(REORGANISATIONS, plan_id)
        assert plan is not None
        moved = Sum.of(await moves_of_units(reader, [plan_id]))
        print(f"{plan.state}; before {moved.before.tasks}, after {moved.after.tasks}; {plan.check}")
        print(f"{len(taken)} reads meanwhile: p50 {statistics.median(taken) * 1000:.0f} ms, max {max(taken) * 1000:.0f} ms")
        return plan.state == "executed" and moved.adds_up(plan.check) and moved.after.tasks == number


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000
    servers = Servers()
    try:
        kafka, mongo = servers.start()
        print(f"{number} tasks")
        sys.exit(0 if asyncio.run(trial(kafka, mongo, number)) else 1)
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
