"""The one shape of every command on a task: find it, may this actor, is it the version meant; then act and save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, Field

from common.domain import Actor
from common.http import Command, Effect
from common.repository import Reader
from common.unit_of_work import UnitOfWork, check_version
from tasks.domain.permissions import check_sees
from tasks.domain.task import Task
from tasks.domain.text import tidy
from tasks.store import TASKS, existing

B = TypeVar("B")
Said = Annotated[str, AfterValidator(tidy), Field(max_length=2000, description="Words for the record")]
Reason = Annotated[str, AfterValidator(tidy), Field(min_length=3, max_length=2000, description="Why: it stands in the history")]
ReasonCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,63}$", examples=["not_our_function"])]


class OnTask(Command, Generic[B]):
    """A command on one task; `body` is what the caller sent with it."""

    task_id: str
    expected_version: int | None
    body: B

    @classmethod
    def asked(cls, task_id: str, effect: Effect, body: B) -> OnTask[B]:
        return cls(task_id=task_id, expected_version=effect.if_match, body=body)


class Remark(Command):
    """A body that says something, or nothing."""

    words: Said = ""


class Because(Command):
    """A body that says why."""

    words: Reason


class BecauseOf(Because):
    """A body that says why, in words and by a code that can be counted."""

    reason_code: ReasonCode


async def load_task(uow: UnitOfWork, command: OnTask[B], check: Callable[[Actor, Task], None]) -> Task:
    """The task that the command is about. Raises `NotFound` for one that the actor may not see, what `check` raises, and
    `StaleVersion` last: who may not act learns nothing of versions.
    """
    task = await uow.load(TASKS, command.task_id)
    check(uow.actor, task)
    check_version(task, command.expected_version)
    return task


async def find_task(reader: Reader, actor: Actor, task_id: str) -> Task:
    """The task to be read. Raises `NotFound` when there is none that the actor may see."""
    task = await existing(reader, TASKS, task_id)
    check_sees(actor, task)
    return task
