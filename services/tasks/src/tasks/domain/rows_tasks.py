"""Rows of plans (`tasks.csv`): a draft for each row, and everything that the words leave open, quoted.

A row that was imported before is known by the marks of its columns: a plan that comes again in a new version changes
what that version changed, and nothing that people have mended since.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from common.errors import Words
from tasks.domain.bodies import Bodies, Found
from tasks.domain.clears import Facts, clears
from tasks.domain.committee import Committee
from tasks.domain.deadline import Deadline, Kind, findings_of, read_deadline
from tasks.domain.directive import Directive
from tasks.domain.document_number import read_number
from tasks.domain.findings import EMPTY
from tasks.domain.leads import Leads
from tasks.domain.product import PROOF, read_product
from tasks.domain.reading import time_fields
from tasks.domain.rows import Reading, remembered
from tasks.domain.table import Columns
from tasks.domain.task import Task
from tasks.domain.text import fold

Sample = Literal["foreign", "demo"]
TASK_COLUMNS = Columns(
    required=("task_uid", "source_doc", "title_short", "lead_as_written", "deadline_raw", "product_short"),
    optional=("group_no", "group_name", "coord_as_written", "deadline_date", "parent_ref", "verified"),
    ignored=(
        "row_no",
        "lead_after_hand_remap",
        "lead_kind",
        "deadline_kind",
        "deadline_precision",
        "deadline_note",
        "local_must_concretise",
        "issue_flags",
        "status",
    ),
)
"""What a reader of the plan made of the words (`lead_kind`, `deadline_kind` ...) is not taken over: we read them ourselves."""

_COLUMN_OF = {
    "lead_unit_id": "lead_as_written",
    "title": "title_short",
    "product": "product_short",
    "product_kind": "product_short",
    "evidence_kind": "product_short",
}
"""Which column a clear that is not met is about. The person and the authority are in no plan: they are added later."""


class Papers:
    """Directives by the number that plans quote."""

    def __init__(self, directives: Iterable[Directive]) -> None:
        self._by_number: dict[str, list[Directive]] = {}
        for directive in directives:
            self._by_number.setdefault(fold(directive.canonical), []).append(directive)

    def find(self, number: str) -> list[Directive]:
        """Numbers start again every year, so there may be several."""
        return self._by_number.get(fold(number), [])


def numbers_in(text: str) -> Iterator[str]:
    """Numbers of papers that stand in a text, in their one spelling."""
    for word in re.split(r"[\s,;:()]+", text):
        read = read_number(word.strip("."))
        if read.standing in ("valid", "alias"):
            yield read.canonical


@dataclass
class Plan:
    """What rows of a plan are read with: the register, the papers, a sample mark for all rows."""

    bodies: Bodies
    papers: Papers
    sample: Sample | None = None
    _leads: Any = field(init=False)
    _deadlines: Any = field(init=False)

    def __post_init__(self) -> None:
        self._leads = remembered(self.bodies.names.read)
        self._deadlines = remembered(lambda written: read_deadline(written, self.bodies.written))

    def leads(self, written: str) -> Leads:
        found: Leads = self._leads(written)
        return found

    def deadline(self, written: str) -> Deadline:
        found: Deadline = self._deadlines(written)
        return found


@dataclass(frozen=True)
class TaskRow:
    """What a row says, by column: the fields of `Task` that come of it, and the mark of the words."""

    fields: Mapping[str, Mapping[str, Any]]
    marks: Mapping[str, str]

    def new(self, task_id: str, reference: str, at: datetime) -> Task:
        """The draft that this row asks for."""
        content = {name: value for fields in self.fields.values() for name, value in fields.items()}
        return Task(id=task_id, created_at=at, reference=reference, import_digest=_joined(self.marks), **content)

    def changed_since(self, task: Task) -> list[str]:
        """Columns whose words are not those of the last import."""
        before = _divided(task.import_digest)
        return [column for column, mark in self.marks.items() if before.get(column) != mark]

    def wanted(self, columns: Iterable[str]) -> dict[str, Any]:
        """The fields that come of these columns."""
        return {name: value for column in columns for name, value in self.fields[column].items()}

    def amend(self, task: Task, columns: Iterable[str], today: date) -> list[str]:
        """Take over what the plan changed; returns the fields that differ."""
        changes = self.wanted(columns)
        task.import_digest = _joined({**_divided(task.import_digest), **self.marks})
        return task.amend(changes, today)


def _joined(marks: Mapping[str, str]) -> str:
    return " ".join(f"{column}={mark}" for column, mark in sorted(marks.items()))


def _divided(digest: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in digest.split() if "=" in part)


def read_task(reading: Reading, plan: Plan) -> TaskRow:
    """Read one row of a plan. Its words are kept as written beside what they are understood as."""
    reference = reading.key("task_uid")
    reading.id = Task.id_of_reference(reference) if reference else None
    sample = plan.sample or _sample_of(reading.text("verified"))
    words = {
        "title_short": reading.text("title_short", limit=500, required=True),
        "source_doc": reading.text("source_doc", limit=2000),
        "lead_as_written": reading.text("lead_as_written", limit=2000),
        "deadline_raw": reading.text("deadline_raw", limit=2000),
        "product_short": reading.text("product_short", limit=2000),
        "sample": sample or "",
    }
    if reading.has("group_no") or reading.has("group_name"):
        words["group_name"] = ". ".join(filter(None, (reading.text("group_no"), reading.text("group_name"))))
    for column in ("coord_as_written", "parent_ref"):
        if reading.has(column):
            words[column] = reading.text(column, limit=2000)
    if reading.refused:
        return TaskRow({}, {})
    leads, lead = _read_lead(reading, words["lead_as_written"], plan, sample)
    directive = _read_directive(reading, words["source_doc"], words.get("parent_ref", ""), plan.papers)
    product_kind = read_product(words["product_short"])
    fields: dict[str, dict[str, Any]] = {
        "title_short": {"title": words["title_short"]},
        "source_doc": {"source": words["source_doc"], "directive_id": directive.id if directive else None},
        "lead_as_written": {"lead_written": words["lead_as_written"], "lead_unit_id": lead},
        "deadline_raw": _read_time(reading, words["deadline_raw"], plan, directive),
        "product_short": {
            "product": words["product_short"],
            "product_kind": product_kind,
            "evidence_kind": None if product_kind is None else PROOF[product_kind],
        },
        "sample": {"sample": sample},
    }
    if "group_name" in words:
        fields["group_name"] = {"group": words["group_name"]}
    if "parent_ref" in words:
        fields["parent_ref"] = {"parent_reference": words["parent_ref"]}
    if "coord_as_written" in words:
        ids = _read_coordinators(reading, words["coord_as_written"], plan, sample, lead)
        fields["coord_as_written"] = {"coordinators_written": words["coord_as_written"], "coordinator_unit_ids": ids}
    row = TaskRow(fields, {column: _mark(text) for column, text in words.items()})
    _judge(reading, row, leads)
    return row


def _mark(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def _sample_of(verified: str) -> Sample | None:
    """Marks of the data's own README: T2 comes from another province, I was made for demonstration."""
    if verified.startswith("T2"):
        return "foreign"
    return "demo" if re.match(r"I\b", verified) else None


