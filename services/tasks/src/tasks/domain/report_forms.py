"""A frozen report as tables, as an A4 page and as a digest of the month: the same bytes from the same report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from string import Template
from typing import Any

from common.domain import VIETNAM
from tasks.domain.report import STATUS_WORDS, Row, late_rows
from tasks.domain.report_texts import DIGEST, DIGEST_LINE, DIGEST_PERIODS, PAGE

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a text for a formula when it stands first (CWE-1236)."""

COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("task_id", "Mã nhiệm vụ", 20),
    ("reference", "Mã trong kế hoạch", 14),
    ("assigning_document", "Văn bản giao", 20),
    ("title", "Nội dung nhiệm vụ", 50),
    ("lead", "Cơ quan chủ trì", 28),
    ("coordinators", "Cơ quan phối hợp", 28),
    ("product", "Sản phẩm / kết quả", 30),
    ("deadline_written", "Thời hạn (nguyên văn)", 20),
    ("due_on", "Ngày đến hạn", 12),
    ("original_due_on", "Hạn ban đầu (nếu gia hạn)", 12),
    ("overdue_periods", "Kỳ quá hạn", 24),
    ("percent", "Tiến độ (%)", 8),
    ("status", "Trạng thái", 16),
    ("submitted_on", "Ngày trình", 12),
    ("completed_on", "Ngày hoàn thành", 12),
    ("evidence", "Minh chứng", 40),
    ("responsible_id", "Người chịu trách nhiệm (mã)", 16),
    ("authority", "Thẩm quyền", 20),
)
"""Field, heading, width. The fields are those of 624/TB-VPCP annex II and 08-QC/TW (DOMAIN 1.2)."""
_SINCE = {"original_due_on": 2, "overdue_periods": 3}
"""Fields that reports of an earlier format do not have: what was frozen in one gives the same bytes for ever."""


