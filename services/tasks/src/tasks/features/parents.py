"""Whether a task may stand below the tasks that it names, and on the day that it gives."""

from __future__ import annotations

from collections.abc import Iterable

from common.errors import FieldProblem, Invalid, RuleBroken, Words
from common.unit_of_work import UnitOfWork
from tasks.domain.chain import due_after_parent, link_problems
from tasks.domain.permissions import sees
from tasks.domain.task import Task
from tasks.store import TASKS, by_id, committee, hold_chain, tasks_below, with_parents


async def check_parents(uow: UnitOfWork, task: Task, before: Iterable[str] = ()) -> None:
    """Raise `Invalid`, place by place, for parents that are not there or that the actor may not see, unless they were named
    before; for a task above itself and a chain that is too long; and what `check_due_day` raises.
    """
    added = set(task.parent_task_ids) - set(before)
    if added:
        known = await with_parents(uow, task.parent_task_ids)
        problems = _unknown(uow, task, added, known)
        if not problems:
            above = {one.id: one.parent_task_ids for one in known.values() if one.id != task.id}
            problems = link_problems(task.id, task.parent_task_ids, above, await _below(uow, task))
        if problems:
            raise Invalid(problems[0].message, problems)
        if task.version:  # a new task has none below that could stand above it
            await hold_chain(uow, known.keys() - {task.id})
    await check_due_day(uow, task)


async def check_due_day(uow: UnitOfWork, task: Task) -> None:
    """Raise `RuleBroken` for a task that is due after one above it, where the committee does not leave it at a finding."""
    if not task.parent_task_ids or (await committee(uow)).due_after_parent == "finding":
        return
    found = due_after_parent(task, (await by_id(uow, TASKS, task.parent_task_ids)).values())
    if found is not None:
        raise RuleBroken(found.message, [found.problem()])


def _unknown(uow: UnitOfWork, task: Task, added: set[str], known: dict[str, Task]) -> list[FieldProblem]:
    message = Words("Không có nhiệm vụ này.", "There is no such task.")
    repair = Words("Hãy tìm bằng GET /v1/tasks?q=.", "Look it up by GET /v1/tasks?q=.")
    return [
        FieldProblem(f"parent_task_ids.{place}", "task_unknown", message, repair, parent)
        for place, parent in enumerate(task.parent_task_ids)
        if parent in added and parent != task.id and not (parent in known and sees(uow.actor, known[parent]))
    ]


async def _below(uow: UnitOfWork, task: Task) -> dict[str, list[str]]:
    """By task, its children, among this one and all below it."""
    children: dict[str, list[str]] = {}
    for one in await tasks_below(uow, task.id) if task.version else ():
        for parent in one.parent_task_ids:
            children.setdefault(parent, []).append(one.id)
    return children
