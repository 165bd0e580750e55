"""Of which facts who is told, in which words: the one table. A new reaction is one row.

The rows follow what leaders look at (DOMAIN 1, 2): who has to do it, who answers for it, what is late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

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
    TaskReturned,
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
from common.errors import Words
from notifications.domain.text import Bilingual, days_late, days_left, days_silent, due_day, one_line, paper, party

Role = Literal[
    "responsible", "approver", "learner", "concerned", "lead_unit_heads", "unit_heads", "standing_agency", "committee_leader",
    "its_level",
]  # fmt: skip
"""`its_level` is whoever the fact itself names as the level that has to act or to know."""

_NAMED: dict[Role, str] = {
    "responsible": "responsible_id", "approver": "approver_id", "learner": "person_id", "concerned": "person_ids",
}  # fmt: skip
"""Roles whose holder, or holders, the event names, and in which field."""
_LEVELS: dict[str, Role] = {
    "responsible": "responsible", "unit_head": "lead_unit_heads", "approver": "approver",
    "standing_agency": "standing_agency", "committee_leader": "committee_leader",
}  # fmt: skip
_OFFICES: tuple[Role, ...] = ("standing_agency", "committee_leader")
"""Roles that are held for the whole province, whatever the unit."""
_HEADED: dict[Role, str] = {"lead_unit_heads": "lead_unit_id", "unit_heads": "unit_id"}
"""Roles that the heads of a unit hold, and the field of the event that names the unit."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """Of a fact of type `event` the holders of `told` are told, once each.

    `title` and `body` are templates over `{title}`, `{due}`, `{days}`, `{period}`, `{paper}`, `{silent}`, `{late}`, `{wanted}`,
    `{before}`, `{until}`, `{committed}`, `{part}`, `{part_due}`, `{party}`, `{tasks}`, `{since}`; `about` is the path of
    what it is about, over its fields.
    """

    kind: str
    event: type[Event]
    told: tuple[Role, ...]
    about: str
    title: Words
    body: Words


_TASK = "/v1/tasks/{task_id}"
_MATRIX = "/v1/directives/{directive_id}/concretisation"

REACTIONS: tuple[Reaction, ...] = (
    Reaction(
        "task_assigned", TaskAssigned, ("responsible",), _TASK,
        Words("Giao nhiệm vụ: {title}", "Task assigned: {title}"),
        Words("Nhiệm vụ «{title}» được giao cho ông/bà phụ trách. Hạn hoàn thành: {due}. Đề nghị nhận hoặc từ chối nhiệm vụ.",
              "The task '{title}' was given to you. Due day: {due}. Please accept or refuse it."),
    ),
    Reaction(
        "task_returned", TaskReturned, ("responsible",), _TASK,
        Words("Trả lại nhiệm vụ: {title}", "Task returned: {title}"),
        Words("Kết quả của nhiệm vụ «{title}» bị trả lại để hoàn thiện. Hạn: {due}. Lý do xem trong lịch sử nhiệm vụ.",
              "The result of the task '{title}' was sent back to be mended. Due day: {due}. Its history gives the reason."),
    ),
    Reaction(
        "task_refused", TaskRefused, ("approver",), _TASK,
        Words("Từ chối nhiệm vụ: {title}", "Task refused: {title}"),
        Words("Người được giao đã từ chối nhiệm vụ «{title}» (hạn: {due}). Đề nghị xem lý do và giao lại.",
              "The task '{title}' (due day: {due}) was refused. Please read the reason and assign it anew."),
    ),
    Reaction(
        "task_submitted", TaskSubmitted, ("approver",), _TASK,
        Words("Chờ duyệt: {title}", "Waits for approval: {title}"),
        Words("Kết quả của nhiệm vụ «{title}» đã được trình, chờ ông/bà duyệt hoặc trả lại. Hạn hoàn thành: {due}.",
              "The result of the task '{title}' was handed in and waits for you to approve or return it. Due day: {due}."),
    ),
    Reaction(
        "task_due_soon", TaskFellDueSoon, ("responsible",), _TASK,
        Words("Sắp đến hạn: {title}", "Due soon: {title}"),
        Words("Nhiệm vụ «{title}» sắp đến hạn: {due}, {days}.", "The task '{title}' is due on {due}: {days}."),
    ),
    Reaction(
        "task_overdue", TaskBecameOverdue, ("responsible", "approver", "lead_unit_heads"), _TASK,
        Words("Quá hạn: {title}", "Overdue: {title}"),
        Words("Nhiệm vụ «{title}» đã quá hạn {due} mà chưa trình kết quả.",
              "The task '{title}' was due on {due} and its result has not been handed in."),
    ),
    Reaction(
        "task_completed", TaskCompleted, ("responsible", "approver"), _TASK,
        Words("Hoàn thành: {title}", "Completed: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) đã được duyệt hoàn thành.",
              "The result of the task '{title}' (due day: {due}) was accepted."),
    ),
    Reaction(
        "clock_started", ClockStarted, ("responsible", "lead_unit_heads"), _TASK,
        Words("Bắt đầu tính hạn: {title}", "The clock runs: {title}"),
        Words("Văn bản mà nhiệm vụ «{title}» chờ đã được ban hành. Hạn hoàn thành từ nay: {due}.",
              "The paper that the task '{title}' waited for has been issued. It is now due on {due}."),
    ),
    Reaction(
        "clock_stopped", ClockStopped, ("responsible", "lead_unit_heads"), _TASK,
        Words("Dừng tính hạn: {title}", "The clock stands still: {title}"),
        Words("Văn bản mà nhiệm vụ «{title}» chờ đã bị thu hồi. Nhiệm vụ lại chờ văn bản, hạn: {due}.",
              "The paper that the task '{title}' waited for was withdrawn. It waits again; due day: {due}."),
    ),
    Reaction(
        "task_fate_asked", FateAsked, ("approver", "lead_unit_heads"), _TASK,
        Words("Cần quyết định: {title}", "To be decided: {title}"),
        Words("Văn bản giao nhiệm vụ «{title}» (hạn: {due}) không còn hiệu lực. Đề nghị quyết định tiếp tục hay chấm dứt.",
              "The paper that gave the task '{title}' (due day: {due}) is in force no more. Please decide whether it goes on."),
    ),
    Reaction(
        "task_dropped_from_plan", TaskDroppedFromPlan, ("approver", "lead_unit_heads"), _TASK,
        Words("Kế hoạch không còn nêu: {title}", "No longer in its plan: {title}"),
        Words("Kế hoạch gửi lại không còn nêu nhiệm vụ «{title}» (hạn: {due}). Đề nghị quyết định tiếp tục hay chấm dứt.",
              "The plan was sent again without the task '{title}' (due day: {due}). Please decide whether it goes on."),
    ),
    Reaction(
        "period_due_soon", PeriodFellDueSoon, ("responsible",), _TASK,
        Words("Kỳ {period} sắp đến hạn: {title}", "Period {period} due soon: {title}"),
        Words("Kỳ {period} của nhiệm vụ «{title}» sắp đến hạn: {due}, {days}.",
              "Period {period} of the task '{title}' is due on {due}: {days}."),
    ),
    Reaction(
        "period_overdue", PeriodBecameOverdue, ("responsible", "approver", "lead_unit_heads"), _TASK,
        Words("Kỳ {period} quá hạn: {title}", "Period {period} overdue: {title}"),
        Words("Kỳ {period} của nhiệm vụ «{title}» đã quá hạn {due} mà chưa trình kết quả.",
              "Period {period} of the task '{title}' was due on {due} and its result has not been handed in."),
    ),
    Reaction(
        "period_escalated", PeriodEscalated, ("its_level",), _TASK,
        Words("Kỳ {period} chưa có kết quả, {late}: {title}", "Period {period} not handed in, {late}: {title}"),
        Words("Kỳ {period} của nhiệm vụ «{title}» (hạn: {due}) {late} mà chưa trình kết quả.",
              "Period {period} of the task '{title}' (due day: {due}) is {late} and its result has not been handed in."),
    ),
    Reaction(
        "extension_requested", ExtensionRequested, ("its_level",), _TASK,
        Words("Xin gia hạn: {title}", "Extension asked for: {title}"),
        Words("Đơn vị xin gia hạn nhiệm vụ «{title}» từ {due} đến {wanted}. Đề nghị quyết định; hạn cũ còn hiệu lực.",
              "The unit asks that the task '{title}', due on {due}, be extended to {wanted}. Please decide."),
    ),
    Reaction(
        "extension_granted", ExtensionGranted, ("responsible", "lead_unit_heads"), _TASK,
        Words("Được gia hạn: {title}", "Extended: {title}"),
        Words("Nhiệm vụ «{title}» được gia hạn từ {before} đến {due}.",
              "The task '{title}' was extended from {before} to {due}."),
    ),
    Reaction(
        "extension_refused", ExtensionRefused, ("responsible", "lead_unit_heads"), _TASK,
        Words("Không gia hạn: {title}", "Not extended: {title}"),
        Words("Nhiệm vụ «{title}» không được gia hạn đến {wanted}. Hạn vẫn là {due}; lý do xem trong nhiệm vụ.",
              "The task '{title}' was not extended to {wanted}. It is due on {due}; the reason stands in the task."),
    ),
    Reaction(
        "task_disputed", TaskDisputed, ("its_level",), _TASK,
        Words("Kiến nghị về nhiệm vụ: {title}", "Task disputed: {title}"),
        Words("Đơn vị chủ trì kiến nghị về nhiệm vụ «{title}» (hạn: {due}). Đề nghị trả lời chậm nhất {until}.",
              "The lead unit disputes the task '{title}' (due day: {due}). Please answer by {until}."),
    ),
    Reaction(
        "dispute_raised", DisputeRaised, ("its_level",), _TASK,
        Words("Kiến nghị chuyển lên cấp trên: {title}", "Dispute raised: {title}"),
        Words("Kiến nghị về nhiệm vụ «{title}» (hạn: {due}) không được trả lời đúng hạn. Đề nghị trả lời chậm nhất {until}.",
              "The dispute about the task '{title}' (due day: {due}) was not answered in time. Please answer by {until}."),
    ),
    Reaction(
        "dispute_upheld", DisputeUpheld, ("responsible", "lead_unit_heads"), _TASK,
        Words("Kiến nghị được chấp nhận: {title}", "Dispute upheld: {title}"),
        Words("Kiến nghị về nhiệm vụ «{title}» (hạn: {due}) được chấp nhận.",
              "The dispute about the task '{title}' (due day: {due}) was upheld."),
    ),
    Reaction(
        "dispute_rejected", DisputeRejected, ("responsible", "lead_unit_heads"), _TASK,
        Words("Kiến nghị không được chấp nhận: {title}", "Dispute rejected: {title}"),
        Words("Kiến nghị về nhiệm vụ «{title}» (hạn: {due}) không được chấp nhận. Lý do xem trong nhiệm vụ.",
              "The dispute about the task '{title}' (due day: {due}) was rejected. The reason stands in the task."),
    ),
    Reaction(
        "task_reopened", TaskReopened, ("responsible", "lead_unit_heads"), _TASK,
        Words("Mở lại nhiệm vụ: {title}", "Task reopened: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) được mở lại. Đề nghị hoàn thiện và trình lại kết quả.",
              "The task '{title}' (due day: {due}) was reopened. Please mend its result and hand it in again."),
    ),
    Reaction(
        "task_escalated", TaskEscalated, ("its_level",), _TASK,
        Words("Chưa có kết quả, {late}: {title}", "Not handed in, {late}: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) {late} mà chưa trình kết quả.",
              "The task '{title}' (due day: {due}) is {late} and its result has not been handed in."),
    ),
    Reaction(
        "remedy_plan_asked", RemedyPlanAsked, ("responsible", "lead_unit_heads"), _TASK,
        Words("Cần phương án khắc phục: {title}", "Remedy plan asked for: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) cần phương án khắc phục với các mốc mới.",
              "The task '{title}' (due day: {due}) needs a remedy plan with new milestones."),
    ),
    Reaction(
        "remedy_plan_given", RemedyPlanGiven, ("approver",), _TASK,
        Words("Phương án khắc phục: {title}", "Remedy plan: {title}"),
        Words("Đơn vị đã lập phương án khắc phục cho nhiệm vụ «{title}» (hạn: {due}).",
              "The unit gave a remedy plan for the task '{title}' (due day: {due})."),
    ),
    Reaction(
        "commitment_asked", CommitmentAsked, ("responsible", "lead_unit_heads"), _TASK,
        Words("Cần cam kết: {title}", "Commitment asked for: {title}"),
        Words("Nhiệm vụ «{title}» đã quá hạn {due}. Đề nghị cam kết ngày trình kết quả.",
              "The task '{title}' was due on {due}. Please commit yourselves to a day."),
    ),
    Reaction(
        "commitment_broken", CommitmentBroken, ("its_level",), _TASK,
        Words("Không giữ cam kết: {title}", "Commitment broken: {title}"),
        Words("Đơn vị cam kết trình kết quả nhiệm vụ «{title}» (hạn: {due}) chậm nhất {committed} nhưng chưa trình.",
              "The unit had committed itself to hand in the task '{title}' (due day: {due}) by {committed}, and has not."),
    ),
    Reaction(
        "remedy_plan_reminded", RemedyPlanReminded, ("responsible", "lead_unit_heads"), _TASK,
        Words("Nhắc lập phương án khắc phục: {title}", "Remedy plan still asked for: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) vẫn chưa có phương án khắc phục.",
              "The task '{title}' (due day: {due}) still has no remedy plan."),
    ),
    Reaction(
        "commitment_given", CommitmentGiven, ("approver",), _TASK,
        Words("Cam kết: {title}", "Commitment: {title}"),
        Words("Đơn vị cam kết trình kết quả nhiệm vụ «{title}» (hạn: {due}) chậm nhất {committed}.",
              "The unit commits itself to hand in the task '{title}' (due day: {due}) by {committed}."),
    ),
    Reaction(
        "evidence_rejected", EvidenceRejected, ("responsible",), _TASK,
        Words("Minh chứng không được chấp nhận: {title}", "Evidence rejected: {title}"),
        Words("Một minh chứng của nhiệm vụ «{title}» (hạn: {due}) không được chấp nhận. Đề nghị thay bằng minh chứng khác; "
              "lý do xem trong nhiệm vụ.",
              "A piece of evidence of the task '{title}' (due day: {due}) was rejected. Please supersede it; the reason stands "
              "in the task."),
    ),
    Reaction(
        "task_overspent", TaskOverspent, ("approver", "lead_unit_heads"), _TASK,
        Words("Chi vượt kinh phí: {title}", "Overspent: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) đã chi vượt kinh phí được giao. Đề nghị xem xét.",
              "More is spent for the task '{title}' (due day: {due}) than was granted. Please look into it."),
    ),
    Reaction(
        "part_asked", PartAsked, ("unit_heads",), _TASK,
        Words("Phần việc phối hợp: {title}", "A part is asked of your unit: {title}"),
        Words("Đơn vị được giao một phần việc phối hợp của nhiệm vụ «{title}». Hạn của phần này: {part_due}.",
              "Your unit is asked for a part of the task '{title}'. The part is due on {part_due}."),
    ),
    Reaction(
        "part_submitted", PartSubmitted, ("responsible",), _TASK,
        Words("Có phần việc phối hợp: {title}", "A part was handed in: {title}"),
        Words("Một đơn vị phối hợp đã nộp phần việc của nhiệm vụ «{title}». Đề nghị nhận hoặc trả lại.",
              "A coordinating unit handed in its part of the task '{title}'. Please accept or return it."),
    ),
    Reaction(
        "part_returned", PartReturned, ("unit_heads",), _TASK,
        Words("Trả lại phần việc phối hợp: {title}", "A part was returned: {title}"),
        Words("Phần việc của đơn vị trong nhiệm vụ «{title}» bị trả lại để hoàn thiện. Hạn của phần này: {part_due}.",
              "Your unit's part of the task '{title}' was sent back to be mended. The part is due on {part_due}."),
    ),
    Reaction(
        "part_withdrawn", PartWithdrawn, ("unit_heads",), _TASK,
        Words("Thôi phần việc phối hợp: {title}", "A part is needed no more: {title}"),
        Words("Đơn vị chủ trì không cần phần việc của đơn vị trong nhiệm vụ «{title}» nữa.",
              "The lead needs your unit's part of the task '{title}' no more."),
    ),
    Reaction(
        "part_due_soon", PartFellDueSoon, ("unit_heads", "responsible"), _TASK,
        Words("Phần việc phối hợp sắp đến hạn: {title}", "A part is due soon: {title}"),
        Words("Phần việc phối hợp số {part} của nhiệm vụ «{title}» sắp đến hạn mà chưa nộp: {part_due}, {days}.",
              "Part {part} of the task '{title}' has not been handed in and is due on {part_due}: {days}."),
    ),
    Reaction(
        "part_overdue", PartBecameOverdue, ("unit_heads", "responsible"), _TASK,
        Words("Phần việc phối hợp quá hạn: {title}", "A part is overdue: {title}"),
        Words("Phần việc phối hợp số {part} của nhiệm vụ «{title}» đã quá hạn {part_due} mà đơn vị phối hợp chưa nộp.",
              "Part {part} of the task '{title}' was due on {part_due} and its unit has not handed it in."),
    ),
    Reaction(
        "focus_set", FocusSet, ("responsible", "lead_unit_heads"), _TASK,
        Words("Nhiệm vụ trọng tâm: {title}", "On the short list: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) được đưa vào danh sách trọng tâm. Đề nghị ưu tiên thực hiện.",
              "The task '{title}' (due day: {due}) was put on the short list. Please do it first."),
    ),
    Reaction(
        "party_named", PartyNamed, ("unit_heads",), _TASK,
        Words("Cần liên hệ {party}: {title}", "To be reached, {party}: {title}"),
        Words("Nhiệm vụ «{title}» (hạn: {due}) có {party} tham gia, liên hệ qua đơn vị. Đề nghị liên hệ và ghi nhận kết quả.",
              "In the task '{title}' (due day: {due}) {party} takes part and is reached through your unit. Please reach it."),
    ),
    Reaction(
        "no_work_stated", NoWorkStated, ("approver",), _TASK,
        Words("Kỳ {period} không phát sinh việc: {title}", "No work in {period}: {title}"),
        Words("Đơn vị báo kỳ {period} của nhiệm vụ «{title}» không phát sinh việc (hạn: {due}). Đề nghị xác nhận hoặc bác.",
              "There was no work in period {period} of the task '{title}' (due day: {due}). Please confirm or reject that."),
    ),
    Reaction(
        "no_work_rejected", NoWorkRejected, ("responsible", "lead_unit_heads"), _TASK,
        Words("Kỳ {period} vẫn phải có kết quả: {title}", "Period {period} is due all the same: {title}"),
        Words("Không chấp nhận kỳ {period} của nhiệm vụ «{title}» là không phát sinh việc. Kết quả của kỳ đến hạn {due}.",
              "It was not accepted that period {period} of the task '{title}' had no work. Its result is due on {due}."),
    ),
    Reaction(
        "concretisation_reminded", ConcretisationReminded, ("unit_heads",), _MATRIX,
        Words("Đôn đốc cụ thể hóa: {paper}", "Still to be concretised: {paper}"),
        Words("Đơn vị chưa có văn bản cụ thể hóa {paper} ({silent}; hạn: {due}). "
              "Đề nghị ban hành và ghi nhận văn bản, hoặc báo không áp dụng kèm lý do.",
              "Your unit has registered no paper of its own below {paper} ({silent}; due day: {due}). "
              "Please issue and register one, or say why it does not apply."),
    ),
    Reaction(
        "not_applicable_confirmed", NotApplicableConfirmed, ("unit_heads",), _MATRIX,
        Words("Không phải cụ thể hóa: {paper}", "Does not apply: {paper}"),
        Words("Cơ quan thường trực xác nhận {paper} không áp dụng đối với đơn vị.",
              "The standing agency confirmed that {paper} does not apply to your unit."),
    ),
    Reaction(
        "not_applicable_rejected", NotApplicableRejected, ("unit_heads",), _MATRIX,
        Words("Vẫn phải cụ thể hóa: {paper}", "Applies all the same: {paper}"),
        Words("Cơ quan thường trực không chấp nhận lý do không áp dụng {paper}. Lý do xem trong lịch sử văn bản.",
              "The standing agency did not accept that {paper} does not apply. The history of the paper gives the reason."),
    ),
    Reaction(
        "unit_received", UnitReceived, ("unit_heads", "concerned"), "/v1/tasks?unit={unit_id}",
        Words("Tiếp nhận {tasks} nhiệm vụ sau sắp xếp", "Tasks taken over after the reorganisation: {tasks}"),
        Words("Từ {since}, đơn vị mới tiếp nhận {tasks} nhiệm vụ của các đơn vị cũ: hạn, hồ sơ và lịch sử giữ nguyên. "
              "Đề nghị rà soát người chịu trách nhiệm từng việc.",
              "From {since} on the new unit has {tasks} tasks of former units, with due days, papers and history as they were. "
              "Please check who is responsible for each."),
    ),
    Reaction(
        "wave_opened", EnrolmentOpened, ("learner",), "/v1/programmes/{programme_id}",
        Words("Mở đợt học: {title}", "Your wave is open: {title}"),
        Words("Đợt học của ông/bà trong chương trình «{title}» đã mở. Có thể bắt đầu học.",
              "Your wave of the programme '{title}' is open. You may begin."),
    ),
)  # fmt: skip

KINDS: tuple[str, ...] = tuple(reaction.kind for reaction in REACTIONS)


def roles_told(reaction: Reaction, event: Event) -> tuple[Role, ...]:
    """The roles whose holders are told of this very fact; a level that this version does not know is nobody's."""
    named = _LEVELS.get(getattr(event, "level", ""))
    return tuple(dict.fromkeys(one for role in reaction.told if (one := named if role == "its_level" else role) is not None))


