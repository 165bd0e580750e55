"""Tables as an XLSX file: the only place that knows the writer."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import xlsxwriter

from tasks.domain.report_forms import Sheet

_NEVER = datetime(1980, 1, 1, tzinfo=UTC)
"""The moment that the file says it was made: the bytes must not change with the clock."""


def workbook(sheets: list[Sheet]) -> bytes:
    """The bytes of a workbook. Texts are written as texts: nothing in them becomes a formula or a link."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    book.set_properties({"title": sheets[0].title, "created": _NEVER})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    cell = book.add_format({"text_wrap": True, "valign": "top"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.set_landscape()
        page.set_paper(9)  # A4
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.freeze_panes(1, 0)
        for column, (name, width) in enumerate(sheet.columns):
            page.set_column(column, column, width)
            page.write_string(0, column, name, head)
        for number, row in enumerate(sheet.rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, int):
                    page.write_number(number, column, value, cell)
                else:
                    page.write_string(number, column, value, cell)
    book.close()
    return out.getvalue()