# --- who ---


def _read_lead(reading: Reading, written: str, plan: Plan, sample: Sample | None) -> tuple[Leads, str | None]:
    """The lead as read, and the unit: only when all that is named is one body today (226-KL/TW)."""
    leads = plan.leads(written)
    column = "lead_as_written"
    found = [(name, plan.bodies.find(name, foreign=sample == "foreign")) for name in leads.named]
    for variant in leads.variants:
        reading.say(
            "name_variant",
            "warning",
            column,
            Words("Tên cơ quan viết khác danh mục.", "The name is spelt otherwise than in the register."),
            variant,
            Words("Nên dùng tên đúng như danh mục.", "Better use the name as it is registered."),
        )
    for name, body in found:
        _say_of_body(reading, column, "lead", name, body)
    units = {None if body.unit is None else body.unit.id for _, body in found}
    if leads.classes or len(units) != 1:
        return leads, None
    (lead,) = units
    if len(found) > 1 and lead is not None:
        _say_of_collapse(reading, leads, found[0][1])
    return leads, lead


def _say_of_collapse(reading: Reading, leads: Leads, body: Found) -> None:
    """Several leads of the plan are one body since they were merged (NQ03 row 76): one lead, which somebody confirms."""
    name = "" if body.unit is None else body.unit.full_name
    reading.say(
        "lead_collapsed",
        "warning",
        "lead_as_written",
        Words(
            f"Các cơ quan này đã hợp nhất, nay chỉ còn một đầu mối: «{name}».",
            f"These bodies were merged: now there is one lead, '{name}'.",
        ),
        leads.written,
        Words("Hãy xác nhận một đầu mối chủ trì.", "Confirm that it leads."),
    )


