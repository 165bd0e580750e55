"""Who has concretised a paper: pure rules, by tables and properties."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from common.errors import RuleBroken
from tasks.domain.concretisation import Asked, Claim, Concretisation, Decision, Entry, Matrix, Paper, State
from tasks.domain.directive import Directive, Line
from tasks.domain.directory import Unit
from tasks.domain.issuers import Issuers, unit_spellings
from tasks.domain.means import Evidence
from tasks.domain.task import Clock
from tasks.domain.working_days import WorkingDays

ISSUED = date(2026, 9, 1)
"""A Tuesday; 2 September is the National Day."""
TODAY = date(2026, 9, 30)
CALENDAR = WorkingDays(frozenset({date(2026, 9, 2)}))
PAPER = Paper("57-NQ/TW", ISSUED, working_days=10)


def entry(key: str, day: date | None, **ended: Any) -> Entry:
    return Entry(directive_id=key, number=f"{key}-KH/UBND", issued_on=day, **ended)


def row(unit: str, *papers: Entry, claims: tuple[Claim, ...] = ()) -> Concretisation:
    key = Concretisation.id_of("d", unit)
    return Concretisation(id=key, directive_id="d", unit_id=unit, papers=list(papers), claims=list(claims))


def claim(decision: Decision | None = None, on: date = ISSUED, decided: date | None = None) -> Claim:
    return Claim(claimed_on=on, claimed_by="client:x", words="Không có cơ sở", decision=decision, decided_on=decided)


def matrix(
    *rows: Concretisation, before: dict[str, list[str]] | None = None, day: date = TODAY, paper: Paper = PAPER
) -> Matrix:
    return Matrix(paper, day, CALENDAR, {one.unit_id: one for one in rows}, before or {})


# --- whose paper it is ---

UNITS = [
    Unit(id="xa", code="1", level="commune", name="Tân Tiến", full_name="Xã Tân Tiến", valid_from=date(2025, 7, 1)),
    Unit(id="old1", code="2", level="commune", name="Tân Tiến", full_name="Xã Tân Tiến", valid_to=date(2025, 6, 30)),
    Unit(id="old2", code="3", level="commune", name="Tân Tiến", full_name="Xã Tân Tiến", valid_to=date(2025, 6, 30)),
    Unit(id="huyen", code="4", level="district", name="Đồng Văn", full_name="Huyện Đồng Văn", valid_to=date(2025, 6, 30)),
    Unit(id="tinh", code="5", level="province", name="Tuyên Quang", full_name="Tỉnh Tuyên Quang"),
    Unit(id="so", code="6", level="department", name="Sở Nội vụ", full_name="Sở Nội vụ"),
    Unit(id="hoa", code="7", level="commune", name="Thuận Hoà", full_name="Xã Thuận Hoà"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("issuer", "day", "meant"),
    [
        ("UBND xã Tân Tiến", "2026-01-01", ["xa"]),
        ("Ủy ban nhân dân xã Tân Tiến", "2026-01-01", ["xa"]),
        ("Uỷ ban nhân dân Xã Tân Tiến", "2026-01-01", ["xa"]),
        ("Đảng ủy xã Tân Tiến", "2026-01-01", ["xa"]),
        ("Ban Chỉ đạo xã Tân Tiến", "2026-01-01", ["xa"]),
        ("Ban Thường vụ Huyện ủy Đồng Văn", "2025-01-01", ["huyen"]),
        ("UBND xã Tân Tiến", "2025-06-30", ["old1", "old2"]),
        ("Huyện ủy Đồng Văn", "2025-06-30", ["huyen"]),
        ("Huyện ủy Đồng Văn", "2025-07-01", []),
        ("Tỉnh ủy Tuyên Quang", "2026-01-01", ["tinh"]),
        ("HĐND tỉnh Tuyên Quang", "2026-01-01", ["tinh"]),
        ("Sở Nội vụ", "2026-01-01", ["so"]),
        ("UBND xã Thuận Hòa", "2026-01-01", ["hoa"]),
        ("Politburo", "2026-01-01", []),
        ("UBND", "2026-01-01", []),
        ("Tân Tiến", "2026-01-01", []),
    ],
)
def test_an_issuer_means_a_unit_on_a_day_or_asks(issuer: str, day: str, meant: list[str]) -> None:
    assert Issuers(UNITS).find(issuer, date.fromisoformat(day)) == meant


@given(st.text(max_size=60))
def test_any_issuer_can_be_read(issuer: str) -> None:
    assert len(unit_spellings(issuer)) >= 1


# --- one unit ---


def test_the_lag_counts_working_days_from_the_issue_to_the_first_paper() -> None:
    found = matrix(row("a", entry("p", date(2026, 9, 14)), entry("q", date(2026, 9, 20)))).standing("a")
    assert (found.state, found.lag, found.silent) == ("registered", 8, None)  # 3, 4, 7-11 and 14 September
    assert found.paper is not None
    assert found.paper.directive_id == "p"
    assert (found.due_on, found.late) == (date(2026, 9, 16), False), "10 working days, the National Day is none"
    late = matrix(row("a", entry("p", date(2026, 9, 17)))).standing("a")
    assert (late.lag, late.late) == (11, True)
    on_the_day = matrix(row("a", entry("p", date(2026, 9, 16)))).standing("a")
    assert (on_the_day.lag, on_the_day.late) == (10, False)


def test_silence_counts_from_the_issue_or_from_the_units_own_first_day() -> None:
    assert matrix().standing("a").silent == 20
    young = matrix().standing("a", since=date(2026, 9, 28))
    assert (young.silent, young.due_on, young.late) == (2, date(2026, 10, 12), False)
    assert matrix().standing("a", since=date(2020, 1, 1)).silent == 20
    assert matrix(day=ISSUED).standing("a").silent == 0
    assert matrix().standing("a").late
    assert not matrix(day=date(2026, 9, 16)).standing("a").late


def test_what_is_not_known_is_not_counted() -> None:
    undated = matrix(row("a", entry("p", date(2026, 9, 14))), paper=Paper("57-NQ/TW", None, 10)).standing("a")
    assert (undated.state, undated.lag, undated.due_on, undated.late) == ("registered", None, None, None)
    own = matrix(row("a", entry("p", None))).standing("a")
    assert (own.state, own.lag) == ("registered", None), "its day is asked for, it is not called silent"
    assert matrix(paper=Paper("57-NQ/TW", ISSUED)).standing("a").late is None
    assert matrix(row("a", entry("p", date(2026, 8, 31)))).standing("a").lag == -1, "older than what it carries out"


def test_a_paper_counts_from_its_day_until_its_end() -> None:
    gone = row("a", entry("p", date(2026, 9, 10), ended_how="withdrawn", ended_on=date(2026, 9, 20)))
    states = [matrix(gone, day=date(2026, 9, day)).standing("a").state for day in (9, 10, 19, 20)]
    assert states == ["silent", "registered", "registered", "silent"]
    assert matrix(gone, day=date(2026, 9, 20)).standing("a").lag is None


def test_the_first_paper_is_the_earliest_whose_day_has_come() -> None:
    papers = (entry("p", TODAY), entry("q", None))
    assert matrix(row("a", *papers)).standing("a").first_issued_on == TODAY
    replaced = entry("r", date(2026, 10, 1), ended_how="replaced", ended_on=date(2026, 10, 9))
    assert matrix(row("a", *papers, replaced)).standing("a").first_issued_on == TODAY
    assert matrix(row("a", replaced, entry("q", None))).standing("a").first_issued_on is None


def test_a_paper_that_was_replaced_keeps_the_lag_and_one_that_was_withdrawn_does_not() -> None:
    after = entry("q", date(2026, 9, 25))
    for how, lag in (("replaced", 6), ("withdrawn", 17), ("repealed", 17)):
        before = entry("p", date(2026, 9, 10), ended_how=how, ended_on=date(2026, 9, 25))
        found = matrix(row("a", before, after)).standing("a")
        assert found.paper is not None
        assert (found.paper.directive_id, found.lag) == ("q", lag), how


@pytest.mark.parametrize(
    ("made", "day", "state"),
    [
        (claim(), TODAY, "claimed"),
        (claim(on=date(2026, 9, 5)), date(2026, 9, 4), "silent"),
        (claim(on=date(2026, 9, 5)), date(2026, 9, 5), "claimed"),
        (claim("confirmed", decided=date(2026, 9, 10)), date(2026, 9, 10), "not_applicable"),
        (claim("confirmed", decided=date(2026, 9, 10)), date(2026, 9, 9), "claimed"),
        (claim("rejected", decided=date(2026, 9, 10)), date(2026, 9, 10), "silent"),
    ],
)
def test_a_claim_stands_as_it_stood_on_the_day(made: Claim, day: date, state: State) -> None:
    found = matrix(row("a", claims=(made,)), day=day).standing("a")
    assert found.state == state
    assert found.late is (False if state == "not_applicable" else day > date(2026, 9, 16))
    assert (found.silent is None) is (state == "not_applicable")


def test_a_paper_outweighs_a_claim() -> None:
    assert (
        matrix(row("a", entry("p", ISSUED), claims=(claim("confirmed", decided=ISSUED),))).standing("a").state == "registered"
    )


# --- claims and reminders ---


def test_a_claim_is_made_once_and_answered_once() -> None:
    one = row("a")
    one.claim_not_applicable(PAPER, ISSUED, "client:a", "Không có cơ sở")
    with pytest.raises(RuleBroken) as twice:
        one.claim_not_applicable(PAPER, ISSUED, "client:a", "Vẫn vậy")
    assert [(problem.field, problem.code) for problem in twice.value.errors] == [("unit_id", "claimed_already")]
    one.decide_not_applicable(PAPER, "rejected", TODAY, "client:b", "Vẫn phải làm")
    with pytest.raises(RuleBroken) as answered:
        one.decide_not_applicable(PAPER, "confirmed", TODAY, "client:b", "")
    assert [problem.code for problem in answered.value.errors] == ["nothing_claimed"]
    one.claim_not_applicable(PAPER, TODAY, "client:a", "Thêm căn cứ")
    assert [made.decision for made in one.claims] == ["rejected", None], "both stay"
    one.decide_not_applicable(PAPER, "confirmed", TODAY, "client:b", "Đúng vậy")
    kinds = [event.type.split(".")[2] for event in one.take_recorded()]
    assert kinds == ["claimed", "rejected", "claimed", "confirmed"]
    done = row("a", entry("p", ISSUED))
    with pytest.raises(RuleBroken) as has_one:
        done.claim_not_applicable(PAPER, TODAY, "client:a", "x")
    assert [problem.code for problem in has_one.value.errors] == ["concretised_already"]


def test_a_reminder_says_from_when_the_next_may_follow() -> None:
    one = row("a")
    assert one.again_on(7) is None
    one.remind(PAPER, date(2026, 9, 23), 15, None)
    assert one.again_on(7) == date(2026, 9, 30)
    (event,) = one.take_recorded()
    assert event.model_dump(include={"silent_working_days", "times", "number"}) == {
        "silent_working_days": 15, "times": 1, "number": "57-NQ/TW",
    }  # fmt: skip


# --- after a merger ---

OWN: dict[str, Concretisation | None] = {
    "done": row("x", entry("p", date(2026, 9, 10))),
    "late": row("x", entry("q", date(2026, 9, 25))),
    "excused": row("x", claims=(claim("confirmed", decided=ISSUED),)),
    "waiting": row("x", claims=(claim(),)),
    "silent": None,
}


def merged(*kinds: str) -> Matrix:
    before = {f"old{place}": OWN[kind] for place, kind in enumerate(kinds)}
    rows = [one.model_copy(update={"unit_id": unit}) for unit, one in before.items() if one is not None]
    return matrix(*rows, before={"new": list(before)})


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        (("done",), "carried"),
        (("done", "late"), "carried"),
        (("done", "silent"), "partly_carried"),
        (("done", "waiting"), "partly_carried"),
        (("done", "excused"), "carried"),
        (("excused", "excused"), "not_applicable"),
        (("excused", "silent"), "silent"),
        (("waiting", "waiting"), "silent"),
        (("silent", "silent"), "silent"),
    ],
)
def test_a_new_unit_has_what_all_its_predecessors_had(kinds: tuple[str, ...], state: State) -> None:
    found = merged(*kinds).standing("new")
    assert found.state == state
    assert [one.unit_id for one in found.carried_from] == ([] if state == "silent" else [f"old{n}" for n in range(len(kinds))])


def test_what_is_carried_lags_as_the_last_of_them() -> None:
    assert merged("done", "late").standing("new").lag == 17
    assert merged("done", "late").standing("new").silent is None
    assert merged("done", "silent").standing("new").silent == 20, "it still owes a paper"
    assert merged("done", "silent").standing("new").late


def test_an_own_paper_goes_before_and_mergers_follow_one_another() -> None:
    rows = [row("oldest", entry("p", date(2026, 9, 10))), row("new", entry("n", date(2026, 9, 22)))]
    chain = {"newest": ["new2"], "new2": ["oldest"], "new": ["oldest"]}
    found = matrix(*rows, before=chain)
    assert (found.standing("newest").state, found.standing("newest").lag) == ("carried", 6)
    assert (found.standing("new").state, found.standing("new").lag) == ("registered", 14)
    circle = matrix(before={"a": ["b"], "b": ["a"]})
    assert circle.standing("a").state == circle.standing("b").state == "silent"


@given(st.lists(st.sampled_from(sorted(OWN)), min_size=1, max_size=5))
def test_one_more_paper_never_makes_a_successor_worse(kinds: list[str]) -> None:
    rank = {state: place for place, state in enumerate(("silent", "not_applicable", "partly_carried", "carried"))}
    now = merged(*kinds).standing("new").state
    for place, kind in enumerate(kinds):
        if kind in ("silent", "waiting"):
            better = merged(*kinds[:place], "done", *kinds[place + 1 :]).standing("new").state
            assert rank[better] >= rank[now]
    assert (now == "carried") == (
        all(kind in ("done", "late", "excused") for kind in kinds) and {"done", "late"} & {*kinds} != set()
    )


# --- rows ---

ENTRIES = st.lists(
    st.builds(entry, st.sampled_from("pqrst"), st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31))),
    max_size=5,
    unique_by=lambda one: one.directive_id,
)


@given(ENTRIES, st.randoms())
def test_a_row_is_the_same_whatever_the_order_in_which_papers_came(entries: list[Entry], random: Any) -> None:
    one, other = row("a"), row("a")
    one.hold(entries)
    shuffled = list(entries)
    random.shuffle(shuffled)
    other.hold(shuffled)
    assert one.papers == other.papers
    assert not one.hold(shuffled), "told again, it changes nothing"


def test_a_correction_of_whom_a_paper_asks_is_told_and_written_down() -> None:
    paper = Directive(id="d", number="57-NQ/TW", issuer="Bộ Chính trị")
    assert paper.correct({"asks_of": Asked(levels=["commune"], working_days=20)})
    (event,) = paper.take_recorded()
    assert event.model_dump(include={"asked_levels", "asked_unit_ids", "asked_working_days"}) == {
        "asked_levels": ["commune"], "asked_unit_ids": [], "asked_working_days": 20,
    }  # fmt: skip


def test_every_state_is_one_that_a_unit_can_come_to() -> None:
    seen = {merged("done", "silent").standing("new").state, merged("done").standing("new").state}
    seen |= {matrix(*([] if one is None else [one])).standing("x").state for one in OWN.values()}
    assert seen == set(get_args(State))


NEWER = {"colour": "red"}
"""A field that only a newer version of the code knows."""


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Asked, {"levels": ["commune"]}),
        (Entry, {"directive_id": "d", "number": "1/KH"}),
        (Claim, {"claimed_on": "2026-11-24", "claimed_by": "client:a", "words": "w"}),
        (Line, {"at": "2026-11-24T03:00:00Z", "by": "client:a", "what": "corrected"}),
        (Evidence, {"id": "e", "kind": "document", "title": "t", "added_at": "2026-11-24T03:00:00Z", "added_by": "client:a"}),
        (Clock, {"directive_id": "d", "issued_on": "2026-11-24", "due_on": "2026-12-24", "days_waited": 1}),
    ],
)
def test_parts_of_documents_keep_what_a_newer_version_wrote(kind: type[BaseModel], fields: dict[str, Any]) -> None:
    assert kind.model_validate(fields | NEWER).model_dump()["colour"] == "red"


def test_what_a_newer_version_wrote_beside_an_entry_stays_when_the_row_is_restated() -> None:
    row = Concretisation(id="d/u", directive_id="d", unit_id="u")
    row.papers = [Entry.model_validate({"directive_id": "p", "number": "1/KH", **NEWER})]
    assert not row.hold([Entry(directive_id="p", number="1/KH")]), "it says the same"
    assert row.hold([Entry(directive_id="p", number="2/KH"), Entry(directive_id="q", number="3/KH")])
    assert [one.model_extra for one in row.papers] == [NEWER, {}]


def test_whom_a_newer_version_asks_beside_is_kept_and_not_told_in_an_event_that_has_no_place_for_it() -> None:
    asked = Asked.model_validate({"levels": ["commune"], **NEWER})
    paper = Directive(id="d", number="1/CT", issuer="x", asks_of=asked).register()
    assert paper.model_dump()["asks_of"]["colour"] == "red"
    (event,) = paper.take_recorded()
    assert "asked_colour" not in event.model_dump()


@pytest.mark.parametrize(("how", "day", "ended"), [
    (None, None, False), ("repealed", None, True), ("repealed", date(2026, 11, 19), False),
    ("repealed", date(2026, 11, 20), True), ("repealed", date(2026, 11, 21), True),
])  # fmt: skip
def test_a_paper_is_in_force_until_the_day_on_which_it_ends(how: Any, day: date | None, ended: bool) -> None:
    paper = Directive(id="d", number="1/CT", issuer="x", ended_how=how, ended_on=date(2026, 11, 20))
    with pytest.raises(RuleBroken) if ended else nullcontext():
        paper.check_in_force(day)
