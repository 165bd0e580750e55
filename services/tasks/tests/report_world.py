"""What the tests of reports and scores share: callers with their scopes, the real rubric, tasks as they are stored."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from common.domain import Actor
from common.outbox import new_id
from common.service import Process
from common.unit_of_work import UnitOfWork
from services.tasks.tests.task_world import SCOPES, A, TaskApi
from tasks.domain.directive import Directive
from tasks.domain.periods import Period, state_anew
from tasks.domain.task import Task
from tasks.store import DIRECTIVES, PERIODS, TASKS, save_task

DATA = Path(__file__).parents[3] / "data"
NOUNS = ("rubrics", "scores", "reports", "targets")
ALL = SCOPES | {f"{noun}:{verb}" for noun in NOUNS for verb in ("read", "write")}
AGENCY = Actor("client", "standing-agency", ALL)
UNIT_A = Actor("person", "per-head", ALL, frozenset({A}))
RUBRIC = {"name": "monthly", "source": "Bộ tiêu chí tháng của tỉnh (mẫu)", "valid_from": "2026-01-01"}


async def keep_periods(process: Process, task: Task, *periods: Period) -> None:
    """Put a task with its periods in the database as they are."""
    state_anew(task, periods)
    await keep(process, task)

    async def work(uow: UnitOfWork) -> None:
        for one in periods:
            uow.put(PERIODS, one)

    await process.units.run(work, process.units.system())


def a_period(task_id: str, due_on: date, **changes: Any) -> Period:
    """The period of the month of its due day."""
    key = f"{due_on:%Y-%m}"
    fields = {"id": Period.id_of(task_id, key), "task_id": task_id, "key": key, "starts_on": due_on, "ends_on": due_on}
    return Period.model_validate({**fields, "due_on": due_on, **changes})


async def keep(process: Process, *documents: Task | Directive) -> None:
    """Put tasks and directives in the database as they are."""

    async def work(uow: UnitOfWork) -> None:
        for one in documents:
            if isinstance(one, Task) and await uow.get(TASKS, one.id) is None:
                save_task(uow, one.model_copy())
                continue
            found: Any = one.model_copy(update={"version": 1})
            uow.put(TASKS if isinstance(one, Task) else DIRECTIVES, found)

    await process.units.run(work, process.units.system())


async def with_rubric(api: TaskApi, body: bytes | None = None, expect: int = 201, **params: str) -> Any:
    """Take the real rubric over, or another table."""
    data = (DATA / "scoring_rubric.csv").read_bytes() if body is None else body
    headers = {"Idempotency-Key": new_id(), "Content-Type": "text/csv"}
    answer = await api.client.post("/v1/rubrics", params={**RUBRIC, **params}, content=data, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()
