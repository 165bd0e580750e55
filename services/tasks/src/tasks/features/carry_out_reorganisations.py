"""Timed job: rehearse what is to be rehearsed.

May be cut off anywhere: a rehearsal writes its lines under its own number, and is there only when the reorganisation says so;
one that was cut off begins anew and writes the same lines.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from common.repository import Reader
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.handover import Move, Text, move_of, said_twice, text_of
from tasks.domain.reorganisation import (
    WORKING,
    Outcome,
    Rehearsal,
    Reorganisation,
    Tally,
    TaskMove,
    UnitMove,
)
from tasks.domain.task import Task
from tasks.store import (
    REORGANISATIONS,
    TASK_MOVES,
    UNIT_MOVES,
    UNITS,
    by_id,
    live_tasks_of,
    moves_of_units,
    people_by_unit,
)

PAGE = 500
"""Lines of a rehearsal in one transaction."""


async def run(units: Units, _settings: Any) -> None:
    """One reorganisation after the other, the oldest first."""
    reader = Reader(units.database)
    for plan in sorted(await reader.find(REORGANISATIONS, {"state": {"$in": list(WORKING)}}), key=lambda one: one.number):
        await _rehearse(units, reader, plan)


# --- the rehearsal ---


async def _rehearse(units: Units, reader: Reader, plan: Reorganisation) -> None:
    moves = await moves_of_units(reader, [plan.id])
    found = await _look(reader, plan, moves)
    for start in range(0, len(found), PAGE):
        await units.run(partial(_write, lines=found[start : start + PAGE]), units.system())
    await units.run(partial(_conclude, plan=plan, found=found), units.system())


async def _look(reader: Reader, plan: Reorganisation, moves: list[UnitMove]) -> list[TaskMove]:
    """What would become of every live task of these units, each once, in the order of units."""
    fates = {move.unit_id: move.fate for move in moves}
    found: dict[str, TaskMove] = {}
    texts: dict[str, Text] = {}
    for unit in [*fates, *sorted({heir for fate in fates.values() for heir in fate.heirs} - fates.keys())]:
        async for page in live_tasks_of(reader, unit):
            for task in page:
                move = move_of(task, fates)
                if move is not None:
                    found[task.id] = _line(plan, task, move)
                if (lead := task.lead_unit_id if move is None else move.lead) is not None:
                    texts[task.id] = text_of(task, lead)
    twice = said_twice(texts.values())
    for line in found.values():
        if line.lead_after != line.lead_before and texts.get(line.task_id) in twice:
            line.findings.append("same_words")
    return list(found.values())


def _line(plan: Reorganisation, task: Task, move: Move) -> TaskMove:
    return TaskMove(
        id=TaskMove.id_of(plan.id, task.id),
        reorganisation_id=plan.id,
        rehearsal=plan.rehearsals,
        task_id=task.id,
        title=task.title,
        state=task.state,
        directive_id=task.directive_id,
        unit_id=move.fate.unit_id,
        outcome=_outcome(move),
        lead_before=task.lead_unit_id,
        lead_after=move.lead,
        coordinators_before=task.coordinator_unit_ids,
        coordinators_after=list(move.coordinators),
        findings=["double_lead"] if move.double_lead else [],
    )


_OUTCOMES: dict[str, Outcome] = {"rule": "by_rule", "choice": "choice", "orphan": "orphan"}


def _outcome(move: Move) -> Outcome:
    return _OUTCOMES[move.fate.how] if move.leads else "coordination"


async def _write(uow: UnitOfWork, *, lines: list[TaskMove]) -> None:
    for line in lines:
        uow.put(TASK_MOVES, line)


async def _conclude(uow: UnitOfWork, *, plan: Reorganisation, found: list[TaskMove]) -> None:
    """The lines are there: say so. Should the reorganisation have changed meanwhile, this rehearsal is nobody's any more."""
    present = await uow.load(REORGANISATIONS, plan.id)
    if present.version != plan.version:
        return
    moves = await moves_of_units(uow, [plan.id])
    people = await people_by_unit(uow, [move.unit_id for move in moves if move.ends])
    tasks = Counter(line.unit_id for line in found)
    for move in moves:
        if move.adopt({"tasks": tasks[move.unit_id], "people": people.get(move.unit_id, 0)}):
            uow.save(UNIT_MOVES, move)
    levels = await _levels(uow, found)
    rehearsal = Rehearsal(
        number=plan.rehearsals,
        as_of=uow.now,
        tally=Tally.of((line.state, levels.get(line.lead_before or ""), line.directive_id, 1) for line in found),
        outcomes=Counter(line.outcome for line in found),
        findings=Counter(finding for line in found for finding in line.findings),
        people=sum(people.values()),
    )
    undecided = sum(line.lead_after is None and line.outcome != "coordination" for line in found)
    present.rehearsed(rehearsal, len(moves), undecided)
    uow.save(REORGANISATIONS, present)


async def _levels(reader: Reader, found: list[TaskMove]) -> dict[str, str]:
    return {unit.id: unit.level for unit in (await by_id(reader, UNITS, [line.lead_before for line in found])).values()}
