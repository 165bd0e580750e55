"""Pure rules: who is told, in which words, what becomes of the mail, what a mail looks like."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.contracts import notifications as events
from common.contracts.base import Event
from common.contracts.tasks import (
    ClockStarted,
    ClockStopped,
    FateAsked,
    PeriodBecameOverdue,
    PeriodFellDueSoon,
    TaskAssigned,
    TaskBecameOverdue,
    TaskCompleted,
    TaskDroppedFromPlan,
    TaskFellDueSoon,
    TaskRefused,
    TaskSubmitted,
)
from common.contracts.tasks_concretisation import ConcretisationReminded, NotApplicableConfirmed, NotApplicableRejected
from common.contracts.tasks_life import (
    CommitmentAsked,
    CommitmentBroken,
    CommitmentGiven,
    DisputeRaised,
    DisputeRejected,
    DisputeUpheld,
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    PeriodEscalated,
    RemedyPlanAsked,
    RemedyPlanGiven,
    RemedyPlanReminded,
    TaskDisputed,
    TaskEscalated,
    TaskReopened,
)
from common.contracts.tasks_means import (
    EvidenceRejected,
    FocusSet,
    NoWorkRejected,
    NoWorkStated,
    PartAsked,
    PartBecameOverdue,
    PartFellDueSoon,
    PartReturned,
    PartSubmitted,
    PartWithdrawn,
    PartyNamed,
    TaskOverspent,
)
from common.contracts.tasks_reorganisation import UnitReceived
from common.contracts.training import EnrolmentOpened
from common.domain import Actor
from common.errors import Invalid
from notifications.domain.letter import letter
from notifications.domain.notice import Mail, Notice, Refusal, notice_id, pause_after
from notifications.domain.person import Contact, Person, is_address, mail_objection, may_see
from notifications.domain.reactions import (
    KINDS,
    REACTIONS,
    Reaction,
    about,
    offices_told,
    recipients,
    unit_whose_heads_are_told,
    words,
)
from notifications.domain.text import Bilingual, days_late, days_left, one_line
from notifications.settings import NotificationsSettings

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PAUSES = (10.0, 60.0)
TASK = {"task_id": "t1", "title": "Rà soát", "lead_unit_id": "u1", "responsible_id": "r", "approver_id": "a"}
PAPER = {"paper_id": "p", "waits_for": "Trung ương"}
DAY = date(2026, 12, 15)
ASKED: dict[str, Any] = {"number": 1, "wanted_on": DAY}
MOVED: dict[str, Any] = {"due_before": date(2026, 11, 30), "original_due_on": date(2026, 11, 30)}
DISPUTE: dict[str, Any] = {"number": 1, "dispute": "wording"}
LATE: dict[str, Any] = {"days_late": 5, "counted_from": date(2026, 11, 30)}
UNIT = {"concretisation_id": "d/u", "directive_id": "d", "unit_id": "u", "number": "57-NQ/TW", "issued_on": date(2024, 12, 22)}
PART: dict[str, Any] = {"part": 1, "unit_id": "u2", "part_due_on": DAY}
RECEIVED: dict[str, Any] = {
    "reorganisation_id": "o", "effective_on": DAY, "unit_id": "u1", "from_unit_ids": ["u0"], "tasks": 12,
    "person_ids": ["r", "h1"],
}  # fmt: skip
NOVEMBER = {"period": "2026-11", "period_due_on": date(2026, 11, 30)}


def row(kind: str) -> Reaction:
    return next(reaction for reaction in REACTIONS if reaction.kind == kind)


def notice(**changes: object) -> Notice:
    text = Bilingual(vi="Giao nhiệm vụ: Rà soát", en="Task assigned: Rà soát")
    return Notice(
        **{
            "id": notice_id("f", "r", "task_assigned"), "recipient_id": "r", "kind": "task_assigned", "fact_id": "f",
            "about": "/v1/tasks/t1", "title": text, "body": text, "created_at": NOW, "correlation_id": "c",
            "mail": Mail(state="waiting", next_at=NOW), **changes,
        }
    )  # fmt: skip


# --- who is told ---


@pytest.mark.parametrize(
    ("kind", "event", "told"),
    [
        ("task_assigned", TaskAssigned(**TASK), ["r"]),
        ("task_refused", TaskRefused(**TASK, reason_code="x"), ["a"]),
        ("task_submitted", TaskSubmitted(**TASK, submitted_at=NOW), ["a"]),
        ("task_due_soon", TaskFellDueSoon(**TASK, days_left=3), ["r"]),
        ("task_overdue", TaskBecameOverdue(**TASK), ["r", "a", "h1", "h2"]),
        ("task_completed", TaskCompleted(**TASK, completed_at=NOW, timeliness="done_late"), ["r", "a"]),
        ("clock_started", ClockStarted(**TASK, **PAPER, paper_issued_on=date(2026, 5, 1), days_waited=12), ["r", "h1", "h2"]),
        ("clock_stopped", ClockStopped(**TASK, **PAPER, due_before=date(2026, 5, 31)), ["r", "h1", "h2"]),
        ("task_fate_asked", FateAsked(**TASK, paper_id="p"), ["a", "h1", "h2"]),
        ("task_dropped_from_plan", TaskDroppedFromPlan(**TASK), ["a", "h1", "h2"]),
        ("period_due_soon", PeriodFellDueSoon(**TASK, **NOVEMBER, days_left=3), ["r"]),
        ("period_overdue", PeriodBecameOverdue(**TASK, **NOVEMBER), ["r", "a", "h1", "h2"]),
        ("extension_requested", ExtensionRequested(**TASK, **ASKED, level="standing_agency"), ["s"]),
        ("extension_requested", ExtensionRequested(**TASK, **ASKED, level="approver"), ["a"]),
        ("extension_granted", ExtensionGranted(**TASK, **ASKED, **MOVED), ["r", "h1", "h2"]),
        ("extension_refused", ExtensionRefused(**TASK, **ASKED), ["r", "h1", "h2"]),
        ("task_disputed", TaskDisputed(**TASK, **DISPUTE, level="approver", answer_by=DAY), ["a"]),
        ("dispute_raised", DisputeRaised(**TASK, **DISPUTE, level="committee_leader", answer_by=DAY), ["c"]),
        ("dispute_upheld", DisputeUpheld(**TASK, **DISPUTE, level="approver"), ["r", "h1", "h2"]),
        ("dispute_rejected", DisputeRejected(**TASK, **DISPUTE, level="approver"), ["r", "h1", "h2"]),
        ("task_reopened", TaskReopened(**TASK), ["r", "h1", "h2"]),
        ("period_escalated", PeriodEscalated(**TASK, **NOVEMBER, days_late=5, level="approver"), ["a"]),
        ("period_escalated", PeriodEscalated(**TASK, **NOVEMBER, days_late=9, level="standing_agency"), ["s"]),
        ("task_escalated", TaskEscalated(**TASK, **LATE, level="responsible"), ["r"]),
        ("task_escalated", TaskEscalated(**TASK, **LATE, level="unit_head"), ["h1", "h2"]),
        ("task_escalated", TaskEscalated(**TASK, **LATE, level="standing_agency"), ["s"]),
        ("task_escalated", TaskEscalated(**TASK, **LATE, level="a level of a newer version"), []),
        ("remedy_plan_asked", RemedyPlanAsked(**TASK, **LATE), ["r", "h1", "h2"]),
        ("remedy_plan_given", RemedyPlanGiven(**TASK, number=1, milestones_on=[DAY]), ["a"]),
        ("commitment_asked", CommitmentAsked(**TASK, **LATE), ["r", "h1", "h2"]),
        ("commitment_broken", CommitmentBroken(**TASK, number=1, committed_on=DAY, level="standing_agency"), ["s"]),
        ("commitment_broken", CommitmentBroken(**TASK, number=1, committed_on=DAY, level="unit_head"), ["h1", "h2"]),
        ("remedy_plan_reminded", RemedyPlanReminded(**TASK, asked_on=DAY, times=1), ["r", "h1", "h2"]),
        ("commitment_given", CommitmentGiven(**TASK, number=1, committed_on=DAY), ["a"]),
        ("evidence_rejected", EvidenceRejected(**TASK, evidence_id="e"), ["r"]),
        ("task_overspent", TaskOverspent(**TASK, fund=1), ["a", "h1", "h2"]),
        ("part_asked", PartAsked(**TASK, **PART), ["h1", "h2"]),
        ("part_submitted", PartSubmitted(**TASK, **PART), ["r"]),
        ("part_returned", PartReturned(**TASK, **PART), ["h1", "h2"]),
        ("part_withdrawn", PartWithdrawn(**TASK, **PART), ["h1", "h2"]),
        ("part_due_soon", PartFellDueSoon(**TASK, **PART, days_left=2), ["r", "h1", "h2"]),
        ("part_overdue", PartBecameOverdue(**TASK, **PART), ["r", "h1", "h2"]),
        ("focus_set", FocusSet(**TASK), ["r", "h1", "h2"]),
        ("party_named", PartyNamed(**TASK, party_id="p", party="firm", unit_id="u2"), ["h1", "h2"]),
        ("no_work_stated", NoWorkStated(**TASK, **NOVEMBER), ["a"]),
        ("no_work_rejected", NoWorkRejected(**TASK, **NOVEMBER), ["r", "h1", "h2"]),
        ("concretisation_reminded", ConcretisationReminded(**UNIT, times=1), ["h1", "h2"]),
        ("not_applicable_confirmed", NotApplicableConfirmed(**UNIT), ["h1", "h2"]),
        ("not_applicable_rejected", NotApplicableRejected(**UNIT), ["h1", "h2"]),
        ("unit_received", UnitReceived(**RECEIVED), ["r", "h1", "h2"]),
        (
            "wave_opened",
            EnrolmentOpened(enrolment_id="e", programme_id="p", title="An toàn thông tin", person_id="l", unit_id="u1", wave=0),
            ["l"],
        ),
    ],
)
def test_the_table_says_who_is_told(kind: str, event: Event, told: list[str]) -> None:
    heads = ["h1", "h2"] if unit_whose_heads_are_told(row(kind), event) else []
    officials = [{"standing_agency": "s", "committee_leader": "c"}[office] for office in offices_told(row(kind), event)]
    assert recipients(row(kind), event, [*heads, *officials]) == told


def test_of_a_part_the_heads_of_the_coordinating_unit_are_told_of_its_own_day() -> None:
    event = PartAsked(**TASK, **PART)
    assert unit_whose_heads_are_told(row("part_asked"), event) == "u2"
    assert "15/12/2026" in words(row("part_asked"), event)[1].vi
    near, passed = PartFellDueSoon(**TASK, **PART, days_left=2), PartBecameOverdue(**TASK, **PART)
    for kind, fact in (("part_due_soon", near), ("part_overdue", passed)):
        assert unit_whose_heads_are_told(row(kind), fact) == "u2", "not those of the leading unit"
    body = words(row("part_due_soon"), near)[1]
    assert body.vi.endswith("sắp đến hạn mà chưa nộp: 15/12/2026, còn 2 ngày.")
    assert body.en == "Part 1 of the task 'Rà soát' has not been handed in and is due on 2026-12-15: 2 days left."
    assert "đã quá hạn 15/12/2026" in words(row("part_overdue"), passed)[1].vi


@pytest.mark.parametrize(("kind", "called"), [("youth_union", "đoàn thanh niên"), ("a kind of a newer version", "một bên")])
def test_a_party_is_called_by_its_role(kind: str, called: str) -> None:
    event = PartyNamed(**TASK, party_id="p", party=kind, unit_id="u2")
    assert called in words(row("party_named"), event)[0].vi


def test_a_unit_is_told_once_of_all_that_it_has_taken_over() -> None:
    event = UnitReceived(**RECEIVED)
    title, body = words(row("unit_received"), event)
    assert title.vi == "Tiếp nhận 12 nhiệm vụ sau sắp xếp"
    assert "From 2026-12-15 on" in body.en
    assert about(row("unit_received"), event) == "/v1/tasks?unit=u1"


def test_one_person_in_several_roles_is_told_once_and_nobody_is_nobody() -> None:
    event = TaskBecameOverdue(**{**TASK, "approver_id": "r"})
    assert recipients(row("task_overdue"), event, ["r", "h"]) == ["r", "h"]
    assert recipients(row("task_submitted"), TaskSubmitted(task_id="t", title="x", submitted_at=NOW)) == []
    assert unit_whose_heads_are_told(row("task_overdue"), TaskBecameOverdue(task_id="t", title="x")) is None


def test_every_row_has_its_own_kind_and_event_and_fills_its_words() -> None:
    assert len(set(KINDS)) == len(KINDS) == len({reaction.event for reaction in REACTIONS})
    for reaction in REACTIONS:
        fields: dict[str, Any] = {
            "task_id": "t",
            "programme_id": "p",
            "title": "Tên việc",
            "due_on": date(2026, 11, 30),
            "days_left": 2,
            "directive_id": "d",
            "unit_id": "u",
            "tasks": 12,
        }
        of_paper, of_many = ("concretisation_id" in reaction.event.model_fields, reaction.event is UnitReceived)
        event = reaction.event.model_construct(**fields | ({"number": "57-NQ/TW"} if of_paper else {}))
        title, body = words(reaction, event)
        named = "57-NQ/TW" if of_paper else "12" if of_many else "Tên việc"
        assert named in title.vi
        assert named in title.en
        assert "{" not in title.vi + title.en + body.vi + body.en
        paths = ("/v1/tasks/t", "/v1/programmes/p", "/v1/directives/d/concretisation", "/v1/tasks?unit=u")
        assert about(reaction, event) in paths


def test_a_reminder_names_the_paper_and_how_long_it_has_been_missing() -> None:
    event = ConcretisationReminded(**UNIT, silent_working_days=21, due_on=date(2025, 1, 20), times=2)
    assert unit_whose_heads_are_told(row("concretisation_reminded"), event) == "u"
    title, body = words(row("concretisation_reminded"), event)
    assert title.vi == "Đôn đốc cụ thể hóa: văn bản số 57-NQ/TW ngày 22/12/2024"
    assert "(đã 21 ngày làm việc; hạn: 20/01/2025)" in body.vi
    assert "(21 working days by now; due day: 2025-01-20)" in body.en
    _, undated = words(row("concretisation_reminded"), ConcretisationReminded(**{**UNIT, "issued_on": None}, times=1))
    assert "văn bản số 57-NQ/TW (chưa rõ ngày ban hành; hạn: chưa có hạn)" in undated.vi


def test_a_period_is_named_and_its_own_due_day_told() -> None:
    title, body = words(row("period_due_soon"), PeriodFellDueSoon(**TASK, **NOVEMBER, due_on=date(2027, 1, 1), days_left=3))
    assert title.vi == "Kỳ 2026-11 sắp đến hạn: Rà soát"
    assert body.en == "Period 2026-11 of the task 'Rà soát' is due on 2026-11-30: 3 days left."


def test_words_of_a_moved_day_and_of_lateness_name_both_days() -> None:
    granted = ExtensionGranted(**TASK, **ASKED, **MOVED, due_on=DAY)
    assert words(row("extension_granted"), granted)[1].vi == "Nhiệm vụ «Rà soát» được gia hạn từ 30/11/2026 đến 15/12/2026."
    late = TaskEscalated(**TASK, **LATE, level="unit_head", due_on=date(2026, 11, 30))
    title, body = words(row("task_escalated"), late)
    assert (title.vi, title.en) == ("Chưa có kết quả, đã quá hạn 5 ngày: Rà soát", "Not handed in, 5 days late: Rà soát")
    assert body.en == "The task 'Rà soát' (due day: 2026-11-30) is 5 days late and its result has not been handed in."
    month = PeriodEscalated(**TASK, **NOVEMBER, days_late=1, level="unit_head", due_on=date(2027, 1, 1))
    title, body = words(row("period_escalated"), month)
    assert title.en == "Period 2026-11 not handed in, 1 day late: Rà soát"
    assert body.vi == "Kỳ 2026-11 của nhiệm vụ «Rà soát» (hạn: 30/11/2026) đã quá hạn 1 ngày mà chưa trình kết quả."
    disputed = TaskDisputed(**TASK, **DISPUTE, level="approver", answer_by=DAY)
    assert words(row("task_disputed"), disputed)[1].vi.endswith("Đề nghị trả lời chậm nhất 15/12/2026.")


@pytest.mark.parametrize(
    ("days", "vi", "en"),
    [
        (-3, "còn 3 ngày đến hạn", "due in 3 days"),
        (-1, "còn 1 ngày đến hạn", "due in 1 day"),
        (0, "đến hạn hôm nay", "due today"),
        (2, "đã quá hạn 2 ngày", "2 days late"),
    ],
)
def test_a_step_before_the_due_day_calls_nobody_late(days: int, vi: str, en: str) -> None:
    assert (days_late(days).vi, days_late(days).en) == (vi, en)


def test_words_are_in_both_languages_with_the_due_day() -> None:
    event = TaskFellDueSoon(**TASK, due_on=date(2026, 11, 30), days_left=1)
    title, body = words(row("task_due_soon"), event)
    assert title.vi == "Sắp đến hạn: Rà soát"
    assert body.vi == "Nhiệm vụ «Rà soát» sắp đến hạn: 30/11/2026, còn 1 ngày."
    assert body.en == "The task 'Rà soát' is due on 2026-11-30: 1 day left."
    assert days_left(0).vi == "hôm nay là ngày cuối"
    _, body = words(row("task_assigned"), TaskAssigned(**TASK))
    assert "chưa có hạn" in body.vi


def test_braces_in_a_task_title_are_only_text() -> None:
    title, _ = words(row("task_assigned"), TaskAssigned(**{**TASK, "title": "{due.__class__} {0}"}))
    assert title.en == "Task assigned: {due.__class__} {0}"


@given(st.text(max_size=400), st.integers(min_value=2, max_value=60))
def test_one_line_is_one_printable_short_line(text: str, length: int) -> None:
    line = one_line(text, length)
    assert len(line) <= length
    assert line.isprintable()


def test_one_notice_a_person_and_fact() -> None:
    assert notice_id("f", "p", "k") == notice_id("f", "p", "k")
    assert len({notice_id("f", "p", "k"), notice_id("g", "p", "k"), notice_id("f", "q", "k"), notice_id("f", "p", "l")}) == 4


# --- mail ---


def test_pauses_grow_and_end() -> None:
    assert [pause_after(n, PAUSES) for n in (1, 2, 3)] == [timedelta(seconds=10), timedelta(seconds=60), None]


def test_a_mail_is_tried_again_and_given_up_after_the_last_pause() -> None:
    told, seen = notice(), []
    for _ in range(3):
        told.claim_mail(NOW + timedelta(minutes=1))
        assert told.settle_mail(told.mail.claim, Refusal("smtp_450", permanent=False), NOW, PAUSES)
        seen.append((told.mail.state, told.mail.attempts, told.mail.next_at))
    assert seen == [
        ("waiting", 1, NOW + timedelta(seconds=10)),
        ("waiting", 2, NOW + timedelta(seconds=60)),
        ("failed", 3, None),
    ]
    [failed] = told.take_recorded()
    assert isinstance(failed, events.NoticeFailed)
    assert failed.reason_code == "smtp_450"


def test_a_permanent_refusal_fails_at_once_and_a_withdrawn_mail_counts_no_attempt() -> None:
    told = notice()
    told.claim_mail(NOW)
    assert told.settle_mail(1, Refusal("smtp_550", permanent=True), NOW, PAUSES)
    assert (told.mail.state, told.mail.attempts, told.mail.reason_code) == ("failed", 1, "smtp_550")
    told = notice()
    told.claim_mail(NOW)
    assert told.settle_mail(1, Refusal("no_address", permanent=True, attempted=False), NOW, PAUSES)
    assert (told.mail.state, told.mail.attempts, told.mail.reason_code) == ("failed", 0, "no_address")


def test_a_sender_whose_claim_was_taken_over_may_only_say_that_it_was_delivered() -> None:
    told = notice()
    told.claim_mail(NOW)
    told.claim_mail(NOW + timedelta(minutes=1))
    assert not told.settle_mail(1, Refusal("smtp_550", permanent=True), NOW, PAUSES)
    assert not told.give_back_mail(1, NOW)
    assert (told.mail.state, told.mail.claim) == ("sending", 2)
    assert told.settle_mail(1, None, NOW, PAUSES)
    assert told.mail.state == "delivered"
    assert not told.settle_mail(2, Refusal("smtp_550", permanent=True), NOW, PAUSES)
    assert not told.settle_mail(2, None, NOW, PAUSES)
    assert [type(event) for event in told.take_recorded()] == [events.NoticeDelivered]


def test_reading_twice_is_one_fact() -> None:
    told = notice().create()
    assert told.read(NOW)
    assert not told.read(NOW + timedelta(hours=1))
    assert told.read_at == NOW
    assert [type(event) for event in told.take_recorded()] == [events.NoticeCreated, events.NoticeRead]


def test_who_gets_mail() -> None:
    person, contact = Person(id="p", unit_id="u", position="officer"), Contact(id="p", address="p@example.vn")
    assert mail_objection(person, contact, "task_assigned") is None
    assert mail_objection(None, contact, "task_assigned") is None
    assert mail_objection(person, None, "task_assigned") == "no_address"
    assert mail_objection(person, Contact(id="p"), "task_assigned") == "no_address"
    assert mail_objection(person.model_copy(update={"active": False}), contact, "task_assigned") == "person_inactive"
    contact.choose("p@example.vn", {"task_assigned": False})
    assert mail_objection(person, contact, "task_assigned") == "mail_off"
    assert mail_objection(person, contact, "task_overdue") is None


def test_who_may_see() -> None:
    person = Person(id="p", unit_id="u", position="officer")
    assert may_see(Actor("person", "p"), "p", None)
    assert not may_see(Actor("person", "q"), "p", person)
    assert may_see(Actor("client", "c"), "p", None)
    assert may_see(Actor("client", "c", units=frozenset({"u"})), "p", person)
    assert not may_see(Actor("client", "c", units=frozenset({"v"})), "p", person)
    assert not may_see(Actor("client", "c", units=frozenset({"u"})), "p", None)


# --- addresses and letters ---


@pytest.mark.parametrize("good", ["a@b", "ten.ho@so.gov.vn", "a+b@x-y.vn", "o'neil@example.vn"])
def test_addresses_that_mail_can_go_to(good: str) -> None:
    assert is_address(good)


@pytest.mark.parametrize(
    "bad",
    ["", "a", "@b", "a@", "a b@c.vn", "a@b c", "a@b\r\nBcc: x@y", "a@b,c@d", "<a@b>", "A <a@b>", "a@-b", "tên@b.vn", "a@b.vn\n",
     "a..b@c", "a@[127.0.0.1]", '"a"@b', "x" * 65 + "@b", "a@" + "b" * 260, "a@b@c", "a@b..c"],
)  # fmt: skip
def test_addresses_that_are_refused(bad: str) -> None:
    assert not is_address(bad)
    with pytest.raises(Invalid):
        Contact(id="p").choose(bad, {})


def test_a_letter_is_the_same_every_time_and_answers_no_machine() -> None:
    first, second = (letter(notice(), "a@b.vn", "no-reply@roviec.example", "https://roviec.example/") for _ in range(2))
    assert first.as_bytes() == second.as_bytes()
    read = message_from_bytes(first.as_bytes(), policy=policy.default)
    assert read["Message-ID"] == f"<{notice().id}@roviec.example>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["To"] == "a@b.vn"
    assert read["Subject"] == "Giao nhiệm vụ: Rà soát"
    text = read.get_content()
    assert "https://roviec.example/v1/tasks/t1" in text
    assert text.index("Giao nhiệm vụ") < text.index("Task assigned")
    assert first.as_bytes().isascii()


@given(st.text(max_size=300))
def test_no_title_can_add_a_header(text: str) -> None:
    evil = notice(title=Bilingual(vi=f"{text}\r\nBcc: evil@example.vn\r\n\r\nx", en=text))
    sent = letter(evil, "a@b.vn", "no-reply@roviec.example", "https://x").as_bytes()
    read = message_from_bytes(sent, policy=policy.default)
    plain = letter(notice(), "a@b.vn", "no-reply@roviec.example", "https://x")
    assert sorted(read.keys()) == sorted(plain.keys())
    assert read["Bcc"] is None


# --- settings ---

BASE: dict[str, Any] = {
    "mongo_uri": "mongodb://x", "database": "d", "kafka_bootstrap": "k:1", "internal_jwks_url": "http://x", "cursor_key": "k",
    "smtp_host": "mail.example.vn", "mail_from": "no-reply@example.vn", "public_url": "https://example.vn",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({}, True),
        ({"smtp_tls": "none"}, False),
        ({"smtp_tls": "none", "smtp_allow_plain": True}, True),
        ({"smtp_tls": "none", "smtp_allow_plain": True, "smtp_username": "u", "smtp_password": "p"}, False),
        ({"smtp_tls": "none", "smtp_host": "127.0.0.1"}, True),
        ({"smtp_tls": "none", "smtp_host": "localhost"}, True),
        ({"smtp_username": "u"}, False),
        ({"smtp_username": "u", "smtp_password": "p"}, True),
        ({"mail_from": "Rõ Việc <a@b>"}, False),
        ({"mail_claim_seconds": 5.0}, False),
    ],
)
def test_settings_refuse_what_would_leak(changes: dict[str, Any], fine: bool) -> None:
    if fine:
        NotificationsSettings(**{**BASE, **changes})
    else:
        with pytest.raises(ValidationError):
            NotificationsSettings(**{**BASE, **changes})
