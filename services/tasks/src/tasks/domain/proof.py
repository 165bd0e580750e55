"""Whether evidence proves a result: its review, its supersession, the criteria that it shows met.

A task is done only with verifiable evidence (11-KH/BCĐ; DOMAIN 2.1); tools of the field give evidence a review state of its own
(DOMAIN 1.2). What has to be reviewed or proven before a result is approved is the committee's setting.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.contracts import tasks_means as events
from common.errors import FieldProblem, Invalid, NotFound, RuleBroken, Words
from tasks.domain.committee import Committee
from tasks.domain.means import Evidence, Review, lacks_kind
from tasks.domain.task import Changes, Task

_NOUN = Words("minh chứng", "evidence")


def evidence_of(pieces: Sequence[Evidence], key: str) -> Evidence:
    """The piece of this id. Raises `NotFound` when there is none."""
    found = next((one for one in pieces if one.id == key), None)
    if found is None:
        raise NotFound.of(_NOUN, key)
    return found


def named_criteria(task: Task, numbers: Sequence[int]) -> list[str]:
    """The words of the criteria that stand under these numbers. Raises `Invalid` for numbers under which none stands."""
    wrong = [(place, number) for place, number in enumerate(numbers) if not 1 <= number <= len(task.criteria)]
    if wrong:
        message = Words("Nhiệm vụ không có tiêu chí số này.", "The task has no criterion of this number.")
        repair = Words(
            f"Nhiệm vụ có {len(task.criteria)} tiêu chí, đánh số từ 1.", f"It has {len(task.criteria)}, counted from 1."
        )
        raise Invalid(
            message,
            [FieldProblem(f"criteria.{place}", "criterion_unknown", message, repair, str(number)) for place, number in wrong],
        )
    return [task.criteria[number - 1] for number in numbers]


def supersede(task: Task, pieces: Sequence[Evidence], key: str, by: Evidence, period: str | None = None) -> None:
    """Have a new piece take the place of an earlier one, which stays as it was handed in.

    Raises `Invalid` for an id that is none of the pieces, `RuleBroken` for one that was superseded already.
    """
    old = next((one for one in pieces if one.id == key and one is not by), None)
    if old is None:
        message = Words("Không có minh chứng này.", "There is no such evidence.")
        repair = Words("Hãy chọn id trong evidence.", "Choose an id of those in evidence.")
        raise Invalid(message, [FieldProblem("supersedes", "evidence_unknown", message, repair, key)])
    _check_stands(old, "supersedes")
    old.superseded_by = by.id
    changes = _of_period({"evidence": [old.id, by.id]}, period)
    task.tell(
        events.EvidenceSuperseded, "evidence_superseded", old.title, changes,
        evidence_id=old.id, superseded_by=by.id, period=period,
    )  # fmt: skip


def review_evidence(task: Task, evidence: Evidence, given: Review) -> None:
    """Say of a piece that it was seen, accepted or rejected, until the result is approved."""
    task.require_state("in_progress", "submitted", verb=Words("xem xét minh chứng", "reviewed"))
    review(task, evidence, given)


def review(task: Task, evidence: Evidence, given: Review, period: str | None = None) -> None:
    """Record who saw it and what they said. Raises `RuleBroken` for a piece that was superseded."""
    _check_stands(evidence, "evidence_id")
    before = evidence.state
    evidence.reviews.append(given)
    changes = _of_period({"evidence": [None, evidence.id]}, period)
    said = {"evidence_id": evidence.id, "period": period}
    if given.verdict == "seen":
        task.tell(events.EvidenceSeen, "evidence_seen", given.words, changes, **said)
        return
    changes["review"] = [before, given.verdict]
    if given.verdict == "accepted":
        task.tell(events.EvidenceAccepted, "evidence_accepted", given.words, changes, **said)
    else:
        task.tell(events.EvidenceRejected, "evidence_rejected", given.words, changes, **said, reason_code=given.reason_code)


def unproven(task: Task, pieces: Sequence[Evidence], rules: Committee) -> list[FieldProblem]:
    """Everything that keeps a result with this evidence from being approved."""
    counting = [one for one in pieces if one.counts]
    found = []
    if lacks_kind(task.evidence_kind, pieces):
        found.append(
            FieldProblem(
                "evidence", "evidence_missing",
                Words(f"Không còn minh chứng loại «{task.evidence_kind}» nào có giá trị.",
                      f"No evidence of kind '{task.evidence_kind}' is left that counts."),
                Words("Hãy trả lại để bổ sung minh chứng.", "Return it, so that other evidence is added."),
                task.product or None,
            )
        )  # fmt: skip
    if rules.evidence_reviewed:
        found += [
            FieldProblem(
                "evidence", "evidence_unreviewed",
                Words("Minh chứng chưa được xem xét.", "The evidence was neither accepted nor rejected."),
                Words(f"Hãy gọi evidence/{one.id}/review.", f"Call evidence/{one.id}/review."),
                one.title,
            )
            for one in counting if one.state == "unreviewed"
        ]  # fmt: skip
    if rules.criteria_proven:
        shown = {words for one in counting for words in one.criteria}
        found += [
            FieldProblem(
                f"criteria.{place}", "criterion_unproven",
                Words("Tiêu chí này chưa có minh chứng.", "No evidence shows this criterion met."),
                Words(f"Hãy trả lại để bổ sung minh chứng với criteria: [{place + 1}].",
                      f"Return it, so that evidence is added with criteria: [{place + 1}]."),
                words,
            )
            for place, words in enumerate(task.criteria) if words not in shown
        ]  # fmt: skip
    return found


def _check_stands(evidence: Evidence, field: str) -> None:
    if evidence.superseded_by is not None:
        message = Words("Minh chứng này đã được thay.", "This evidence was superseded.")
        repair = Words(f"Hãy dùng minh chứng {evidence.superseded_by}.", f"Take {evidence.superseded_by}.")
        raise RuleBroken(message, [FieldProblem(field, "evidence_superseded", message, repair, evidence.title)])


def _of_period(changes: Changes, period: str | None) -> Changes:
    return changes if period is None else {"period": [None, period], **changes}
