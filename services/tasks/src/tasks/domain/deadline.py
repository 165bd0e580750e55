"""Deadlines as plans write them: sixteen kinds (`deadline_patterns.csv`), read from the words and shown beside them.

A month, a quarter, a half-year or a year is due on its last day, which is our convention and is said as a finding. Words
that repeat give a reporting calendar when they say how often, words that count from somebody's paper give what is waited
for. What can be understood in more than one way is `AMBIGUOUS`: its readings are named, none is chosen.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from common.errors import Words
from tasks.domain.findings import EMPTY, Finding, Severity, quoted
from tasks.domain.text import fold, tidy

Cadence = Literal["month", "quarter", "half_year", "year"]
"""How often a reporting calendar asks (kỳ báo cáo)."""


class Kind(StrEnum):
    """How a deadline is worded: the sixteen of the data, what has several readings, and what no pattern knows."""

    DATE = "date"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
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
    AMBIGUOUS = "ambiguous"
    UNREAD = "unread"


WAITING = frozenset({Kind.RELATIVE_EVENT, Kind.EXTERNAL, Kind.ON_EVENT})
"""Kinds whose clock has not started: they wait for somebody else's paper or for an event."""


class Wait(NamedTuple):
    """What the clock waits for: a paper of `body`, as the plan words it; due so many `days` after its day of issue.

    `days` is None where the other body sets the day itself; `working` counts working days instead of calendar days.
    """

    body: str
    days: int | None = None
    working: bool = False


class Deadline(NamedTuple):
    """`due_on` is None for every kind that has no day; `precision` says what the words gave: day, month, quarter ...

    `starts_on` is the first day of a range, `cadence` how often the words want a result, `period_day` by which day of its
    last month (1-31), `wait` what is waited for, `readings` the days that ambiguous words may mean.
    """

    written: str
    kind: Kind
    due_on: date | None = None
    precision: str = ""
    starts_on: date | None = None
    cadence: Cadence | None = None
    period_day: int | None = None
    wait: Wait | None = None
    readings: tuple[date, ...] = ()


_DAY = r"(?:ngay\s+)?(?P<d>\d{1,2})\s*(?:[/.-]|thang)\s*(?P<m>\d{1,2})\s*(?:[/.-]|nam)\s*(?P<y>20\d\d)"
_ANY_DAY = re.sub(r"\?P<\w>", "?:", _DAY)
_DONE = r"(?:(?:hoan thanh|xong|thuc hien|bao cao|trinh)\s+)?"
_LEAD_IN = rf"{_DONE}(?:(?:truoc|den|cham nhat|trong|vao|het|cuoi)\s+)*"
_INSIDE = rf"{_DONE}(?:(?:den|cham nhat|trong|vao|het|cuoi)\s+)*"
_TO = r"\s*(?:-|den|toi)\s*"
_QUARTERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_Q = r"iv|i{1,3}|[1-4]"
_QUARTER = rf"quy\s*(?P<q>{_Q})\s*(?:/|nam|,)?\s*(?P<y>20\d\d)"
_MONTH = r"(?:thang\s*)?(?P<m>\d{1,2})\s*(?:/|-|nam)\s*(?P<y>20\d\d)"
_HALF = r"(?:6|sau) thang (?P<h>dau|cuoi)\s+(?:nam\s+)?(?P<y>20\d\d)"
_YEAR = r"(?:nam )?(?P<y>20\d\d)"
_EVERY = r"(?:hang|moi|dinh ky(?: hang)?|theo)"
_REGULAR = r"(?:nhiem vu |thuc hien |cap nhat |bao cao )?"
_OFTEN = r"thuong xuyen|dinh ky|(?:hang|moi) (?:thang|quy|tuan|6 thang)|(?:6|sau) thang mot lan"
_SINCE = r"ke tu khi|sau khi|ke tu ngay|tu khi|tu ngay|sau ngay"
_UP_TO = r"\s*(?:-|,|den|va)\s*"

