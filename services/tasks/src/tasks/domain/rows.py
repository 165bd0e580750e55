"""From cells to values: reads one row of an import, and keeps account of what there is to say about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypeVar

from common.errors import FieldProblem, Words
from tasks.domain.findings import EMPTY, Finding, Severity, quoted
from tasks.domain.table import Row
from tasks.domain.text import tidy

Outcome = Literal["created", "unchanged", "updated", "refused"]
T = TypeVar("T")
MAX_ID = 128
_ID = re.compile(r"[^\s/?#%]+")
_YES = {"yes": True, "true": True, "1": True, "có": True, "no": False, "false": False, "0": False, "không": False}


@dataclass
class Reading:
    """One row being read. An error found on the way refuses it; the others are read on all the same."""

    row: Row
    id: str | None = None
    outcome: Outcome = "refused"
    findings: list[Finding] = field(default_factory=list)
    changes: dict[str, list[Any]] = field(default_factory=dict)
    """What this row changes of what is stored, or would change: field: [before, after]."""

    def __post_init__(self) -> None:
        self.findings.extend(self.row.findings)
        self._shifted = not self.row.cells  # what it holds cannot be said, so neither can what is missing

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)

    def has(self, column: str) -> bool:
        """True when the table has this column for this row; an absent one leaves what is stored alone."""
        return column in self.row.cells

    def say(self, code: str, severity: Severity, column: str, message: Words, quote: str, repair: Words) -> None:
        finding = Finding(code, severity, column, message, quoted(quote) or EMPTY, repair)
        if finding not in self.findings:  # a cell may be read more than once
            self.findings.append(finding)

    def repeat(self, problem: FieldProblem, severity: Severity, column: str) -> None:
        """Take over what a rule of the domain says."""
        self.say(problem.code, severity, column, problem.message, problem.quote or "", problem.repair)

    def text(self, column: str, *, limit: int = 1000, required: bool = False) -> str:
        """The words of a cell, in one normal form."""
        words = tidy(self.row.cells.get(column, ""))
        if required and not words and not self._shifted:
            self.say(
                "cell_missing",
                "error",
                column,
                Words("Ô bắt buộc đang trống.", "The cell must not be empty."),
                "",
                Words("Hãy điền ô này.", "Fill it in."),
            )
        if len(words) > limit:
            self.say(
                "cell_too_long",
                "error",
                column,
                Words(f"Ô dài {len(words)} ký tự; tối đa {limit}.", f"The cell has {len(words)} characters; at most {limit}."),
                words,
                Words("Hãy rút ngắn.", "Shorten it."),
            )
        return words

    def key(self, column: str, *, required: bool = True) -> str:
        """An id: no spaces, nothing that means something in an address."""
        words = self.text(column, limit=MAX_ID, required=required)
        if words and _ID.fullmatch(words) is None:
            self.say(
                "id_unreadable",
                "error",
                column,
                Words("Mã không được có khoảng trắng hay các dấu / ? # %.", "An id has no spaces and none of / ? # %."),
                words,
                Words("Hãy sửa mã.", "Correct it."),
            )
        return words

    def day(self, column: str, severity: Severity = "error") -> date | None:
        """A day as `YYYY-MM-DD`, or None for an empty cell."""
        words = self.text(column)
        if not words:
            return None
        try:
            if len(words) != 10:
                raise ValueError(words)
            return date.fromisoformat(words)
        except ValueError:
            self.say(
                "day_unreadable",
                severity,
                column,
                Words("Không phải một ngày dạng YYYY-MM-DD.", "Not a day as YYYY-MM-DD."),
                words,
                Words("Hãy viết ngày dạng YYYY-MM-DD, ví dụ 2025-07-01.", "Write it as YYYY-MM-DD, 2025-07-01 for example."),
            )
            return None

    def choice(self, column: str, allowed: Sequence[str]) -> str:
        """One of a few words."""
        words = self.text(column, required=True)
        if words and words not in allowed:
            self.say(
                "value_unknown",
                "error",
                column,
                Words("Giá trị không có trong danh sách.", "The value is not in the list."),
                words,
                Words(f"Hãy dùng một trong: {', '.join(allowed)}.", f"Use one of: {', '.join(allowed)}."),
            )
        return words

    def flag(self, column: str, default: bool) -> bool:
        words = self.text(column).casefold()
        if words and words not in _YES:
            self.say(
                "value_unknown",
                "error",
                column,
                Words("Giá trị phải là yes hoặc no.", "The value must be yes or no."),
                words,
                Words("Hãy ghi yes hoặc no.", "Write yes or no."),
            )
        return _YES.get(words, default)

    def parts(self, column: str) -> list[str]:
        """The parts of a cell that are divided by semicolons, each once."""
        return list(dict.fromkeys(part for piece in self.text(column).split(";") if (part := tidy(piece))))

    # --- outcomes ---

    def created(self) -> None:
        self.outcome = "created"

    def unchanged(self) -> None:
        self.outcome = "unchanged"

    def updated(self, changes: Iterable[str]) -> None:
        self.outcome = "updated"
        names = ", ".join(changes)
        self.say(
            "changed",
            "info",
            "",
            Words(f"Đã cập nhật: {names}.", f"Updated: {names}."),
            names,
            Words("Không cần làm gì.", "Nothing needs to be done."),
        )

    def compare(self, stored: Any, wanted: Mapping[str, Any]) -> None:
        """Keep the difference between what is stored and what the row wants, before anything is changed."""
        for name, value in differing(stored, wanted).items():
            self.changes[name] = [_plain(getattr(stored, name)), _plain(value)]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def unique(readings: Iterable[Reading], column: str) -> None:
    """Refuse a row whose id another row of the same file has already."""
    first: dict[str, int] = {}
    for reading in readings:
        if reading.id is None:
            continue
        if (before := first.setdefault(reading.id, reading.row.number)) != reading.row.number:
            reading.say(
                "duplicate_in_file",
                "error",
                column,
                Words(f"Dòng {before} của tệp đã có mã này.", f"Row {before} of the file has this id already."),
                reading.text(column) or reading.id,
                Words("Hãy giữ một dòng, hoặc sửa mã.", "Keep one of the rows, or correct the id."),
            )


def remembered(read: Callable[[str], T]) -> Callable[[str], T]:
    """`read`, once for each distinct text: the same leads and deadlines stand in hundreds of rows."""
    known: dict[str, T] = {}

    def look(text: str) -> T:
        if text not in known:
            known[text] = read(text)
        return known[text]

    return look


def differing(stored: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the wanted values that the stored document has not."""
    return {name: value for name, value in wanted.items() if getattr(stored, name) != value}
