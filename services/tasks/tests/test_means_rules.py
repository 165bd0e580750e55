"""Pure rules of a task's means: what proves a result."""

from __future__ import annotations

from typing import Any

import pytest

from common.errors import Invalid, RuleBroken
from services.tasks.tests.task_world import NOW, PEOPLE_OF, a_task
from tasks.domain.clears import Facts, clears
from tasks.domain.committee import Committee
from tasks.domain.leads import Names
from tasks.domain.means import Evidence, Review
from tasks.domain.proof import named_criteria, review_evidence, supersede, unproven
from tasks.domain.report import row_of
from tasks.domain.task import Task

RULES = Committee()
FACTS = Facts(PEOPLE_OF, Names(()).read(""), RULES)


def codes(broken: pytest.ExceptionInfo[Any]) -> list[str]:
    return [problem.code for problem in broken.value.errors]


def whats(task: Task) -> list[str]:
    return [what for what, _, _ in task.take_lines()]


def a_piece(key: str = "e1", **changes: Any) -> Evidence:
    fields = {"id": key, "kind": "document", "title": f"Báo cáo {key}", "added_at": NOW, "added_by": "person:per-doer"}
    return Evidence.model_validate(fields | changes)


def a_review(verdict: str) -> Review:
    return Review.model_validate({"at": NOW, "by": "person:per-head", "verdict": verdict, "words": "lý do"})


# --- criteria ---


@pytest.mark.parametrize(
    ("words", "quote"),
    [
        ("Nâng cao chất lượng phục vụ", "Nâng cao"),
        ("Người dân hài lòng, tích cực hưởng ứng", "tích cực"),
        ("Nâng cao tỷ lệ hồ sơ trực tuyến lên 80 %", None),
        ("100 % tài khoản được rà soát", None),
        ("Có biên bản nghiệm thu", None),
    ],
)
def test_a_vague_criterion_is_a_finding_against_the_result(words: str, quote: str | None) -> None:
    found = {clear.key: clear.against for clear in clears(a_task(criteria=["Có báo cáo", words]), FACTS)}["result"]
    assert [(one.field, one.code, one.quote) for one in found] == (
        [] if quote is None else [("criteria.1", "criterion_vague", quote)]
    )


def test_evidence_names_the_criteria_that_there_are() -> None:
    task = a_task(criteria=["một", "hai"])
    assert named_criteria(task, [2, 1]) == ["hai", "một"]
    for number in (0, 3):
        with pytest.raises(Invalid) as broken:
            named_criteria(task, [1, number])
        assert [(one.field, one.quote) for one in broken.value.errors] == [("criteria.1", str(number))]


# --- evidence ---


@pytest.mark.parametrize(
    ("verdicts", "state", "counts"),
    [
        ([], "unreviewed", True),
        (["seen"], "unreviewed", True),
        (["accepted"], "accepted", True),
        (["rejected"], "rejected", False),
        (["rejected", "seen"], "rejected", False),
        (["rejected", "accepted"], "accepted", True),
        (["accepted", "rejected"], "rejected", False),
    ],
)
def test_the_last_review_that_decided_counts(verdicts: list[str], state: str, counts: bool) -> None:
    task = a_task(state="submitted", evidence=[a_piece()])
    for verdict in verdicts:
        review_evidence(task, task.evidence[0], a_review(verdict))
    piece = task.evidence[0]
    assert (piece.state, piece.counts, len(piece.reviews)) == (state, counts, len(verdicts))
    assert whats(task) == [f"evidence_{verdict}" for verdict in verdicts]


def test_what_was_superseded_stays_counts_no_more_and_is_not_reviewed() -> None:
    task = a_task(state="in_progress", evidence=[a_piece()])
    new = a_piece("e2")
    task.add_evidence(new)
    supersede(task, task.evidence, "e1", new)
    assert [(one.id, one.state, one.superseded_by) for one in task.evidence] == [
        ("e1", "superseded", "e2"), ("e2", "unreviewed", None),
    ]  # fmt: skip
    assert whats(task) == ["evidence_added", "evidence_superseded"]
    with pytest.raises(RuleBroken) as broken:
        review_evidence(task, task.evidence[0], a_review("accepted"))
    assert codes(broken) == ["evidence_superseded"]
    third = a_piece("e3")
    with pytest.raises(RuleBroken):
        supersede(task, [*task.evidence, third], "e1", third)
    for key in ("e3", "e9"):  # itself, and none
        with pytest.raises(Invalid) as unknown:
            supersede(task, [*task.evidence, third], key, third)
        assert codes(unknown) == ["evidence_unknown"]


@pytest.mark.parametrize("state", ["draft", "published", "assigned", "completed", "paused", "cancelled"])
def test_evidence_is_reviewed_until_the_result_is_approved(state: Any) -> None:
    task = a_task(state=state, evidence=[a_piece()])
    with pytest.raises(RuleBroken) as broken:
        review_evidence(task, task.evidence[0], a_review("accepted"))
    assert codes(broken) == ["wrong_state"]


def test_nobody_hands_in_on_rejected_evidence_alone() -> None:
    task = a_task(state="in_progress", evidence=[a_piece()])
    review_evidence(task, task.evidence[0], a_review("rejected"))
    with pytest.raises(RuleBroken) as broken:
        task.submit(NOW, "")
    assert codes(broken) == ["evidence_missing"]
    task.add_evidence(a_piece("e2"))
    task.submit(NOW, "")
    assert task.state == "submitted"


@pytest.mark.parametrize(
    ("rules", "verdicts", "missing"),
    [
        ({}, [], ["criterion_unproven"]),
        ({"criteria_proven": False}, [], []),
        ({"evidence_reviewed": True, "criteria_proven": False}, [], ["evidence_unreviewed"]),
        ({"evidence_reviewed": True, "criteria_proven": False}, ["seen"], ["evidence_unreviewed"]),
        ({"evidence_reviewed": True}, [], ["evidence_unreviewed", "criterion_unproven"]),
        ({"evidence_reviewed": True, "criteria_proven": False}, ["accepted"], []),
        ({"criteria_proven": False}, ["rejected"], ["evidence_missing"]),
        ({}, ["rejected"], ["evidence_missing", "criterion_unproven", "criterion_unproven"]),
    ],
)
def test_what_is_not_proven_is_the_committees_to_say(rules: dict[str, Any], verdicts: list[str], missing: list[str]) -> None:
    task = a_task(state="submitted", criteria=["một", "hai"], evidence=[a_piece(criteria=["một"])])
    for verdict in verdicts:
        review_evidence(task, task.evidence[0], a_review(verdict))
    found = unproven(task, task.evidence, Committee(**rules))
    assert [one.code for one in found] == missing
    if missing:
        with pytest.raises(RuleBroken) as broken:
            task.complete(NOW, "done_in_time", "", found)
        assert codes(broken) == missing
        assert task.state == "submitted"


def test_a_criterion_that_is_worded_anew_is_proven_anew() -> None:
    task = a_task(state="in_progress", criteria=["90 %"], evidence=[a_piece(criteria=["90 %"])])
    assert unproven(task, task.evidence, RULES) == []
    task.amend({"criteria": ["95 %"]})
    assert [one.quote for one in unproven(task, task.evidence, RULES)] == ["95 %"]


def test_the_report_shows_the_evidence_that_counts() -> None:
    task = a_task(state="in_progress", evidence=[a_piece(), a_piece("e2")])
    review_evidence(task, task.evidence[0], a_review("rejected"))
    assert [one["title"] for one in row_of(task, NOW.date(), RULES, {}, {})["evidence"]] == ["Báo cáo e2"]
