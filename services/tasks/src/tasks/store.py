"""Collections, indexes and named queries of the tasks service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from common.domain import Actor
from common.mongo import Index
from common.repository import Reader, Store
from common.unit_of_work import UnitOfWork
from tasks.domain.clears import Facts
from tasks.domain.committee import COMMITTEE_ID, Committee
from tasks.domain.directive import Directive
from tasks.domain.directory import AGENCY_LEVELS, Person, PersonName, Succession, Unit
from tasks.domain.leads import Names
from tasks.domain.task import HistoryLine, Task
from tasks.domain.text import fold, spelling, tokens


def order_key(task: Task) -> str:
    """Where a task stands in a list: by when it was written down, then by id."""
    return f"{task.created_at:%Y-%m-%dT%H:%M:%S}.{task.created_at.microsecond // 1000:03d}/{task.id}"


def _searched(task: Task) -> dict[str, Any]:
    units = [unit for unit in (task.lead_unit_id, *task.coordinator_unit_ids) if unit is not None]
    people = [person for person in (task.responsible_id, task.approver_id) if person is not None]
    return {
        "order": order_key(task),
        "units": units,
        "seen_by": [*(f"unit:{unit}" for unit in units), *(f"person:{person}" for person in people)],
        "tokens": tokens(" ".join((task.title, task.reference or "", task.lead_written, task.product))),
    }


UNITS = Store(
    Unit,
    "units",
    (Index("level", "_id"), Index("code"), Index("parent_id", "_id"), Index("_d.spelling"), Index("_d.tokens", "_id")),
    lambda unit: {"spelling": spelling(unit.full_name), "tokens": tokens(unit.full_name)},
)
SUCCESSIONS = Store(Succession, "successions", (Index("from_unit_id"), Index("to_unit_id")))
PEOPLE = Store(Person, "people", (Index("unit_id", "_id"),))
NAMES = Store(PersonName, "person_names")
"""The one place where a person's id meets a name; deleting a document here erases the name (Law 91/2025/QH15)."""
DIRECTIVES = Store(
    Directive,
    "directives",
    (Index("_d.canonical"), Index("_d.issued_on", "_id")),
    lambda directive: {"canonical": fold(directive.canonical), "issued_on": f"{directive.issued_on or ''}/{directive.id}"},
)
TASKS = Store(
    Task,
    "tasks",
    (
        Index("-_d.order"),
        Index("_d.seen_by", "-_d.order"),
        Index("_d.units", "-_d.order"),
        Index("state", "-_d.order"),
        Index("directive_id", "-_d.order"),
        Index("responsible_id", "-_d.order"),
        Index("_d.tokens", "-_d.order"),
        Index("told", "state", "due_on"),
    ),
    _searched,
)
HISTORY = Store(HistoryLine, "history", (Index("task_id", "number"),))
COMMITTEE = Store(Committee, "committee")

STORES = (UNITS, SUCCESSIONS, PEOPLE, NAMES, DIRECTIVES, TASKS, HISTORY, COMMITTEE)


# --- tasks ---


def visible_tasks(actor: Actor) -> dict[str, Any]:
    """The condition on tasks that this actor sees: those of their units, and those that are theirs in person."""
    if actor.units is None:
        return {}
    mine = [f"unit:{unit}" for unit in sorted(actor.units)]
    if actor.kind == "person":
        mine.append(f"person:{actor.id}")
    return {"_d.seen_by": {"$in": mine}}


def save_task(uow: UnitOfWork, task: Task) -> Task:
    """Save a task, publish what it recorded, and write the lines of its history."""
    lines, before = task.take_lines(), task.sequence
    uow.save(TASKS, task)
    for number, (what, words, changes) in enumerate(lines, before + 1):
        line = HistoryLine(
            id=f"{task.id}/{number:06d}",
            task_id=task.id,
            number=number,
            at=uow.now,
            actor=str(uow.actor),
            what=what,
            words=words,
            changes=changes,
        )
        uow.add(HISTORY, line)
    return task


async def committee(reader: Reader) -> Committee:
    """The committee's settings; the defaults until it has decided otherwise."""
    return await reader.get(COMMITTEE, COMMITTEE_ID) or Committee()


async def agencies(reader: Reader) -> list[Unit]:
    """Bodies that plans name as leads (ministries, departments, bodies of a commune), whatever their dates."""
    return await reader.find(UNITS, {"level": {"$in": list(AGENCY_LEVELS)}}, sort=("level", "_id"))


async def names_of_agencies(reader: Reader) -> Names:
    """The names, present and former, by which lead cells are read."""
    return Names(name for agency in await agencies(reader) for name in (agency.full_name, *agency.former_names))


async def people_of(reader: Reader, tasks: Iterable[Task]) -> dict[str, Person]:
    """The people whom these tasks name, by id."""
    ids = sorted({person for task in tasks for person in (task.responsible_id, task.approver_id) if person is not None})
    return {person.id: person for person in await reader.find(PEOPLE, {"_id": {"$in": ids}})} if ids else {}


async def facts_of(reader: Reader, task: Task) -> Facts:
    """What the clears of a task are judged against."""
    names = await names_of_agencies(reader)
    return Facts(await people_of(reader, [task]), names.read(task.lead_written), await committee(reader))
