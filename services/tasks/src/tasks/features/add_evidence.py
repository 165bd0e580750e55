"""Add what shows that the work was done. The evidence itself stays where it is; its digest can be kept here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from tasks.domain.permissions import check_does
from tasks.domain.product import EvidenceKind
from tasks.domain.task import Evidence
from tasks.domain.text import tidy
from tasks.features.task_command import OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved

routes = Routes("tasks")


class NewEvidence(Command):
    kind: EvidenceKind
    title: Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=500, examples=["Quyết định 12/QĐ-UBND"])]
    url: Annotated[str | None, Field(max_length=2000, pattern=r"^https://[^\s/?#]+\S*$", description="An https address")] = None
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$", description="Of the file, in lower-case hex")] = None


def check_link(evidence: NewEvidence) -> None:
    """Raise `Invalid` for a link without an address."""
    if evidence.kind == "link" and evidence.url is None:
        message = Words("Minh chứng loại link cần địa chỉ.", "Evidence of kind link needs its address.")
        repair = Words("Hãy đặt url là một địa chỉ https.", "Set url to an https address.")
        raise Invalid(message, [FieldProblem("url", "link_without_url", message, repair)])


async def handle(command: OnTask[NewEvidence], uow: UnitOfWork) -> ShownTask:
    """Raises `Invalid` for a link without an address."""
    task = await load_task(uow, command, check_does)
    check_link(command.body)
    task.add_evidence(Evidence(id=new_id(), added_at=uow.now, added_by=str(uow.actor), **command.body.model_dump()))
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/add-evidence", response_model=TaskView)
async def add_evidence(task_id: str, body: NewEvidence, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Add evidence (minh chứng): a task is done only with evidence of the kind that it asks for."""
    return await effect.run(handle, OnTask[NewEvidence].asked(task_id, effect, body), TaskView.of)
