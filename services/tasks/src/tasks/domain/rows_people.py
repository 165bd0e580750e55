"""Rows of people: an opaque id, a unit, a position, audiences; the name apart, never quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from common.errors import FieldProblem, Words
from tasks.domain.directory import POSITIONS, Unit
from tasks.domain.rows import Reading
from tasks.domain.table import MAX_CELL, Columns

PEOPLE_COLUMNS = Columns(
    required=("person_id", "unit_id", "position"),
    optional=("audiences", "name", "active"),
    private=frozenset({"name"}),
)
MAX_NAME = 200
AUDIENCE = r"[A-Za-z][A-Za-z0-9_-]{1,39}"
_PERSONAL = re.compile(r"\+?\d{9,12}|[^@]+@[^@]+|\S+\s.+")
"""Citizen id, telephone number, address of mail, a name: they tell who it is, and would stay in events for ever."""


def personal_id(person_id: str) -> FieldProblem | None:
    """What speaks against an id that names the person. It is not repeated."""
    if _PERSONAL.fullmatch(person_id) is None:
        return None
    return FieldProblem(
        "person_id",
        "id_is_personal_data",
        Words(
            "Mã trông như họ tên, số định danh, số điện thoại hoặc thư điện tử.",
            "The id looks like a name, a citizen id, a telephone number or a mail address.",
        ),
        Words("Hãy dùng mã không nói lên người đó là ai.", "Use an id that does not say who it is."),
    )


def read_person(reading: Reading) -> tuple[dict[str, Any], str | None]:
    """What a row says, by field of `Person`, and the name: None when the table has no name for this row."""
    problem = personal_id(reading.text("person_id", limit=MAX_CELL))
    if problem is not None:
        reading.repeat(problem, "error", "person_id")
    else:
        reading.id = reading.key("person_id") or None
    wanted: dict[str, Any] = {"unit_id": reading.key("unit_id"), "position": reading.choice("position", POSITIONS)}
    if reading.has("audiences"):
        wanted["audiences"] = reading.parts("audiences")
        for audience in wanted["audiences"]:
            if re.fullmatch(AUDIENCE, audience) is None:
                reading.say(
                    "audience_unreadable",
                    "error",
                    "audiences",
                    Words("Không phải mã đối tượng.", "Not the id of an audience."),
                    audience,
                    Words(
                        "Hãy dùng mã như AUD-CBCC, ngăn bằng dấu chấm phẩy.", "Use ids such as AUD-CBCC, divided by semicolons."
                    ),
                )
    if reading.has("active"):
        wanted["active"] = reading.flag("active", True)
    name = None
    if reading.has("name"):
        name = reading.text("name", limit=MAX_CELL) or None  # its own limit is checked without quoting it
        if name is not None and len(name) > MAX_NAME:
            reading.say(
                "cell_too_long",
                "error",
                "name",
                Words(f"Tên dài quá {MAX_NAME} ký tự.", f"The name has more than {MAX_NAME} characters."),
                "",
                Words("Hãy rút ngắn.", "Shorten it."),
            )
    return wanted, name


def check_unit(reading: Reading, unit_id: str, units: Mapping[str, Unit], today: date) -> None:
    """The unit must be registered; one that does not stand today is pointed at."""
    if not unit_id:
        return
    unit = units.get(unit_id)
    if unit is None:
        reading.say(
            "unit_unknown",
            "error",
            "unit_id",
            Words("Không có đơn vị này trong danh mục.", "There is no such unit in the register."),
            unit_id,
            Words(
                "Hãy nhập đơn vị trước, hoặc sửa unit_id (GET /v1/units?q=).",
                "Import the unit first, or correct unit_id (GET /v1/units?q=).",
            ),
        )
    elif not unit.stands_on(today):
        reading.say(
            "unit_not_standing",
            "warning",
            "unit_id",
            Words(f"Hôm nay «{unit.full_name}» không còn hoặc chưa có.", f"'{unit.full_name}' does not stand today."),
            unit_id,
            Words("Hãy chuyển người này sang đơn vị kế thừa.", "Move the person to the unit that follows it."),
        )
