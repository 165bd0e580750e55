"""Tables as people send them: a CSV file out of a spreadsheet, or JSON objects with the same names.

What makes the whole file unreadable raises `Invalid` with the line, the words and a repair; what spoils one row is a
finding on that row, and the others are read on. Rows are counted as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from common.errors import FieldProblem, Invalid, TooLarge, Words
from tasks.domain.findings import EMPTY, Finding, quoted

MAX_ROWS = 1000
"""Rows of one import: what one transaction writes in about four seconds on the local server. The whole register of a
province has 475 units, the longest plan that was seen 140 tasks; a longer table is sent in parts.
"""
MAX_CELL = 4000
"""Characters of one cell: the longest seen in a real plan has 108."""
_FILE = "file"
_DELIMITERS: dict[str, Words] = {
    ";": Words("dấu chấm phẩy «;»", "a semicolon ';'"),
    "\t": Words("dấu tab", "a tab"),
    "|": Words("dấu gạch đứng «|»", "a vertical bar '|'"),
}


@dataclass(frozen=True)
class Columns:
    """What a kind of table must and may have. `ignored` are known columns that are not taken over; `aliases` are other
    names of columns; `private` hold personal data and are never quoted.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    private: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        return frozenset((*self.required, *self.optional, *self.ignored))

    def named(self, written: str) -> str:
        """The name of a column as it is known here."""
        name = unicodedata.normalize("NFC", _sayable(written)).strip()
        return self.aliases.get(name, name)


class Row(NamedTuple):
    """One row: its number, its cells by column (those columns alone that it has), and what spoils it."""

    number: int
    cells: Mapping[str, str]
    findings: tuple[Finding, ...] = ()


