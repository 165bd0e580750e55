"""What a task's own words say: whoever gives words and not what they mean has them read for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.domain.deadline import Deadline, Kind, read_deadline
from tasks.domain.product import PROOF, read_product

_MEANINGS = ("due_on", "starts_on", "calendar", "period_day")
"""What may be given beside the words, and then holds instead of what they are read as."""


def time_fields(read: Deadline) -> dict[str, Any]:
    """The fields of a task that come of a deadline's words."""
    wait = read.wait
    return {
        "deadline_kind": read.kind.value,
        "due_on": read.due_on,
        "starts_on": read.starts_on,
        "calendar": read.cadence,
        "period_day": read.period_day,
        "waits_for": "" if wait is None else wait.body,
        "waits_days": None if wait is None else wait.days,
        "waits_working": wait is not None and wait.working,
    }


def read_words(given: Mapping[str, Any], *, deadline_before: str = "", product_before: str = "") -> dict[str, Any]:
    """The given fields and, beside words that changed, what they are read as. A meaning that is given as well is kept."""
    changes = dict(given)
    deadline, product = given.get("deadline_written", deadline_before), given.get("product", product_before)
    if deadline != deadline_before:
        for name, value in time_fields(read_deadline(deadline)).items():
            if name not in _MEANINGS:
                changes[name] = value
            else:
                changes.setdefault(name, value)
    if not deadline and "due_on" in changes:
        changes["deadline_kind"] = (Kind.MISSING if changes["due_on"] is None else Kind.DATE).value
    if product != product_before:
        changes.setdefault("product_kind", read_product(product))
    if "product_kind" in changes:
        kind = changes["product_kind"]
        changes.setdefault("evidence_kind", None if kind is None else PROOF[kind])
    return changes
