"""Programmes and enrolments, without any server."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.errors import Invalid, RuleBroken
from training.domain.audiences import DEFAULT_WAVES
from training.domain.enrolment import Enrolment
from training.domain.programme import Programme
from training.features.waves_view import share_percent

NOW = datetime(2026, 4, 1, tzinfo=UTC)
DATA = Path(__file__).parents[3] / "data"


def programme(**changes: object) -> Programme:
    fields = {
        "id": "p1", "title": "Học", "course_ids": ["C-AI"], "threshold_percent": 100, "audiences": DEFAULT_WAVES,
        "created_at": NOW,
    }  # fmt: skip
    return Programme.model_validate(fields | changes)


def enrolment(**changes: object) -> Enrolment:
    fields = {
        "id": "e1", "programme_id": "p1", "title": "Học", "person_id": "per-1", "unit_id": "u1", "position": "officer",
        "wave": 1, "enrolled_at": NOW,
    }  # fmt: skip
    return Enrolment.model_validate(fields | changes)


def code_of(error: pytest.ExceptionInfo[RuleBroken]) -> str:
    (problem,) = error.value.errors
    return problem.code


def test_default_waves_are_those_of_the_list_of_audiences() -> None:
    with (DATA / "audiences.csv").open(encoding="utf-8") as lines:
        listed = {row["audience_id"]: int(row["wave(leader-first order; ours)"]) for row in csv.DictReader(lines)}
    assert listed == DEFAULT_WAVES


def test_who_belongs_to_several_audiences_learns_in_the_earliest_wave() -> None:
    assert programme().wave_for_learner(["AUD-CITIZEN", "AUD-LEAD"]) == 0
    assert programme().wave_for_learner(["AUD-CITIZEN", "AUD-NEW"]) == 2
    assert programme(audiences={"AUD-CBCC": 1}).wave_for_learner(["AUD-LEAD", "AUD-CBCC"]) == 1


@pytest.mark.parametrize("audiences", [[], ["AUD-CITIZEN"], ["unheard-of"]])
def test_who_belongs_to_no_audience_of_the_programme_is_refused(audiences: list[str]) -> None:
    with pytest.raises(RuleBroken) as refused:
        programme(audiences={"AUD-LEAD": 0, "AUD-CBCC": 1}).wave_for_learner(audiences)
    assert code_of(refused) == "audience_missing"
    assert "AUD-CBCC" in refused.value.errors[0].repair.en


def test_a_programme_names_everything_that_is_wrong_with_it() -> None:
    wrong = programme(course_ids=["C-AI", "C-NONE"], audiences={"AUD-LEAD": 1, "AUD-CBC": 1})
    with pytest.raises(Invalid) as refused:
        wrong.create(["C-AI"])
    assert [(problem.field, problem.code) for problem in refused.value.errors] == [
        ("course_ids.1", "course_unknown"),
        ("audiences.AUD-CBC", "audience_unknown"),
        ("audiences.AUD-LEAD", "leaders_first"),
    ]
    assert wrong.take_recorded() == []


def test_an_enrolment_completes_once_and_only_when_open() -> None:
    learner = enrolment()
    with pytest.raises(RuleBroken) as refused:
        learner.complete(NOW)
    assert code_of(refused) == "wave_closed"
    learner.open(NOW)
    learner.complete(NOW)
    with pytest.raises(RuleBroken) as refused:
        learner.complete(NOW)
    assert code_of(refused) == "already_completed"
    assert [event.type for event in learner.take_recorded()] == [
        "training.enrolment.opened.v1",
        "training.enrolment.completed.v1",
    ]


def test_who_left_neither_completes_nor_waits_and_who_completed_stays_so() -> None:
    learner = enrolment(state="open")
    assert learner.set_active(False)
    assert not learner.set_active(False)
    with pytest.raises(RuleBroken) as refused:
        learner.complete(NOW)
    assert code_of(refused) == "person_inactive"
    assert not enrolment(active=False).waits
    done = enrolment(state="completed")
    assert not done.set_active(False)
    assert done.active


@pytest.mark.parametrize(
    ("completed", "enrolled", "share"),
    [(0, 0, None), (0, 3, 0.0), (2, 3, 66.66), (9999, 10_000, 99.99), (99_999, 100_000, 99.99), (3, 3, 100.0)],
)
def test_a_share_is_cut_and_never_rounded_up_to_all(completed: int, enrolled: int, share: float | None) -> None:
    assert share_percent(completed, enrolled) == share
