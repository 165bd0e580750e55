"""Reading tables: every way in which a file is spoilt has a word of its own, and one bad row spoils no other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import DomainError, Invalid, TooLarge
from tasks.domain.table import MAX_CELL, MAX_ROWS, Columns, Row, Table, read_csv, read_json

COLUMNS = Columns(("id", "name"), ("day", "note"), ("old",), {"id(ours)": "id"}, frozenset())
PRIVATE = Columns(("id", "name"), private=frozenset({"name"}))


def read(text: str) -> Table:
    return read_csv(text.encode(), COLUMNS)


def codes(row: Row) -> list[str]:
    return [finding.code for finding in row.findings]


UNREADABLE = {
    "file_empty": b"",
    "file_empty ": b"\xef\xbb\xbf\r\n\r\n",
    "no_rows": b"id,name\r\n",
    "no_rows ": b"id,name\r\n,\r\n\r\n",
    "spreadsheet_file": b"PK\x03\x04 and so on",
    "spreadsheet_file ": b"\xd0\xcf\x11\xe0 and so on",
    "utf_16": "id,name\n1,a\n".encode("utf-16"),
    "not_utf8": "id,name\n1,Hà Giang\n".encode("cp1258", "replace"),
    "nul_byte": b"id,name\n1,a\0b\n",
    "quotes_broken": b'id,name\n1,"never closed\n2,b\n',
    "quotes_broken ": b'id,name\n1,"closed" too early\n',
    "wrong_delimiter": b"id;name\n1;a\n",
    "wrong_delimiter ": b"id\tname\n1\ta\n",
    "wrong_delimiter  ": b'"id"|"name"\n1|a\n',
    "column_unnamed": b"id,name,\n1,a,\n",
    "column_twice": b"id,name,id\n1,a,2\n",
    "column_twice ": b"id,name,id(ours)\n1,a,2\n",
    "column_missing": b"id,note\n1,a\n",
    "other_table": b"task_uid,source_doc,name\n1,a,b\n",
}


@pytest.mark.parametrize(("code", "data"), UNREADABLE.items(), ids=[code.strip() for code in UNREADABLE])
def test_a_spoilt_file_is_named_with_a_repair(code: str, data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        read_csv(data, COLUMNS)
    assert [problem.code for problem in caught.value.errors] == [code.strip()]
    assert all(problem.repair.vi and problem.repair.en and problem.quote for problem in caught.value.errors)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("id,name\n1,a\n2,b\n3,Hà".encode() + b"\xff\n", "Line 4"),
        (b"id,name\n1,a\n2,\0\n", "Line 3"),
        (b'id,name\n1,a\n2,"open\n3,c\n', "Line 3"),
        (b"id;name\n1;a\n", "semicolon"),
        (b"id\tname\n1\ta\n", "a tab"),
    ],
)
def test_the_place_or_the_sign_is_named(data: bytes, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_csv(data, COLUMNS)
    assert words in caught.value.errors[0].message.en


@pytest.mark.parametrize(("before", "quote"), [("3,Hà", "3,Hà"), ("", "(ô để trống)"), ("4," + "x" * 60, "x" * 40)])
def test_what_stands_before_a_letter_that_is_none_is_quoted(before: str, quote: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_csv(f"id,name\n1,a\n{before}".encode() + b"\xff\n", COLUMNS)
    assert [(one.code, one.quote) for one in caught.value.errors] == [("not_utf8", quote)]


@pytest.mark.parametrize(
    ("data", "quote", "line"),
    [
        (b'id,name\n1,a\n2,"open\n3,c\n', '2,"open', "Line 3"),
        (b'"id,name\n1,a\n', '"id,name', "Line 1"),
        (b"\0id,name\n1,a\n", "(ô để trống)", "Line 1"),
        (b"id,name\n" + b"1,a\n" * 3 + b'2,"' + b"x" * 200, '2,"' + "x" * 77, "Line 5"),
    ],
)
def test_the_line_that_is_broken_is_quoted(data: bytes, quote: str, line: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_csv(data, COLUMNS)
    (problem,) = caught.value.errors
    assert (problem.quote, problem.message.en.split(":")[0]) == (quote, line)


def test_another_table_is_told_what_was_expected_and_what_came() -> None:
    with pytest.raises(Invalid) as caught:
        read("unit_uid,nso_code,level\nx,y,z\n")
    (problem,) = caught.value.errors
    assert "id, name" in problem.repair.en
    assert problem.quote == "unit_uid, nso_code, level"


def test_too_many_rows_are_refused_before_anything_is_done() -> None:
    assert len(read("id,name\n" + "1,a\n" * MAX_ROWS).rows) == MAX_ROWS
    with pytest.raises(TooLarge) as caught:
        read("id,name\n" + "1,a\n" * (MAX_ROWS + 1))
    assert [problem.code for problem in caught.value.errors] == ["too_many_rows"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_columns_in_any_order_and_rows_as_a_spreadsheet_counts_them(end: str, mark: str) -> None:
    table = read(f'{mark}name , id(ours){end}"a, and ""b""{end}on two lines",1{end}{end}=SUM(A1),2{end},,'.rstrip(","))
    assert [(row.number, row.cells["id"]) for row in table.rows] == [(2, "1"), (4, "2")]
    assert table.rows[0].cells["name"] == f'a, and "b"{end}on two lines'
    assert table.rows[1].cells["name"] == "=SUM(A1)", "a formula's sign is text to us"
    assert not table.findings


def test_text_is_brought_to_one_normal_form() -> None:
    (row,) = read("id,name\n1,Đồng Văn\n").rows
    assert row.cells["name"] == "Đồng Văn"


def test_a_row_of_another_length_is_refused_alone_with_its_first_words() -> None:
    table = read("id,name\n1,a\n2,Bộ Văn hóa, Thể thao\n3\n4,d\n")
    assert [codes(row) for row in table.rows] == [[], ["columns_shifted"], ["columns_shifted"], []]
    assert table.rows[1].findings[0].quote == "2, Bộ Văn hóa, Thể thao"
    assert table.rows[1].findings[0].severity == "error"
    assert table.rows[3].cells == {"id": "4", "name": "d"}
    (long,) = read("id,name\n" + "x" * 200 + "\n").rows
    assert long.findings[0].quote == "x" * 80


def test_an_unknown_column_is_passed_over_and_said_once() -> None:
    table = read("id,name,colour,old\n1,a,red,x\n")
    assert [(finding.code, finding.severity, finding.quote) for finding in table.findings] == [
        ("column_unknown", "warning", "colour")
    ]
    assert table.rows[0].cells == {"id": "1", "name": "a"}


@pytest.mark.parametrize(
    ("cell", "code"),
    [("a\x07b", "control_character"), ("a\x85b", "control_character"), ("x" * (MAX_CELL + 1), "cell_too_long")],
)
def test_a_cell_that_cannot_be_meant_refuses_its_row(cell: str, code: str) -> None:
    table = read(f"id,name\n1,{cell}\n2,fine\n")
    assert [codes(row) for row in table.rows] == [[code], []]
    assert cell not in table.rows[0].findings[0].quote


def test_a_cell_and_a_table_may_be_just_so_long() -> None:
    assert (MAX_CELL, MAX_ROWS) == (4000, 1000)
    assert [codes(row) for row in read(f"id,name\n1,{'x' * MAX_CELL}\n").rows] == [[]]
    tabbed = read_csv(b'id,name\n1,"a\tb\r\nc"\n', COLUMNS).rows[0]
    assert codes(tabbed) == [], "lines and tabs within a cell can be seen"
    assert [len(read_csv(b"id,name\n1,a\n2,b\n", COLUMNS, most=2).rows)] == [2]


def test_personal_data_is_never_quoted() -> None:
    table = read_csv(b"id,name\n1,Nguyen Van\x07A\n2,Tran,Thi,B\n", PRIVATE)
    said = [finding.quote for row in table.rows for finding in row.findings]
    assert len(said) == 2
    assert not any(name in quote for quote in said for name in ("Nguyen", "Tran"))


# --- JSON ---


def test_json_objects_are_rows_counted_from_one() -> None:
    rows = [{"id": 7, "name": "a", "note": None}, {"name": True, "id": "x"}, {"id": "y", "name": ["p", "q"]}]
    table = read_json(json.dumps(rows).encode(), COLUMNS)
    assert [row.number for row in table.rows] == [1, 2, 3]
    assert [dict(row.cells) for row in table.rows] == [
        {"id": "7", "name": "a", "note": ""},
        {"name": "yes", "id": "x"},
        {"id": "y", "name": "p;q"},
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[{", "json_invalid"),
        (b'[{"id": NaN, "name": ""}]', "json_invalid"),
        (b"[" * 100_000, "json_invalid"),
        (b"\xff", "json_invalid"),
        (b'{"id": 1}', "not_a_list"),
        (b"[1, 2]", "not_a_list"),
        (b"[]", "no_rows"),
        (b'[{"id": 1}]', "column_missing"),
        (b'[{"task_uid": 1, "source_doc": 2, "id": 3}]', "other_table"),
    ],
)
def test_json_that_is_no_such_list_is_named(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_json(data, COLUMNS)
    assert [problem.code for problem in caught.value.errors] == [code]


@pytest.mark.parametrize("value", [1.5, {"a": 1}, [1], [["a"]]])
def test_a_json_value_that_no_cell_can_hold_refuses_its_row(value: object) -> None:
    table = read_json(json.dumps([{"id": "1", "name": value}, {"id": "2", "name": "b"}]).encode(), COLUMNS)
    assert [codes(row) for row in table.rows] == [["cell_not_text"], []]


def test_half_a_character_refuses_its_row_and_can_be_told() -> None:
    table = read_json(rb'[{"id":"\ud800","name":"a"},{"id":"2","name":["\udfff",1],"\udc00":""}]', COLUMNS)
    assert [codes(row) for row in table.rows] == [["control_character"], ["column_unknown", "cell_not_text"]]
    assert all(finding.quote.encode() and finding.field.encode() for row in table.rows for finding in row.findings)


def test_an_unknown_name_is_said_where_it_stands_first() -> None:
    table = read_json(b'[{"id":"1","name":"a"},{"id":"2","name":"b","more":1},{"id":"3","name":"c","more":2}]', COLUMNS)
    assert [codes(row) for row in table.rows] == [[], ["column_unknown"], []]


@given(st.binary(max_size=200), st.sampled_from([b"", b"id,name\n", b'[{"id":1,"name":2}', b"\xef\xbb\xbf"]))
def test_no_bytes_do_more_harm_than_a_refusal(tail: bytes, head: bytes) -> None:
    for reader in (read_csv, read_json):
        try:
            table = reader(head + tail, COLUMNS)
        except DomainError:
            continue
        assert table.rows
