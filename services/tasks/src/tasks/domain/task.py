"""A task (nhiệm vụ) and its life: draft, published, assigned, in progress, submitted, completed.

Every method says who may not do it by raising, records the event that others react to, and leaves a line for the history.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, Field, PrivateAttr

from common.contracts import tasks as events
from common.contracts.fields import Timeliness
from common.domain import Aggregate, Day, Document, local_day
from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.concretisation import Asked
from tasks.domain.deadline import Cadence
from tasks.domain.kept import Kept
from tasks.domain.matters import CatchUp, Dispute, Extension, HandOver, OpenPeriod, Steps
from tasks.domain.means import Evidence, Part, Party, Rating, Resources, lacks_kind
from tasks.domain.product import EvidenceKind, ProductKind
from tasks.domain.text import body_key

State = Literal["draft", "published", "assigned", "in_progress", "submitted", "completed", "paused", "cancelled"]
Asks = Literal["directive_ended", "dropped_from_plan"]
OPEN = ("published", "assigned", "in_progress")
"""States in which the clock runs against whoever does the work."""
RUNNING = (*OPEN, "submitted")
"""States in which it is somebody's turn: who does the work, or who approves it."""
FINISHED = ("completed",)
NEAR, PASSED = 1, 2
"""What was said of a due day (`told`); 0 is nothing."""

_NAMESPACE = UUID("0a9d4a34-6a0c-5d5b-9c55-0b4a5c1c7f0e")
_STATES: dict[str, Words] = {
    "draft": Words("bản nháp", "a draft"),
    "published": Words("đã ban hành", "published"),
    "assigned": Words("đã giao", "assigned"),
    "in_progress": Words("đang thực hiện", "in progress"),
    "submitted": Words("chờ duyệt", "submitted"),
    "completed": Words("đã hoàn thành", "completed"),
    "paused": Words("tạm dừng", "paused"),
    "cancelled": Words("đã hủy", "cancelled"),
}

CONTENT = (
    "title", "group", "directive_id", "parent_reference", "lead_written", "lead_unit_id", "coordinators_written",
    "coordinator_unit_ids", "responsible_id", "approver_id", "deadline_written", "deadline_kind", "due_on", "starts_on",
    "calendar", "period_day", "waits_for", "waits_days", "waits_working", "product", "product_kind", "evidence_kind",
    "authority", "parent_task_ids", "asks_of",
)  # fmt: skip
"""Fields that say what the task is; the others say what became of it."""


AT_ONCE = date.min
"""`Task.look_on` of a task at which the clock has to look as soon as it can."""
_WAIT = frozenset({"waits_for", "waits_days", "waits_working"})
_CLOCKED = _WAIT | {"deadline_written", "deadline_kind", "due_on", "starts_on", "calendar", "directive_id"}
"""Fields that, when changed, give the clock something to look at."""


_DUE_DAY = frozenset({"due_on", "deadline_written"})
"""Fields that say by when, in words and as a day."""

_MAY_REPEAT = frozenset({"recurring", "date_then_maintain"})
"""Kinds that repeat without saying how often: the committee's settings do."""
_GOES_ON = frozenset({"date_then_maintain", "first_then_monthly"})
"""Kinds of which periods follow when the task itself is done."""


class Clock(Kept):
    """What started the clock of a relative deadline: a paper, and the due day that came of it."""

    directive_id: str
    issued_on: Day
    due_on: Day
    days_waited: int
    """Days between the task's being written down and the paper: booked to the body waited for, not to the unit."""


class HistoryLine(Document):
    """One line of a task's history: what happened, when, by whom, on which words."""

    task_id: str
    number: int
    at: datetime
    actor: str
    what: str
    words: str = ""
    changes: dict[str, list[Any]] = Field(default_factory=dict)
    """Field: [before, after]."""


Changes = dict[str, list[Any]]
"""Field: [before, after]."""


