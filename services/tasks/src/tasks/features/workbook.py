"""Tables as an XLSX file: the only place that knows the writer."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

import xlsxwriter

from tasks.domain.report_forms import Sheet

_NEVER = datetime(1980, 1, 1, tzinfo=UTC)
"""The moment that the file says it was made: the bytes must not change with the clock."""
_TEXTS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""Texts are written as texts: nothing in them becomes a formula or a link."""


def workbook(sheets: list[Sheet]) -> bytes:
    """The bytes of a workbook, made in memory."""
    out = io.BytesIO()
    book = _Book(out, sheets[0].title, in_memory=True)
    for sheet in sheets:
        page = book.page(sheet.name, sheet.columns)
        for number, row in enumerate(sheet.rows, 1):
            book.write(page, number, row)
    book.close()
    return out.getvalue()


class GrowingTable:
    """A workbook of one table whose rows come one after the other: they lie in files that vanish, not in memory."""

    def __init__(self, name: str, columns: list[tuple[str, int]]) -> None:
        self.rows = 0
        self._folder = tempfile.TemporaryDirectory(prefix="table-")  # the writer leaves its own files when it is broken off
        self._file = Path(self._folder.name, "table.xlsx").open("w+b")  # noqa: SIM115 - closed by `__exit__`
        self._book = _Book(self._file, name, constant_memory=True, tmpdir=self._folder.name)
        self._page = self._book.page(name, columns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._folder.cleanup()

    def add(self, rows: Sequence[Sequence[str | int]]) -> None:
        for row in rows:
            self.rows += 1
            self._book.write(self._page, self.rows, row)

    def finish(self) -> BinaryIO:
        """The file, to be read from its beginning."""
        self._book.close()
        self._file.seek(0)
        return self._file


class _Book:
    def __init__(self, out: BinaryIO, title: str, **options: bool | str) -> None:
        self._book = xlsxwriter.Workbook(out, {**_TEXTS, **options})
        self._book.set_properties({"title": title, "created": _NEVER})
        self._head = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._cell = self._book.add_format({"text_wrap": True, "valign": "top"})
        self.close = self._book.close

    def page(self, name: str, columns: list[tuple[str, int]]) -> Any:
        page = self._book.add_worksheet(name)
        page.set_landscape()
        page.set_paper(9)  # A4
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.freeze_panes(1, 0)
        for column, (heading, width) in enumerate(columns):
            page.set_column(column, column, width)
            page.write_string(0, column, heading, self._head)
        return page

    def write(self, page: Any, number: int, row: Sequence[str | int]) -> None:
        for column, value in enumerate(row):
            if isinstance(value, int):
                page.write_number(number, column, value, self._cell)
            else:
                page.write_string(number, column, value, self._cell)
