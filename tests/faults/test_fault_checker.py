"""The fault rig's checker is shown damage of each kind, and reports it; of a run without damage it says nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.checker import Asked, Damage, Entry, Letter, Mail, Notice, Observed, Row, Wire, bound, check, mail_repeats
from tests.faults.leaks import HeldRows, Sample, judge, levels
from tests.faults.report import Book, Result, Run, Soak, page
from tests.faults.rows import ROWS

TASK, OTHER = "/roviec/tasks/task/t1", "/roviec/notifications/notice/n1"


def sound() -> Observed:
    """Three effects on one task, the last one told to somebody, which is an event of another service again."""
    rows = [Row(f"e{n}", TASK, n, "S", f"r{n}", "tasks-events") for n in (1, 2, 3)]
    rows.append(Row("e4", OTHER, 1, "S", "r3", "notifications-events"))
    return Observed(
        asked=[
            Asked("r1", "t1", "create", 1),
            Asked("r2", "t1", "publish", 2),
            Asked("r3", "t1", "assign", 3, (("p1", "task_assigned"),)),
            Asked("r4", "t1", "accept", None),
        ],
        outbox=rows,
        wire=[Wire(row.topic, 0, place, row.id, row.stream, row.sequence) for place, row in enumerate(rows)],
        ledger=[Entry(n, row.id, row.stream, row.sequence, f"h{n}", f"h{n - 1}" if n else None) for n, row in enumerate(rows)],
        notices=[Notice("e3", "p1", "task_assigned")],
        letters=[Letter("n1", "p1", "delivered"), Letter("n2", "p2", "none")],
        mails=[Mail("<n1@rig>", "p1@rig")],
        addresses={"p1": "p1@rig"},
        sequences={"t1": 3},
        history={"t1": [1, 2, 3]},
        applied={TASK: [1, 2, 3], OTHER: [1]},
    )


def test_a_sound_run_has_nothing_against_it() -> None:
    assert check(sound()) == []


def test_repeats_on_the_wire_are_no_damage_in_a_disturbed_run_and_are_in_a_quiet_one() -> None:
    seen = sound()
    seen.wire += [replace(seen.wire[0], offset=10), replace(seen.wire[2], offset=11)]
    assert check(seen) == []
    seen.quiet = True
    (finding,) = check(seen)
    assert (finding.damage, finding.count) == (Damage.DOUBLED, 2)


def test_an_effect_that_was_never_acknowledged_may_have_happened() -> None:
    seen = sound()
    seen.asked[2] = replace(seen.asked[2], sequence=None)
    assert check(seen) == []


def lose_a_write(seen: Observed) -> None:
    seen.outbox[1] = replace(seen.outbox[1], request_id="somebody else's")


def double_a_write(seen: Observed) -> None:
    seen.outbox[1] = replace(seen.outbox[1], request_id="r1")


def acknowledge_another_number(seen: Observed) -> None:
    seen.asked[1] = replace(seen.asked[1], sequence=7)


def lose_a_document(seen: Observed) -> None:
    seen.sequences.clear()


def tear_a_write(seen: Observed) -> None:
    seen.sequences["t1"] = 4


def lose_a_line_of_history(seen: Observed) -> None:
    seen.history["t1"].remove(2)


def leave_a_gap(seen: Observed) -> None:
    seen.outbox[3] = replace(seen.outbox[3], sequence=2)


def mark_what_was_not_sent(seen: Observed) -> None:
    del seen.wire[2]


def leave_unsent(seen: Observed) -> None:
    del seen.wire[3]
    seen.outbox[3] = replace(seen.outbox[3], state="P")


def leave_unmarked(seen: Observed) -> None:
    seen.outbox[3] = replace(seen.outbox[3], state="P")


def send_in_disorder(seen: Observed) -> None:
    seen.wire[0], seen.wire[1] = replace(seen.wire[0], offset=1), replace(seen.wire[1], offset=0)


def lose_an_entry(seen: Observed) -> None:
    seen.ledger.pop()


def double_an_entry(seen: Observed) -> None:
    seen.ledger.append(replace(seen.ledger[3], index=4, hash="h4", previous="h3"))


def enter_what_nobody_said(seen: Observed) -> None:
    seen.ledger.append(Entry(4, "e9", TASK, 4, "h4", "h3"))


def skip_an_index(seen: Observed) -> None:
    seen.ledger[3] = replace(seen.ledger[3], index=5)


def break_the_chain(seen: Observed) -> None:
    seen.ledger[3] = replace(seen.ledger[3], previous="another")


def enter_in_disorder(seen: Observed) -> None:
    first, second = seen.ledger[0], seen.ledger[1]
    seen.ledger[0] = replace(first, id=second.id, sequence=second.sequence)
    seen.ledger[1] = replace(second, id=first.id, sequence=first.sequence)


def lose_an_effect(seen: Observed) -> None:
    seen.applied[TASK].remove(2)


def lose_all_effects_of_a_stream(seen: Observed) -> None:
    del seen.applied[OTHER]


def double_an_effect(seen: Observed) -> None:
    seen.applied[TASK].append(3)


def apply_in_disorder(seen: Observed) -> None:
    seen.applied[TASK] = [2, 1, 3]


def tell_nobody(seen: Observed) -> None:
    seen.notices.clear()


def tell_twice(seen: Observed) -> None:
    seen.notices *= 2


def tell_somebody_else(seen: Observed) -> None:
    seen.notices.append(Notice("e2", "p2", "task_assigned"))


def lose_a_mail(seen: Observed) -> None:
    seen.mails.clear()


def forget_that_it_was_mailed(seen: Observed) -> None:
    seen.letters[0] = replace(seen.letters[0], state="sending")


def mail_twice(seen: Observed) -> None:
    seen.mails *= 3
    seen.mail_repeats = 1


def mail_under_two_ids(seen: Observed) -> None:
    seen.mails.append(Mail("<n1@another>", "p1@rig"))
    seen.mail_repeats = None


def mail_somebody_else(seen: Observed) -> None:
    seen.mails[0] = replace(seen.mails[0], to="p2@rig")


def mail_what_nobody_asked_for(seen: Observed) -> None:
    seen.mails.append(Mail("<n2@rig>", "p2@rig"))


def leave_parked(seen: Observed) -> None:
    seen.parked.append("audit: failed RuntimeError")


def answer_wrongly(seen: Observed) -> None:
    seen.answers.append("the same key was answered otherwise")


def die(seen: Observed) -> None:
    seen.deaths.append("tasks-api-1 ended with status 1")


@pytest.mark.parametrize(
    ("plant", "damage", "what"),
    [
        (lose_a_write, Damage.LOST, "acknowledged write without its event"),
        (double_a_write, Damage.DOUBLED, "effect of one Idempotency-Key"),
        (acknowledge_another_number, Damage.WRONG, "acknowledged number that is not the event's"),
        (lose_a_document, Damage.LOST, "acknowledged document"),
        (tear_a_write, Damage.LOST, "document whose events are not all in the outbox"),
        (lose_a_line_of_history, Damage.LOST, "document whose history is not complete"),
        (leave_a_gap, Damage.LOST, "stream of the outbox with a gap or a double"),
        (mark_what_was_not_sent, Damage.LOST, "event marked as sent that is not on its topic"),
        (leave_unsent, Damage.STUCK, "event that is still not on its topic"),
        (leave_unmarked, Damage.STUCK, "event that was sent and is not marked so"),
        (send_in_disorder, Damage.DISORDERED, "event sent before its predecessor"),
        (lose_an_entry, Damage.LOST, "event that is not in the ledger"),
        (double_an_entry, Damage.DOUBLED, "event in the ledger"),
        (enter_what_nobody_said, Damage.WRONG, "entry of an event that nobody published"),
        (skip_an_index, Damage.LOST, "the ledger's indexes are not 0, 1, 2 ..."),
        (break_the_chain, Damage.DISORDERED, "entry that does not continue the one before it"),
        (enter_in_disorder, Damage.DISORDERED, "stream in the ledger"),
        (lose_an_effect, Damage.LOST, "event without its effect"),
        (lose_all_effects_of_a_stream, Damage.LOST, "event without its effect"),
        (double_an_effect, Damage.DOUBLED, "effect of one event"),
        (apply_in_disorder, Damage.DISORDERED, "stream of effects"),
        (tell_nobody, Damage.LOST, "notice"),
        (tell_twice, Damage.DOUBLED, "notice"),
        (tell_somebody_else, Damage.WRONG, "notice that nothing called for"),
        (lose_a_mail, Damage.LOST, "mail of a notice"),
        (forget_that_it_was_mailed, Damage.STUCK, "mail that arrived and is not noted so"),
        (mail_twice, Damage.DOUBLED, "mail, where 1 may be"),
        (mail_under_two_ids, Damage.DOUBLED, "Message-ID of one mail"),
        (mail_somebody_else, Damage.WRONG, "mail that no notice asked for, or to somebody else"),
        (mail_what_nobody_asked_for, Damage.WRONG, "mail that no notice asked for, or to somebody else"),
        (leave_parked, Damage.STUCK, "parked record"),
        (answer_wrongly, Damage.WRONG, "answer"),
        (die, Damage.WRONG, "process that ended by itself"),
    ],
)
def test_planted_damage_is_reported(plant: Callable[[Observed], None], damage: Damage, what: str) -> None:
    seen = sound()
    plant(seen)
    assert (damage, what) in {(one.damage, one.what) for one in check(seen)}


def test_a_mail_may_come_again_once_for_each_death_of_a_sender() -> None:
    seen = sound()
    seen.mails *= 3
    seen.mail_repeats = mail_repeats({"kill -9 sender": 1, "pause sender": 1, "kill -9 api": 7})
    assert check(seen) == []
    assert mail_repeats({"kill -9 api": 7, "crash point gateway": 2}) == 0
    assert mail_repeats({}) == 0
    assert mail_repeats({"kill -9 api": 7, "kill -9 database": 1}) is None


def test_the_bound_is_the_rule_of_three() -> None:
    assert bound(300) == pytest.approx(0.01)
    assert bound(0) == 1.0


def book() -> Book:
    """Two whole runs; a row failed in the second one, and one row did only then take part."""
    kept = Book()
    first = [Result("kills", "kill -9", [2, 4, 6], 1, 60, {"kill -9 api": 100, "pause relay": 7}, {"drain, s": 2.0}, [])]
    second = [
        Result("kills", "kill -9", [2, 4, 6], 2, 60, {"kill -9 api": 150, "crash point api": 50}, {"drain, s": 3.0}, []),
        Result("poison", "poison", [16], 2, 60, {"poison": 7, "kill -9 api": 9}, {}, ["LOST: 1 x dead letter"]),
        Result("no-claim", "no claim", [], 2, 60, {"kill -9 api": 5}, {"damage reported": 41}, [], control=True),
    ]
    kept.add(first, Run.of(first, 1, 1))
    kept.add(second, Run.of(second, 2, 2))
    return kept


def test_the_page_adds_runs_up_and_says_what_failed_and_what_is_not_covered() -> None:
    written = page(book())
    assert "| 250 x kill -9 api" not in written  # deaths and crash points stand side by side
    assert "50 x crash point api, 250 x kill -9 api, 7 x pause relay | 2, 0 |" in written
    assert "| api | 300 | <= 1 % | 0 | - | 9 |" in written  # neither a failed row nor a control is among the good ones
    assert "| relay | 0 | - | 7 | <= 43 % | 0 |" in written
    assert "seed 2: LOST: 1 x dead letter" in written
    assert "| no claim | " in written
    assert "- row 7: " in written
    assert "- row 36: " in written
    assert "- row 2: " not in written
    elsewhere, missing = written.index("Played by `make test`"), written.index("Not covered so far")
    assert elsewhere < written.index("- row 13: ") < missing


def test_a_failure_stays_listed_when_the_row_passes_later() -> None:
    kept = book()
    third = [Result("poison", "poison", [16], 3, 60, {"poison": 7}, {}, [])]
    kept.add(third, Run.of(third, 3, 1))
    assert "poison, seed 2, passed since: LOST: 1 x dead letter" in page(kept)


def test_a_run_is_kept_result_by_result_and_counted_once() -> None:
    kept, at = book(), "2026-01-01T00:00:00+00:00"
    row = Result("kills", "kill -9", [2, 4, 6], 3, 60, {"kill -9 api": 10}, {}, [])
    other = Result("poison", "poison", [16], 3, 60, {"poison": 7}, {}, [])
    kept.add([row], Run.of([row], 3, 1, at))
    kept.add([row, other], Run.of([row, other], 3, 2, at))
    rows = {run.seed: list(run.rows) for run in kept.runs}
    assert rows == {1: ["kills"], 2: ["kills", "poison"], 3: ["kills", "poison"]}
    assert "50 x crash point api, 260 x kill -9 api, 7 x pause relay | 3, 0 |" in page(kept)


def test_a_run_and_a_soak_leave_each_other_s_part_of_the_book_alone(tmp_path: Path) -> None:
    data, document = tmp_path / "reliability.json", tmp_path / "reliability.md"
    soaked = Soak(
        "2026-01-01T00:00", "abc", 7, 60.0, {"events": 9}, levels(hour(), 60), [HeldRows("tasks outbox", 0, 9, 60)], []
    )
    kept = book()
    kept.soak = soaked
    kept.write(data, document)
    again = Book.read(data)
    assert again == kept
    row = [Result("quiet", "no fault", [], 9, 60, {}, {}, [])]
    again.add(row, Run.of(row, 9, 1))
    again.write(data, document)
    assert Book.read(data).soak == soaked
    text = document.read_text()
    assert "seed 7, 60 minutes: passed" in text
    assert "300" in text


# --- leaks ---


def hour(**grown: float) -> list[Sample]:
    """Two processes looked at for an hour; what is named grows by so much of itself from the beginning to the end."""
    usual = {"rss": 90_000.0, "descriptors": 40.0, "threads": 20.0, "tasks": 30.0}
    found = []
    for at in range(0, 3600, 10):
        much = {name: int(value * (1 + grown.get(name, 0) * at / 3600)) for name, value in usual.items()}
        found += [Sample(at, "tasks-api-1", 7, **much), Sample(at, "audit-worker-1", 8, 80_000, 30, 10, 20)]
    return found


def test_an_hour_without_a_leak_has_nothing_against_it() -> None:
    assert judge(hour(rss=0.04), [HeldRows("tasks leases", 5, 5)], 60) == []


@pytest.mark.parametrize("what", ["rss", "descriptors", "threads", "tasks"])
def test_what_grows_is_reported_with_its_process(what: str) -> None:
    (finding,) = judge(hour(**{what: 0.5}), [], 60)
    assert finding.damage is Damage.LEAKED
    assert "tasks-api" in finding.what


def test_tasks_that_move_with_a_lease_to_another_replica_are_no_leak() -> None:
    def moved(one: Sample) -> Sample:
        if one.process == "tasks-api-1":
            return replace(one, tasks=20 if one.at < 1800 else 10)
        return replace(one, process="tasks-api-2", tasks=10 if one.at < 1800 else 20)

    assert judge([moved(one) for one in hour()], [], 60) == []


def test_cursors_that_stay_open_on_the_server_are_a_leak() -> None:
    assert judge(hour(), [], 60, cursors=(10, 13)) == []
    assert [one.what for one in judge(hour(), [], 60, cursors=(10, 14))] == ["open cursors: 10 to 14"]


def test_warming_up_is_no_leak() -> None:
    warming = [replace(one, rss=one.rss if one.at > 500 else one.rss // 2) for one in hour()]
    assert judge(warming, [], 60) == []


def test_a_process_that_was_started_anew_or_not_looked_at_proves_nothing() -> None:
    anew = [replace(one, pid=9) if one.at > 3000 and one.process == "tasks-api-1" else one for one in hour()]
    assert [one.damage for one in judge(anew, [], 60)] == [Damage.WRONG]
    gone = [one for one in hour() if one.at < 1000 or one.process != "tasks-api-1"]
    assert "not looked at" in judge(gone, [], 60)[0].what


@pytest.mark.parametrize(
    ("rows", "bounded"),
    [
        (HeldRows("tasks outbox", 10, 40_000, ttl=604_800), True),
        (HeldRows("audit inbox_guards", 10, 900, most=900, of="streams"), True),
        (HeldRows("audit inbox_guards", 10, 901, most=900, of="streams"), False),
        (HeldRows("tasks processes", 10, 11), True),
        (HeldRows("tasks processes", 10, 400), False),
    ],
)
def test_a_collection_that_grows_needs_a_bound(rows: HeldRows, bounded: bool) -> None:
    assert (judge([], [rows], 60) == []) is bounded


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