_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.COLUMN_SHIFT, r"\[o thoi han .*\]"),
        (Kind.RELATIVE_EVENT, rf".*?\d+ ngay(?: lam viec)?,? (?:{_SINCE}) .+"),
        (Kind.FIRST_THEN_MONTHLY, rf".*?{_DAY}.*?hang\s+thang.*"),
        (Kind.DATE_THEN_MAINTAIN, rf".*?{_DAY}.*?duy tri.*"),
        (Kind.DATE, rf"{_DONE}(?:tu )?(?P<from>{_ANY_DAY}){_TO}{_DAY}"),
        (Kind.START_DATE, rf"(?:bat dau )?tu {_DAY}"),
        (Kind.DATE, rf"{_LEAD_IN}{_DAY}"),
        (Kind.OPEN_ENDED, r"(?:nam )?(?P<y>20\d\d) va (?:nhung|cac) nam (?:tiep theo|sau)"),
        (Kind.YEAR_RANGE, rf"(?:nam |giai doan |tu nam )?(?P<a>20\d\d){_TO}(?:nam )?(?P<b>20\d\d)"),
        (Kind.QUARTER, rf"{_INSIDE}quy\s*(?P<q1>{_Q}){_UP_TO}(?:quy\s*)?(?P<q>{_Q})\s*(?:/|nam)\s*(?P<y>20\d\d)"),
        (Kind.QUARTER, rf"{_INSIDE}{_QUARTER}"),
        (Kind.MONTH, rf"{_INSIDE}thang\s*(?P<m1>\d{{1,2}}){_UP_TO}{_MONTH}"),
        (Kind.HALF_YEAR, rf"{_INSIDE}{_HALF}"),
        (Kind.MONTH, rf"{_INSIDE}{_MONTH}"),
        (Kind.YEAR, rf"{_INSIDE}{_YEAR}"),
        (Kind.AMBIGUOUS, rf"{_DONE}(?P<vague>truoc|dau|giua|khoang|tu)\s+(?P<named>.*20\d\d)"),
        (Kind.RECURRING_YEARLY, r"(?:dinh ky )?(?:hang nam|moi nam)"),
        (Kind.RECURRING, rf"{_REGULAR}(?:{_OFTEN}).*"),
        (Kind.RECURRING, rf"{_LEAD_IN}ngay \d{{1,2}} (?:hang|cua moi|moi) (?:thang|quy)"),
        (Kind.ON_EVENT, r"khi co .+"),
        (Kind.EXTERNAL, r"theo .+|xay dung ke hoach va trien khai"),
    )
)  # fmt: skip
_RELATIVE = re.compile(
    r"(?:trong )?(?:vong )?(?:cham nhat )?(?:la )?(?P<n>\d{1,3}) ngay(?P<work> lam viec)?,?"
    rf" (?:{_SINCE}) (?:co )?"
    r"(?P<body>.+?) (?:ban hanh|phe duyet|ky|thong qua|cong bo|giao)(?: .*)?"
)
_SET_BY = re.compile(
    r"theo (?:ke hoach|thoi gian yeu cau|yeu cau|de nghi|huong dan|chi dao|tien do|thoi han|lo trinh)(?: cua (?P<body>.+))"
)
_CADENCES: tuple[tuple[Cadence, re.Pattern[str]], ...] = (
    ("half_year", re.compile(rf"{_EVERY} (?:6|sau) thang|(?:6|sau) thang mot lan|nua nam")),
    ("month", re.compile(rf"{_EVERY} thang|cua moi thang")),
    ("quarter", re.compile(rf"{_EVERY} quy|cua moi quy")),
    ("year", re.compile(rf"{_EVERY} nam|mot nam mot lan")),
)
_PERIOD_DAY = re.compile(r"\bngay (\d{1,2})\b(?!\s*(?:/|thang \d))")


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
            return _meant(words, folded, kind, found)
        except ValueError:  # 31/02/2026: looks like a date and is none
            return Deadline(words, Kind.UNREAD)
    shifted = any(fold(body) in folded for body in bodies)
    return Deadline(words, Kind.COLUMN_SHIFT if shifted else Kind.UNREAD)