def unit_whose_heads_are_told(reaction: Reaction, event: Event) -> str | None:
    """The unit whose heads (người đứng đầu) must be looked up to know who is told; None when nobody's."""
    told = roles_told(reaction, event)
    return next((getattr(event, _HEADED[role]) for role in told if role in _HEADED), None)


def offices_told(reaction: Reaction, event: Event) -> list[str]:
    """The positions whose holders in the whole province must be looked up to know who is told."""
    return [role for role in roles_told(reaction, event) if role in _OFFICES]


def recipients(reaction: Reaction, event: Event, looked_up: Iterable[str] = ()) -> list[str]:
    """Ids of the persons who are told, each once, whatever number of roles they hold."""
    named = [getattr(event, _NAMED[role]) for role in roles_told(reaction, event) if role in _NAMED]
    persons = [person for one in named for person in (one if isinstance(one, list) else [one])]
    return list(dict.fromkeys(person for person in [*persons, *looked_up] if person))


def words(reaction: Reaction, event: Event) -> tuple[Bilingual, Bilingual]:
    """Title and body of the notice. Nothing of a person is in them."""
    values: dict[str, Bilingual] = {
        "due": due_day(getattr(event, "period_due_on", None) or getattr(event, "due_on", None)),
        "days": days_left(getattr(event, "days_left", 0)),
        "silent": days_silent(getattr(event, "silent_working_days", None)),
        "paper": paper(one_line(str(getattr(event, "number", ""))), getattr(event, "issued_on", None)),
        "party": party(getattr(event, "party", "")),
        "late": days_late(getattr(event, "days_late", 0)),
        **{name: due_day(getattr(event, field, None)) for name, field in _DAYS.items()},
    }
    plain = {
        "title": one_line(getattr(event, "title", "")),
        "period": getattr(event, "period", ""),
        "tasks": getattr(event, "tasks", 0),
        "part": getattr(event, "part", 0),
    }
    vi, en = ({name: getattr(value, language) for name, value in values.items()} for language in ("vi", "en"))

    def fill(template: Words) -> Bilingual:
        return Bilingual(vi=template.vi.format(**plain, **vi), en=template.en.format(**plain, **en))

    return fill(reaction.title), fill(reaction.body)


_DAYS = {
    "wanted": "wanted_on", "before": "due_before", "until": "answer_by", "committed": "committed_on",
    "part_due": "part_due_on", "since": "effective_on",
}  # fmt: skip
"""Days that a template may name, and the fields that hold them."""


def about(reaction: Reaction, event: Event) -> str:
    """The API path of what the notice is about."""
    fields: dict[str, Any] = event.model_dump()
    return reaction.about.format_map(fields)