def to_be_told(due_on: date, told: int, today: date, nearly_due_days: int) -> int:
    """What is to be said of a due day of which `told` was said: `PASSED`, or `NEAR`, once each and not behind it; else 0."""
    left = (due_on - today).days
    now = PASSED if left < 0 else NEAR if left <= nearly_due_days else 0
    return now if now > told else 0


class Task(Aggregate):
    """One piece of work with one lead (226-KL/TW): who, what, by when, answering to whom, with what result."""

    noun: ClassVar = ("nhiệm vụ", "task")
    created_at: datetime
    reference: str | None = None
    sample: Literal["foreign", "demo"] | None = None
    source: str = ""
    group: str = ""
    title: str
    directive_id: str | None = None
    parent_reference: str = ""
    parent_task_ids: list[str] = Field(default_factory=list)
    """The tasks above that it carries out (`tasks.domain.chain`)."""
    asks_of: Asked | None = None
    """Whom it asks for a task of their own below it."""
    lead_written: str = ""
    lead_unit_id: str | None = None
    coordinators_written: str = ""
    coordinator_unit_ids: list[str] = Field(default_factory=list)
    responsible_id: str | None = None
    approver_id: str | None = None
    deadline_written: str = ""
    deadline_kind: str = "missing"
    due_on: Day | None = None
    starts_on: Day | None = None
    calendar: Cadence | None = None
    """How often a result is due, when the words or somebody said so: each period has its own (`tasks.domain.periods`)."""
    period_day: int | None = None
    """Day of its last month by which the result of a period is due, when the words give one."""
    waits_for: str = ""
    """The body whose paper the clock waits for, as the plan words it (`tasks.domain.waiting`)."""
    waits_days: int | None = None
    waits_working: bool = False
    product: str = ""
    product_kind: ProductKind | None = None
    evidence_kind: EvidenceKind | None = None
    criteria: list[str] = Field(default_factory=list)
    """By what its product is accepted (tiêu chí nghiệm thu), each in its words; evidence says which of them it shows met."""
    authority: str = ""
    resources: Resources = Field(default_factory=Resources)
    parties: list[Party] = Field(default_factory=list)
    rating: Rating = Field(default_factory=Rating)
    parts: list[Part] = Field(default_factory=list)
    """What coordinating units do for it; the lead answers for the whole."""

    state: State = "draft"
    paused_from: State | None = None
    percent: int = 0
    evidence: list[Evidence] = Field(default_factory=list)
    submitted_on: Day | None = None
    completed_on: Day | None = None
    submissions: int = 0
    submitted_without: list[int] = Field(default_factory=list)
    """Numbers of the parts that were missing when its result was last handed in."""
    told: int = 0
    """0: nobody was told of the due day; 1: that it is near; 2: that it has passed."""
    import_digest: str = ""
    published_on: Day | None = None
    opened_until: Day | None = None
    """Last day of the last period that was opened; the next one follows it."""
    open_periods: list[OpenPeriod] = Field(default_factory=list)
    """Its periods that are not closed, by due day. Saved with them, so that what looks at tasks needs to read no periods."""
    last_period_due_on: Day | None = None
    """The latest due day of all periods that were opened."""
    look_on: Day | None = None
    """The day on which the clock has to look at the task: a period begins, or a body is asked again."""
    waiting_since: Day | None = None
    asked_again: int = 0
    """How often it was said that it still waits."""
    clock: Clock | None = None
    """The paper that started the clock, once there is one."""
    asks: Asks | None = None
    """What somebody has to decide about it: its paper is in force no more, or its plan no longer names it."""
    off_plan: bool = False
    """True while the plan that it was imported from no longer names it; it is asked about once (`tasks.domain.fate`)."""
    settled_papers: list[str] = Field(default_factory=list)
    """Papers that ended, and about which it was decided for this task."""
    original_due_on: Day | None = None
    """The first due day, once an extension was granted; `due_on` is the one that holds."""
    extensions: list[Extension] = Field(default_factory=list)
    disputes: list[Dispute] = Field(default_factory=list)
    catch_up: CatchUp = Field(default_factory=CatchUp)
    clock_since: Day | None = None
    """The day on which its clock ran again, after a pause or when it was reopened: steps of lateness count from it."""
    steps: Steps | None = None
    handovers: list[HandOver] = Field(default_factory=list)
    """What reorganisations did to it, oldest first (`tasks.domain.handover`)."""
    _lines: list[tuple[str, str, dict[str, list[Any]]]] = PrivateAttr(default_factory=list)
    _saved: Task | None = PrivateAttr(default=None)

    def model_post_init(self, _: Any, /) -> None:
        if self.version:
            self.take_saved()

    def take_saved(self) -> Task | None:
        """The task as it was when it was loaded or last saved, None when it is new; what it is now takes that place."""
        before, self._saved = self._saved, None
        self._saved = self.model_copy()
        return before

    # --- periods ---

    @property
    def goes_on_when_done(self) -> bool:
        """True for a completed task of which periods still follow."""
        return self.state == "completed" and self.deadline_kind in _GOES_ON

    def owes(self, due_on: date) -> bool:
        """Whether an open period that is due on this day counts against it: none does while its clock stands still. With the
        acceptance of the whole, those that were not due yet are owed no more, unless they go on; what was missed stays missed.
        """
        if self.state not in (*RUNNING, *FINISHED):
            return False
        return self.goes_on_when_done or self.completed_on is None or due_on < self.completed_on

    @property
    def owed_periods(self) -> list[OpenPeriod]:
        """Open periods that count against it, by due day."""
        return [one for one in self.open_periods if self.owes(one.due_on)]

    @property
    def owed_on(self) -> date | None:
        """The earliest due day of its periods that were not handed in, or too late."""
        return min((one.due_on for one in self.owed_periods if one.owed), default=None)

    @property
    def unclosed_on(self) -> date | None:
        """The earliest due day of its periods, those included that were handed in and wait for their approval."""
        return min((one.due_on for one in self.owed_periods), default=None)

    # --- content ---

    @staticmethod
    def id_of_reference(reference: str) -> str:
        """The id of a task that was imported: the same row of the same plan is the same task."""
        return str(uuid5(_NAMESPACE, reference))

    def draft(self) -> Task:
        """Write it down for the first time."""
        self._look_at_once()
        links = {"directive_id": self.directive_id, "parent_task_ids": self.parent_task_ids}
        self.record(events.TaskDrafted(**self._public(), **links, reference=self.reference))
        self._note("drafted", self.title)
        return self

    def amend(self, changes: dict[str, Any], today: date, *, corrects_due_day: bool = True) -> list[str]:
        """Change its content; returns the fields that differ. A body that it did not wait for before is waited for from today
        on: no other one's days are booked to it.

        Raises `RuleBroken` when it is past being changed, when it would change hands without the new person being told (that is
        what assigning is for), and, unless the one who asks `corrects_due_day`, when the due day of a task that was issued
        would move: that is what an extension is for.
        """
        self.require_state(*_STATES.keys() - {"submitted", "completed", "cancelled"}, verb=Words("sửa", "amended"))
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if not changed:
            return []
        if "responsible_id" in changed and self.state not in ("draft", "published"):
            message = Words(
                "Việc đã giao không đổi người bằng cách sửa.", "A task that was given changes hands by assigning it."
            )
            repair = Words("Hãy gọi assign với responsible_id mới.", "Call assign with the new responsible_id.")
            raise RuleBroken(
                message, [FieldProblem("responsible_id", "already_assigned", message, repair, self.responsible_id)]
            )
        if self.state != "draft" and self.due_on is not None and not corrects_due_day:
            self._keep_due_day(changed)
        before = {name: getattr(self, name) for name in changed}
        self.adopt(changed)
        if "due_on" in changed:
            self.told = 0
        if not _WAIT.isdisjoint(changed) or self.due_on is None:
            self.clock = None  # another rule, or the day that came of the paper was taken away: it is looked for anew
        if "waits_for" in changed and body_key(self.waits_for) != body_key(before["waits_for"]):
            self.waiting_since, self.asked_again = today if self.waits_for else None, 0
        if not _CLOCKED.isdisjoint(changed):
            self._look_at_once()
        self.record(events.TaskAmended(**self._public(), fields=sorted(changed), parent_task_ids=self.parent_task_ids))
        self._note("amended", "", {name: [_plain(before[name]), _plain(changed[name])] for name in sorted(changed)})
        return sorted(changed)

    # --- life ---

    def publish(self, unclear: Iterable[FieldProblem], on: date) -> None:
        """Issue it (ban hành). Raises `RuleBroken` with every clear that is not met, each with its words and a repair."""
        self.require_state("draft", verb=Words("ban hành", "published"))
        if problems := list(unclear):
            raise RuleBroken(
                Words(
                    f"Nhiệm vụ chưa đủ rõ để ban hành: {len(problems)} điều cần bổ sung.",
                    f"The task is not clear enough to be published: {len(problems)} points to mend.",
                ),
                problems,
            )
        self.state, self.published_on = "published", on
        self._look_at_once()
        self.record(events.TaskPublished(**self._public()))
        self._note("published")

    def assign(self, responsible_id: str | None, against: Iterable[FieldProblem]) -> None:
        """Give it to the responsible person (giao việc), for the first time or to another one.

        Raises `RuleBroken` with what speaks `against` this person (`clears.unfit`), or when the task is theirs already.
        """
        self.require_state(*OPEN, verb=Words("giao", "assigned"))
        problems = list(against)
        if self.state != "published" and responsible_id == self.responsible_id:
            problems.append(
                FieldProblem(
                    "responsible_id",
                    "already_assigned",
                    Words("Việc đã giao cho chính người này.", "The task was given to this very person."),
                    Words("Hãy chọn người khác, hoặc để nguyên.", "Choose another person, or leave it."),
                    responsible_id,
                )
            )
        if problems:
            raise RuleBroken(Words("Không thể giao cho người này.", "It cannot be given to this person."), problems)
        before, self.responsible_id = self.responsible_id, responsible_id
        self.state = "assigned"
        self.record(events.TaskAssigned(**self._public()))
        self._note("assigned", "", {} if before == responsible_id else {"responsible_id": [before, responsible_id]})

    def accept(self) -> None:
        """The responsible person takes it on (nhận việc)."""
        self.require_state("assigned", verb=Words("nhận", "accepted"))
        self.state = "in_progress"
        self.record(events.TaskAccepted(**self._public()))
        self._note("accepted")

    def refuse(self, reason_code: str, words: str) -> None:
        """The responsible person hands it back (từ chối) to whoever assigned it: it can be assigned anew."""
        self.require_state("assigned", verb=Words("từ chối", "refused"))
        self.state = "published"
        self.record(events.TaskRefused(**self._public(), reason_code=reason_code))
        self._note("refused", words, {"reason_code": [None, reason_code]})

    def report_progress(self, percent: int, words: str) -> None:
        """Say how far it is (báo cáo tiến độ), in percent."""
        self.require_state("in_progress", verb=Words("báo cáo tiến độ", "reported on"))
        before, self.percent = self.percent, percent
        self.record(events.ProgressReported(**self._public(), percent=percent))
        self._note("progress_reported", words, {"percent": [before, percent]})

    def add_evidence(self, evidence: Evidence) -> None:
        """Add what shows that the work was done."""
        self.require_state("in_progress", verb=Words("thêm minh chứng", "given evidence"))
        self.evidence.append(evidence)
        self.record(events.EvidenceAdded(**self._public(), evidence_id=evidence.id, kind=evidence.kind, sha256=evidence.sha256))
        self._note("evidence_added", evidence.title, {"evidence": [None, evidence.id]})

    def submit(self, now: datetime, words: str) -> None:
        """Hand in the result (trình duyệt). Raises `RuleBroken` without evidence of the kind that the task asks for."""
        self.require_state("in_progress", verb=Words("trình duyệt", "submitted"))
        if self.deadline_kind == "open_ended":
            raise RuleBroken(
                Words("Việc để ngỏ không có lúc xong: chỉ trình theo từng kỳ.", "An open-ended task is never done."),
                [
                    FieldProblem(
                        "deadline_kind", "never_done",
                        Words("Kết quả được trình theo từng kỳ.", "Its results are handed in period by period."),
                        Words("Hãy trình kết quả của kỳ (GET /v1/tasks/{id}/periods), hoặc sửa thời hạn.",
                              "Submit the result of a period (GET /v1/tasks/{id}/periods), or change the deadline."),
                        self.deadline_written or None,
                    )
                ],
            )  # fmt: skip
        if lacks_kind(self.evidence_kind, self.evidence):
            raise RuleBroken(
                Words("Chưa có minh chứng của kết quả.", "There is no evidence of the result."),
                [
                    FieldProblem(
                        "evidence", "evidence_missing",
                        Words(f"Cần ít nhất một minh chứng loại «{self.evidence_kind}».",
                              f"At least one evidence of kind '{self.evidence_kind}' is needed."),
                        Words("Hãy gọi add-evidence trước khi trình.", "Call add-evidence before you submit."),
                        self.product or None,
                    )
                ],
            )  # fmt: skip
        self.state, self.submitted_on = "submitted", local_day(now)
        self.submissions += 1
        missing = self.submitted_without = [one.number for one in self.parts if one.missing]
        self.record(events.TaskSubmitted(**self._public(), submitted_at=now, missing_parts=missing))
        self._note("submitted", words, {"missing_parts": [None, missing]} if missing else {})

    def send_back(self, reason_code: str, words: str) -> None:
        """The approver sends it back to be mended (trả lại)."""
        self.require_state("submitted", verb=Words("trả lại", "returned"))
        self.state, self.submitted_on = "in_progress", None
        self.record(events.TaskReturned(**self._public(), reason_code=reason_code))
        self._note("returned", words, {"reason_code": [None, reason_code]})

    def complete(self, now: datetime, timeliness: Timeliness, words: str, unproven: Iterable[FieldProblem] = ()) -> None:
        """The approver accepts the result (nghiệm thu). Raises `RuleBroken` with what is `unproven` (`tasks.domain.proof`)."""
        self.require_state("submitted", verb=Words("duyệt hoàn thành", "completed"))
        if problems := list(unproven):
            raise RuleBroken(Words("Kết quả chưa được chứng minh đủ.", "The result is not proven."), problems)
        self.state, self.completed_on, self.percent = "completed", local_day(now), 100
        self._look_at_once()
        self.record(events.TaskCompleted(**self._public(), completed_at=now, timeliness=timeliness))
        self._note("completed", words)

    def pause(self, words: str) -> None:
        """Stop its clock (tạm dừng), on recorded words."""
        self.require_state(*OPEN, verb=Words("tạm dừng", "paused"))
        self.paused_from, self.state = self.state, "paused"
        self.record(events.TaskPaused(**self._public()))
        self._note("paused", words)

    def resume(self, today: date) -> None:
        """Let its clock run again (tiếp tục) from this day on."""
        self.require_state("paused", verb=Words("tiếp tục", "resumed"))
        self.state, self.paused_from, self.clock_since = self.paused_from or "published", None, today
        self._look_at_once()
        self.record(events.TaskResumed(**self._public()))
        self._note("resumed")

    def cancel(self, words: str) -> None:
        """Say that it needs not be done any more (hủy), on recorded words."""
        self.require_state(*_STATES.keys() - {"completed", "cancelled"}, verb=Words("hủy", "cancelled"))
        self.state = "cancelled"
        self.record(events.TaskCancelled(**self._public()))
        self._note("cancelled", words)

    # --- the clock ---

    def tell_of_due_day(self, today: date, nearly_due_days: int) -> bool:
        """Say once that the due day is near, and once that it has passed. True when something was said."""
        if self.due_on is None or self.state not in OPEN:
            return False
        said = to_be_told(self.due_on, self.told, today, nearly_due_days)
        self.told = said or self.told
        if said == PASSED:
            self.record(events.TaskBecameOverdue(**self._public()))
            self._note("became_overdue")
        elif said == NEAR:
            self.record(events.TaskFellDueSoon(**self._public(), days_left=(self.due_on - today).days))
            self._note("fell_due_soon")
        return bool(said)

    def tell(self, event: type[events.OfTask], what: str, words: str = "", changes: Changes | None = None, **said: Any) -> None:
        """Record that something happened to the task, and its line in the history."""
        self.record(event(**self._public(), **said))
        self._note(what, words, {name: [_plain(one) for one in pair] for name, pair in (changes or {}).items()})

    def _look_at_once(self) -> None:
        """Have the clock look at what it may have to do: date what waits, open periods of what repeats."""
        repeats = self.calendar is not None or self.deadline_kind in _MAY_REPEAT
        if self.waits_for and self.waiting_since is None:
            self.waiting_since = local_day(self.created_at)
        if self.waits_for or (repeats and self.state != "draft"):
            self.look_on = AT_ONCE

    # --- inside ---

    def take_lines(self) -> list[tuple[str, str, dict[str, list[Any]]]]:
        """Hand over the history lines written since the last call."""
        lines, self._lines = self._lines, []
        return lines

    def _note(self, what: str, words: str = "", changes: dict[str, list[Any]] | None = None) -> None:
        self._lines.append((what, words, changes or {}))

    def require_state(self, *states: str, verb: Words) -> None:
        """Raise `RuleBroken` unless it is in one of these states; `verb` says what cannot be done to it."""
        if self.state not in states:
            present = _STATES[self.state]
            wanted = [_STATES[state] for state in _STATES if state in states]
            raise RuleBroken(
                Words(
                    f"Nhiệm vụ {present.vi}, không thể {verb.vi}.",
                    f"The task is {present.en}: it cannot be {verb.en}.",
                ),
                [
                    FieldProblem(
                        "state",
                        "wrong_state",
                        Words(f"Trạng thái hiện tại: {present.vi}.", f"Present state: {present.en}."),
                        Words(
                            f"Chỉ làm được khi nhiệm vụ: {', '.join(word.vi for word in wanted)}.",
                            f"Possible only when it is: {', '.join(word.en for word in wanted)}.",
                        ),
                        self.state,
                    )
                ],
            )

    def _keep_due_day(self, changed: dict[str, Any]) -> None:
        """Raise `RuleBroken` when these changes touch the due day or its words (11-KH/BCĐ: gia hạn only by authority)."""
        if _DUE_DAY.isdisjoint(changed):
            return
        message = Words(
            "Hạn của việc đã ban hành chỉ đổi bằng gia hạn của cấp có thẩm quyền.",
            "The due day of a task that was issued moves by an extension of somebody with the authority alone.",
        )
        repair = Words(
            "Hãy gọi request-extension (POST /v1/tasks/{id}/request-extension); sửa nhầm lẫn do cơ quan thường trực.",
            "Call request-extension (POST /v1/tasks/{id}/request-extension); mistakes are mended by the standing agency.",
        )
        field = "due_on" if "due_on" in changed else "deadline_written"
        quote = str(self.due_on) if field == "due_on" else self.deadline_written
        raise RuleBroken(message, [FieldProblem(field, "due_day_issued", message, repair, quote or None)])

    def _public(self) -> dict[str, Any]:
        return {
            "task_id": self.id,
            "title": self.title,
            "lead_unit_id": self.lead_unit_id,
            "responsible_id": self.responsible_id,
            "approver_id": self.approver_id,
            "due_on": self.due_on,
        }


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.isoformat() if isinstance(value, date) else value