def _meant(words: str, folded: str, kind: Kind, found: re.Match[str]) -> Deadline:
    """The meaning of words that follow a pattern. Raises ValueError for a day, month or quarter that there is not."""
    parts = {name: part for name, part in found.groupdict().items() if part is not None}
    if "d" in parts:
        return _with_days(words, folded, kind, is_range="from" in parts)
    read = Deadline(words, kind)
    match kind:
        case Kind.MONTH | Kind.QUARTER | Kind.HALF_YEAR | Kind.YEAR:
            first, last = _period_of(parts)
            begins = _period_of({**parts, **_first_of(parts)})[0] if "q1" in parts or "m1" in parts else None
            if begins is not None and begins > first:
                raise ValueError(folded)
            read = Deadline(words, kind, last, kind.value, begins)
        case Kind.AMBIGUOUS:
            read = _with_readings(words, parts["named"], before=parts["vague"] == "truoc")
        case Kind.YEAR_RANGE:
            first, last = date(int(parts["a"]), 1, 1), date(int(parts["b"]), 12, 31)
            if first > last:
                raise ValueError(folded)
            read = Deadline(words, kind, last, kind.value, first, "year" if first.year < last.year else None)
        case Kind.OPEN_ENDED:
            read = Deadline(words, kind, starts_on=date(int(parts["y"]), 1, 1))
        case Kind.RECURRING | Kind.RECURRING_YEARLY:
            read = Deadline(words, kind, cadence=cadence_in(folded), period_day=_period_day(folded))
        case Kind.RELATIVE_EVENT | Kind.EXTERNAL:
            read = Deadline(words, kind, wait=_waited_for(words, folded))
    return read


def _with_days(words: str, folded: str, kind: Kind, *, is_range: bool) -> Deadline:
    """Words that hold days: one of them, or the first and the last of a range."""
    days = list(_days_in(folded))
    if is_range and days[0] <= days[-1]:
        return Deadline(words, kind, days[-1], "day", days[0])
    if len(set(days)) > 1:
        return Deadline(words, Kind.AMBIGUOUS, readings=tuple(sorted(set(days))))
    if kind is Kind.START_DATE:
        return Deadline(words, kind, starts_on=days[0])
    cadence: Cadence | None = "month" if kind is Kind.FIRST_THEN_MONTHLY else None
    if kind is Kind.DATE_THEN_MAINTAIN:
        cadence = cadence_in(folded)
    return Deadline(words, kind, days[0], "day", cadence=cadence)


def _with_readings(words: str, named: str, *, before: bool) -> Deadline:
    """ "Trước quý II/2026" may mean before the quarter begins or by its end; "đầu năm 2026" names no day of the year."""
    inner = read_deadline(named)
    if inner.due_on is None or inner.precision not in _MONTHS:
        return Deadline(words, Kind.UNREAD)
    first = inner.starts_on or first_of_months(inner.due_on, _MONTHS[inner.precision])
    return Deadline(words, Kind.AMBIGUOUS, readings=(first - timedelta(days=1) if before else first, inner.due_on))


_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
"""How many months a period of each length has."""


def first_of_months(day: date, months: int) -> date:
    """The first day of the calendar period of so many months (1, 3, 6, 12) that holds a day."""
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _days_in(folded: str) -> Iterator[date]:
    for found in re.finditer(_DAY, folded):
        yield date(int(found["y"]), int(found["m"]), int(found["d"]))


def _first_of(parts: dict[str, str]) -> dict[str, str]:
    return {"q": parts["q1"]} if "q1" in parts else {"m": parts["m1"]}


