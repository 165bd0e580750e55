"""Timed job: whatever changed about a paper reaches every task that hangs on it, page by page.

A paper that plans wait for dates the tasks below it, at any depth; a corrected one moves what it dated; a withdrawn one lets
them wait again; one that came to stand under another has its waiting tasks looked at; one that has ended has its tasks ask
what becomes of them. A page is one transaction, and a task that has followed is not changed again: the job may be cut off
anywhere, and goes on until the paper says that all have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from common.repository import DERIVED, Reader
from common.unit_of_work import UnitOfWork, Units
from tasks.domain.committee import Committee
from tasks.domain.directive import Directive
from tasks.domain.fate import ask_fate
from tasks.domain.task import AT_ONCE, Task
from tasks.domain.waiting import start_clock, starts_clocks, stop_clock, waits
from tasks.features.concretising import keep_rows
from tasks.features.pages import apart
from tasks.store import (
    BEHIND_ALL,
    DIRECTIVES,
    TASKS,
    committee,
    keyed_between,
    order_key,
    papers_below,
    save_task,
    waits_key,
)

PAGE = 100
"""Tasks in one transaction: each with an event and a line of its history."""

Act = Callable[[Task, Directive, Committee], bool]


async def run(units: Units, _settings: Any) -> None:
    """Follow every paper about which something changed."""
    reader = Reader(units.database)
    for paper in await reader.find(DIRECTIVES, {"_d.unfollowed": {"$gt": ""}}, sort=("_d.unfollowed",), limit=PAGE):
        complete = True
        async for ids, act in _steps(reader, paper):
            complete = await apart(units, partial(_follow, paper=paper, act=act), ids) and complete
        if paper.relinked:
            complete = await _restate_below(units, reader, paper) and complete
        if complete:
            await _followed(units, paper)


async def _steps(reader: Reader, paper: Directive) -> AsyncIterator[tuple[list[str], Act]]:
    """Pages of ids of tasks, and what is done with each."""
    async for ids in _pages(reader, "clock_of", f"{paper.id}/"):
        yield ids, _restart
    if starts_clocks(paper):
        for directive_id in await papers_below(reader, paper.scope_roots):
            for body in paper.awaited_as:
                async for ids in _pages(reader, "waits", waits_key(directive_id, body)):
                    yield ids, start_clock
    if paper.relinked:
        for directive_id in await papers_below(reader, [paper.id]):
            async for ids in _pages(reader, "waits", waits_key(directive_id)):
                yield ids, _look_again
    if paper.ended_how is not None:
        async for ids in _given_by(reader, paper.id):
            yield ids, _ask


async def _pages(reader: Reader, field: str, key: str) -> AsyncIterator[list[str]]:
    after = key
    while found := await reader.find(TASKS, keyed_between(field, after, key + BEHIND_ALL), sort=(f"_d.{field}",), limit=PAGE):
        yield [task.id for task in found]
        after = str(TASKS.dump(found[-1])[DERIVED][field])


async def _given_by(reader: Reader, directive_id: str) -> AsyncIterator[list[str]]:
    query: dict[str, Any] = {"directive_id": directive_id}
    while found := await reader.find(TASKS, query, sort=("-_d.order",), limit=PAGE):
        yield [task.id for task in found]
        query["_d.order"] = {"$lt": order_key(found[-1])}


def _restart(task: Task, paper: Directive, rules: Committee) -> bool:
    return start_clock(task, paper, rules) if starts_clocks(paper) else stop_clock(task, paper)


def _look_again(task: Task, _: Directive, __: Committee) -> bool:
    """Its paper stands under another one now, and with it perhaps under one that it waits for."""
    return waits(task) and task.adopt({"look_on": AT_ONCE})


def _ask(task: Task, paper: Directive, _: Committee) -> bool:
    return ask_fate(task, paper)


async def _follow(uow: UnitOfWork, ids: list[str], *, paper: Directive, act: Act) -> None:
    rules = await committee(uow)
    for task in await uow.find(TASKS, {"_id": {"$in": ids}}, sort=("_id",)):
        if act(task, paper, rules):
            save_task(uow, task)


async def _restate_below(units: Units, reader: Reader, paper: Directive) -> bool:
    """Once more, as the correction did itself: a paper that was being registered below meanwhile saw the old chain."""
    below = await papers_below(reader, [paper.id])
    pages = [below[start : start + PAGE] for start in range(0, len(below), PAGE)]
    return all([await apart(units, keep_rows, ids) for ids in pages])


async def _followed(units: Units, paper: Directive) -> None:
    """Every task has followed the paper as it was read; should it have changed meanwhile, the next run begins anew."""

    async def work(uow: UnitOfWork) -> None:
        present = await uow.load(DIRECTIVES, paper.id)
        if present.version == paper.version:
            present.unfollowed = present.relinked = False
            uow.save(DIRECTIVES, present)

    await units.run(work, units.system())