def _columns(body: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    return [column for column in COLUMNS if _SINCE.get(column[0], 1) <= _format(body)]


def _format(body: Mapping[str, Any]) -> int:
    return int(str(body["format"]).rpartition("/")[2])


@dataclass(frozen=True)
class Sheet:
    """One table of a workbook."""

    name: str
    title: str
    columns: list[tuple[str, int]]
    rows: list[list[str | int]]


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe is put before one that would begin like one."""
    return f"'{text}" if text.lstrip(" \ufeff\u00a0").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def cells(row: Row, columns: Sequence[tuple[str, str, int]]) -> list[str | int]:
    """A row as the tables show it, guarded."""
    return [_cell(row, name) for name, _, _ in columns]


def _cell(row: Row, name: str) -> str | int:
    value = row[name]
    if name == "coordinators":
        value = "; ".join(value)
    elif name == "evidence":
        value = "\n".join(_proof(one) for one in value)
    elif name == "overdue_periods":
        value = _late_periods(row)
    elif name == "status":
        value = STATUS_WORDS[value]
    return value if isinstance(value, int) else guarded(str(value or ""))


def _late_periods(row: Row) -> str:
    return "; ".join(f"{one['period']} (hạn {_day(one['due_on'])})" for one in row.get("overdue_periods", ()))


def _proof(one: Mapping[str, Any]) -> str:
    found = [str(one["title"]), *(str(one[name]) for name in ("url", "sha256") if one[name])]
    return " | ".join(found)


def csv_of(body: Mapping[str, Any]) -> bytes:
    """All rows: UTF-8 with the mark by which spreadsheets know it, a comma between, CRLF (RFC 4180)."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    columns = _columns(body)
    table.writerow([heading for _, heading, _ in columns])
    table.writerows(cells(row, columns) for row in body["rows"])
    return ("\ufeff" + out.getvalue()).encode()


def sheet_of(body: Mapping[str, Any], sha256: str) -> list[Sheet]:
    """Tasks, units, changes, and what the report is."""
    title, columns = f"{body['plan']['title']}: {body['period']}", _columns(body)
    stands = sorted({name for unit in body["figures"]["by_unit"] for name in unit["by_timeliness"]})
    units: list[list[str | int]] = [
        [guarded(unit["name"]), unit["total"], *(unit["by_timeliness"].get(name, 0) for name in stands)]
        for unit in body["figures"]["by_unit"]
    ]
    changed: list[list[str | int]] = [
        [one["belongs_to"], "có" if one["late"] else "", guarded(one["title"]), one["task_id"], ", ".join(one["fields"]),
         guarded(_plain(one["before"])), guarded(_plain(one["after"]))]
        for one in body["changes"]
    ]  # fmt: skip
    about: list[list[str | int]] = [
        ["Báo cáo", guarded(title)],
        ["Số liệu tính đến", _moment(body["as_of"])],
        ["SHA-256", sha256],
        ["SHA-256 kỳ trước", (body["previous"] or {}).get("sha256", "")],
    ]
    return [
        Sheet("Nhiệm vụ", title, [(heading, width) for _, heading, width in columns],
              [cells(row, columns) for row in body["rows"]]),
        *([_periods_sheet(body, title)] if _format(body) > 2 else []),
        Sheet("Đơn vị", title, [("Đơn vị", 40), ("Tổng", 8), *((_STANDS.get(name, name), 14) for name in stands)], units),
        Sheet("Thay đổi", title, [("Thuộc kỳ", 10), ("Muộn", 8), ("Nhiệm vụ", 50), ("Mã", 20), ("Trường", 20),
                                  ("Trước", 30), ("Sau", 30)], changed),
        Sheet("Về báo cáo", title, [("", 24), ("", 70)], about),
    ]  # fmt: skip


def _periods_sheet(body: Mapping[str, Any], title: str) -> Sheet:
    rows: list[list[str | int]] = [
        [row["task_id"], guarded(row["title"]), guarded(row["lead"]), row["period"], row["due_on"], row["submitted_on"] or "",
         row["completed_on"] or "", _MET[row["outcome"]]]
        for row in body["periods"]
    ]  # fmt: skip
    headings = [("Mã nhiệm vụ", 20), ("Nội dung nhiệm vụ", 50), ("Cơ quan chủ trì", 28), ("Kỳ", 10), ("Ngày đến hạn", 12),
                ("Ngày trình", 12), ("Ngày duyệt", 12), ("Kết quả", 22)]  # fmt: skip
    return Sheet("Kỳ báo cáo", title, headings, rows)


_MET = {
    "in_time": "Nộp đúng hạn",
    "late": "Nộp chậm",
    "missing": "Chưa nộp",
    "without_work": "Không phát sinh việc",
    "paused": "Tạm hoãn",
}
"""How periods were met."""
_STANDS = {
    "in_time": "Trong hạn",
    "nearly_due": "Sắp đến hạn",
    "overdue": "Quá hạn",
    "done_in_time": "Hoàn thành trong hạn",
    "done_late": "Hoàn thành quá hạn",
    "no_due_date": "Không có thời hạn",
    "waiting": "Chờ văn bản cấp trên",
    "paused": "Tạm hoãn",
}


def _plain(values: Mapping[str, Any] | None) -> str:
    return "" if values is None else "; ".join(f"{name}: {'' if value is None else value}" for name, value in values.items())


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(VIETNAM):%H:%M ngày %d/%m/%Y}"


def _day(text: str | None) -> str:
    return "" if text is None else f"{date.fromisoformat(text):%d/%m/%Y}"


def _extended(row: Row) -> str:
    """Both days of a task whose due day was extended."""
    first = row.get("original_due_on")
    return "" if first is None else f" (gia hạn, ban đầu {_day(first)})"


def _behind(row: Row) -> str:
    """The periods of a task that are late."""
    late = _late_periods(row)
    return f"<small>kỳ quá hạn: {escape(late)}</small>" if late else ""


def _disputed(row: Row) -> str:
    return "<small>đang có kiến nghị</small>" if row.get("disputed") else ""


