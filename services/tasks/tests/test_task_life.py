"""The life of a task as a state machine: whatever is tried in whatever order, no state is reached without its conditions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.contracts.tasks import TaskAssigned
from common.domain import local_day
from common.errors import RuleBroken
from services.tasks.tests.task_world import NOW, PEOPLE_OF, A, B, a_task
from tasks.domain.catch_up import commit
from tasks.domain.clears import Facts, check_stays_clear, unclear, unfit
from tasks.domain.committee import Committee
from tasks.domain.directive import Directive
from tasks.domain.dispute import dispute, raise_dispute, reject_dispute, uphold_dispute
from tasks.domain.extension import grant_extension, refuse_extension, request_extension
from tasks.domain.leads import Names
from tasks.domain.matters import Said
from tasks.domain.means import Evidence, Review
from tasks.domain.periods import Period, open_periods
from tasks.domain.proof import review_evidence, supersede, unproven
from tasks.domain.reading import read_words
from tasks.domain.reopening import reopen
from tasks.domain.steps import climb, climb_period, counted_from
from tasks.domain.task import AT_ONCE, OPEN, Clock, Task
from tasks.domain.timeliness import own_timeliness, verdict
from tasks.domain.waiting import days_waited, start_clock

FACTS = Facts(PEOPLE_OF, Names(()).read(""), Committee())
NEXT = {
    "draft": {"published", "cancelled"},
    "published": {"assigned", "paused", "cancelled"},
    "assigned": {"in_progress", "published", "paused", "cancelled"},
    "in_progress": {"assigned", "published", "submitted", "paused", "cancelled"},
    "submitted": {"in_progress", "completed", "cancelled"},
    "paused": {*OPEN, "cancelled"},
    "completed": {"in_progress"},
    "cancelled": set(),
}
"""Where each state may lead."""

AWAITED = ("5 ngày sau khi Trung ương ban hành", "8 ngày sau khi Trung ương ban hành")
DEADLINES = ["", "30/11/2026", "12/2026", "Thường xuyên", "Hằng tháng, trước ngày 25", *AWAITED]
WORDS = st.sampled_from(["", "lý do"])
PERSON = st.sampled_from([None, "nobody", *PEOPLE_OF])
CHANGE = st.one_of(
    st.fixed_dictionaries({"responsible_id": PERSON}),
    st.fixed_dictionaries({"approver_id": PERSON}),
    st.fixed_dictionaries({"lead_unit_id": st.sampled_from([None, A, B])}),
    st.fixed_dictionaries({"coordinator_unit_ids": st.sampled_from([[], [A], [B]])}),
    st.fixed_dictionaries({"deadline_written": st.sampled_from(DEADLINES)}),
    st.fixed_dictionaries({"calendar": st.sampled_from([None, "month", "year"])}),
    st.fixed_dictionaries({"due_on": st.none() | st.dates(local_day(NOW), local_day(NOW + timedelta(days=20)))}),
    st.fixed_dictionaries({"product": st.sampled_from(["", "Báo cáo", "Hệ thống", "Hợp tác"])}),
    st.fixed_dictionaries({"evidence_kind": st.sampled_from([None, "document", "link"])}),
    st.fixed_dictionaries({"title": st.sampled_from(["Rà soát tài khoản", "Việc", "Đẩy mạnh"])}),
)


class Life(RuleBasedStateMachine):
    """One task, and everybody who does anything with it. What is refused changes nothing, as in the transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.task = Task(id="t1", created_at=NOW, title="Rà soát tài khoản").draft()
        self.seen: list[str] = []
        self.told_of: list[tuple[Any, str]] = []
        self.refusals: list[RuleBroken] = []
        self.given_to: str | None = None
        self.climbed: list[tuple[Any, str, str]] = []
        self.climbed_of_periods: list[tuple[Any, Any]] = []
        self.opening: list[Period] = []
        self.periods: list[Period] = []
        self._publish_what_was_recorded()

    def _attempt(self, act: Callable[[Task], object]) -> None:
        tried = self.task.model_copy(deep=True)
        before = self.task.state
        try:
            act(tried)
        except RuleBroken as broken:
            self.refusals.append(broken)
            return
        assert tried.state == before or tried.state in NEXT[before], (before, tried.state)
        self.task = tried
        self._publish_what_was_recorded()

    def _publish_what_was_recorded(self) -> None:
        recorded, lines = self.task.take_recorded(), self.task.take_lines()
        for event in recorded:
            if isinstance(event, TaskAssigned):
                self.given_to = event.responsible_id
        assert len(recorded) == len(lines), "each event has its line in the history, and each line its event"
        assert [event.type.split(".")[2] for event in recorded] == [what for what, _, _ in lines]
        assert all(event.subject == self.task.id for event in recorded)
        self.seen += [what for what, _, _ in lines]
        self.told_of += [(self.task.due_on, what) for what, _, _ in lines if what in ("fell_due_soon", "became_overdue")]
        if lines and lines[-1][0] in ("amended", "clock_started", "extension_granted") and "due_on" in lines[-1][2]:
            self.told_of, self.climbed = [], []
        steps = [line for line in lines if line[0] in ("escalated", "remedy_plan_asked", "commitment_asked")]
        self.climbed_of_periods += [
            (changes["period"][1], changes["level"][1]) for what, _, changes in lines if what == "period_escalated"
        ]
        self.climbed += [(counted_from(self.task), what, str(changes.get("level"))) for what, _, changes in steps]

    # --- what people do ---

    @rule(given=CHANGE, corrects=st.booleans())
    def amend(self, given: dict[str, Any], corrects: bool) -> None:
        def act(task: Task) -> None:
            before, due = unclear(task, FACTS), task.due_on
            changes = read_words(given, deadline_before=task.deadline_written, product_before=task.product)
            task.amend(changes, local_day(self.now), corrects_due_day=corrects)
            check_stays_clear(task, FACTS, before)
            assert corrects or task.state == "draft" or due in (None, task.due_on), "only authority moves a due day"

        self._attempt(act)

    @precondition(lambda self: self.task.state == "draft")
    @rule()
    def repair_everything(self) -> None:
        fields = ("lead_unit_id", "responsible_id", "approver_id", "deadline_written", "product")
        clear = a_task().model_dump(include=set(fields))
        given = clear | {"title": "Rà soát tài khoản", "coordinator_unit_ids": []}
        self._attempt(
            lambda task: task.amend(
                read_words(given, deadline_before=task.deadline_written, product_before=task.product)
                | {"due_on": a_task().due_on, "product_kind": "document", "evidence_kind": "document"},
                local_day(self.now),
            )
        )

    @rule()
    def go_on(self) -> None:
        """The next step of an ordinary life: without it few runs would get far."""
        match self.task.state:
            case "draft":
                self.repair_everything()
                self.publish()
            case "published":
                self.assign_as_named()
            case "assigned":
                self.accept()
            case "in_progress":
                self.prove(kind=self.task.evidence_kind)
                self.submit(words="")
            case "submitted":
                (self.send_back if self.task.submissions % 2 else self.complete)()
            case "paused":
                self.resume()

    @rule()
    def publish(self) -> None:
        self._attempt(lambda task: task.publish(unclear(task, FACTS), local_day(self.now)))

    @rule(person=PERSON)
    def assign(self, person: str | None) -> None:
        self._attempt(lambda task: task.assign(person, unfit(task, person, PEOPLE_OF)))

    @rule()
    def assign_as_named(self) -> None:
        self.assign(self.task.responsible_id)

    @rule()
    def accept(self) -> None:
        self._attempt(lambda task: task.accept())

    @rule()
    def refuse(self) -> None:
        self._attempt(lambda task: task.refuse("not_our_function", "không thuộc chức năng"))

    @rule(percent=st.integers(0, 100))
    def report(self, percent: int) -> None:
        self._attempt(lambda task: task.report_progress(percent, ""))

    @rule(kind=st.sampled_from(["document", "link"]))
    def prove(self, kind: Any) -> None:
        evidence = Evidence(id=f"e{len(self.task.evidence)}", kind=kind, title="Minh chứng", added_at=self.now, added_by="x")
        self._attempt(lambda task: task.add_evidence(evidence))

    @rule(place=st.integers(0, 3), verdict=st.sampled_from(["seen", "accepted", "rejected"]))
    def look_at(self, place: int, verdict: Any) -> None:
        if place < len(self.task.evidence):
            said = Review(at=self.now, by="y", verdict=verdict)
            self._attempt(lambda task: review_evidence(task, task.evidence[place], said))

    @rule(place=st.integers(0, 3))
    def prove_anew(self, place: int) -> None:
        def act(task: Task) -> None:
            kind = task.evidence_kind or "document"
            piece = Evidence(id=f"e{len(task.evidence)}", kind=kind, title="Bản mới", added_at=self.now, added_by="x")
            task.add_evidence(piece)
            supersede(task, task.evidence, f"e{place}", piece)

        if place < len(self.task.evidence):
            self._attempt(act)

    @rule(words=WORDS)
    def submit(self, words: str) -> None:
        self._attempt(lambda task: task.submit(self.now, words))

    @rule()
    def send_back(self) -> None:
        self._attempt(lambda task: task.send_back("incomplete", "thiếu"))

    @rule(words=WORDS)
    def complete(self, words: str = "") -> None:
        judged = verdict(self.task, local_day(self.now), FACTS.committee)
        self._attempt(lambda task: task.complete(self.now, judged, words, unproven(task, task.evidence, FACTS.committee)))
        if self.task.state == "completed":  # the verdict is about its own day: a period still owed makes it late all the same
            assert own_timeliness(self.task, local_day(self.now), FACTS.committee) == judged

    @rule()
    def pause(self) -> None:
        self._attempt(lambda task: task.pause("chờ hướng dẫn"))

    @rule()
    def resume(self) -> None:
        self._attempt(lambda task: task.resume(local_day(self.now)))

    @rule(sure=st.integers(0, 9))
    def cancel(self, sure: int) -> None:
        if sure == 0:
            self._attempt(lambda task: task.cancel("không cần nữa"))

    @rule(days=st.integers(0, 4))
    def let_time_go_by(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def sweep(self) -> None:
        self._attempt(lambda task: task.tell_of_due_day(local_day(self.now), FACTS.committee.nearly_due_days))

    @rule()
    def open_periods(self) -> None:
        def act(task: Task) -> None:
            self.opening = open_periods(task, FACTS.committee, local_day(self.now))

        self._attempt(act)
        self.periods += self.opening

    @precondition(lambda self: self.periods)
    @rule(days=st.integers(0, 40))
    def let_periods_climb_their_ladders(self, days: int) -> None:
        self.now += timedelta(days=days)
        for period in [*self.periods, *self.periods]:
            self._attempt(partial(climb_period, period=period, rules=FACTS.committee, today=local_day(self.now)))

    @rule(days=st.integers(-3, 10))
    def register_the_awaited_paper(self, days: int) -> None:
        issued = local_day(self.now + timedelta(days=days))
        paper = Directive(id="d", number="05-KH/BCĐTW", issuer="SC", issued_on=issued, awaited_as=["Trung ương"])
        self._attempt(lambda task: start_clock(task, paper, FACTS.committee))

    # --- what must hold ---

    @invariant()
    def periods_follow_each_other_and_none_is_opened_twice(self) -> None:
        assert len({period.key for period in self.periods}) == len(self.periods) == self.seen.count("period_opened")
        for one, following in pairwise(self.periods):
            assert one.starts_on <= one.ends_on < following.starts_on

    @invariant()
    def each_step_of_a_period_is_said_once(self) -> None:
        assert len(self.climbed_of_periods) == len(set(self.climbed_of_periods))

    @invariant()
    def what_a_paper_dated_counts_from_it_unless_people_set_another_day(self) -> None:
        clock = self.task.clock
        if clock is not None:
            assert "clock_started" in self.seen
            assert self.task.waits_days is not None
            assert clock.due_on == clock.issued_on + timedelta(days=self.task.waits_days)

    @invariant()
    def who_is_refused_is_told_why_and_what_to_do(self) -> None:
        refusals, self.refusals = self.refusals, []
        for refusal in refusals:
            assert refusal.errors
            assert all(problem.repair.vi and problem.message.en for problem in refusal.errors)

    @invariant()
    def whatever_was_issued_is_clear(self) -> None:
        released = self.task.lead_unit_id is None or self.task.responsible_id is None
        if released and self.task.state in ("published", "paused"):  # it waits to be assigned anew
            assert "released" in self.seen
            assert {problem.field for problem in unclear(self.task, FACTS)} <= {"lead_unit_id", "responsible_id"}
        elif self.task.state not in ("draft", "cancelled"):
            assert unclear(self.task, FACTS) == []
            assert "published" in self.seen

    @invariant()
    def whoever_works_was_given_the_task_and_took_it_on(self) -> None:
        if self.task.state in ("in_progress", "submitted", "completed"):
            given = max(place for place, what in enumerate(self.seen) if what == "assigned")
            assert "accepted" in self.seen[given:]
        if self.task.state in ("assigned", "in_progress", "submitted", "completed"):
            assert self.task.responsible_id == self.given_to, "nobody is responsible without having been told"

    @invariant()
    def a_result_has_its_evidence_and_its_day(self) -> None:
        if self.task.state in ("submitted", "completed"):
            assert any(one.kind == self.task.evidence_kind for one in self.task.evidence)
            assert self.task.submitted_on is not None
            assert self.task.submissions == self.seen.count("submitted") >= 1
            counting = [one for one in self.task.evidence if one.counts]
            assert self.task.state == "submitted" or any(one.kind == self.task.evidence_kind for one in counting)
        elif self.task.state != "cancelled":
            assert self.task.submitted_on is None

    @invariant()
    def only_what_was_approved_is_done(self) -> None:
        assert (self.task.completed_on is not None) == (self.task.state == "completed")
        assert "completed" in self.seen or self.task.state != "completed"
        if self.task.completed_on is not None and self.task.submitted_on is not None:
            assert self.task.completed_on >= self.task.submitted_on
            assert self.task.percent == 100

    @invariant()
    def a_pause_remembers_where_it_began(self) -> None:
        assert (self.task.paused_from in OPEN) if self.task.state == "paused" else True

    @invariant()
    def each_due_day_is_told_of_once(self) -> None:
        assert len(self.told_of) == len(set(self.told_of))


class WorkingLife(Life):
    """The same, from the day on which somebody took it on: extensions, disputes, lateness, promises, reopening."""

    def __init__(self) -> None:
        super().__init__()
        for step in (self.repair_everything, self.publish, self.assign_as_named, self.accept):
            step()

    def said(self, by: str = "x") -> Said:
        return Said.now(self.now, by, "lý do")

    @rule(days=st.integers(-5, 15))
    def ask_for_an_extension(self, days: int) -> None:
        self._attempt(
            lambda task: request_extension(task, local_day(self.now + timedelta(days=days)), self.said(), FACTS.committee)
        )

    @rule(granted=st.booleans(), more=st.none() | st.integers(-3, 5))
    def decide_on_the_extension(self, granted: bool, more: int | None) -> None:
        day = None if more is None or self.task.due_on is None else self.task.due_on + timedelta(days=more)
        self._attempt(
            lambda task: grant_extension(task, self.said("y"), day) if granted else refuse_extension(task, self.said("y"))
        )

    @rule(kind=st.sampled_from(["not_our_function", "wrong_status", "wording"]))
    def disagree(self, kind: Any) -> None:
        self._attempt(lambda task: dispute(task, kind, self.said(), FACTS.committee))

    @rule(upheld=st.booleans(), earlier=st.none() | st.integers(-1, 3))
    def answer(self, upheld: bool, earlier: int | None) -> None:
        handed_in = self.task.submitted_on
        day = None if earlier is None or handed_in is None else handed_in - timedelta(days=earlier)
        self._attempt(
            lambda task: uphold_dispute(task, self.said("y"), day) if upheld else reject_dispute(task, self.said("y"))
        )

    @precondition(lambda self: self.task.state == "published" and self.task.lead_unit_id is None)
    @rule()
    def find_another_lead(self) -> None:
        given = {"lead_unit_id": A, "responsible_id": "per-doer", "coordinator_unit_ids": []}
        self._attempt(lambda task: task.amend(given, local_day(self.now)))

    @rule(what=st.sampled_from(["extended", "released", "late", "reopened"]))
    def go_through(self, what: str) -> None:
        """Whole ways that single steps would seldom find in their order."""
        match what:
            case "extended":
                self.ask_for_an_extension(days=15)
                self.decide_on_the_extension(granted=True, more=None)
            case "released":
                self.disagree(kind="not_our_function")
                self.answer(upheld=True, earlier=None)
            case "late":
                self.let_it_be_late(days=12)
                self.climb_the_ladder()
                self.raise_what_was_not_answered()
            case "reopened":
                for _ in range(3):
                    self.go_on()
                self.reopen_it()

    @rule()
    def reopen_it(self) -> None:
        self._attempt(lambda task: reopen(task, "thiếu", local_day(self.now)))

    @rule(days=st.integers(3, 12))
    def let_it_be_late(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def climb_the_ladder(self) -> None:
        self._attempt(lambda task: climb(task, FACTS.committee, local_day(self.now)))

    @rule()
    def raise_what_was_not_answered(self) -> None:
        self._attempt(lambda task: raise_dispute(task, local_day(self.now), FACTS.committee))

    @rule(days=st.integers(-1, 5))
    def promise(self, days: int) -> None:
        self._attempt(lambda task: commit(task, self.said(), local_day(self.now + timedelta(days=days)), FACTS.committee))

    @invariant()
    def each_step_is_said_once_for_each_beginning(self) -> None:
        assert len(self.climbed) == len(set(self.climbed))

    @invariant()
    def the_first_due_day_stays_and_one_request_and_one_dispute_wait_at_most(self) -> None:
        granted = [one for one in self.task.extensions if one.state == "granted"]
        assert (self.task.original_due_on is None) == (not granted)
        if granted:
            assert self.task.original_due_on is not None
            assert all(one.granted_on is not None for one in granted)
        assert sum(one.state == "asked" for one in self.task.extensions) <= 1
        assert sum(one.state == "open" for one in self.task.disputes) <= 1
        assert [one.number for one in self.task.disputes] == list(range(1, len(self.task.disputes) + 1))
        for one in self.task.disputes:
            assert (one.answered is None) == (one.state == "open"), "both texts stay"
            assert len(one.raised_on) <= 2


class RepeatingLife(WorkingLife):
    """The life of a task of every month: it has periods from the beginning."""

    def repair_everything(self) -> None:
        super().repair_everything()
        given = {"deadline_written": "Hằng tháng, trước ngày 25"}
        self._attempt(lambda task: task.amend(read_words(given, deadline_before=task.deadline_written), local_day(self.now)))

    def __init__(self) -> None:
        super().__init__()
        self.open_periods()
        assert self.periods


Life.TestCase.settings = settings(max_examples=120, stateful_step_count=40)
TestLifeOfATask = Life.TestCase
WorkingLife.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestWorkingLifeOfATask = WorkingLife.TestCase
RepeatingLife.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestLifeOfATaskOfEveryMonth = RepeatingLife.TestCase


def test_the_machine_can_reach_the_end_of_a_life() -> None:
    """The state machine says nothing when no run of it ever gets anywhere: this is the way through."""
    life = Life()
    for step in (life.repair_everything, life.publish, life.assign_as_named, life.accept):
        step()
    life.prove(kind="document")
    life.submit(words="")
    life.send_back()
    life.submit(words="")
    life.complete(words="đạt")
    assert life.task.state == "completed"
    life.each_due_day_is_told_of_once()
    life.only_what_was_approved_is_done()


def test_a_due_day_is_told_of_in_order_and_a_late_start_skips_the_first_word() -> None:
    task = a_task(state="in_progress")
    due = task.due_on
    assert due is not None
    assert [task.tell_of_due_day(due + timedelta(days=days), 3) for days in (-4, -3, 0, 1, 2)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    late = a_task(state="in_progress")
    assert [late.tell_of_due_day(due + timedelta(days=1), 3) for _ in range(2)] == [True, False]
    assert [what for what, _, _ in late.take_lines()] == ["became_overdue"]


def test_a_day_that_is_first_looked_at_is_told_of_and_a_new_day_anew() -> None:
    task = a_task(state="in_progress")
    due = task.due_on
    assert due is not None
    assert [task.tell_of_due_day(due, 3) for _ in range(2)] == [True, False]
    task.amend({"due_on": due + timedelta(days=1)}, due)
    assert [task.tell_of_due_day(due, 3) for _ in range(2)] == [True, False]
    task.amend({"title": "Rà soát thiết bị"}, due)
    assert not task.tell_of_due_day(due, 3)


@pytest.mark.parametrize("state", ["assigned", "in_progress", "paused"])
def test_a_task_that_was_given_changes_hands_by_assigning_alone(state: str) -> None:
    task = a_task(state=state)
    with pytest.raises(RuleBroken) as broken:
        task.amend({"responsible_id": "per-second", "group": "II"}, local_day(NOW))
    assert [problem.quote for problem in broken.value.errors] == ["per-doer"]
    assert (task.responsible_id, task.group) == ("per-doer", ""), "what is refused is refused whole"


@pytest.mark.parametrize("state", ["draft", "submitted", "completed", "paused", "cancelled"])
def test_nobody_is_told_while_the_clock_does_not_run(state: str) -> None:
    assert not a_task(state=state).tell_of_due_day(datetime(2027, 1, 1, tzinfo=UTC).date(), 3)


# --- what the clock has to look at ---

WAITS = {"deadline_written": "30 ngày sau khi Trung ương ban hành", "waits_for": "Trung ương", "waits_days": 30, "due_on": None}
LATER = local_day(NOW + timedelta(days=40))


@pytest.mark.parametrize(
    ("fields", "drafted", "published"),
    [
        ({}, None, None),
        ({"calendar": "month"}, None, AT_ONCE),
        ({"deadline_kind": "recurring", "due_on": None}, None, AT_ONCE),
        ({"deadline_kind": "date_then_maintain"}, None, AT_ONCE),
        (WAITS, AT_ONCE, AT_ONCE),
    ],
)
def test_the_clock_looks_at_what_waits_at_once_and_at_what_repeats_when_it_is_issued(
    fields: dict[str, Any], drafted: date | None, published: date | None
) -> None:
    task = a_task(**fields).draft()
    assert task.look_on == drafted
    task.publish([], local_day(NOW))
    assert task.look_on == published
    task.look_on = LATER
    task.amend({"title": "Rà soát thiết bị", "group": "II"}, LATER)
    assert task.look_on == LATER, "nothing of it is the clock's"
    task.amend({"directive_id": "d-new"}, LATER)
    assert task.look_on == (published or LATER)


def test_days_are_booked_to_a_body_from_the_day_on_which_the_words_name_it() -> None:
    task = a_task(**WAITS).draft()
    assert task.waiting_since == local_day(NOW)
    task.asked_again = 1
    task.amend({"waits_for": "trung ương"}, LATER)
    assert (task.waiting_since, task.asked_again) == (local_day(NOW), 1), "it is the same body"
    task.amend({"waits_days": 20}, LATER)
    assert task.waiting_since == local_day(NOW)
    task.amend({"waits_for": "Bộ Nội vụ"}, LATER)
    assert (task.waiting_since, task.asked_again, days_waited(task, LATER)) == (LATER, 0, 0)
    task.amend({"waits_for": "", "due_on": LATER}, LATER)
    assert task.waiting_since is None
    dated = a_task().draft()
    dated.amend({"waits_for": "Trung ương", "due_on": None}, LATER)
    assert dated.waiting_since == LATER, "it was not waiting while it had a day"


def test_another_rule_takes_away_what_the_paper_dated_and_other_words_do_not() -> None:
    clock = Clock(directive_id="p", issued_on=LATER, due_on=LATER, days_waited=40)
    dated = a_task(**{**WAITS, "due_on": LATER}, clock=clock)
    dated.amend({"title": "Rà soát thiết bị"}, LATER)
    assert dated.clock == clock
    dated.amend({"waits_working": True}, LATER)
    assert dated.clock is None
    taken = a_task(**{**WAITS, "due_on": LATER}, clock=clock)
    taken.amend({"due_on": None}, LATER)
    assert taken.clock is None


# --- what is said of it ---


def test_the_same_row_of_the_same_plan_is_the_same_task() -> None:
    one, other = Task.id_of_reference("NQ03-114"), Task.id_of_reference("NQ03-115")
    assert one == Task.id_of_reference("NQ03-114") != other
    assert str(UUID(one)) == one


def test_what_changes_nothing_says_nothing() -> None:
    task = a_task()
    assert task.amend({"title": task.title}, LATER) == []
    assert (task.take_recorded(), task.take_lines()) == ([], [])


def test_the_history_says_from_what_to_what() -> None:
    task = a_task(state="published")
    assert task.amend({"due_on": LATER, "group": "II"}, LATER) == ["due_on", "group"]
    task.assign("per-doer", [])
    task.assign("per-second", [])
    task.pause("chờ")
    task.resume(LATER)
    assert task.state == "assigned"
    assert task.take_lines() == [
        ("amended", "", {"due_on": ["2026-11-30", LATER.isoformat()], "group": ["", "II"]}),
        ("assigned", "", {}),
        ("assigned", "", {"responsible_id": ["per-doer", "per-second"]}),
        ("paused", "chờ", {}),
        ("resumed", "", {}),
    ]


def test_who_has_the_task_already_is_not_given_it_again() -> None:
    task = a_task(state="assigned")
    with pytest.raises(RuleBroken) as broken:
        task.assign("per-doer", [])
    assert [(one.code, one.quote) for one in broken.value.errors] == [("already_assigned", "per-doer")]


@pytest.mark.parametrize(
    ("change", "field", "quote"),
    [
        ({"due_on": LATER, "deadline_written": "3/1/2027"}, "due_on", "2026-11-30"),
        ({"deadline_written": "3/1/2027"}, "deadline_written", "30/11/2026"),
    ],
)
def test_who_may_not_move_a_due_day_is_told_which_words_they_touched(change: dict[str, Any], field: str, quote: str) -> None:
    with pytest.raises(RuleBroken) as broken:
        a_task(state="published").amend(change, LATER, corrects_due_day=False)
    assert [(one.field, one.quote) for one in broken.value.errors] == [(field, quote)]


def test_who_comes_at_the_wrong_time_is_told_the_right_one() -> None:
    with pytest.raises(RuleBroken) as broken:
        a_task(state="completed").pause("chờ")
    (problem,) = broken.value.errors
    assert problem.quote == "completed"
    assert problem.repair.en == "Possible only when it is: published, assigned, in progress."


def test_a_result_that_cannot_be_handed_in_quotes_what_asks_for_more() -> None:
    def refused(**fields: Any) -> list[tuple[str, str | None]]:
        with pytest.raises(RuleBroken) as broken:
            a_task(state="in_progress", **fields).submit(NOW, "")
        return [(one.code, one.quote) for one in broken.value.errors]

    assert refused() == [("evidence_missing", "Báo cáo")]
    assert refused(product="") == [("evidence_missing", None)]
    assert refused(deadline_kind="open_ended", deadline_written="Thường xuyên") == [("never_done", "Thường xuyên")]
    assert refused(deadline_kind="open_ended", deadline_written="") == [("never_done", None)]
