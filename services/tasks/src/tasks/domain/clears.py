"""The clear-gate (5 rõ, 6 rõ): no task leaves draft unless it says who, what, by when, answering to whom, with what result.

Person, work, time, responsibility, result: the five of April 2025; authority is the sixth since late 2025 (659/TB-VPCP,
624/TB-VPCP, 226-KL/TW). Resources are asked for beside them where the
committee says so. The machine checks are those of DOMAIN 2.1. Every reason quotes the words that caused it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from common.errors import FieldProblem, RuleBroken, Words
from tasks.domain.committee import Committee
from tasks.domain.deadline import UNDATED, Kind
from tasks.domain.directory import Person
from tasks.domain.findings import EMPTY, quoted
from tasks.domain.leads import Leads
from tasks.domain.periods import calendar_of
from tasks.domain.product import read_product
from tasks.domain.resources import NOUNS, lacking
from tasks.domain.task import Task
from tasks.domain.text import fold

Key = Literal["person", "work", "time", "responsibility", "result", "authority", "resources"]


@dataclass(frozen=True, slots=True)
class Clear:
    """One clear of one task: met when nothing speaks against it."""

    key: Key
    against: tuple[FieldProblem, ...] = ()

    @property
    def met(self) -> bool:
        return not self.against


@dataclass(frozen=True, slots=True)
class Facts:
    """What a task is judged against: who is who, how the lead cell reads, what the committee asks for."""

    people: Mapping[str, Person]
    leads: Leads
    committee: Committee
    successors: Mapping[str, str] = field(default_factory=dict)
    """Who took over the work of named leads that have ended, name by name."""


def clears(task: Task, facts: Facts) -> list[Clear]:
    """Every clear of the task, in the order in which they are always named."""
    found = [
        Clear(
            "person",
            (*_lead(task, facts.leads, facts.successors), *_responsible(task.responsible_id, task.lead_unit_id, facts.people)),
        ),
        Clear("work", tuple(_work(task))),
        Clear("time", tuple(_time(task, facts.committee))),
        Clear("responsibility", tuple(_responsibility(task, facts.people))),
        Clear("result", (*_result(task), *_criteria(task))),
    ]
    if facts.committee.authority_required:
        found.append(Clear("authority", tuple(_authority(task))))
    if facts.committee.resources_required:
        found.append(Clear("resources", tuple(_resources(task, facts.committee))))
    return found


def unclear(task: Task, facts: Facts) -> list[FieldProblem]:
    """Everything that keeps the task from being published."""
    return [reason for clear in clears(task, facts) for reason in clear.against]


def check_stays_clear(task: Task, facts: Facts, before: Sequence[FieldProblem]) -> None:
    """Raise `RuleBroken` when a task that was issued is less clear than `before`: what was published stays published on
    the same conditions. What was unclear already (somebody left since) holds up nobody who mends something else.
    """
    worse = [] if task.state == "draft" else [problem for problem in unclear(task, facts) if problem not in before]
    if worse:
        raise RuleBroken(
            Words(
                f"Nhiệm vụ đã ban hành phải giữ đủ rõ: {len(worse)} điều sẽ mất rõ.",
                f"A task that was published must stay clear: {len(worse)} points would not be.",
            ),
            worse,
        )


def unfit(task: Task, responsible_id: str | None, people: Mapping[str, Person]) -> list[FieldProblem]:
    """What speaks against giving the task to this person."""
    found = _responsible(responsible_id, task.lead_unit_id, people)
    if task.lead_unit_id is None:  # it was taken from a unit whose function it is not
        found.append(
            FieldProblem(
                "lead_unit_id",
                "lead_missing",
                Words("Chưa có đơn vị chủ trì.", "No lead unit is named."),
                Words("Hãy đặt lead_unit_id trước khi giao.", "Set lead_unit_id before you assign it."),
                task.lead_written or EMPTY,
            )
        )
    if responsible_id is not None and responsible_id == task.approver_id:
        found.append(
            FieldProblem(
                "responsible_id",
                "responsible_is_approver",
                Words(
                    "Người này là người duyệt: không ai tự duyệt việc của mình.",
                    "This person approves it: nobody approves their own work.",
                ),
                Words(
                    "Hãy chọn người khác, hoặc đổi approver_id trước.",
                    "Choose another person, or change approver_id first.",
                ),
                responsible_id,
            )
        )
    return found


def _lead(task: Task, leads: Leads, successors: Mapping[str, str]) -> list[FieldProblem]:
    if task.lead_unit_id is not None:
        return []
    words = quoted(leads.written) or EMPTY
    match leads.shape:
        case "none":
            why = "lead_missing", Words("Chưa có đơn vị chủ trì.", "No lead unit is named.")
            how = Words("Hãy đặt lead_unit_id là một đơn vị.", "Set lead_unit_id to one unit.")
        case "several":
            today = list(dict.fromkeys(successors.get(name, name) for name in leads.named))
            names = ", ".join([*today, *leads.classes])
            why = (
                "lead_several",
                Words(
                    f"Có {len(leads.named) + len(leads.classes)} bên cùng chủ trì; một việc chỉ một đầu mối (226-KL/TW).",
                    f"{len(leads.named) + len(leads.classes)} bodies lead together; one task has one lead (226-KL/TW).",
                ),
            )
            how = Words(
                f"Hãy chọn một trong: {names}; đưa các bên còn lại vào coordinator_unit_ids.",
                f"Choose one of: {names}; name the others in coordinator_unit_ids.",
            )
        case "class":
            why = (
                "lead_class",
                Words(
                    "Chủ trì là cả một nhóm cơ quan, không phải một đơn vị.", "The lead is a whole class of bodies, not one."
                ),
            )
            how = Words(
                "Hãy cụ thể hóa: mỗi đơn vị một nhiệm vụ riêng, với lead_unit_id của đơn vị đó.",
                "Concretise it: a task for each unit, with that unit as lead_unit_id.",
            )
        case _:
            why = (
                "lead_unknown",
                Words(
                    "Đơn vị chủ trì chưa gắn với một đơn vị trong danh mục.", "The lead is not tied to a unit of the register."
                ),
            )
            how = Words("Hãy đặt lead_unit_id là mã đơn vị trong danh mục (GET /v1/units?q=).",
                        "Set lead_unit_id to a unit of the register (GET /v1/units?q=).")  # fmt: skip
    return [
        FieldProblem("lead_unit_id", why[0], why[1], how, words),
        *(_ended(name, successors[name]) for name in leads.named if name in successors),
    ]


def _ended(name: str, successor: str) -> FieldProblem:
    """51 of the 140 national rows name a ministry that ended on 1 March 2025, seven weeks after they were issued."""
    return FieldProblem(
        "lead_unit_id",
        "lead_abolished",
        Words(
            "Cơ quan này không còn; việc của nó đã chuyển sang cơ quan khác.", "This body has ended; its work was taken over."
        ),
        Words(f"Hãy thay bằng: {successor}.", f"Name {successor} in its place."),
        name,
    )


def _responsible(person_id: str | None, lead_unit_id: str | None, people: Mapping[str, Person]) -> list[FieldProblem]:
    field = "responsible_id"
    if person_id is None:
        return [
            FieldProblem(
                field,
                "responsible_missing",
                Words("Không nêu người chịu trách nhiệm.", "No responsible person is named."),
                Words(
                    "Hãy đặt responsible_id là một người của đơn vị chủ trì.",
                    "Set responsible_id to a person of the lead unit.",
                ),
                EMPTY,
            )
        ]
    person = people.get(person_id)
    problem = _not_live(field, person_id, person)
    if problem is None and person is not None and lead_unit_id is not None and person.unit_id != lead_unit_id:
        problem = FieldProblem(
            field,
            "responsible_elsewhere",
            Words("Người này không thuộc đơn vị chủ trì.", "This person does not belong to the lead unit."),
            Words(
                "Hãy chọn người của đơn vị chủ trì, hoặc đổi lead_unit_id.",
                "Choose a person of the lead unit, or change lead_unit_id.",
            ),
            person_id,
        )
    return [] if problem is None else [problem]


def _not_live(field: str, person_id: str, person: Person | None) -> FieldProblem | None:
    if person is None:
        return FieldProblem(
            field,
            "person_unknown",
            Words("Không có người này trong danh mục.", "There is no such person in the register."),
            Words(
                "Hãy đăng ký bằng POST /v1/people, hoặc chọn người khác.",
                "Register them by POST /v1/people, or choose another.",
            ),
            person_id,
        )
    if not person.active:
        return FieldProblem(
            field,
            "person_inactive",
            Words("Tài khoản của người này không còn hoạt động.", "This person's account is no longer active."),
            Words("Hãy chọn người khác.", "Choose another person."),
            person_id,
        )
    return None


_VAGUE = re.compile(
    r"\b(?:day manh|tang cuong|quan tam|chu trong|thuc day|nang cao|tiep tuc|phat huy|phan dau|tich cuc|co gang|phoi hop)\b"
)
"""Words that promise effort and name no work (DOMAIN 2.1: no bare "đẩy mạnh", "tăng cường", "quan tâm")."""


def _work(task: Task) -> list[FieldProblem]:
    if len(task.title.split()) < 2:
        return [
            FieldProblem(
                "title",
                "work_not_stated",
                Words("Tên việc cần có động từ và đối tượng.", "The title needs a verb and an object."),
                Words("Hãy viết rõ làm gì với cái gì.", "Say what is done to what."),
                task.title or EMPTY,
            )
        ]
    vague = _VAGUE.search(fold(task.title))
    if vague is None or task.product_kind is not None:
        return []
    return [
        FieldProblem(
            "title",
            "work_vague",
            Words(
                "Từ chung chung, lại không có sản phẩm đo được đi kèm.",
                "The word names no work, and no product that could be checked stands beside it.",
            ),
            Words(
                "Hãy nêu việc cụ thể, hoặc đặt product và product_kind đo được.",
                "Name the work, or set a product and product_kind that can be checked.",
            ),
            _words_at(task.title, vague.start(), vague.end()),
        )
    ]


def _criteria(task: Task) -> list[FieldProblem]:
    """A criterion that promises effort and names nothing to measure settles no acceptance: the rule for titles (DOMAIN 2.1)."""
    return [
        FieldProblem(
            f"criteria.{place}",
            "criterion_vague",
            Words(
                "Tiêu chí nghiệm thu dùng từ chung chung, không có gì để đo.",
                "The criterion is worded vaguely and names nothing that could be measured.",
            ),
            Words(
                "Hãy nêu con số, văn bản, hệ thống hoặc sự kiện kiểm chứng được.",
                "Name a number, a paper, a system or an event that can be checked.",
            ),
            _words_at(words, vague.start(), vague.end()),
        )
        for place, words in enumerate(task.criteria)
        if (vague := _VAGUE.search(fold(words))) is not None and read_product(words) is None
    ]


def _words_at(text: str, start: int, end: int) -> str:
    """The words of the original that a folded match came from: folding keeps the number of spaces."""
    folded = fold(text)
    first = folded[:start].count(" ")
    return " ".join(text.split()[first : first + folded[start:end].count(" ") + 1])


def _time(task: Task, rules: Committee) -> list[FieldProblem]:
    """A date, a dated calendar, or a relative rule whose paper is registered and so gave a date (DOMAIN 2.1)."""
    if task.due_on is not None or calendar_of(task, rules) is not None:
        return []
    kind = Kind(task.deadline_kind)
    message, repair = UNDATED.get(kind, UNDATED[Kind.MISSING])
    code = "deadline_missing" if kind in (Kind.MISSING, *_DATED) else f"deadline_{kind.value}"
    return [FieldProblem("due_on", code, message, repair, quoted(task.deadline_written) or EMPTY)]


_DATED = (
    Kind.DATE, Kind.MONTH, Kind.QUARTER, Kind.HALF_YEAR, Kind.YEAR, Kind.YEAR_RANGE,
    Kind.DATE_THEN_MAINTAIN, Kind.FIRST_THEN_MONTHLY,
)  # fmt: skip


def _responsibility(task: Task, people: Mapping[str, Person]) -> list[FieldProblem]:
    found = []
    if task.lead_unit_id is not None and task.lead_unit_id in task.coordinator_unit_ids:
        found.append(
            FieldProblem(
                "coordinator_unit_ids",
                "lead_coordinates_itself",
                Words("Đơn vị chủ trì cũng là đơn vị phối hợp.", "The lead unit is a coordinator as well."),
                Words("Hãy bỏ đơn vị chủ trì khỏi coordinator_unit_ids.", "Take the lead out of coordinator_unit_ids."),
                quoted(task.coordinators_written) or task.lead_unit_id,
            )
        )
    if task.approver_id is None:
        found.append(
            FieldProblem(
                "approver_id",
                "approver_missing",
                Words("Không nêu người duyệt kết quả.", "Nobody is named who approves the result."),
                Words("Hãy đặt approver_id là người nghiệm thu.", "Set approver_id to the person who accepts the result."),
                EMPTY,
            )
        )
        return found
    if task.approver_id == task.responsible_id:
        found.append(
            FieldProblem(
                "approver_id",
                "approver_is_responsible",
                Words("Người làm không được tự duyệt.", "Nobody approves their own work."),
                Words("Hãy chọn người duyệt khác.", "Choose another approver."),
                task.approver_id,
            )
        )
    problem = _not_live("approver_id", task.approver_id, people.get(task.approver_id))
    return found if problem is None else [*found, problem]


def _result(task: Task) -> list[FieldProblem]:
    if not task.product:
        return [
            FieldProblem(
                "product",
                "product_missing",
                Words("Không nêu sản phẩm.", "No product is named."),
                Words(
                    "Hãy ghi sản phẩm kiểm chứng được: văn bản, hệ thống, chỉ số hoặc sự kiện.",
                    "Name a product that can be checked: a paper, a system, a measure or an event.",
                ),
                EMPTY,
            )
        ]
    if task.product_kind is None or task.evidence_kind is None:
        field = "product_kind" if task.product_kind is None else "evidence_kind"
        return [
            FieldProblem(
                field,
                f"{field}_missing",
                Words(
                    "Không rõ loại sản phẩm hoặc minh chứng, nên không kiểm chứng được.",
                    "The kind of product or evidence is not clear, so it cannot be checked.",
                ),
                Words(
                    f"Hãy đặt {field} (document, system, measure, event / document, link, dataset, photo).",
                    f"Set {field} (document, system, measure, event / document, link, dataset, photo).",
                ),
                quoted(task.product),
            )
        ]
    return []


def _authority(task: Task) -> list[FieldProblem]:
    if task.authority:
        return []
    return [
        FieldProblem(
            "authority",
            "authority_missing",
            Words("Không nêu thẩm quyền quyết định, gia hạn, kết thúc.", "Who may decide, extend and close is not said."),
            Words("Hãy ghi authority: ai quyết định và văn bản giao quyền.", "Set authority: who decides, by which paper."),
            EMPTY,
        )
    ]


def _resources(task: Task, rules: Committee) -> list[FieldProblem]:
    """Giving a task is giving what it is done with: "give task, give money" (624/TB-VPCP), where the committee asks for it."""
    return [
        FieldProblem(
            f"resources.{kind}",
            f"{kind}_missing",
            Words(f"Không nêu nguồn lực: {NOUNS[kind].vi}.", f"Its resources are not named: {NOUNS[kind].en}."),
            Words("Hãy gọi plan-resources.", "Call plan-resources."),
            EMPTY,
        )
        for kind in lacking(task)
        if kind in rules.resources_required
    ]