def page_of(body: Mapping[str, Any], sha256: str) -> bytes:
    """An HTML page for A4 paper, of itself: no script, no picture, nothing fetched."""
    counts = body["figures"]["by_timeliness"]
    figures = "".join(
        f"<tr><td>{escape(words)}</td><td class=n>{counts[name]}</td></tr>" for name, words in _STANDS.items() if name in counts
    )
    rows = "".join(
        f"<tr><td class=n>{number}</td><td>{escape(row['title'])}<small>{escape(row['assigning_document'])}</small></td>"
        f"<td>{escape(row['lead'])}</td><td>{escape(row['product'])}</td>"
        f"<td>{escape(row['deadline_written'])}<small>{_day(row['due_on'])}{_extended(row)}</small>{_behind(row)}</td>"
        f"<td class=n>{row['percent']} %</td><td>{escape(STATUS_WORDS[row['status']])}{_disputed(row)}</td></tr>"
        for number, row in enumerate(body["rows"], 1)
    )
    changed = "".join(
        f"<tr><td>{escape(one['belongs_to'])}</td><td>{escape(one['title'])}</td>"
        f"<td>{escape(_plain(one['before']))}</td><td>{escape(_plain(one['after']))}</td></tr>"
        for one in body["changes"]
        if one["late"]
    )
    return (
        Template(PAGE)
        .substitute(
            title=escape(body["plan"]["title"]),
            period=_period(body["period"]),
            as_of=_moment(body["as_of"]),
            total=body["figures"]["total"],
            figures=figures,
            periods=_periods_table(body),
            rows=rows,
            changed=changed or '<tr><td colspan="4">Không có.</td></tr>',
            sha256=sha256,
        )
        .encode()
    )


def _periods_table(body: Mapping[str, Any]) -> str:
    """How the periods of tasks that repeat were met; nothing where none fell due."""
    counts = body["figures"].get("periods") or {}
    rows = "".join(
        f"<tr><td>{words}</td><td class=n>{counts[name]}</td></tr>" for name, words in _MET.items() if name in counts
    )
    if not rows:
        return ""
    since = f"Kỳ báo cáo của nhiệm vụ định kỳ, đến hạn từ {_day(body['periods_from'])}"
    head = f"<tr><td>{since}</td><td class=n>{sum(counts.values())}</td></tr>"
    return f'\n<table class="figures"><tbody>{head}{rows}</tbody></table>'


def digest_of(body: Mapping[str, Any], sha256: str) -> bytes:
    """The month in words (bản tin tháng), Markdown; each figure leads to its frozen rows."""
    path = f"/v1/reports/{body['plan']['id']}/{body['period']}"
    counts, total = body["figures"]["by_timeliness"], body["figures"]["total"]

    def figure(name: str) -> str:
        return f"[{counts.get(name, 0)}]({path}/rows?timeliness={name})"

    late = list(late_rows(body))
    moved = [one for one in body["changes"] if one["late"]]
    text = Template(DIGEST).substitute(
        title=_inline(body["plan"]["title"]),
        period=_period(body["period"]),
        as_of=_moment(body["as_of"]),
        total=f"[{total}]({path}/rows)",
        **{name: figure(name) for name in _STANDS},
        late=_lines(
            DIGEST_LINE.format(
                title=_inline(row["title"]), task=row["task_id"], lead=_inline(row["lead"]), due=_day(row["due_on"]),
                days=row["days_overdue"], period="" if row["period"] is None else f" kỳ {row['period']},",
            )
            for row in late
        ),
        changes=f"[{len(moved)}]({path}/changes?late=true)",
        months=", ".join(sorted({_period(one["belongs_to"]) for one in moved})) or "không có kỳ nào",
        submitted=len(body["submissions"]),
        submitted_late=sum(one["days_late"] > 0 for one in body["submissions"]),
        late_submissions=len(body["late_submissions"]),
        periods=_periods_words(body, path),
        sha256=sha256,
    )  # fmt: skip
    return text.encode()


def _periods_words(body: Mapping[str, Any], path: str) -> str:
    """A section on the periods of tasks that repeat; nothing where none fell due."""
    counts = body["figures"].get("periods") or {}
    met = ", ".join(
        f"[{counts[name]}]({path}/periods?outcome={name}) {words.lower()}" for name, words in _MET.items() if name in counts
    )
    return DIGEST_PERIODS.format(total=sum(counts.values()), since=_day(body["periods_from"]), met=met) if met else ""


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) or "Không có."


def _inline(text: str) -> str:
    """A text within Markdown as it is: its signs mean nothing."""
    one_line = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#|!~" else char for char in one_line)


def _period(text: str) -> str:
    return f"tháng {int(text[5:])}/{text[:4]}"
