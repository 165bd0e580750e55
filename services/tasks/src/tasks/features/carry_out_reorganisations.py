"""Timed job: rehearse what is to be rehearsed, and carry out what was ordered once its day has begun (docs/adr/0010).

May be cut off anywhere. A rehearsal writes its lines under its own number, and is there only when the reorganisation says so;
one that was cut off begins anew. A hand-over is kept in the task itself, by the transaction that makes it: a task that has one
of this reorganisation is not touched by it again. Nothing is locked: whoever reads meanwhile sees a task as it was before its
hand-over or after it, whoever works on one goes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from common.domain import local_day
from common.observability import Log
from common.repository import Reader
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.directory import Person
from tasks.domain.handover import Fate, Move, Text, hand_over, move_of, said_twice, text_of, was_handed_over
from tasks.domain.reorganisation import (
    WORKING,
    Check,
    Outcome,
    Received,
    Rehearsal,
    Reorganisation,
    Sum,
    Tally,
    TaskMove,
    UnitMove,
    crossing,
)
from tasks.domain.task import Task
from tasks.features.pages import apart
from tasks.features.reorganisation_view import SECONDS
from tasks.store import (
    REORGANISATIONS,
    TASK_MOVES,
    TASKS,
    UNIT_MOVES,
    UNITS,
    HandedOver,
    by_id,
    choices,
    handovers_of,
    heads_of,
    live_tasks_of,
    moves_of_units,
    people_by_unit,
    save_task,
    stand_now,
)

log = Log(__name__)

LINES = 200
"""Lines of a rehearsal in one transaction."""
PAGE = 50
"""Hand-overs in one transaction: each with an event and a line of its history."""


async def run(units: Units, _settings: Any) -> None:
    """One reorganisation after the other, the oldest first."""
    reader = Reader(units.database)
    for plan in sorted(await reader.find(REORGANISATIONS, {"state": {"$in": list(WORKING)}}), key=lambda one: one.number):
        if plan.state == "rehearsing":
            await _rehearse(units, reader, plan)
        elif plan.effective_on <= local_day(units.clock()):
            await _execute(units, reader, plan)


# --- the rehearsal ---


async def _rehearse(units: Units, reader: Reader, plan: Reorganisation) -> None:
    moves = await moves_of_units(reader, [plan.id])
    found = await _look(reader, plan, moves)
    for start in range(0, len(found), LINES):
        await units.run(partial(_write, lines=found[start : start + LINES]), units.system())
    await units.run(partial(_conclude, plan=plan, found=found), units.system(), seconds=SECONDS)


async def _look(reader: Reader, plan: Reorganisation, moves: list[UnitMove]) -> list[TaskMove]:
    """What would become of every live task of these units, each once, in the order of units."""
    fates = {move.unit_id: move.fate for move in moves}
    decided = await choices(reader, plan.id)
    found: dict[str, TaskMove] = {}
    texts: dict[str, Text] = {}
    for unit in [*fates, *sorted({heir for fate in fates.values() for heir in fate.heirs} - fates.keys())]:
        async for page in live_tasks_of(reader, unit):
            for task in page:
                line = decided.get(task.id)
                move = move_of(task, fates, None if line is None else line.chosen)
                if move is not None:
                    found[task.id] = line_of(plan, task, move, line)
                if (lead := task.lead_unit_id if move is None else move.lead) is not None:
                    texts[task.id] = text_of(task, lead)
    twice = said_twice(texts.values())
    for line in found.values():
        if line.lead_after != line.lead_before and texts.get(line.task_id) in twice:
            line.findings.append("same_words")
    return list(found.values())


def line_of(plan: Reorganisation, task: Task, move: Move | None, before: TaskMove | None = None) -> TaskMove:
    """A task as a rehearsal shows it, with what was decided about it `before`; of a task that is not touched, as it is."""
    return TaskMove(
        id=TaskMove.id_of(plan.id, task.id),
        reorganisation_id=plan.id,
        rehearsal=plan.rehearsals,
        task_id=task.id,
        title=task.title,
        state=task.state,
        directive_id=task.directive_id,
        unit_id=(task.lead_unit_id or "") if move is None else move.fate.unit_id,
        outcome="choice" if move is None else _outcome(move),
        lead_before=task.lead_unit_id,
        lead_after=task.lead_unit_id if move is None else move.lead,
        coordinators_before=task.coordinator_unit_ids,
        coordinators_after=task.coordinator_unit_ids if move is None else list(move.coordinators),
        findings=["double_lead"] if move is not None and move.double_lead else [],
        chosen=None if before is None else before.chosen,
        decided=None if before is None else before.decided,
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
    levels = await _levels(uow, [line.lead_before for line in found])
    rehearsal = Rehearsal(
        number=plan.rehearsals,
        as_of=uow.now,
        tally=_tally(((line.state, line.lead_before, line.directive_id, 1) for line in found), levels),
        outcomes=Counter(line.outcome for line in found),
        findings=Counter(finding for line in found for finding in line.findings),
        people=sum(people.values()),
    )
    undecided = sum(line.lead_after is None and line.outcome != "coordination" for line in found)
    present.rehearsed(rehearsal, len(moves), undecided)
    uow.save(REORGANISATIONS, present)


# --- the execution ---


async def _execute(units: Units, reader: Reader, plan: Reorganisation) -> None:
    """Again and again through all units, until nothing was left to do: tasks may come to a unit that has ended while this goes
    on. What is undecided, or being worked on by somebody, is left to the next run.
    """
    if plan.state == "ordered":
        await units.run(partial(_begin, plan_id=plan.id), units.system())
    moved, left = True, False
    while moved and not left:
        moved, left = await _pass(units, reader, plan)
    if not left:
        await units.run(partial(_finish, plan_id=plan.id), units.system(), seconds=SECONDS)


async def _begin(uow: UnitOfWork, *, plan_id: str) -> None:
    plan = await uow.load(REORGANISATIONS, plan_id)
    if plan.state == "ordered":  # it may have been called off this very moment
        plan.begin(uow.now)
        uow.save(REORGANISATIONS, plan)


async def _pass(units: Units, reader: Reader, plan: Reorganisation) -> tuple[bool, bool]:
    """Once through all units. Whether something was handed over, and whether something had to be left."""
    fates = {move.unit_id: move.fate for move in await moves_of_units(reader, [plan.id])}
    chosen = await choices(reader, plan.id)
    moved = left = False
    for unit in fates:
        async for page in live_tasks_of(reader, unit):
            ready: list[str] = []
            for task in page:
                move = _move(plan, fates, task, chosen.get(task.id))
                if move is not None and move.fate.unit_id == unit:  # others have their turn with their own unit
                    left = left or move.undecided
                    ready += [] if move.undecided else [task.id]
            for start in range(0, len(ready), PAGE):
                step = partial(_hand_over, plan=plan, fates=fates, unit=unit)
                done = await apart(units, step, ready[start : start + PAGE])
                moved, left = True, left or not done
    return moved, left


def _move(plan: Reorganisation, fates: Mapping[str, Fate], task: Task, line: TaskMove | None) -> Move | None:
    """What is still to be done with a task; None when this reorganisation has done it, or has nothing to do with it."""
    return None if was_handed_over(task, plan.id) else move_of(task, fates, None if line is None else line.chosen)


async def _hand_over(uow: UnitOfWork, ids: list[str], *, plan: Reorganisation, fates: Mapping[str, Fate], unit: str) -> None:
    """Hand these tasks over, and count them as they stood before and as the database has them after, in one transaction: what
    people do with them in between cannot blur the count.
    """
    home = await uow.load(UNIT_MOVES, UnitMove.id_of(plan.id, unit))
    present = {**fates, unit: home.fate}
    lines = await by_id(uow, TASK_MOVES, [TaskMove.id_of(plan.id, one) for one in ids])
    before: list[Standing] = []
    pairs: list[tuple[str | None, str | None]] = []
    done: list[str] = []
    for task in await uow.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",)):
        move = _move(plan, present, task, lines.get(TaskMove.id_of(plan.id, task.id)))
        if move is None or move.undecided:  # somebody finished it, or decided anew, this very moment
            continue
        before.append((task.state, task.lead_unit_id, task.directive_id, 1))
        pairs.append((task.lead_unit_id, move.lead))
        done.append(task.id)
        hand_over(task, move, plan.id, plan.effective_on, uow.now)
        save_task(uow, task)
    if not done:
        return
    await uow.flush()
    after = await stand_now(uow, done)
    levels = await _levels(uow, [unit for pair in pairs for unit in pair] + [lead for _, lead, _, _ in after])
    crossed = crossing((levels.get(old or "", "none"), levels.get(new or "", "none")) for old, new in pairs)
    home.count(_tally(before, levels), _tally(after, levels), crossed)
    uow.save(UNIT_MOVES, home)


async def _finish(uow: UnitOfWork, *, plan_id: str) -> None:
    """Look through all tasks once more, tell every unit what it has received, and close it: one transaction, one telling."""
    plan = await uow.load(REORGANISATIONS, plan_id)
    if plan.state != "executing":
        return
    moved = Sum.of(await moves_of_units(uow, [plan.id]))
    told, tasks = await handovers_of(uow, plan.id)
    check = Check(tasks=tasks, lost=moved.before.tasks - tasks, doubled=sum(one.count for one in told) - tasks)
    adds_up = moved.adds_up(check)
    if not adds_up:
        log.error("reorganisation_does_not_add_up", reorganisation=plan.id, lost=check.lost, doubled=check.doubled)
    heads = await heads_of(uow, {one.from_unit_id for one in told if one.from_unit_id is not None})
    plan.conclude(uow.now, check, _received(told, heads), adds_up=adds_up)
    uow.save(REORGANISATIONS, plan)


def _received(told: Iterable[HandedOver], heads: Sequence[Person]) -> list[Received]:
    """By unit, what it has taken over as lead; whoever is responsible for it and who headed the former units is concerned."""
    by_unit: dict[str, list[HandedOver]] = {}
    for one in told:
        if one.to_unit_id is not None and one.to_unit_id != one.from_unit_id:
            by_unit.setdefault(one.to_unit_id, []).append(one)
    return [
        Received(
            unit_id=unit,
            from_unit_ids=sorted({one.from_unit_id for one in own if one.from_unit_id is not None}),
            tasks=sum(one.count for one in own),
            person_ids=_concerned(own, heads),
        )
        for unit, own in sorted(by_unit.items())
    ]


def _concerned(own: Iterable[HandedOver], heads: Sequence[Person]) -> list[str]:
    former = {one.from_unit_id for one in own}
    responsible = {one.responsible_id for one in own if one.responsible_id is not None}
    return sorted(responsible | {head.id for head in heads if head.unit_id in former})


Standing = tuple[str, str | None, str | None, int]
"""State, lead and paper of tasks, and how many stand so."""


def _tally(rows: Iterable[Standing], levels: Mapping[str, str]) -> Tally:
    return Tally.of((state, levels.get(lead or ""), paper, number) for state, lead, paper, number in rows)


async def _levels(reader: Reader, unit_ids: Iterable[str | None]) -> dict[str, str]:
    return {unit.id: unit.level for unit in (await by_id(reader, UNITS, unit_ids)).values()}