def _period_of(parts: dict[str, str]) -> tuple[date, date]:
    """First and last day of the period that is named."""
    year = int(parts["y"])
    if "q" in parts:
        last = 3 * _QUARTERS[parts["q"]]
        return date(year, last - 2, 1), last_day(year, last)
    if "h" in parts:
        last = 6 if parts["h"] == "dau" else 12
        return date(year, last - 5, 1), last_day(year, last)
    if "m" in parts:
        last = int(parts["m"])
        return date(year, last, 1), last_day(year, last)
    return date(year, 1, 1), date(year, 12, 31)


def cadence_in(folded: str) -> Cadence | None:
    """How often folded words want a result; None when they do not say, or name more than one calendar."""
    said = {cadence for cadence, pattern in _CADENCES if pattern.search(folded)}
    return said.pop() if len(said) == 1 else None


def _period_day(folded: str) -> int | None:
    days = {int(found[1]) for found in _PERIOD_DAY.finditer(folded)}
    return day if len(days) == 1 and 1 <= (day := days.pop()) <= 31 else None


def _waited_for(words: str, folded: str) -> Wait | None:
    """Whose paper is waited for; None when the words do not name a body."""
    if (found := _RELATIVE.fullmatch(folded)) is not None:
        return Wait(_as_written(words, folded, found.span("body")), int(found["n"]), found["work"] is not None)
    if (found := _SET_BY.fullmatch(folded)) is not None:
        return Wait(_as_written(words, folded, found.span("body")))
    return None


def _as_written(words: str, folded: str, span: tuple[int, int]) -> str:
    """The words of the original that a folded span came from: folding keeps the number of spaces."""
    start, end = span
    first = folded[:start].count(" ")
    return " ".join(words.split(" ")[first : first + folded[start:end].count(" ") + 1]).strip(" ,.;:")


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
        if deadline.kind is Kind.AMBIGUOUS:
            repair = _choose(deadline.readings)
        settled = deadline.cadence is not None  # "hằng năm": the words are a calendar, which is all that is needed
        severity: Severity = "info" if settled else "warning"
        message, repair = (_REPEATS[deadline.cadence], _NOTHING) if deadline.cadence is not None else (message, repair)
        found.append(Finding(f"deadline_{deadline.kind.value}", severity, "deadline_raw", message, quote, repair))
        return found
    if deadline.kind in _GOES_ON:
        message, repair = _GOES_ON[deadline.kind]
        found.append(Finding(f"deadline_{deadline.kind.value}", "info", "deadline_raw", message, quote, repair))
    elif deadline.precision != "day":
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


def _choose(readings: tuple[date, ...]) -> Words:
    vi, en = ", ".join(f"{day:%d/%m/%Y}" for day in readings), ", ".join(day.isoformat() for day in readings)
    return Words(
        f"Hãy hỏi cơ quan ban hành rồi đặt due_on là một trong: {vi}.", f"Ask the issuer, then set due_on to one of {en}."
    )


