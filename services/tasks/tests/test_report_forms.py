"""The forms of a frozen report: nothing in them runs, nothing is lost, and they do not change with the clock."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tasks.tests.task_world import A, a_task
from tasks.domain.committee import Committee
from tasks.domain.matters import OpenPeriod
from tasks.domain.means import Evidence
from tasks.domain.periods import Period
from tasks.domain.report import Frozen, Report, ReportBody, period_row, row_of
from tasks.domain.report_forms import COLUMNS, Sheet, guarded
from tasks.domain.reporting import ReportPlan
from tasks.features.export_report import Form, make
from tasks.features.workbook import workbook

DAY = date(2026, 11, 24)
EVIL = [
    "=HYPERLINK(\"http://x\",\"y\")", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\ufeff=1", "＝1",
    "<script>alert(1)</script>", "</td><b onmouseover=x>", "${title}", "[x](javascript:y)", "a,b\"c\r\nd", "Tiếng Việt",
]  # fmt: skip
FORMS: tuple[Form, ...] = ("json", "csv", "xlsx", "html", "digest")
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


HANDED_IN = [
    {"unit_id": A, "period": "2026-11", "submitted_at": "x", "days_late": days, "no_work": False} for days in (0, 1, 2)
]


def frozen(titles: list[str], **changes: Any) -> tuple[Report, ReportBody]:
    proof = Evidence(
        id="e", kind="link", title="=1", url="https://x.vn/?a=<b>", added_at=datetime(2026, 11, 1, tzinfo=UTC), added_by="x"
    )
    tasks = [
        a_task(id=f"t{n:03d}", title=title, state="in_progress", due_on=date(2026, 11, 10), evidence=[proof], **changes)
        for n, title in enumerate(titles)
    ]
    made = Frozen(
        plan=ReportPlan(id="committee", title="Báo cáo <tháng>", first_period="2026-11"),
        period="2026-11",
        as_of=datetime(2026, 11, 24, 1, tzinfo=UTC),
        day=DAY,
        committee=Committee(),
        submissions=HANDED_IN,
        rows=[row_of(task, DAY, Committee(), {A: "=Phường & Hà Giang 1"}, {}) for task in tasks],
    )
    return Report.freeze(made, "person:x")


def with_periods(titles: list[str]) -> tuple[Report, ReportBody]:
    late = OpenPeriod(key="2026-10", due_on=date(2026, 10, 31))
    kept = {"deadline_kind": "recurring", "state": "in_progress", "due_on": None, "open_periods": [late]}
    tasks = [a_task(id=f"t{n:03d}", title=title, **kept) for n, title in enumerate(titles)]
    names = {A: "=Phường & Hà Giang 1"}
    period = Period(
        id="p", task_id="t", key="2026-10", starts_on=date(2026, 10, 1), ends_on=date(2026, 10, 31), due_on=date(2026, 10, 31)
    )
    made = Frozen(
        plan=ReportPlan(id="committee", title="Báo cáo", first_period="2026-11"),
        period="2026-11",
        as_of=datetime(2026, 11, 24, 1, tzinfo=UTC),
        day=DAY,
        committee=Committee(),
        rows=[row_of(task, DAY, Committee(), names, {}) for task in tasks],
        periods=[period_row(task, period, "missing", names) for task in tasks],
    )
    return Report.freeze(made, "person:x")


def test_every_form_tells_of_periods_and_which_were_late() -> None:
    report, body = with_periods(EVIL)
    forms = {kind: make(body.data(), report.sha256, kind)[0] for kind in FORMS}
    rows = list(csv.DictReader(io.StringIO(forms["csv"].decode("utf-8-sig"), newline="")))
    assert {row["Kỳ quá hạn"] for row in rows} == {"2026-10 (hạn 31/10/2026)"}
    page = forms["html"].decode()
    assert page.count("kỳ quá hạn: 2026-10 (hạn 31/10/2026)") == len(EVIL)
    assert f"<td>Chưa nộp</td><td class=n>{len(EVIL)}</td>" in page
    digest = forms["digest"].decode()
    missing = f"[{len(EVIL)}](/v1/reports/committee/2026-11/periods?outcome=missing)"
    assert f"{len(EVIL)} kỳ đến hạn từ 01/11/2026: {missing} chưa nộp." in digest
    assert digest.count(": kỳ 2026-10, hạn 31/10/2026, quá 24 ngày.") == len(EVIL)
    book = zipfile.ZipFile(io.BytesIO(forms["xlsx"]))
    shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    texts = ["".join(part.text or "" for part in one.iter(f"{SHEET}t")) for one in shared.findall(f"{SHEET}si")]
    assert {"Chưa nộp", "2026-10"} <= set(texts)
    assert not any(text.startswith("=") for text in texts)


def test_a_report_of_the_format_before_periods_is_shown_without_a_word_of_them() -> None:
    body = json.loads(frozen(EVIL)[1].data())
    fields = ("own_timeliness", "overdue_periods", "periods", "periods_from")
    older = {name: value for name, value in body.items() if name not in fields} | {
        "format": "roviec-monthly-report/2",
        "rows": [{name: row[name] for name in row if name not in fields} for row in body["rows"]],
        "figures": {name: value for name, value in body["figures"].items() if name not in fields},
    }
    data = json.dumps(older).encode()
    assert "Kỳ quá hạn" not in make(data, "x", "csv")[0].decode()
    for kind in FORMS:
        assert "định kỳ" not in make(data, "x", kind)[0].decode(errors="replace")
    book = zipfile.ZipFile(io.BytesIO(make(data, "x", "xlsx")[0]))
    assert len([name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]) == 4


def test_every_form_tells_of_late_changes_and_the_sheet_of_all() -> None:
    body = json.loads(frozen(["Rà soát"])[1].data())
    forms = {kind: make(json.dumps(body).encode(), "x", kind)[0] for kind in ("html", "digest")}
    assert "Không có." in forms["html"].decode()
    assert "không có kỳ nào" in forms["digest"].decode()
    change = {
        "belongs_to": "2026-10",
        "task_id": "t",
        "fields": ["percent"],
        "before": None,
        "after": {"percent": 40, "lead": None},
    }
    body["changes"] = [{**change, "late": True, "title": "Sửa muộn"}, {**change, "late": False, "title": "Sửa đúng hạn"}]
    forms = {kind: make(json.dumps(body).encode(), "x", kind)[0] for kind in FORMS}
    page, digest = forms["html"].decode(), forms["digest"].decode()
    assert "<td>2026-10</td><td>Sửa muộn</td><td></td><td>percent: 40; lead: </td>" in page
    assert "Sửa đúng hạn" not in page
    assert "Không có." not in page
    assert "[1](/v1/reports/committee/2026-11/changes?late=true)" in digest
    assert "không có kỳ nào" not in digest
    assert "10/2026" in digest
    book = zipfile.ZipFile(io.BytesIO(forms["xlsx"]))
    texts = ["".join(one.itertext()) for one in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))]
    assert {"có", "Sửa muộn", "Sửa đúng hạn", "percent: 40; lead: "} <= set(texts)


def test_rows_are_numbered_from_one_and_evidence_names_where_it_is() -> None:
    body = frozen(["Rà soát"])[1].data()
    assert "<td class=n>1</td><td>Rà soát<small>" in make(body, "x", "html")[0].decode()
    (row,) = csv.DictReader(io.StringIO(make(body, "x", "csv")[0].decode("utf-8-sig"), newline=""))
    assert row["Minh chứng"] == "'=1 | https://x.vn/?a=<b>"


def form(kind: Form, titles: list[str]) -> bytes:
    report, body = frozen(titles)
    return make(body.data(), report.sha256, kind)[0]


@pytest.mark.parametrize("kind", FORMS)
def test_the_same_report_gives_the_same_bytes_whatever_the_clock_says(kind: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    first = form(kind, EVIL)
    monkeypatch.setattr("time.time", lambda: 1.0)
    monkeypatch.setenv("TZ", "America/New_York")
    assert form(kind, EVIL) == first


def test_the_json_form_is_the_frozen_document() -> None:
    report, body = frozen(EVIL)
    assert hashlib.sha256(make(body.data(), report.sha256, "json")[0]).hexdigest() == report.sha256


def test_no_cell_of_the_csv_is_a_formula_and_nothing_is_lost() -> None:
    data = form("csv", EVIL)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    headings = [heading for _, heading, _ in COLUMNS]
    assert list(rows[0]) == headings
    assert [row["Nội dung nhiệm vụ"].removeprefix("'") for row in rows] == EVIL
    for row in rows:
        for cell in row.values():
            assert not cell.lstrip(" \ufeff").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")), cell
    assert rows[0]["Minh chứng"].startswith("'=1")


@given(st.text(max_size=30))
@settings(max_examples=300)
def test_whatever_begins_like_a_formula_is_guarded_and_nothing_else_is_touched(text: str) -> None:
    found = guarded(text)
    assert found in (text, f"'{text}")
    assert not found.lstrip(" \ufeff\u00a0").startswith(("=", "+", "-", "@"))


def test_the_workbook_holds_texts_and_numbers_alone() -> None:
    book = zipfile.ZipFile(io.BytesIO(form("xlsx", EVIL)))
    assert book.testzip() is None
    sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 5
    for name in sheets:
        tree = ElementTree.fromstring(book.read(name))
        assert tree.findall(f".//{SHEET}f") == [], "no formula"
        assert tree.findall(f".//{SHEET}hyperlink") == []
    shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    texts = ["".join(part.text or "" for part in one.iter(f"{SHEET}t")) for one in shared.findall(f"{SHEET}si")]
    assert {"'+1+1", "<script>alert(1)</script>", "Tiếng Việt"} <= set(texts)
    assert not any(text.startswith("=") for text in texts)


def test_the_writer_makes_no_formula_even_of_what_looks_like_one() -> None:
    sheet = Sheet("s", "t", [("=1+1", 10)], [["=1+1"], ["http://x.vn"], [7]])
    book = zipfile.ZipFile(io.BytesIO(workbook([sheet])))
    tree = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert tree.findall(f".//{SHEET}f") == []
    assert [cell.get("t") for cell in tree.iter(f"{SHEET}c")] == ["s", "s", "s", None]


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_for_a4_and_nothing_in_it_runs_or_is_fetched() -> None:
    text = form("html", EVIL).decode()
    page = Page()
    page.feed(text)
    assert "@page { size: A4" in text
    assert not page.tags & {"script", "img", "link", "iframe", "a", "b"}
    assert page.attributes <= {"lang", "charset", "class", "colspan"}
    assert set(EVIL) - {'a,b"c\r\nd', "\r=1"} <= set(page.texts), "every title stands there as it was written"


def test_the_digest_tells_the_month_and_each_figure_leads_to_its_tasks() -> None:
    text = form("digest", EVIL).decode()
    assert text.startswith("# Báo cáo \\<tháng\\>: bản tin tháng 11/2026")
    assert f"[{len(EVIL)}](/v1/reports/committee/2026-11/rows?timeliness=overdue) quá hạn" in text
    assert text.count("](/v1/tasks/t") == len(EVIL)
    assert "3 đơn vị đã nộp báo cáo, trong đó 2 nộp chậm; 0 báo cáo" in text
    assert "hạn 10/11/2026, quá 14 ngày." in text
    links = re.findall(r"(?<!\\)\]\(([^)]*)\)", text)
    assert all(link.startswith("/v1/") for link in links), "words of a task make no link"


def test_an_empty_month_has_all_its_forms() -> None:
    for kind in FORMS:
        assert form(kind, [])
    assert "Không có." in form("digest", []).decode()
