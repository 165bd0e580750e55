"""What a task's own words say: whoever gives words and not what they mean has them read for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.domain.deadline import Kind, read_deadline
from tasks.domain.product import PROOF, read_product


def read_words(given: Mapping[str, Any], *, deadline_before: str = "", product_before: str = "") -> dict[str, Any]:
    """The given fields and, beside words that changed, what they are read as. A meaning that is given as well is kept."""
    changes = dict(given)
    deadline, product = given.get("deadline_written", deadline_before), given.get("product", product_before)
    if deadline != deadline_before:
        read = read_deadline(deadline)
        changes["deadline_kind"] = read.kind.value
        changes.setdefault("due_on", read.due_on)
    if not deadline and "due_on" in changes:
        changes["deadline_kind"] = (Kind.MISSING if changes["due_on"] is None else Kind.DATE).value
    if product != product_before:
        changes.setdefault("product_kind", read_product(product))
    if "product_kind" in changes:
        kind = changes["product_kind"]
        changes.setdefault("evidence_kind", None if kind is None else PROOF[kind])
    return changes