_PRECISION = {
    "month": Words("tháng", "month"),
    "quarter": Words("quý", "quarter"),
    "half_year": Words("nửa năm", "half-year"),
    "year": Words("năm", "year"),
}
_NOTHING = Words("Không cần làm gì.", "Nothing needs to be done.")
_REPEATS: dict[Cadence, Words] = {
    "month": Words("Lặp lại: mỗi tháng một kỳ báo cáo.", "It repeats: a reporting period every month."),
    "quarter": Words("Lặp lại: mỗi quý một kỳ báo cáo.", "It repeats: a reporting period every quarter."),
    "half_year": Words("Lặp lại: sáu tháng một kỳ báo cáo.", "It repeats: a reporting period every half-year."),
    "year": Words("Lặp lại: mỗi năm một kỳ báo cáo.", "It repeats: a reporting period every year."),
}
_GOES_ON: dict[Kind, tuple[Words, Words]] = {
    Kind.DATE_THEN_MAINTAIN: (
        Words("Ngày này kết thúc giai đoạn hoàn thành; sau đó là các kỳ duy trì.",
              "This day closes the first phase; periods of keeping it up follow."),
        Words("Nếu duy trì theo kỳ khác thiết lập chung, hãy đặt calendar.",
              "Set calendar if it is to be kept up by other periods than the committee's."),
    ),
    Kind.FIRST_THEN_MONTHLY: (
        Words("Ngày này là kỳ đầu; sau đó mỗi tháng một kỳ.", "This day is the first report; one a month follows."), _NOTHING,
    ),
    Kind.YEAR_RANGE: (
        Words("Thời hạn là một khoảng nhiều năm; hiểu là ngày cuối của khoảng, mỗi năm có một mốc kiểm điểm.",
              "A range of years: due on its last day, with a checkpoint every year."),
        Words("Nếu có mốc sớm hơn, hãy ghi ngày cụ thể.", "If there is an earlier milestone, give its day."),
    ),
}  # fmt: skip
"""What is said of words that give a day and go on beyond it, or before it."""
_GIVE_A_DAY = Words("Hãy đặt due_on là một ngày cụ thể.", "Set due_on to a day.")

UNDATED: dict[Kind, tuple[Words, Words]] = {
    Kind.MISSING: (Words("Không ghi thời hạn.", "No deadline is given."), _GIVE_A_DAY),
    Kind.OPEN_ENDED: (
        Words("Thời hạn để ngỏ, không có điểm kết thúc.", "The deadline is open-ended."),
        Words("Hãy đặt calendar (ví dụ year): mỗi kỳ một mốc kiểm điểm, mốc đầu là 31/12 của năm đầu.",
              "Set calendar (year for example): a checkpoint every period, the first on 31 December of the first year."),
    ),
    Kind.YEAR_RANGE: (
        Words("Thời hạn là một khoảng nhiều năm.", "The deadline is a range of years."),
        Words("Hãy đặt due_on là ngày cuối của khoảng hoặc mốc đầu tiên.",
              "Set due_on to the end of the range or its first milestone."),
    ),
    Kind.RECURRING: (
        Words("Việc thường xuyên, không có kỳ báo cáo.", "A regular task without a reporting calendar."),
        Words("Hãy đặt calendar (month, quarter, half_year, year): mỗi kỳ có hạn và kết quả riêng.",
              "Set calendar (month, quarter, half_year, year): each period has its own due day and result."),
    ),
    Kind.RECURRING_YEARLY: (
        Words("Việc hằng năm, chưa có kỳ báo cáo.", "A yearly task without a reporting calendar."),
        Words("Hãy đặt calendar là year.", "Set calendar to year."),
    ),
    Kind.RELATIVE_EVENT: (
        Words("Thời hạn tính từ một văn bản chưa được đăng ký.",
              "The deadline counts from a paper that is not registered yet."),
        Words("Hãy đăng ký văn bản ấy với awaited_as là tên cơ quan đang chờ; hạn sẽ được tính ngay.",
              "Register that paper with the body that is waited for in awaited_as; the due day is then computed at once."),
    ),
    Kind.ON_EVENT: (
        Words("Thời hạn phụ thuộc một sự việc chưa xảy ra.", "The deadline depends on something that has not happened."),
        Words("Hãy mở một kỳ cho từng sự việc khi nó xảy ra, hoặc đặt due_on.",
              "Set due_on when it happens, or open an occurrence for each event."),
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
        Words("Hãy đặt due_on là ngày kết thúc, hoặc đặt calendar.", "Set due_on to the end, or set calendar."),
    ),
    Kind.AMBIGUOUS: (
        Words("Thời hạn này hiểu được nhiều cách.", "This deadline can be understood in several ways."),
        _GIVE_A_DAY,
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
