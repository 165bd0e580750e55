"""Rows of `directives.csv`: papers and conclusions, known by number, issuer and day of issue together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from common.errors import Words
from tasks.domain.directive import Directive
from tasks.domain.document_number import read_number
from tasks.domain.findings import EMPTY
from tasks.domain.issuers import issuer_fields
from tasks.domain.rows import MAX_ID, Reading
from tasks.domain.table import Columns
from tasks.domain.text import fold

DIRECTIVE_COLUMNS = Columns(
    required=("number", "issuer", "issued_on"),
    optional=("doc_type", "subject_en", "parent_number", "verified", "awaited_as", "issuer_uid"),
    ignored=("system",),
    aliases={"type": "doc_type", "subject": "subject_en"},
)


def read_directive(reading: Reading) -> dict[str, Any]:
    """What a row says, by field of `Directive`; the parent stays a number until it is looked up."""
    number = reading.text("number", limit=100, required=True)
    issuer = reading.text("issuer", limit=200, required=True)
    issued_on = reading.day("issued_on")
    if number and issuer:
        reading.id = Directive.id_of(number, issuer, issued_on)
    wanted: dict[str, Any] = {"number": number, "issuer": issuer, "issued_on": issued_on}
    for column, name in (("doc_type", "type"), ("subject_en", "subject"), ("verified", "verified")):
        if reading.has(column):
            wanted[name] = reading.text(column)
    if reading.has("awaited_as"):
        wanted["awaited_as"] = reading.parts("awaited_as")
    _judge_number(reading, number, wanted.get("type", ""))
    if issued_on is None and not reading.refused:
        reading.say(
            "issue_day_missing",
            "warning",
            "issued_on",
            Words(
                "Chưa có ngày ban hành; số văn bản đánh lại mỗi năm nên cần ngày để phân biệt.",
                "The day of issue is missing; numbers start again every year, so it is needed to tell papers apart.",
            ),
            EMPTY,
            Words("Hãy đọc văn bản gốc rồi bổ sung issued_on.", "Read the paper and add issued_on."),
        )
    return wanted


def judge_issuer(reading: Reading, issuer: str, meant: list[str], known: Collection[str]) -> dict[str, Any]:
    """The unit that issued the paper: the one that the row names, or the one that its issuer's name can mean on its day."""
    given = reading.text("issuer_uid", limit=MAX_ID) if reading.has("issuer_uid") else ""
    if given and given not in known:
        reading.say(
            "unit_unknown",
            "error",
            "issuer_uid",
            Words("Không có đơn vị này trong danh mục.", "There is no such unit in the register."),
            given,
            Words("Hãy nhập danh mục đơn vị trước.", "Import the register of units first."),
        )
        return {}
    units = [given] if given else meant
    if len(units) > 1:
        reading.say(
            "issuer_ambiguous",
            "warning",
            "issuer",
            Words(
                f"Có thể là nhiều đơn vị: {', '.join(meant)}.",
                f"It may be one of several units: {', '.join(meant)}.",
            ),
            issuer,
            Words("Hãy ghi issuer_uid.", "Give issuer_uid."),
        )
    return issuer_fields(units)


def _judge_number(reading: Reading, written: str, kind: str) -> None:
    if not written:
        return
    read = read_number(written)
    match read.standing:
        case "alias":
            reading.say(
                "number_alias",
                "info",
                "number",
                Words(f"Hiểu là «{read.canonical}».", f"Read as '{read.canonical}'."),
                written,
                Words("Nên viết số theo đúng thể thức.", "Better write it in its proper form."),
            )
        case "incomplete":
            reading.say(
                "number_incomplete",
                "warning",
                "number",
                Words("Số văn bản còn thiếu phần số.", "The number itself is missing."),
                written,
                Words("Hãy bổ sung khi văn bản đã có số.", "Add it once the paper has its number."),
            )
        case "task_ref":
            reading.say(
                "number_is_task",
                "warning",
                "number",
                Words("Đây là số nhiệm vụ, không phải số văn bản.", "This is the number of a task, not of a paper."),
                written,
                Words("Hãy ghi số của văn bản giao nhiệm vụ ấy.", "Give the number of the paper that sets the task."),
            )
        case "unreadable":
            reading.say(
                "number_unreadable",
                "warning",
                "number",
                Words("Không theo thể thức số văn bản nào.", "It follows no form of document numbers."),
                written,
                Words(
                    "Hãy đối chiếu với văn bản gốc (Nghị định 30/2020/NĐ-CP).", "Compare with the paper (Decree 30/2020/NĐ-CP)."
                ),
            )
    if kind and read.type and kind != read.type:
        reading.say(
            "type_differs",
            "warning",
            "doc_type",
            Words(f"Số văn bản ghi loại «{read.type}».", f"The number says type '{read.type}'."),
            kind,
            Words("Hãy kiểm tra loại văn bản.", "Check the type."),
        )


def number_key(written: str) -> str:
    """What numbers of one paper have in common, however they are spelt."""
    return fold(read_number(written).canonical)
