"""Rows of `unit_succession.csv`: which unit follows which."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from common.errors import Words
from tasks.domain.directory import SUCCESSION_KINDS, Succession
from tasks.domain.rows import Reading
from tasks.domain.table import Columns

SUCCESSION_COLUMNS = Columns(
    required=("from_uid", "to_uid", "kind", "effective_date"),
    optional=("correction",),
    ignored=("old_code", "old_name", "new_code", "new_name", "old_district_code", "old_province", "old_unit_is_split"),
)


def read_succession(reading: Reading) -> dict[str, Any]:
    """What a row says, by field of `Succession`."""
    before, after = reading.key("from_uid"), reading.key("to_uid")
    if before and after:
        reading.id = Succession.id_of(before, after)
    wanted: dict[str, Any] = {
        "from_unit_id": before,
        "to_unit_id": after,
        "kind": reading.choice("kind", SUCCESSION_KINDS),
        "effective_on": reading.day("effective_date"),
    }
    if wanted["effective_on"] is None:
        reading.text("effective_date", required=True)
    if reading.has("correction"):
        wanted["correction"] = reading.text("correction")
    if before and before == after:
        reading.say(
            "follows_itself",
            "error",
            "to_uid",
            Words("Một đơn vị không kế thừa chính nó.", "No unit follows itself."),
            after,
            Words("Đơn vị mới cần unit_uid của riêng nó.", "The new unit needs a unit_uid of its own."),
        )
    return wanted


def check_units_exist(reading: Reading, wanted: dict[str, Any], units: Container[str]) -> None:
    """Both ends must stand in the register."""
    for column, unit_id in (("from_uid", wanted["from_unit_id"]), ("to_uid", wanted["to_unit_id"])):
        if unit_id and unit_id not in units:
            reading.say(
                "unit_unknown",
                "error",
                column,
                Words("Không có đơn vị này trong danh mục.", "There is no such unit in the register."),
                unit_id,
                Words("Hãy nhập danh mục đơn vị trước (kind=units).", "Import the units first (kind=units)."),
            )