class Table(NamedTuple):
    """`findings` concern the header."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()


# --- CSV ---


def read_csv(data: bytes, columns: Columns, most: int = MAX_ROWS) -> Table:
    """Read a comma-separated file in UTF-8. Raises `Invalid` when it is no table of these columns, `TooLarge`."""
    text = _decode(data)
    _check_delimiter(text, columns)  # first: the wrong sign spoils the quotation marks as well
    records = _records(text)
    if not records:
        raise _unreadable(
            "file_empty",
            Words("Tệp không có nội dung.", "The file is empty."),
            Words("Hãy gửi tệp có dòng tiêu đề và ít nhất một dòng dữ liệu.", "Send a header row and at least one row."),
        )
    header = [columns.named(name) for name in records[0]]
    findings = _check_header(header, columns)
    rows = [
        _row_of(number, record, header, columns)
        for number, record in enumerate(records[1:], 2)
        if any(cell.strip() for cell in record)
    ]
    return Table(_checked(rows, most), tuple(findings))


def _decode(data: bytes) -> str:
    save_as = Words(
        "Trong bảng tính, hãy chọn Lưu thành «CSV UTF-8 (phân tách bằng dấu phẩy)».",
        "In the spreadsheet choose Save as 'CSV UTF-8 (comma delimited)'.",
    )
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _unreadable(
            "spreadsheet_file", Words("Đây là tệp bảng tính, không phải CSV.", "This is a spreadsheet file, not CSV."), save_as
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable("utf_16", Words("Tệp mã hóa UTF-16, không phải UTF-8.", "The file is UTF-16, not UTF-8."), save_as)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        begun = data.rfind(b"\n", 0, error.start) + 1
        before = data[max(begun, error.start - 40) : error.start].decode("utf-8", "replace").strip()
        raise _unreadable(
            "not_utf8",
            Words(f"Dòng {line}: chữ không phải mã UTF-8.", f"Line {line}: the text is not UTF-8."),
            save_as,
            before or EMPTY,
        ) from error
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise _unreadable("nul_byte", Words(f"Dòng {line}: có byte NUL.", f"Line {line}: there is a NUL byte."), save_as)
    return text


def _records(text: str) -> list[list[str]]:
    reader, records, line = csv.reader(io.StringIO(text, newline=""), strict=True), [], 1
    try:
        for record in reader:
            records.append(record)
            line = reader.line_num + 1
    except csv.Error as error:
        words = text.splitlines()[line - 1 : line]
        raise _unreadable(
            "quotes_broken",
            Words(
                f"Dòng {line}: dấu ngoặc kép không đóng hoặc đặt sai.",
                f"Line {line}: a quotation mark is not closed, or out of place.",
            ),
            Words(
                "Hãy viết dấu ngoặc kép bên trong ô thành hai dấu, và đóng ô bằng một dấu.",
                "Write a quotation mark inside a cell twice, and close the cell with one.",
            ),
            quoted(words[0][:80]) if words else EMPTY,
        ) from error
    while records and not any(cell.strip() for cell in records[-1]):
        records.pop()
    return records


def _check_delimiter(text: str, columns: Columns) -> None:
    first = next(iter(text.lstrip("\r\n").splitlines()), "")

    def parts(delimiter: str) -> list[str]:
        return [columns.named(part.strip().strip('"')) for part in first.split(delimiter)]

    if not columns.known.isdisjoint(parts(",")):
        return
    for delimiter, called in _DELIMITERS.items():
        if delimiter in first and not columns.known.isdisjoint(parts(delimiter)):
            raise _unreadable(
                "wrong_delimiter",
                Words(
                    f"Các cột được ngăn bằng {called.vi}, không phải dấu phẩy.",
                    f"The columns are divided by {called.en}, not by a comma.",
                ),
                Words("Hãy lưu lại tệp với dấu phẩy ngăn cột.", "Save the file again with commas between the columns."),
                quoted(first[:80]),
            )


def _check_header(header: Sequence[str], columns: Columns) -> list[Finding]:
    """What is to be said of a header. Raises `Invalid` with everything that makes it another table."""
    problems: list[FieldProblem] = []
    for place, name in enumerate(header, 1):
        if not name:
            problems.append(
                FieldProblem(
                    _FILE,
                    "column_unnamed",
                    Words(f"Cột thứ {place} không có tên.", f"Column {place} has no name."),
                    Words("Hãy đặt tên cho cột, hoặc xóa cột trống.", "Name the column, or delete it."),
                    EMPTY,
                )
            )
        elif name in header[: place - 1]:
            problems.append(
                FieldProblem(
                    _FILE,
                    "column_twice",
                    Words(f"Cột «{name}» có hai lần.", f"Column '{name}' stands twice."),
                    Words("Hãy giữ một cột.", "Keep one of them."),
                    quoted(name),
                )
            )
    unknown = [name for name in dict.fromkeys(header) if name and name not in columns.known]
    missing = [name for name in columns.required if name not in header]
    expected, found = ", ".join(columns.required), quoted(", ".join(header))
    if len(unknown) > len(set(header) & columns.known):
        raise _unreadable(
            "other_table",
            Words(
                "Đây không phải bảng của loại dữ liệu này: phần lớn các cột là lạ.",
                "This is another kind of table: most columns are unknown.",
            ),
            Words(
                f"Cần các cột: {expected}. Hãy kiểm tra tham số kind và tệp.",
                f"Expected columns: {expected}. Check the parameter kind, and the file.",
            ),
            found,
        )
    problems += [
        FieldProblem(
            _FILE,
            "column_missing",
            Words(f"Thiếu cột «{name}».", f"Column '{name}' is missing."),
            Words(f"Cần các cột: {expected}.", f"Expected columns: {expected}."),
            found,
        )
        for name in missing
    ]
    if problems:
        raise Invalid(Words("Dòng tiêu đề chưa đúng.", "The header row is not right."), problems)
    return [_unknown_column(name) for name in unknown]


def _unknown_column(name: str) -> Finding:
    return Finding(
        "column_unknown",
        "warning",
        quoted(name),
        Words(
            f"Không có cột nào tên «{quoted(name)}»; nội dung của cột bị bỏ qua.",
            f"There is no column '{quoted(name)}'; what it holds is passed over.",
        ),
        quoted(name),
        Words("Hãy xóa cột, hoặc sửa tên cho đúng.", "Delete it, or correct its name."),
    )


def _row_of(number: int, record: list[str], header: Sequence[str], columns: Columns) -> Row:
    if len(record) != len(header):
        words = EMPTY if columns.private else quoted(", ".join(cell.strip() for cell in record if cell.strip())[:80])
        finding = Finding(
            "columns_shifted",
            "error",
            "",
            Words(
                f"Dòng có {len(record)} ô, tiêu đề có {len(header)} cột.",
                f"The row has {len(record)} cells, the header {len(header)} columns.",
            ),
            words,
            Words(
                "Hãy đặt ô có dấu phẩy trong ngoặc kép, và kiểm tra ô thừa hoặc thiếu.",
                "Put cells that hold a comma in quotation marks; look for a cell too many or too few.",
            ),
        )
        return Row(number, {}, (finding,))
    return _cleaned(number, zip(header, record, strict=True), columns)


def _cleaned(number: int, cells: Iterable[tuple[str, str]], columns: Columns) -> Row:
    taken: dict[str, str] = {}
    findings: list[Finding] = []
    for name, cell in cells:
        if name not in columns.known or name in columns.ignored:
            continue
        value = unicodedata.normalize("NFC", cell)
        taken[name] = _sayable(value)
        quote = EMPTY if name in columns.private else quoted(taken[name].strip())
        if len(value) > MAX_CELL:
            findings.append(
                Finding(
                    "cell_too_long",
                    "error",
                    name,
                    Words(
                        f"Ô dài {len(value)} ký tự; tối đa {MAX_CELL}.",
                        f"The cell has {len(value)} characters; at most {MAX_CELL}.",
                    ),
                    quote,
                    Words("Hãy rút ngắn.", "Shorten it."),
                )
            )
        if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\r\n" for char in value):
            visible = "".join("�" if unicodedata.category(char) in ("Cc", "Cs") else char for char in quote)
            findings.append(
                Finding(
                    "control_character",
                    "error",
                    name,
                    Words("Ô có ký tự điều khiển không nhìn thấy.", "The cell holds a control character that cannot be seen."),
                    visible,
                    Words("Hãy gõ lại nội dung của ô.", "Type the cell again."),
                )
            )
    return Row(number, taken, tuple(findings))


def _checked(rows: Sequence[Row], most: int) -> tuple[Row, ...]:
    if not rows:
        raise _unreadable(
            "no_rows",
            Words("Không có dòng dữ liệu nào.", "There is no row of data."),
            Words("Hãy thêm ít nhất một dòng dưới tiêu đề.", "Add at least one row below the header."),
        )
    if len(rows) > most:
        raise TooLarge(
            Words(
                f"Tệp có {len(rows)} dòng; mỗi lần nhập tối đa {most}.",
                f"The file has {len(rows)} rows; an import takes {most}.",
            ),
            [
                FieldProblem(
                    _FILE,
                    "too_many_rows",
                    Words("Quá nhiều dòng.", "Too many rows."),
                    Words(
                        f"Hãy chia tệp, mỗi tệp tối đa {most} dòng cùng tiêu đề.",
                        f"Divide it into files of at most {most} rows with the same header.",
                    ),
                )
            ],
        )
    return tuple(rows)


# --- JSON ---


def read_json(data: bytes, columns: Columns, most: int = MAX_ROWS) -> Table:
    """Read an array of objects whose names are those of the columns; row 1 is the first object. Raises `Invalid`."""
    try:
        parsed = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise _unreadable(
            "json_invalid",
            Words(f"Dòng {line}: không phải JSON hợp lệ.", f"Line {line}: not valid JSON."),
            Words("Hãy gửi một mảng đối tượng JSON, mã UTF-8.", "Send a JSON array of objects in UTF-8."),
        ) from error
    if not isinstance(parsed, list) or not all(isinstance(one, dict) for one in parsed):
        raise _unreadable(
            "not_a_list",
            Words("Nội dung không phải là mảng các đối tượng.", "The body is not an array of objects."),
            Words(
                "Hãy gửi dạng [{...}, {...}] với tên cột làm tên trường.", "Send [{...}, {...}] with the names of the columns."
            ),
        )
    objects = [{columns.named(str(name)): value for name, value in one.items()} for one in parsed]
    header = list(dict.fromkeys(name for one in objects for name in one))
    unknown = {finding.field: finding for finding in (_check_header(header, columns) if objects else ())}
    rows = []
    for number, one in enumerate(objects, 1):
        said = tuple(unknown.pop(name) for name in one if name in unknown)  # once, where it stands first
        rows.append(_row_of_object(number, one, columns, said))
    return Table(_checked(rows, most))


def _row_of_object(number: int, one: Mapping[str, Any], columns: Columns, said: tuple[Finding, ...]) -> Row:
    cells: list[tuple[str, str]] = []
    findings = list(said)
    for name, value in one.items():
        if name not in columns.known:
            continue
        text = _text_of(value)
        if text is None:
            findings.append(
                Finding(
                    "cell_not_text",
                    "error",
                    name,
                    Words(
                        "Giá trị phải là chuỗi, số nguyên, true/false hoặc danh sách chuỗi.",
                        "The value must be a string, a whole number, true/false or a list of strings.",
                    ),
                    EMPTY if name in columns.private else quoted(_sayable(json.dumps(value, ensure_ascii=False)[:80])),
                    Words("Hãy viết giá trị trong ngoặc kép.", "Write it as a string."),
                )
            )
        cells.append((name, text or ""))
    row = _cleaned(number, cells, columns)
    return row._replace(findings=(*findings, *row.findings))


def _text_of(value: Any) -> str | None:
    """A JSON value as a cell would hold it; None for what no cell can hold."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int():
            return str(value)
        case list() if all(isinstance(one, str) for one in value):
            return ";".join(value)
    return None


def _sayable(text: str) -> str:
    """Text without lone surrogates, which JSON can hold and no answer can."""
    return text.encode("utf-8", "replace").decode()


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _unreadable(code: str, message: Words, repair: Words, quote: str = EMPTY) -> Invalid:
    return Invalid(message, [FieldProblem(_FILE, code, message, repair, quote)])
