"""Rows of `units.csv` and `agencies.csv`: what they say of a unit, and what is wrong between rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from common.errors import Words
from tasks.domain.directory import LEVELS, Unit
from tasks.domain.rows import Reading
from tasks.domain.table import Columns
from tasks.domain.text import same_name

UNIT_COLUMNS = Columns(
    required=("unit_uid", "nso_code", "level", "full_name"),
    optional=("type", "name", "slug", "parent_uid", "valid_from", "valid_to", "verified", "note"),
)
AGENCY_COLUMNS = Columns(
    required=("code", "name_vi", "level"),
    optional=("note", "formed_from", "verified"),
    aliases={"code(ours)": "code"},
)
_AGENCY_LEVELS = {
    "central": "central",
    "hagiang_2024": "department",
    "hagiang_2025": "department",
    "department": "department",
    "commune_body": "commune_body",
}
_UID = re.compile(r"vn:[a-z]+:(?P<code>[^@]+)@.*")


def read_unit(reading: Reading) -> dict[str, Any]:
    """What a row of units says, by field of `Unit`; columns that the table has not are left out."""
    reading.id = reading.key("unit_uid") or None
    wanted: dict[str, Any] = {
        "code": reading.text("nso_code", limit=60, required=True),
        "level": reading.choice("level", LEVELS),
        "full_name": reading.text("full_name", limit=300, required=True),
    }
    for name in ("type", "name", "slug", "verified", "note"):
        if reading.has(name):
            wanted[name] = reading.text(name)
    if reading.has("parent_uid"):
        wanted["parent_id"] = reading.key("parent_uid", required=False) or None
    for name in ("valid_from", "valid_to"):
        if reading.has(name):
            wanted[name] = reading.day(name)
    found = _UID.fullmatch(reading.id or "")
    if found is not None and wanted["code"] and found["code"] != wanted["code"]:
        reading.say(
            "code_differs_from_uid",
            "error",
            "nso_code",
            Words(
                f"Mã «{wanted['code']}» khác mã «{found['code']}» trong unit_uid.",
                f"Code '{wanted['code']}' is not the '{found['code']}' of unit_uid.",
            ),
            wanted["code"],
            Words(
                "Bảng tính hay bỏ số 0 ở đầu: hãy định dạng cột là văn bản.",
                "Spreadsheets drop leading zeros: format the column as text.",
            ),
        )
    return wanted


def read_agency(reading: Reading) -> dict[str, Any]:
    """What a row of agencies says: a body with id `agency:<code>`, the bodies that it was formed from as former names."""
    code = reading.key("code")
    reading.id = f"agency:{code}" if code else None
    name = reading.text("name_vi", limit=300, required=True)
    level = reading.choice("level", tuple(_AGENCY_LEVELS))
    wanted: dict[str, Any] = {
        "code": code,
        "level": _AGENCY_LEVELS.get(level, level),
        "name": name,
        "full_name": name,
    }
    if reading.has("formed_from"):  # a body that kept its name when it grew is no former body of itself
        wanted["former_names"] = [part for part in reading.parts("formed_from") if not same_name(part, name)]
    for column in ("verified", "note"):
        if reading.has(column):
            wanted[column] = reading.text(column)
    return wanted


def new_unit(unit_id: str, wanted: Mapping[str, Any]) -> Unit:
    return Unit(id=unit_id, **{"name": wanted["full_name"], **wanted}).register()


def check_units(rows: Sequence[tuple[Reading, Mapping[str, Any]]], stored: Mapping[str, Unit]) -> None:
    """What no row can say by itself: parents that exist, in no circle; dates in order; one unit for a code on a day."""
    for reading, wanted in rows:
        present = stored.get(reading.id or "")
        _check_dates(reading, _value(wanted, present, "valid_from"), _value(wanted, present, "valid_to"))
    _check_parents(rows, stored)
    _check_codes([one for one in rows if not one[0].refused], stored)


def _value(wanted: Mapping[str, Any], present: Unit | None, name: str) -> Any:
    return wanted[name] if name in wanted else getattr(present, name, None)


def _check_dates(reading: Reading, begins: date | None, ends: date | None) -> None:
    if begins is not None and ends is not None and begins > ends:
        reading.say(
            "dates_reversed",
            "error",
            "valid_to",
            Words("Ngày hết hiệu lực đứng trước ngày có hiệu lực.", "The last day is before the first."),
            f"{begins} > {ends}",
            Words("Hãy sửa valid_from hoặc valid_to.", "Correct valid_from or valid_to."),
        )


def _check_parents(rows: Iterable[tuple[Reading, Mapping[str, Any]]], stored: Mapping[str, Unit]) -> None:
    """A parent may stand anywhere in the file; a refused one takes its children with it."""
    parents = {unit.id: unit.parent_id for unit in stored.values()}
    waiting = [
        (reading, reading.id, _value(wanted, stored.get(reading.id), "parent_id"))
        for reading, wanted in rows
        if not reading.refused and reading.id is not None
    ]
    known = set(stored)
    while ready := [one for one in waiting if one[2] is None or one[2] in known]:
        for reading, unit_id, parent in ready:
            if _closes_circle(unit_id, parent, parents):
                reading.say(
                    "parent_circle",
                    "error",
                    "parent_uid",
                    Words("Đơn vị cấp trên lại thuộc chính đơn vị này.", "The parent belongs to this very unit."),
                    parent,
                    Words("Hãy sửa parent_uid.", "Correct parent_uid."),
                )
            else:
                parents[unit_id] = parent
                known.add(unit_id)
        done = {id(reading) for reading, _, _ in ready}
        waiting = [one for one in waiting if id(one[0]) not in done]
    for reading, _, parent in waiting:
        reading.say(
            "parent_unknown",
            "error",
            "parent_uid",
            Words(
                "Không có đơn vị cấp trên này trong danh mục hay trong tệp.",
                "This parent is neither in the register nor in the file.",
            ),
            parent,
            Words("Hãy thêm đơn vị cấp trên, hoặc sửa parent_uid.", "Add the parent, or correct parent_uid."),
        )


def _closes_circle(unit_id: str, parent: str | None, parents: Mapping[str, str | None]) -> bool:
    while parent is not None:
        if parent == unit_id:
            return True
        parent = parents.get(parent)
    return False


def _check_codes(rows: Iterable[tuple[Reading, Mapping[str, Any]]], stored: Mapping[str, Unit]) -> None:
    """Codes are reused by mergers, never on the same day: two units that bear one at once are pointed at."""
    bearers: dict[tuple[str, str], dict[str, tuple[date | None, date | None]]] = {}
    for unit in stored.values():
        bearers.setdefault((unit.level, unit.code), {})[unit.id] = (unit.valid_from, unit.valid_to)
    named = []
    for reading, wanted in rows:
        present, unit_id = stored.get(reading.id or ""), reading.id or ""
        dates = (_value(wanted, present, "valid_from"), _value(wanted, present, "valid_to"))
        if present is not None:
            bearers[present.level, present.code].pop(unit_id, None)
        bearers.setdefault((wanted["level"], wanted["code"]), {})[unit_id] = dates
        named.append((reading, wanted, dates))
    for reading, wanted, (begins, ends) in named:
        for other, (since, until) in bearers[wanted["level"], wanted["code"]].items():
            apart = (ends is not None and since is not None and ends < since) or (
                until is not None and begins is not None and until < begins
            )
            if other != reading.id and not apart:
                reading.say(
                    "code_overlaps",
                    "warning",
                    _code_column(reading),
                    Words(
                        f"Đơn vị «{other}» cùng cấp mang cùng mã này trong cùng thời gian.",
                        f"Unit '{other}' of the same level bears this code at the same time.",
                    ),
                    wanted["code"],
                    Words("Hãy kiểm tra mã và ngày hiệu lực của hai đơn vị.", "Check code and dates of both."),
                )
                break


def _code_column(reading: Reading) -> str:
    return "nso_code" if reading.has("nso_code") else "code"
