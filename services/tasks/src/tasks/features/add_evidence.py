"""Add what shows that the work was done. The evidence itself stays where it is; its digest can be kept here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.errors import FieldProblem, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from tasks.domain.committee import Committee
from tasks.domain.means import Evidence
from tasks.domain.permissions import check_does
from tasks.domain.product import EvidenceKind
from tasks.domain.proof import named_criteria, supersede
from tasks.domain.task import Task
from tasks.domain.text import each_once, tidy
from tasks.features.task_command import OnTask, load_task
from tasks.features.task_view import ShownTask, TaskView, saved
from tasks.store import committee

routes = Routes("tasks")

File = Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=500)]


class Source(Command):
    """Where something is to be looked at: a link, or a file of which the digest says which bytes are meant."""

    url: Annotated[str | None, Field(max_length=2000, pattern=r"^https://[^\s/?#]+\S*$", description="An https address")] = None
    file: Annotated[
        File | None, Field(description="Where the file is kept, as its keeper names it", examples=["iOffice/2026/12.pdf"])
    ] = None
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$", description="Of the file, in lower-case hex")] = None


class NewEvidence(Source):
    kind: EvidenceKind
    title: Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=500, examples=["Quyết định 12/QĐ-UBND"])]
    criteria: Annotated[
        list[Annotated[int, Field(strict=True, ge=1, le=50)]],
        Field(default_factory=list, max_length=50, description="Numbers of the criteria that it shows met", examples=[[1]]),
        AfterValidator(each_once),
    ]
    supersedes: Annotated[str | None, Field(max_length=128, description="Id of an earlier piece, whose place it takes")] = None


def check_source(source: Source) -> None:
    """Raise `Invalid` for a file without its digest, and for a link beside a file."""
    if source.file is None:
        return
    if source.sha256 is None:
        message = Words("Tham chiếu tệp cần mã băm SHA-256.", "A file reference needs its SHA-256.")
        repair = Words("Hãy đặt sha256 của tệp.", "Set sha256 of the file.")
        raise Invalid(message, [FieldProblem("sha256", "file_without_digest", message, repair, source.file)])
    if source.url is not None:
        message = Words("Chỉ ghi liên kết hoặc tệp.", "Give a link or a file, not both.")
        repair = Words("Hãy bỏ url hoặc file; cần cả hai thì thêm hai minh chứng.", "Leave url or file out, or add two pieces.")
        raise Invalid(message, [FieldProblem("file", "link_and_file", message, repair, source.file)])


def made_of(body: NewEvidence, uow: UnitOfWork, task: Task, rules: Committee) -> Evidence:
    """The piece that a caller adds. Raises `Invalid` for a link without an address, a source that cannot be, or that is missing
    where the committee asks for one, and for a criterion that the task does not have.
    """
    check_source(body)
    if body.kind == "link" and body.url is None:
        message = Words("Minh chứng loại link cần địa chỉ.", "Evidence of kind link needs its address.")
        repair = Words("Hãy đặt url là một địa chỉ https.", "Set url to an https address.")
        raise Invalid(message, [FieldProblem("url", "link_without_url", message, repair)])
    if rules.evidence_source_required and body.url is None and body.file is None:
        message = Words("Minh chứng cần liên kết hoặc tệp kèm SHA-256.", "Evidence needs a link, or a file with its SHA-256.")
        repair = Words("Hãy đặt url, hoặc file và sha256.", "Set url, or file and sha256.")
        raise Invalid(message, [FieldProblem("url", "source_missing", message, repair, body.title)])
    given = body.model_dump(exclude={"criteria", "supersedes"})
    criteria = named_criteria(task, body.criteria)
    return Evidence(id=new_id(), added_at=uow.now, added_by=str(uow.actor), criteria=criteria, **given)


async def handle(command: OnTask[NewEvidence], uow: UnitOfWork) -> ShownTask:
    """Raises `Invalid` for evidence that cannot be taken as it is, `RuleBroken` unless the task is in progress."""
    task, body = await load_task(uow, command, check_does), command.body
    evidence = made_of(body, uow, task, await committee(uow))
    task.add_evidence(evidence)
    if body.supersedes is not None:
        supersede(task, task.evidence, body.supersedes, evidence)
    return await saved(uow, task)


@routes.post("/tasks/{task_id}/add-evidence", response_model=TaskView)
async def add_evidence(task_id: str, body: NewEvidence, effect: Annotated[Effect, writes("tasks:write")]) -> Response:
    """Add evidence (minh chứng): a task is done only with evidence of the kind that it asks for. What was added is never
    edited; another piece `supersedes` it, and both stay.
    """
    return await effect.run(handle, OnTask[NewEvidence].asked(task_id, effect, body), TaskView.of)
