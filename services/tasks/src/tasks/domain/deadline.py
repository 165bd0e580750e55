"""Deadlines as plans write them: sixteen kinds (`deadline_patterns.csv`), read from the words and shown beside them.

Dates, months, quarters and years give a due day: the last one of the period, which is our convention and is said as a
finding. The other kinds are recognised and kept as written; a task that has only those is not clear about its time.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from common.errors import Words
from tasks.domain.findings import EMPTY, Finding, quoted
from tasks.domain.text import fold, tidy


class Kind(StrEnum):
    """How a deadline is worded. The first five are dated here; `UNREAD` is what no pattern knows."""

    DATE = "date"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    MISSING = "missing"
    YEAR_RANGE = "year_range"
    OPEN_ENDED = "open_ended"
    RECURRING = "recurring"
    RECURRING_YEARLY = "recurring_yearly"
    RELATIVE_EVENT = "relative_event"
    ON_EVENT = "on_event"
    EXTERNAL = "external"
    DATE_THEN_MAINTAIN = "date_then_maintain"
    FIRST_THEN_MONTHLY = "first_then_monthly"
    START_DATE = "start_date"
    COLUMN_SHIFT = "column_shift"
    UNREAD = "unread"


WAITING = frozenset({Kind.RELATIVE_EVENT, Kind.EXTERNAL, Kind.ON_EVENT})
"""Kinds whose clock has not started: they wait for somebody else's paper or for an event."""


class Deadline(NamedTuple):
    """`due_on` is None for every kind that is not dated; `precision` says what the words gave: day, month, quarter, year."""

    written: str
    kind: Kind
    due_on: date | None = None
    precision: str = ""


_DAY = r"(?:ngay\s+)?(?P<d>\d{1,2})\s*[/.-]\s*(?P<m>\d{1,2})\s*[/.-]\s*(?P<y>20\d\d)"
_LEAD_IN = r"(?:hoan thanh\s+)?(?:truoc|den|cham nhat|trong)?\s*"
_QUARTERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "1": 1, "2": 2, "3": 3, "4": 4}

_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.COLUMN_SHIFT, r"\[o thoi han .*\]"),
        (Kind.RELATIVE_EVENT, r".*?\d+\s+ngay(?: lam viec)?\s+(?:ke tu khi|sau khi|ke tu ngay)\s+.+"),
        (Kind.FIRST_THEN_MONTHLY, rf".*?{_DAY}.*?h[a]ng\s+thang.*"),
        (Kind.DATE_THEN_MAINTAIN, rf".*?{_DAY}.*?duy tri.*"),
        (Kind.START_DATE, rf"(?:bat dau )?tu {_DAY}"),
        (Kind.DATE, rf"{_LEAD_IN}{_DAY}"),
        (Kind.OPEN_ENDED, r"(?:nam )?20\d\d va (?:nhung|cac) nam (?:tiep theo|sau)"),
        (Kind.YEAR_RANGE, r"(?:nam |giai doan )?(?P<a>20\d\d)\s*-\s*(?P<b>20\d\d)"),
        (Kind.QUARTER, rf"{_LEAD_IN}quy\s*(?P<q>iv|i{{1,3}}|[1-4])\s*(?:/|nam|,)?\s*(?P<y>20\d\d)"),
        (Kind.MONTH, rf"{_LEAD_IN}(?:thang\s*)?(?P<m>\d{{1,2}})\s*(?:/|-|nam)\s*(?P<y>20\d\d)"),
        (Kind.YEAR, rf"{_LEAD_IN}(?:nam )?(?P<y>20\d\d)"),
        (Kind.RECURRING_YEARLY, r"h[a]ng nam|moi nam"),
        (Kind.RECURRING, r"(?:nhiem vu |thuc hien )?(?:thuong xuyen|dinh ky|h[a]ng (?:thang|quy|tuan)).*"),
        (Kind.ON_EVENT, r"khi co .+"),
        (Kind.EXTERNAL, r"theo .+|xay dung ke hoach va trien khai"),
    )
)


def read_deadline(written: str, bodies: Iterable[str] = ()) -> Deadline:
    """Read the words of a deadline cell. `bodies` are names of agencies: a cell that holds one has slipped a column."""
    words = tidy(written)
    if not words:
        return Deadline("", Kind.MISSING)
    folded = fold(words)
    for kind, pattern in _PATTERNS:
        found = pattern.fullmatch(folded)
        if found is None:
            continue
        try:
            due, precision = _dated(kind, found)
        except ValueError:  # 31/02/2026: looks like a date and is none
            return Deadline(words, Kind.UNREAD)
        return Deadline(words, kind, due, precision)
    shifted = any(fold(body) in folded for body in bodies)
    return Deadline(words, Kind.COLUMN_SHIFT if shifted else Kind.UNREAD)


def _dated(kind: Kind, found: re.Match[str]) -> tuple[date | None, str]:
    parts = found.groupdict()
    match kind:
        case Kind.DATE:
            return date(int(parts["y"]), int(parts["m"]), int(parts["d"])), "day"
        case Kind.MONTH:
            return last_day(int(parts["y"]), int(parts["m"])), "month"
        case Kind.QUARTER:
            return last_day(int(parts["y"]), 3 * _QUARTERS[parts["q"]]), "quarter"
        case Kind.YEAR:
            return date(int(parts["y"]), 12, 31), "year"
    return None, ""


def last_day(year: int, month: int) -> date:
    """The last day of a month. Raises ValueError when there is no such month."""
    if not 1 <= month <= 12:
        raise ValueError(month)
    return date(year, month, calendar.monthrange(year, month)[1])


