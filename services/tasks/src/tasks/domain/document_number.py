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

_BARE = {"ND": "NĐ", "QD": "QĐ", "DA": "ĐA", "CD": "CĐ", "HD": "HD"}
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
    plain = plain_dashes(text).replace(" ", "") if not _TASK_REF.fullmatch(text) else text
    if _TASK_REF.fullmatch(text):
        return DocumentNumber(text, "task_ref")
    for system, form in _FORMS:
        found = form.fullmatch(plain)
        if found is None:
            continue
        parts = found.groupdict()
        code, known = _code(parts.get("type") or "")
        if parts.get("type") and not known:
            if system == "state_admin" and "-" not in parts["issuer"]:
                return _letter(text, parts)
            continue
        issuer = parts["issuer"].rstrip(".")
        read: System = system
        if system == "party" and issuer.startswith(_STATE_BODIES):
            read = "state_admin"  # 53-NQ/HĐND: the Party's hyphen on a paper of the State
        number = parts["number"].lstrip("0") or "0"
        read_as = DocumentNumber(text, "valid", read, number, parts.get("year") or "", code, issuer)
        as_written = plain == text and code == (parts.get("type") or "") and read_as.canonical == text
        return read_as if as_written else read_as._replace(standing="alias")
    if (found := _INCOMPLETE.fullmatch(plain)) is not None and _code(found["type"])[1]:
        return DocumentNumber(text, "incomplete", type=_code(found["type"])[0], issuer=found["issuer"])
    return DocumentNumber(text, "unreadable")


def _letter(text: str, parts: dict[str, str]) -> DocumentNumber:
    """215/UBND-NC: an official letter; what stands where the type would is the issuer, behind it the drafting unit."""
    issuer = f"{parts['type']}-{parts['issuer']}"
    return DocumentNumber(text, "valid", "state_admin", parts["number"].lstrip("0") or "0", "", "", issuer)


def _code(written: str) -> tuple[str, bool]:
    """The type code as it is spelt, and whether there is such a code."""
    for code in TYPES:
        if code == written or (code.casefold() == written.casefold() and code.upper() != code):
            return code, True
    by_fold = _BARE.get(written.upper())
    if by_fold is not None:
        return by_fold, True
    return written, written.upper() in TYPES
