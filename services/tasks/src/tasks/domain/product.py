"""What a task must bring about (sản phẩm), read from the words of the plan, and what proves it."""

from __future__ import annotations

import re
from typing import Literal, get_args

from tasks.domain.text import fold

ProductKind = Literal["document", "system", "measure", "event"]
EvidenceKind = Literal["document", "link", "dataset", "photo"]
PRODUCT_KINDS: tuple[str, ...] = get_args(ProductKind)

PROOF: dict[ProductKind, EvidenceKind] = {"document": "document", "system": "link", "measure": "dataset", "event": "document"}
"""The evidence that is asked for unless the task says otherwise. A system counts only if it runs, has data and has users
(11-KH/BCĐ): a link shows that; a measure is proven by its data.
"""

_KINDS: tuple[tuple[ProductKind, re.Pattern[str]], ...] = (
    ("measure", re.compile(r"\d+ ?%|\bty le\b|\bchi so\b|\b100%|\bxu ly xong\b|\btrieu\b|\b\d+ (?:diem|xa|nguoi|lop)\b")),
    ("document", re.compile(
        r"\b(?:quyet dinh|nghi quyet|nghi dinh|luat|thong tu|chi thi|ke hoach|de an|bao cao|van ban|quy che|quy dinh|quy trinh"
        r"|chuong trinh|du an|danh muc|danh sach|bien ban|phuong an|ho so|huong dan|chien luoc|bang|de xuat|hop dong|thoa thuan"
        r"|cam ket|tieu chuan|quy chuan|bo tieu chi|khung|co che|chinh sach|phap lenh|to trinh|cong van|tai lieu|so tay)\b")),
    ("system", re.compile(
        r"\b(?:nen tang|he thong|phan mem|co so du lieu|csdl|cong (?:dich vu|dvc|thong tin)|ung dung|trung tam|ha tang|mang"
        r"|du lieu|thiet bi|kho|truc|tram|phong thi nghiem|mo hinh|so hoa)\b")),
    ("event", re.compile(r"\b(?:hoi nghi|hoi thao|lop|khoa hoc|tap huan|le phat dong|doi hinh|phong trao|cuoc thi|to chuc)\b")),
)  # fmt: skip


def read_product(written: str) -> ProductKind | None:
    """The kind of product that the words name, or None when they name none that can be checked."""
    text = fold(written)
    return next((kind for kind, words in _KINDS if words.search(text)), None)