def findings_of(deadline: Deadline, issued_on: date | None) -> list[Finding]:
    """What is to be said of a deadline when a plan is imported (golden cases G052-G059)."""
    found: list[Finding] = []
    quote = quoted(deadline.written) or EMPTY
    if deadline.due_on is None:
        message, repair = UNDATED[deadline.kind]
        found.append(Finding(f"deadline_{deadline.kind.value}", "warning", "deadline_raw", message, quote, repair))
        return found
    if deadline.precision != "day":
        day = f"{deadline.due_on:%d/%m/%Y}"
        found.append(
            Finding(
                f"deadline_only_{deadline.precision}", "info", "deadline_raw",
                Words(f"Chỉ ghi đến {_PRECISION[deadline.precision].vi}; hiểu là ngày {day} (quy ước của hệ thống).",
                      f"Only the {_PRECISION[deadline.precision].en} is given; read as {deadline.due_on} (our convention)."),
                quote,
                Words("Nếu có mốc sớm hơn, hãy ghi ngày cụ thể.", "If there is an earlier milestone, give its day."),
            )
        )  # fmt: skip
    if issued_on is not None and deadline.due_on < issued_on:
        found.append(
            Finding(
                "deadline_before_issue_date", "warning", "deadline_raw",
                Words("Hạn đứng trước ngày ban hành văn bản.", "The deadline is before the paper was issued."),
                quote, Words("Hãy kiểm tra lại ngày với cơ quan ban hành.", "Check the day with the issuer."),
            )
        )  # fmt: skip
    elif issued_on is not None and deadline.due_on <= issued_on + timedelta(days=2):
        found.append(
            Finding(
                "deadline_within_2_days_of_issue", "warning", "deadline_raw",
                Words("Hạn chỉ cách ngày ban hành nhiều nhất hai ngày.", "The deadline is at most two days after the issue."),
                quote, Words("Hãy hỏi lại cơ quan ban hành hoặc xin gia hạn.", "Ask the issuer, or for an extension."),
            )
        )  # fmt: skip
    return found


_PRECISION = {"month": Words("tháng", "month"), "quarter": Words("quý", "quarter"), "year": Words("năm", "year")}
_GIVE_A_DAY = Words("Hãy đặt due_on là một ngày cụ thể.", "Set due_on to a day.")

UNDATED: dict[Kind, tuple[Words, Words]] = {
    Kind.MISSING: (Words("Không ghi thời hạn.", "No deadline is given."), _GIVE_A_DAY),
    Kind.OPEN_ENDED: (
        Words("Thời hạn để ngỏ, không có điểm kết thúc.", "The deadline is open-ended."),
        Words("Hãy đặt due_on là mốc kiểm điểm đầu tiên, ví dụ 31/12 của năm đầu.",
              "Set due_on to the first checkpoint, 31 December of the first year for example."),
    ),
    Kind.YEAR_RANGE: (
        Words("Thời hạn là một khoảng nhiều năm.", "The deadline is a range of years."),
        Words("Hãy đặt due_on là ngày cuối của khoảng hoặc mốc đầu tiên.",
              "Set due_on to the end of the range or its first milestone."),
    ),
    Kind.RECURRING: (
        Words("Việc thường xuyên, không có kỳ báo cáo.", "A regular task without a reporting calendar."),
        Words("Hãy đặt due_on là ngày báo cáo của kỳ tới.", "Set due_on to the reporting day of the next period."),
    ),
    Kind.RECURRING_YEARLY: (
        Words("Việc hằng năm, không ghi ngày của kỳ.", "A yearly task without a day."),
        Words("Hãy đặt due_on là ngày kết thúc kỳ năm nay.", "Set due_on to the end of this year's period."),
    ),
    Kind.RELATIVE_EVENT: (
        Words("Thời hạn tính từ một văn bản chưa được đăng ký.",
              "The deadline counts from a paper that is not registered yet."),
        Words("Hãy đặt due_on khi văn bản ấy đã có ngày ban hành.", "Set due_on once that paper has its day of issue."),
    ),
    Kind.ON_EVENT: (
        Words("Thời hạn phụ thuộc một sự việc chưa xảy ra.", "The deadline depends on something that has not happened."),
        Words("Hãy đặt due_on khi sự việc xảy ra.", "Set due_on when it happens."),
    ),
    Kind.EXTERNAL: (
        Words("Thời hạn do cơ quan khác định.", "The deadline is set by another body."),
        Words("Hãy hỏi cơ quan ấy rồi đặt due_on.", "Ask that body, then set due_on."),
    ),
    Kind.DATE_THEN_MAINTAIN: (
        Words("Có ngày hoàn thành rồi phải duy trì liên tục.", "A day of completion, then to be kept up for ever."),
        Words("Hãy đặt due_on là ngày hoàn thành; phần duy trì là việc khác.",
              "Set due_on to the day of completion; keeping it up is another task."),
    ),
    Kind.FIRST_THEN_MONTHLY: (
        Words("Có kỳ đầu rồi lặp lại hằng tháng.", "A first date, then monthly."),
        Words("Hãy đặt due_on là kỳ đầu tiên còn lại.", "Set due_on to the next period."),
    ),
    Kind.START_DATE: (
        Words("Chỉ ghi ngày bắt đầu.", "Only a start is given."),
        Words("Hãy đặt due_on là ngày kết thúc.", "Set due_on to the end."),
    ),
    Kind.COLUMN_SHIFT: (
        Words("Ô thời hạn chứa nội dung của cột khác.", "The deadline cell holds another column's content."),
        Words("Hãy đối chiếu bản gốc rồi đặt due_on.", "Compare with the original, then set due_on."),
    ),
    Kind.UNREAD: (
        Words("Không hiểu được thời hạn này.", "This deadline cannot be understood."),
        _GIVE_A_DAY,
    ),
}  # fmt: skip
"""Why a kind leaves the time unclear, and how to mend it."""