def _say_of_body(reading: Reading, column: str, role: str, name: str, body: Found) -> None:
    if body.how == "successor" and body.unit is not None:
        reading.say(
            f"{role}_abolished",
            "warning",
            column,
            Words(
                f"Cơ quan này đã sắp xếp lại; nay là «{body.unit.full_name}».",
                f"This body was merged; now it is '{body.unit.full_name}'.",
            ),
            name,
            Words("Hãy xác nhận cơ quan kế thừa nhận nhiệm vụ.", "Confirm that its successor takes the task over."),
        )
    elif body.how == "several":
        reading.say(
            f"{role}_ambiguous",
            "warning",
            column,
            Words("Nhiều đơn vị mang hoặc kế thừa tên này.", "Several units bear or follow this name."),
            name,
            Words("Hãy chọn đơn vị bằng mã của danh mục.", "Choose the unit by its id in the register."),
        )
    elif body.how == "elsewhere":
        reading.say(
            f"{role}_elsewhere",
            "warning",
            column,
            Words(
                "Kế hoạch của tỉnh khác: đây không phải cơ quan của tỉnh ta.",
                "A plan of another province: this is no body of ours.",
            ),
            name,
            Words("Muốn dùng thật, hãy đặt đơn vị tương ứng của tỉnh.", "To use it in earnest, set the unit of this province."),
        )


def _read_coordinators(reading: Reading, written: str, plan: Plan, sample: Sample | None, lead: str | None) -> list[str]:
    """Units of the coordinators that are known; the words are kept for the others."""
    column, ids = "coord_as_written", list[str]()
    leads = plan.leads(written)
    unknown = []
    for name in leads.named:
        body = plan.bodies.find(name, foreign=sample == "foreign")
        _say_of_body(reading, column, "coordinator", name, body)
        if body.how == "unknown":
            unknown.append(name)
        if body.unit is None:
            continue
        if body.unit.id == lead:
            reading.say(
                "coordinator_is_lead",
                "info",
                column,
                Words(
                    "Cơ quan này đã là đơn vị chủ trì, nên không ghi thêm ở phần phối hợp.",
                    "This body leads already, so it is left out of the coordinators.",
                ),
                name,
                Words("Không cần làm gì.", "Nothing needs to be done."),
            )
        else:
            ids.append(body.unit.id)
    if unknown:
        reading.say(
            "coordinator_unknown",
            "warning",
            column,
            Words(
                f"{len(unknown)} đơn vị phối hợp không có trong danh mục.",
                f"{len(unknown)} coordinators are not in the register.",
            ),
            "; ".join(unknown),
            Words(
                "Hãy bổ sung danh mục, hoặc đặt coordinator_unit_ids.", "Add them to the register, or set coordinator_unit_ids."
            ),
        )
    if leads.classes:
        reading.say(
            "coordinator_class",
            "info",
            column,
            Words("Phối hợp là cả một nhóm cơ quan.", "A whole class of bodies coordinates."),
            "; ".join(leads.classes),
            Words("Hãy nêu từng đơn vị nếu cần họ nhận việc.", "Name the units if they are to act."),
        )
    return list(dict.fromkeys(ids))


# --- on which paper, by when ---


