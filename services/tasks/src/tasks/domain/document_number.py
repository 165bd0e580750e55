"""Numbers of official papers, read as they are written (Decree 30/2020/NĐ-CP; DOMAIN 5.5).

State papers read `number/TYPE-ISSUER`, Party papers `number-TYPE/ISSUER`, normative acts carry their year
(`12/2025/QĐ-UBND` is not `12/QĐ-UBND`), official letters carry the drafting unit instead of a type. Since 2025 numbers may
have parts (`66.7/2025` comes before `66.18/2025`, neither is a decimal). Numbers start again each year: a paper is known
by number, issuer and day of issue together.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from tasks.domain.text import plain_dashes, tidy

Standing = Literal["valid", "alias", "incomplete", "task_ref", "unreadable"]
System = Literal["party", "state_admin", "state_law", ""]

TYPES: dict[str, tuple[str, frozenset[str]]] = {
    "NQ": ("Nghị quyết", frozenset({"state_admin", "party"})),
    "QĐ": ("Quyết định", frozenset({"state_admin", "party"})),
    "CT": ("Chỉ thị", frozenset({"state_admin", "party"})),
    "QC": ("Quy chế", frozenset({"state_admin", "party"})),
    "QyĐ": ("Quy định", frozenset({"state_admin"})),
    "QĐi": ("Quy định", frozenset({"party"})),
    "TC": ("Thông cáo", frozenset({"state_admin"})),
    "TB": ("Thông báo", frozenset({"state_admin", "party"})),
    "HD": ("Hướng dẫn", frozenset({"state_admin", "party"})),
    "CTr": ("Chương trình", frozenset({"state_admin", "party"})),
    "KH": ("Kế hoạch", frozenset({"state_admin", "party"})),
    "PA": ("Phương án", frozenset({"state_admin"})),
    "ĐA": ("Đề án", frozenset({"state_admin"})),
    "DA": ("Dự án", frozenset({"state_admin"})),
    "BC": ("Báo cáo", frozenset({"state_admin", "party"})),
    "BB": ("Biên bản", frozenset({"state_admin"})),
    "TTr": ("Tờ trình", frozenset({"state_admin", "party"})),
    "HĐ": ("Hợp đồng", frozenset({"state_admin"})),
    "CĐ": ("Công điện", frozenset({"state_admin"})),
    "BGN": ("Bản ghi nhớ", frozenset({"state_admin"})),
    "BTT": ("Bản thỏa thuận", frozenset({"state_admin"})),
    "GUQ": ("Giấy ủy quyền", frozenset({"state_admin"})),
    "GM": ("Giấy mời", frozenset({"state_admin"})),
    "GGT": ("Giấy giới thiệu", frozenset({"state_admin"})),
    "GNP": ("Giấy nghỉ phép", frozenset({"state_admin"})),
    "PG": ("Phiếu gửi", frozenset({"state_admin"})),
    "PC": ("Phiếu chuyển", frozenset({"state_admin"})),
    "PB": ("Phiếu báo", frozenset({"state_admin"})),
    "KL": ("Kết luận", frozenset({"party"})),
    "CV": ("Công văn", frozenset({"party"})),
    "NĐ": ("Nghị định", frozenset({"state_law"})),
    "L": ("Luật", frozenset({"state_law"})),
    "TT": ("Thông tư", frozenset({"state_law"})),
}
"""Type codes of `doc_types.csv`; an official letter and a `thư công` of the State have none."""

_BARE = {"ND": "NĐ", "QD": "QĐ", "CD": "CĐ"}
"""Codes typed without the stroke. `DA` and `HD` are codes of their own, so they are left alone."""
_STATE_BODIES = ("HĐND", "UBND", "QH", "CP")

_NUMBER = r"(?P<number>\d{1,5}(?:\.\d{1,3})*)"
_TYPE = r"(?P<type>[^\W\d_]{1,4})"
_ISSUER = r"(?P<issuer>[^\W_][\w\-.]*)"
_FORMS: tuple[tuple[System, re.Pattern[str]], ...] = (
    ("state_law", re.compile(rf"{_NUMBER}/(?P<year>(?:19|20)\d\d)/{_TYPE}-{_ISSUER}")),
    ("state_law", re.compile(rf"{_NUMBER}/(?P<year>(?:19|20)\d\d)/(?P<issuer>QH\d{{1,2}})")),
    ("state_admin", re.compile(rf"{_NUMBER}/{_TYPE}-{_ISSUER}")),
    ("party", re.compile(rf"{_NUMBER}-{_TYPE}/{_ISSUER}")),
    ("state_admin", re.compile(rf"{_NUMBER}/(?P<issuer>[^\W\d_][\w.]*-[\w\-.]+)")),
)
_INCOMPLETE = re.compile(rf"/?{_TYPE}[-/]{_ISSUER}")
_TASK_REF = re.compile(r"(?:NV|nhiệm vụ)\s*\d+(?:\s*[,;-]\s*\d+)*", re.IGNORECASE)


class DocumentNumber(NamedTuple):
    """A number as written and as read. `canonical` spells one paper one way: two digits, plain hyphens, strokes put back."""

    written: str
    standing: Standing
    system: System = ""
    number: str = ""
    year: str = ""
    type: str = ""
    issuer: str = ""

    @property
    def canonical(self) -> str:
        if self.standing not in ("valid", "alias"):
            return tidy(self.written)
        number = self.number if "." in self.number else self.number.zfill(2)
        if self.system == "party":
            return f"{number}-{self.type}/{self.issuer}"
        middle = f"/{self.year}" if self.year else ""
        return f"{number}{middle}/{self.type + '-' if self.type else ''}{self.issuer}"

    @property
    def order(self) -> tuple[str, str, tuple[int, ...]]:
        """Sorts papers of one issuer by year and by the parts of their number: 66.7 before 66.18."""
        return self.issuer, self.year, tuple(int(part) for part in self.number.split(".") if part)


def read_number(written: str) -> DocumentNumber:
    """Read a document number; what is not one is said to be `incomplete`, a `task_ref` or `unreadable`, never guessed."""
    text = tidy(written)
    if _TASK_REF.fullmatch(text):
        return DocumentNumber(text, "task_ref")
    plain = plain_dashes(text).replace(" ", "")
    for system, form in _FORMS:
        found = form.fullmatch(plain)
        if found is None:
            continue
        parts = found.groupdict()
        code = _code(parts["type"]) if parts.get("type") else ""
        if code is None:
            continue  # 215/UBND-NC: an official letter has the issuer where a type would stand; its form is the last
        issuer = parts["issuer"].rstrip(".")
        read: System = system
        if system == "party" and issuer.startswith(_STATE_BODIES):
            read = "state_admin"  # 53-NQ/HĐND: the Party's hyphen on a paper of the State
        number = parts["number"].lstrip("0") or "0"
        read_as = DocumentNumber(text, "valid", read, number, parts.get("year") or "", code, issuer)
        return read_as if read_as.canonical == text else read_as._replace(standing="alias")
    if (found := _INCOMPLETE.fullmatch(plain)) is not None and (code := _code(found["type"])) is not None:
        return DocumentNumber(text, "incomplete", type=code, issuer=found["issuer"])
    return DocumentNumber(text, "unreadable")


def _code(written: str) -> str | None:
    """The type code as it is spelt; None when there is no such code."""
    return next((code for code in TYPES if code.casefold() == written.casefold()), _BARE.get(written.upper()))
