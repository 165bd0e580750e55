"""Import plans (`tasks.csv`): a draft for each row. What people have made of a draft since is never overwritten; tasks of a
whole plan that it no longer names ask what becomes of them.
"""

from __future__ import annotations

from common.domain import local_day
from tasks.domain.fate import ask_dropped, name_again
from tasks.domain.rows import Reading, unique
from tasks.domain.rows_tasks import Papers, Plan, numbers_in, read_task, refuse_issued
from tasks.features.importing import Import, accepted, breathe, ids_of
from tasks.store import TASKS, bodies_on, directives_numbered, save_task, tasks_of_sources


async def import_tasks(work: Import) -> list[Reading]:
    """Draft new rows, amend drafts whose plan changed, refuse changes to what has been issued, ask about what was dropped."""
    readings = work.readings()
    bodies = await bodies_on(work.uow, work.today)
    sources = {reading.text(column) for reading in readings for column in ("source_doc", "parent_ref")}
    papers = await directives_numbered(work.uow, {number for source in sources for number in numbers_in(source)})
    plan = Plan(bodies, Papers(papers), work.sample)
    rows = {}
    for number, reading in enumerate(readings):
        rows[id(reading)] = read_task(reading, plan)
        await breathe(number)
    unique(readings, "task_uid")
    stored = {task.id: task for task in await work.uow.find(TASKS, {"_id": {"$in": ids_of(readings)}})}
    plans = {reading.text("source_doc") for reading in readings} | {task.source for task in stored.values()}
    for number, (task_id, reading) in enumerate(accepted(readings)):
        await breathe(number)
        row, task = rows[id(reading)], stored.get(task_id)
        back = task is not None and name_again(task)
        if task is None:
            drafted = row.new(task_id, reading.text("task_uid"), work.uow.now).draft()
            if not work.dry_run:
                save_task(work.uow, drafted)
            reading.created()
        elif not (columns := row.changed_since(task)):
            if back and not work.dry_run:
                save_task(work.uow, task)
            reading.unchanged()
        elif task.state != "draft":
            reading.compare(task, row.wanted(columns))  # what somebody now has to amend by hand
            refuse_issued(reading, task, columns)
            if back and not work.dry_run:
                save_task(work.uow, task)
        else:
            reading.compare(task, row.wanted(columns))
            fields = row.amend(task, columns, local_day(work.uow.now))
            if not work.dry_run:
                save_task(work.uow, task)  # the marks of the words change also where their meaning does not
            reading.updated(fields or columns)
    if work.whole:
        await _ask_about_dropped(work, plans, set(ids_of(readings)))
    return readings


async def _ask_about_dropped(work: Import, plans: set[str], named: set[str]) -> None:
    """List what the plans no longer name, and ask about each once."""
    for task in await tasks_of_sources(work.uow, plans):
        if task.id in named or task.state in ("completed", "cancelled"):
            continue
        work.dropped.append(task)
        if ask_dropped(task) and not work.dry_run:
            save_task(work.uow, task)
