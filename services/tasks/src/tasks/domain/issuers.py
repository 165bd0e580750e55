"""Which unit of the register issued a paper, by the issuer as it is written: «UBND xã Tân Tiến», «Huyện ủy Đồng Văn».

A name means a unit on a day only: «Xã Tân Tiến» is one commune today and was two before 1 July 2025 (golden case G065).
Where it is not clear nothing is guessed: those who may be meant are named, and somebody says.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from tasks.domain.directory import Unit
from tasks.domain.text import spelling

_BODIES = tuple(
    spelling(body)
    for body in (
        "Ban Thường vụ Đảng ủy", "Ban Chấp hành Đảng bộ", "Ban Thường vụ", "Đảng ủy", "Đảng bộ", "Ban Chỉ đạo", "BCĐ",
        "Thường trực Hội đồng nhân dân", "Hội đồng nhân dân", "HĐND", "Ủy ban nhân dân", "UBND", "Chủ tịch UBND",
        "Chủ tịch Ủy ban nhân dân",
    )
)  # fmt: skip
"""Bodies of a territory that issue papers in its name; its name follows them."""
_COMMITTEES = tuple(
    (spelling(committee), spelling(kind))
    for committee, kind in (
        ("Tỉnh ủy", "Tỉnh"),
        ("Thành ủy", "Thành phố"),
        ("Huyện ủy", "Huyện"),
        ("Thị ủy", "Thị xã"),
    )
)
"""Party committees that say in one word what they are and of what kind of territory."""


def unit_spellings(issuer: str) -> list[str]:
    """How the unit may be spelt (`text.spelling`) that an issuer stands for: the issuer itself, a body's own territory."""
    written = spelling(issuer)
    found = [written]
    for body in _BODIES:
        if written.startswith(f"{body} "):
            found += unit_spellings(written.removeprefix(f"{body} "))
    for committee, kind in _COMMITTEES:
        if written.startswith(f"{committee} "):
            found.append(f"{kind} {written.removeprefix(f'{committee} ')}")
    return list(dict.fromkeys(found))


def issuer_fields(units: list[str]) -> dict[str, Any]:
    """What units that may be meant come to, as fields of a directive: the one, or those between whom somebody decides."""
    clear = len(units) == 1
    return {"issuer_unit_id": units[0] if clear else None, "issuer_candidates": [] if clear else units}


class Issuers:
    """Units by their names, for finding who issued what."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._bearers: dict[str, list[Unit]] = {}
        for unit in units:
            self._bearers.setdefault(spelling(unit.full_name), []).append(unit)

    def find(self, issuer: str, day: date) -> list[str]:
        """Ids of the units that stand on the day and may be meant: one is clear, none is nobody of the register."""
        bearers = (unit for one in unit_spellings(issuer) for unit in self._bearers.get(one, ()))
        return sorted({unit.id for unit in bearers if unit.stands_on(day)})