def _read_directive(reading: Reading, source: str, parent: str, papers: Papers) -> Directive | None:
    """The paper that gives the task: named in its source; if that names none, the paper of its parent task."""
    for column, text in (("source_doc", source), ("parent_ref", parent)):
        for number in numbers_in(text):
            found = papers.find(number)
            if len(found) == 1:
                return found[0]
            code = "directive_ambiguous" if found else "directive_unknown"
            message = (
                Words(
                    "Nhiều văn bản mang số này; số đánh lại mỗi năm.",
                    "Several papers bear this number; numbers start again every year.",
                )
                if found
                else Words("Văn bản này chưa được đăng ký.", "This paper is not registered.")
            )
            repair = Words(
                "Hãy đăng ký văn bản (kind=directives), hoặc đặt directive_id.",
                "Register it (kind=directives), or set directive_id.",
            )
            reading.say(code, "warning", column, message, number, repair)
            return None
    reading.say(
        "directive_not_named",
        "info",
        "source_doc",
        Words("Không có số văn bản nào trong nguồn.", "The source names no paper."),
        source,
        Words("Hãy ghi số văn bản, hoặc đặt directive_id.", "Give the number of the paper, or set directive_id."),
    )
    return None


def _read_time(reading: Reading, written: str, plan: Plan, directive: Directive | None) -> dict[str, Any]:
    """The deadline from its words. What the file's own date says otherwise is pointed at, not taken over."""
    deadline = plan.deadline(written)
    issued_on = None if directive is None else directive.issued_on
    reading.findings.extend(findings_of(deadline, issued_on))
    given = reading.day("deadline_date", "warning")
    if given is not None and deadline.due_on is None:  # no due day of ours, and yet worth a look (golden case G052)
        reading.findings.extend(findings_of(Deadline(deadline.written, Kind.DATE, given, "day"), issued_on))
    if given != deadline.due_on and (given is not None or (reading.has("deadline_date") and deadline.due_on is not None)):
        understood = "—" if deadline.due_on is None else deadline.due_on.isoformat()
        reading.say(
            "deadline_date_differs",
            "warning",
            "deadline_date",
            Words(
                f"Tệp ghi ngày này; từ lời văn «{written}» hiểu là: {understood}.",
                f"The file gives this day; its words '{written}' read as: {understood}.",
            ),
            _day(given),
            Words("Hãy kiểm tra rồi đặt due_on.", "Check it, then set due_on."),
        )
    return {"deadline_written": deadline.written, **time_fields(deadline)}


def _day(day: date | None) -> str:
    return EMPTY if day is None else day.isoformat()


# --- what is still open ---


def _judge(reading: Reading, row: TaskRow, leads: Leads) -> None:
    """Say now what will keep the task from being published, except what no plan ever holds."""
    task = row.new("", "", datetime.min)  # noqa: DTZ901 - judged and thrown away
    elsewhere = {finding.code for finding in reading.findings}
    for clear in clears(task, Facts({}, leads, Committee())):
        for problem in clear.against:
            column = _COLUMN_OF.get(problem.field)
            known = problem.code == "lead_unknown" and not elsewhere.isdisjoint({"lead_ambiguous", "lead_elsewhere"})
            if column is not None and not known:
                reading.repeat(problem, "warning", column)
    reading.say(
        "person_missing",
        "info",
        "",
        Words("Kế hoạch không nêu người chịu trách nhiệm.", "The plan names no responsible person."),
        EMPTY,
        Words("Hãy đặt responsible_id trước khi ban hành.", "Set responsible_id before it is published."),
    )


def refuse_issued(reading: Reading, task: Task, columns: Iterable[str]) -> None:
    """The plan changed, and the task is past draft: people work by it, so an import does not touch it."""
    names = ", ".join(columns)
    reading.say(
        "task_already_issued",
        "error",
        "task_uid",
        Words(
            f"Nhiệm vụ không còn là bản nháp ({task.state}); kế hoạch đã đổi: {names}.",
            f"The task is no draft any more ({task.state}); the plan changed: {names}.",
        ),
        reading.text("task_uid"),
        Words(
            f"Hãy sửa bằng PATCH /v1/tasks/{task.id}, hoặc hủy rồi nhập dưới mã mới.",
            f"Amend it by PATCH /v1/tasks/{task.id}, or cancel it and import it under a new id.",
        ),
    )
