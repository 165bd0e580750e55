"""What a reorganisation does to units and to one task, without any I/O: tables, and properties over any list of successions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import FieldProblem, RuleBroken, Words
from services.tasks.tests.register_world import rows_of
from services.tasks.tests.task_world import NOW, a_task
from tasks.domain.directory import Succession, Unit
from tasks.domain.handover import Fate, fates, hand_over, is_live, led_on, move_of, said_twice, text_of, was_handed_over
from tasks.domain.matters import Said
from tasks.domain.means import Part, Party
from tasks.domain.reorganisation import Check, Received, Rehearsal, Reorganisation, Sum, Tally, TaskMove, UnitMove, crossing
from tasks.domain.task import Task

DAY = date(2027, 1, 1)
BEFORE = date(2026, 12, 31)


def unit(key: str, *, ended: bool = True, level: str = "commune") -> Unit:
    until = BEFORE if ended else None
    return Unit(id=key, code=key, level=level, name=key, full_name=f"Xã {key}", valid_to=until)


def follows(text: str) -> list[Succession]:
    """`a>x, b>y partial`: successions, whole unless said otherwise."""
    found = []
    for one in text.split(", "):
        ends, _, kind = one.partition(" ")
        before, after = ends.split(">")
        fields: dict[str, Any] = {"from_unit_id": before, "to_unit_id": after, "kind": kind or "whole", "effective_on": DAY}
        found.append(Succession(id=Succession.id_of(before, after), **fields))
    return found


def fates_of(text: str, *, standing: str = "xyz", ended: tuple[str, ...] = ()) -> dict[str, Fate]:
    relations = follows(text)
    names = {name for one in relations for name in (one.from_unit_id, one.to_unit_id)}
    return fates(relations, {name: unit(name, ended=name not in standing) for name in names}, ended, DAY)


def read(found: dict[str, Fate]) -> str:
    return ", ".join(f"{one.unit_id} {one.how} {'/'.join(one.heirs)}".rstrip() for one in found.values())


@pytest.mark.parametrize(
    ("successions", "expected"),
    [
        ("a>x", "a rule x"),
        ("a>x unchanged", "a rule x"),
        ("a>x merge, b>x merge", "a rule x, b rule x"),
        ("a>x partial, a>y partial", "a choice x/y"),
        ("a>x partial", "a choice x"),  # where the rest went, the register does not say
        ("a>x, a>y", "a choice x/y"),
        ("x>y partial", "x choice y/x"),  # it goes on, and may keep a task
        ("x>y", "x rule y"),  # wholly: though its last day was not entered
        ("a>b, b>x", "a rule x, b rule x"),  # both on one day
        ("a>b, b>x partial, b>y partial", "a rule b, b choice x/y"),
        ("x>y, y>x", "x rule y, y rule x"),  # they exchange their tasks
        ("a>b, b>a", "a rule b, b rule a"),
        ("x>y partial, x>z", "x choice y/z"),  # it did not only give parts away: nothing of it is left
    ],
)
def test_what_becomes_of_units(successions: str, expected: str) -> None:
    assert read(fates_of(successions)) == expected


def test_a_unit_that_ends_without_successor_is_an_orphan() -> None:
    assert read(fates_of("a>x", ended=("d", "a"))) == "a rule x, d orphan"


def test_the_real_table_has_five_units_that_ask_and_eighteen_orphans() -> None:
    """337 relations: 330 communes to 124, two provinces to one, districts to nobody (DOMAIN 5.2)."""
    units = {}
    for row in rows_of("units"):
        until = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
        units[row["unit_uid"]] = Unit(
            id=row["unit_uid"], code=row["nso_code"], level=row["level"], name=row["name"], full_name=row["full_name"],
            valid_to=until,
        )  # fmt: skip
    day = date(2025, 7, 1)
    relations = [
        Succession.model_validate(
            {"id": f"{row['from_uid']}>{row['to_uid']}", "from_unit_id": row["from_uid"], "to_unit_id": row["to_uid"],
             "kind": row["kind"], "effective_on": day}
        )
        for row in rows_of("successions")
    ]  # fmt: skip
    ended = sorted({key for key, one in units.items() if one.valid_to} - {one.from_unit_id for one in relations})
    found = fates(relations, units, ended, day)
    assert Counter(one.how for one in found.values()) == {"rule": 327, "choice": 5, "orphan": 18}
    assert sorted(key[11:16] for key, one in found.items() if one.how == "choice") == [
        "00688",
        "00967",
        "00988",
        "02494",
        "02497",
    ]
    assert {len(one.heirs) for one in found.values() if one.how == "choice"} == {2}
    communes = {one.heirs[0] for key, one in found.items() if one.how == "rule" and "commune" in key}
    assert len(communes | {heir for one in found.values() if one.how == "choice" for heir in one.heirs}) == 124


# --- one task ---

FATES = {
    "a": Fate("a", "rule", ("x",)),
    "b": Fate("b", "rule", ("x",)),
    "s": Fate("s", "choice", ("x", "y")),
    "g": Fate("g", "choice", ("y", "g")),
    "o": Fate("o", "orphan", ()),
    "p": Fate("p", "choice", ("x", "y"), "y"),
    "q": Fate("q", "orphan", (), "z"),
}


@pytest.mark.parametrize(
    ("lead", "coordinators", "chosen", "expected"),
    [
        ("n", "", None, None),
        ("n", "m", None, None),
        ("a", "", None, "x"),
        ("a", "", "y", "x"),  # nobody chooses against the rule
        ("a", "n", None, "x n"),
        ("a", "b", None, "x double"),
        ("a", "x", None, "x double"),
        ("a", "a", None, "x"),  # it coordinated itself before: nothing new
        ("n", "a b", None, "n x"),
        ("n", "s", None, "n x y"),  # all parts coordinate
        ("n", "g", None, None),  # it goes on, and goes on coordinating
        ("n", "o", None, None),  # nobody is known to follow it: it stays named
        ("n", "q", None, "n z"),
        ("x", "a", None, "x double"),
        ("s", "", None, "undecided"),
        ("s", "a", None, "undecided"),
        ("s", "", "y", "y"),
        ("s", "s", "y", "y x"),
        ("p", "", None, "y"),
        ("p", "", "x", "x"),
        ("g", "", "g", None),  # it was decided that it stays
        ("g", "", None, "undecided"),
        ("o", "", None, "undecided"),
        ("o", "", "z", "z"),
        ("q", "", None, "z"),
    ],
)
def test_what_becomes_of_a_task(lead: str, coordinators: str, chosen: str | None, expected: str | None) -> None:
    task = a_task(lead_unit_id=lead, coordinator_unit_ids=coordinators.split())
    move = move_of(task, FATES, chosen)
    if expected is None:
        assert move is None
        return
    assert move is not None
    said = "undecided" if move.undecided else " ".join([str(move.lead), *move.coordinators])
    assert said + (" double" if move.double_lead else "") == expected
    assert move.leads == (lead in FATES)


def test_a_task_without_lead_is_touched_by_its_coordinators_alone() -> None:
    move = move_of(a_task(lead_unit_id=None, coordinator_unit_ids=["a"]), FATES)
    assert move is not None
    assert (move.lead, move.coordinators, move.leads, move.undecided) == (None, ("x",), False, False)


@pytest.mark.parametrize(
    ("state", "kind", "live"),
    [
        ("draft", "date", True),
        ("published", "date", True),
        ("submitted", "date", True),
        ("paused", "date", True),
        ("completed", "date", False),
        ("completed", "date_then_maintain", True),  # its periods go on
        ("cancelled", "date_then_maintain", False),
        ("cancelled", "date", False),
    ],
)
def test_what_is_done_stays_with_the_unit_that_did_it(state: str, kind: str, live: bool) -> None:
    task = a_task(state=state, deadline_kind=kind, lead_unit_id="a")
    assert is_live(task) is live
    assert (move_of(task, FATES) is not None) is live


def test_parts_that_are_missing_and_parties_go_with_a_unit_that_is_followed_by_rule() -> None:
    at = datetime(2027, 1, 1, 1, tzinfo=UTC)
    asked = Said(at=at, by="person:p", words="")
    named = {"b": "asked", "c": "asked", "d": "accepted"}
    parts = [Part(number=n, unit_id=u, due_on=DAY, asked=asked, state=s) for n, (u, s) in enumerate(named.items(), 1)]
    parties = [Party(id=u, kind="firm", label=u, unit_id=u, named=asked) for u in ("a", "c")]
    task = a_task(state="in_progress", lead_unit_id="a", coordinator_unit_ids=list(named), parts=parts, parties=parties)
    move = move_of(task, fates_of("a>x, b>y, c>y partial, c>z partial, d>z"))
    assert move is not None
    hand_over(task, move, "r1", DAY, at)
    assert (task.lead_unit_id, task.coordinator_unit_ids) == ("x", ["y", "z"])
    assert [one.unit_id for one in task.parts] == ["y", "c", "d"], "c was split: its part is asked for anew; d's is done"
    assert [one.unit_id for one in task.parties] == ["x", "c"]
    assert (led_on(task, BEFORE), led_on(task, DAY)) == ("a", "x")


def test_the_same_words_of_the_same_paper_are_said_twice_to_one_unit() -> None:
    tasks = [
        a_task(id="1", title="Rà soát TÀI KHOẢN"),
        a_task(id="2", title="Rà soát  tài khoản"),
        a_task(id="3", title="Rà soát tài khoản", directive_id="d"),
        a_task(id="4", title="Rà soát thiết bị"),
    ]
    assert said_twice(text_of(task, "x") for task in tasks) == {text_of(tasks[0], "x")}
    assert said_twice([text_of(tasks[0], "x"), text_of(tasks[1], "y")]) == set()
    assert said_twice([text_of(tasks[0], "x"), text_of(tasks[2], "x")]) == set(), "of another paper"


def test_a_task_knows_who_led_it_on_a_day_and_is_handed_over_once() -> None:
    task = a_task(lead_unit_id="a", coordinator_unit_ids=["b"])
    for number, (fate, day) in enumerate(((Fate("a", "rule", ("x",)), DAY), (Fate("x", "rule", ("z",)), date(2028, 1, 1)))):
        move = move_of(task, {fate.unit_id: fate})
        assert move is not None
        assert not was_handed_over(task, f"r{number}")
        hand_over(task, move, f"r{number}", day, NOW)
        assert was_handed_over(task, f"r{number}")
    led = [led_on(task, day) for day in (BEFORE, DAY, date(2027, 12, 31), date(2028, 1, 1))]
    assert led == ["a", "x", "x", "z"]
    assert [(one[0], one[2]) for one in task.take_lines()] == [
        ("handed_over", {"lead_unit_id": ["a", "x"]}), ("handed_over", {"lead_unit_id": ["x", "z"]})
    ]  # fmt: skip
    assert led_on(a_task(lead_unit_id="n"), DAY) == "n"


@pytest.mark.parametrize(
    ("after", "crossed", "check", "expected"),
    [
        (("draft", "commune", "d", 2), {}, None, True),
        (("draft", "commune", "d", 2), {}, Check(tasks=2, lost=0, doubled=0), True),
        (("draft", "commune", "d", 2), {}, Check(tasks=1, lost=1, doubled=0), False),
        (("draft", "commune", "d", 2), {}, Check(tasks=2, lost=0, doubled=1), False),
        (("draft", "commune", "d", 1), {}, None, False),
        (("paused", "commune", "d", 2), {}, None, False),
        (("draft", "commune", "e", 2), {}, None, False),
        (("draft", "province", "d", 2), {}, None, False),
        (("draft", "province", "d", 2), {"commune": -2, "province": 2}, None, True),
        (("draft", "commune", "d", 2), {"commune": -2, "province": 2}, None, False),
    ],
)
def test_when_counts_add_up(
    after: tuple[str, str, str, int], crossed: dict[str, int], check: Check | None, expected: bool
) -> None:
    before = Tally.of([("draft", "commune", "d", 2)])
    assert Sum(before, Tally.of([after]), crossed).adds_up(check) is expected


def test_levels_gain_what_others_lose() -> None:
    assert crossing([("district", "commune"), ("district", "commune"), ("commune", "commune")]) == {
        "commune": 2,
        "district": -2,
    }


# --- the reorganisation ---

BY = Said(at=NOW, by="client:province", words="")
FOUND = Rehearsal(number=1, as_of=NOW, tally=Tally.of([("draft", "commune", "d", 2)]))
LIFE: dict[str, Callable[[Reorganisation], None]] = {
    "rehearse_again": lambda one: one.rehearse_again(),
    "decide": lambda one: one.decide(["a"], []),
    "order": lambda one: one.order(BY, ()),
    "discard": lambda one: one.discard(BY),
}


def a_reorganisation(**fields: Any) -> Reorganisation:
    return Reorganisation(id="r", number=1, title="Sắp xếp", effective_on=DAY, planned=BY, **fields)


@pytest.mark.parametrize(
    ("state", "may"),
    [
        ("rehearsing", "discard"),
        ("rehearsed", "rehearse_again decide order discard"),
        ("ordered", "decide discard"),
        ("executing", "decide"),
        ("executed", ""),
        ("discarded", ""),
    ],
)
def test_in_which_states_a_reorganisation_is_changed(state: Any, may: str) -> None:
    for name, act in LIFE.items():
        one = a_reorganisation(state=state)
        if name in may.split():
            act(one)
        else:
            with pytest.raises(RuleBroken) as broken:
                act(one)
            assert [(problem.code, problem.quote) for problem in broken.value.errors] == [("wrong_state", state)]
            assert one.state == state


def test_a_reorganisation_from_its_rehearsal_to_its_execution() -> None:
    one = a_reorganisation()
    assert (one.state, one.rehearsals) == ("rehearsing", 1)
    one.rehearsed(FOUND, 3, 1)
    one.rehearse_again()
    assert (one.state, one.rehearsals) == ("rehearsing", 2)
    one.rehearsed(FOUND, 3, 1)
    undecided = Words("Chưa quyết định.", "Undecided.")
    with pytest.raises(RuleBroken) as broken:
        one.order(BY, iter([FieldProblem("a", "undecided", undecided, undecided)]))
    assert ([problem.code for problem in broken.value.errors], one.state) == (["undecided"], "rehearsed")
    one.order(BY, ())
    one.begin(NOW)
    one.conclude(NOW, Check(tasks=2, lost=0, doubled=0), [Received("x", ["a"], 2, ["p"])], adds_up=True)
    assert (one.state, one.begun_at, one.executed_at) == ("executed", NOW, NOW)
    told = one.take_recorded()
    assert [event.type.split(".")[2] for event in told] == ["rehearsed", "rehearsed", "ordered", "unit_received", "executed"]
    assert {event.model_dump()["reorganisation_id"] for event in told} == {"r"}


def test_what_units_counted_is_put_together() -> None:
    moves = []
    for key, level in (("a", "commune"), ("b", "district")):
        move = UnitMove(
            id=UnitMove.id_of("r", key), reorganisation_id="r", unit_id=key, how="rule", heirs=["x"], ends=True, level="c"
        )
        for _ in range(2):
            move.count(
                Tally.of([("draft", level, "d", 3)]),
                Tally.of([("draft", "commune", "d", 3)]),
                crossing([(level, "commune")] * 3),
            )
        moves.append(move)
    assert [move.id for move in moves] == ["r/a", "r/b"]
    assert moves[1].crossed == {"commune": 6, "district": -6}
    assert (moves[1].before.by_level, moves[1].after.by_level) == ({"district": 6}, {"commune": 6})
    whole = Sum.of(moves)
    assert (whole.before.tasks, whole.after.tasks, whole.crossed) == (12, 12, {"commune": 6, "district": -6})
    assert whole.adds_up(None)
    assert Sum.of([*moves, moves[1].model_copy(update={"crossed": {"commune": -6, "district": 6}})]).crossed == {}
    assert moves[0].fate == Fate("a", "rule", ("x",))
    assert TaskMove.id_of("r", "t") == "r/t"


# --- properties ---

NAMES = "abcdexyz"
KINDS = st.sampled_from(["whole", "partial", "unchanged", "merge"])
SUCCESSIONS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), KINDS).filter(lambda one: one[0] != one[1]),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one[:2],
)
TASKS = st.lists(
    st.builds(
        a_task,
        id=st.uuids().map(str),
        lead_unit_id=st.none() | st.sampled_from(NAMES),
        coordinator_unit_ids=st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
        state=st.sampled_from(
            ["draft", "published", "assigned", "in_progress", "submitted", "completed", "paused", "cancelled"]
        ),
        directive_id=st.sampled_from([None, "d1", "d2"]),
    ),
    max_size=12,
)


@given(SUCCESSIONS, TASKS, st.sets(st.sampled_from(NAMES)))
def test_a_merger_keeps_counts(successions: list[tuple[str, str, str]], tasks: list[Task], standing: set[str]) -> None:
    """Whatever the list and whoever chose what: no task is lost or doubled, each has one lead that is no coordinator, and
    what is counted by state and by paper is the same as before.
    """
    relations = follows(", ".join(f"{before}>{after} {kind}" for before, after, kind in successions))
    found = fates(relations, {name: unit(name, ended=name not in standing) for name in NAMES}, (), DAY)
    after: list[Task] = []
    for task in tasks:
        fate = found.get(task.lead_unit_id or "")
        chosen = fate.heirs[-1] if fate is not None and fate.how == "choice" else None
        move = move_of(task, found, chosen)
        if move is None:
            after.append(task)
            continue
        assert not move.undecided
        assert move.lead not in move.coordinators
        assert len(set(move.coordinators)) == len(move.coordinators)
        assert (move.lead is None) == (task.lead_unit_id is None)
        changed = {"lead_unit_id": move.lead, "coordinator_unit_ids": list(move.coordinators)}
        after.append(task.model_copy(update=changed))
    assert counted(after) == counted(tasks)


def counted(tasks: list[Task]) -> Tally:
    return Tally.of((task.state, "commune" if task.lead_unit_id else None, task.directive_id, 1) for task in tasks)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.sampled_from("cd"), st.none() | st.just("e"), st.integers(1, 9)))
)
def test_a_tally_adds_up(rows: list[tuple[str, str | None, str | None, int]]) -> None:
    whole = Tally.of(rows)
    for part in (whole.by_state, whole.by_level, whole.by_directive):
        assert sum(part.values()) == whole.tasks
    middle = len(rows) // 2
    assert Tally.of(rows[:middle]) + Tally.of(rows[middle:]) == whole
