"""The register without a server: units and people that are corrected, papers that end, the committee's defaults."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.errors import RuleBroken
from tasks.domain.committee import Committee
from tasks.domain.concretisation import Asked, Entry, Paper
from tasks.domain.directive import Directive, Line
from tasks.domain.directory import Person, Succession, Unit
from tasks.domain.steps import FEWEST, MOST

DAY = date(2025, 7, 1)
NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)

UNIT = Unit(id="u:1", code="1", level="commune", name="Một", full_name="Xã Một", valid_from=DAY, valid_to=date(2026, 6, 30))


@pytest.mark.parametrize(
    ("day", "stands"),
    [(date(2025, 6, 30), False), (DAY, True), (date(2026, 6, 30), True), (date(2026, 7, 1), False)],
)
def test_a_unit_stands_from_its_first_day_to_its_last(day: date, stands: bool) -> None:
    assert UNIT.stands_on(day) is stands
    assert UNIT.model_copy(update={"valid_from": None, "valid_to": None}).stands_on(day)


@pytest.mark.parametrize(
    ("kind", "fields", "change", "told"),
    [
        (Unit, {"code": "1", "level": "commune", "name": "Một", "full_name": "Xã Một"}, {"full_name": "Xã Hai"}, "unit"),
        (
            Succession,
            {"from_unit_id": "u:1", "to_unit_id": "u:2", "kind": "whole", "effective_on": DAY},
            {"kind": "partial"},
            "succession",
        ),
        (Person, {"unit_id": "u:1", "position": "officer"}, {"active": False}, "person"),
        (Directive, {"number": "1/CT", "issuer": "x"}, {"issued_on": DAY}, "directive"),
    ],
)
def test_what_is_registered_is_told_whole_and_again_when_it_differs(
    kind: Any, fields: dict[str, Any], change: dict[str, Any], told: str
) -> None:
    one = kind(id="k", **fields)
    assert one.register() is one
    correct = one.change if kind is Person else one.correct
    assert not correct(fields)
    assert correct(change)
    first, second = one.take_recorded()
    assert [event.type.split(".")[:2] for event in (first, second)] == [["tasks", told]] * 2
    assert first.model_dump()[f"{told}_id"] == "k"
    ((name, value),) = change.items()
    assert (first.model_dump()[name], second.model_dump()[name]) == (
        fields.get(name, True if name == "active" else None),
        value,
    )


# --- papers ---


def paper(**fields: Any) -> Directive:
    return Directive(id="d", **{"number": "3/NQ-CP", "issuer": "Government", "issued_on": date(2025, 1, 9), **fields})


def line(what: Any = "corrected", **fields: Any) -> Line:
    return Line(at=NOW, by="client:a", what=what, words="Nhầm số", **fields)


def test_a_paper_is_one_however_its_number_is_spelt_and_another_on_another_day() -> None:
    assert paper().canonical == "03/NQ-CP"
    ids = {Directive.id_of(number, "Government", date(2025, 1, 9)) for number in ("3/NQ-CP", "03/NQ-CP", "03/NQ–CP")}
    assert len(ids) == 1
    others = [("3/NQ-CP", "x", date(2025, 1, 9)), ("3/NQ-CP", "Government", date(2026, 1, 9)), ("3/NQ-CP", "Government", None)]
    assert len({*ids, *(Directive.id_of(*one) for one in others)}) == 4


@pytest.mark.parametrize(
    ("fields", "roots"),
    [
        ({}, ["d"]),
        ({"parent_id": "p"}, ["d", "p"]),
        ({"awaited_under": "w"}, ["d", "w"]),
        ({"parent_id": "p", "awaited_under": "w"}, ["d", "w"]),
    ],
)
def test_where_tasks_wait_for_a_paper(fields: dict[str, Any], roots: list[str]) -> None:
    assert paper(**fields).scope_roots == roots


def test_what_the_matrix_sees_of_a_paper() -> None:
    assert paper().paper == Paper("3/NQ-CP", date(2025, 1, 9), None)
    assert paper(asks_of=Asked(working_days=10)).paper.working_days == 10
    assert paper(ended_how="repealed", ended_on=DAY).entry(["p"]) == Entry(
        directive_id="d", number="3/NQ-CP", issued_on=date(2025, 1, 9), ended_how="repealed", ended_on=DAY, through=["p"]
    )


@pytest.mark.parametrize(
    ("before", "changes", "relinked", "unfollowed"),
    [
        ({}, {"subject": "x"}, False, False),
        ({}, {"parent_id": "p"}, True, True),
        ({"parent_id": "p"}, {"subject": "x"}, False, False),
        ({"relinked": True}, {"subject": "x"}, True, True),
        ({"unfollowed": True}, {"subject": "x"}, False, True),
        ({"awaited_as": ["Trung ương"]}, {"issued_on": DAY}, False, True),
        ({"awaited_as": ["Trung ương"]}, {"awaited_as": []}, False, True),
        ({}, {"awaited_as": ["Trung ương"]}, False, True),
    ],
)
def test_which_corrections_tasks_have_to_follow(
    before: dict[str, Any], changes: dict[str, Any], relinked: bool, unfollowed: bool
) -> None:
    one = paper(**before)
    assert one.correct(changes)
    assert (one.relinked, one.unfollowed) == (relinked, unfollowed)
    assert paper().register().unfollowed is False
    assert paper(awaited_as=["Trung ương"]).register().unfollowed


def test_a_correction_on_words_is_written_down_with_what_differs() -> None:
    one = paper()
    assert not one.correct_on_words({"number": "3/NQ-CP"}, line())
    assert one.lines == []
    changes = {"number": "4/NQ-CP", "issuer": "Government", "issued_on": DAY, "asks_of": Asked(levels=["commune"])}
    assert one.correct_on_words(changes, line())
    asked = {"levels": ["commune"], "unit_ids": [], "working_days": None}
    assert [kept.changes for kept in one.lines] == [
        {"number": ["3/NQ-CP", "4/NQ-CP"], "issued_on": ["2025-01-09", "2025-07-01"], "asks_of": [None, asked]}
    ]


def test_a_paper_is_amended_until_it_ends_and_ends_once() -> None:
    one = paper()
    one.amended(line("amended", by_id="e"), DAY)
    one.end("replaced", line("replaced", by_id="f"), DAY)
    assert (one.ended_how, one.ended_on, one.ended_by_id, one.unfollowed) == ("replaced", DAY, "f", True)
    assert [kept.what for kept in one.lines] == ["amended", "replaced"]
    assert [event.type.split(".")[2] for event in one.take_recorded()] == ["amended", "ended"]
    with pytest.raises(RuleBroken) as broken:
        one.end("repealed", line("repealed"), DAY)
    assert [problem.code for problem in broken.value.errors] == ["directive_ended"]
    with pytest.raises(RuleBroken):
        one.amended(line("amended"), DAY)


# --- the committee ---


def test_what_the_committee_has_not_decided_is_as_the_sources_have_it() -> None:
    """Numbers of 11-KH/BCĐ where it gives one (5 days: a remedy plan; looked at weekly), ours elsewhere (docstrings)."""
    rules = Committee()
    numbers = (
        rules.nearly_due_days, rules.period_due_day, rules.ask_again_days, rules.remind_again_days, rules.dispute_answer_days,
        rules.remedy_plan_days, rules.commitment_days,
    )  # fmt: skip
    assert numbers == (3, 31, 30, 7, 5, 5, 1)
    assert [(one.days, one.level) for one in rules.escalations] == [
        (3, "unit_head"), (5, "standing_agency"), (10, "committee_leader"),
    ]  # fmt: skip
    assert (FEWEST, MOST) == (-30, 90)
    said_yes = [name for name in Committee.model_fields if getattr(rules, name) is True]
    assert said_yes == ["criteria_proven"], "everything else that can be asked for beside is asked for by decision"
