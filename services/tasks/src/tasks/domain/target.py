"""Targets (chỉ tiêu): a number with its due day, where it began, what was measured since, and how it stands against time.

Rows of `data/targets.csv`: words stay as written beside what they were read as. A percentage is never added to another, and no
mean of percentages is taken: over units a ratio is the sum of its parts by the sum of its wholes, or there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.contracts.tasks_reports import TargetMeasured, TargetSet
from common.domain import Aggregate, Day, Document
from common.errors import FieldProblem, Invalid, Words
from tasks.domain.exact import Exact, written
from tasks.domain.rows import Reading
from tasks.domain.table import Columns

Operator = Literal[">=", ">", "<=", "<", "=", "range"]
OPERATORS: tuple[str, ...] = (">=", ">", "<=", "<", "=", "range")
ADDITIVE = ("count", "people", "points", "posts")
"""Units of measure of which the figures of several units add up."""
TARGET_COLUMNS = Columns(
    required=("target_id", "source_doc", "due", "indicator", "unit", "operator", "value"), optional=("note", "verified")
)
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?")


class Actual(BaseModel):
    """A figure with its day and source, of one unit or (None) of the whole province."""

    model_config = ConfigDict(frozen=True)
    on: Day
    unit_id: str | None = None
    value: Exact | None = None
    part: Exact | None = None
    whole: Exact | None = None
    source: str
    at: datetime
    by: str

    @property
    def figure(self) -> Fraction | None:
        """The value; of a part and a whole, in percent."""
        if self.part is not None and self.whole is not None:
            return self.part / self.whole * 100
        return self.value


class TargetActual(Document):
    """One figure as it is kept for ever."""

    target_id: str
    actual: Actual


class Target(Aggregate):
    """A number to be reached."""

    noun: ClassVar = ("chỉ tiêu", "target")
    source: str
    indicator: str
    measure: str
    operator: Operator
    value_written: str
    low: Exact | None = None
    high: Exact | None = None
    """The bounds of a range; of any other target both are its number. None: no single number is written."""
    due_written: str
    due_on: Day | None = None
    yearly: bool = False
    note: str = ""
    verified: str = ""
    lead_unit_id: str | None = None
    baseline: Actual | None = None
    latest: list[Actual] = Field(default_factory=list)
    """Of the province and of each unit, the figure of the latest day."""
    figures: int = 0

    def set_up(self) -> Target:
        self.record(TargetSet(**self._public()))
        return self

    def correct(self, changes: dict[str, Any]) -> bool:
        """Take over what is now said of it. False when it says the same."""
        differs = self.adopt(changes)
        if differs:
            self.set_up()
        return differs

    def _public(self) -> dict[str, Any]:
        return {
            "target_id": self.id,
            "source": self.source,
            "indicator": self.indicator,
            "measure": self.measure,
            "due_on": self.due_on,
        }

    @property
    def is_share(self) -> bool:
        """Percent, ranks, indices: figures that never add up."""
        return self.measure not in ADDITIVE

    def measured(self, actual: Actual) -> TargetActual:
        """Take a figure. One of an earlier day is kept and does not replace a later one. Raises `Invalid` when the way it is
        given does not suit the measure.
        """
        figure = actual.figure
        if figure is None or (actual.part is not None and not self.measure.startswith("%")):
            message = Words("Chỉ tiêu này cần một giá trị.", "This target is measured by one value.")
            repair = Words("Gửi value; part và whole chỉ dùng cho tỷ lệ %.", "Send value; part and whole are for percentages.")
            raise Invalid(message, [FieldProblem("value", "value_missing", message, repair, self.measure)])
        others = [one for one in self.latest if one.unit_id != actual.unit_id]
        known = next((one for one in self.latest if one.unit_id == actual.unit_id), None)
        kept = actual if known is None or known.on <= actual.on else known
        self.latest = sorted([*others, kept], key=lambda one: one.unit_id or "")
        self.figures += 1
        self.record(
            TargetMeasured(
                target_id=self.id,
                on=actual.on,
                value=written(figure),
                source=actual.source,
                unit_id=actual.unit_id,
            )
        )
        return TargetActual(id=f"{self.id}/{self.figures:06d}", target_id=self.id, actual=actual)


Stands = Literal["met", "on_track", "behind", "missed", "no_figure", "no_baseline", "no_due_day", "not_one_number"]


class Progress(BaseModel):
    """How a target stands on a day."""

    model_config = ConfigDict(frozen=True)
    stands: Stands
    value: Exact | None = None
    on: Day | None = None
    of: Literal["province", "units"] | None = None
    units: int = 0
    """Units whose figures make the value."""
    share: Exact | None = None
    """How much of the way from the baseline to the target is done; 1 is all of it."""
    time_share: Exact | None = None
    """How much of the time between the baseline and the due day has gone."""
    expected: Exact | None = None
    """Where it would stand, had it gone evenly (ours: no source says how targets grow)."""
    lacking: Exact | None = None


def progress(target: Target, day: date) -> Progress:
    """Progress against time on a day: by the figures whose day has come, for yearly targets by those of the year."""
    figures = [one for one in target.latest if one.on <= day and (not target.yearly or one.on.year == day.year)]
    found = _value(target, figures)
    value, goal = found.get("value"), target.high if target.operator in ("<=", "<") else target.low
    if goal is None:
        return Progress(stands="not_one_number", **found)
    if value is None or met(target, value):
        return Progress(stands="no_figure" if value is None else "met", **found)
    return _on_the_way(target, day, value, goal, found | {"lacking": abs(goal - value)})


def _on_the_way(target: Target, day: date, value: Fraction, goal: Fraction, found: dict[str, Any]) -> Progress:
    due = date(day.year, 12, 31) if target.yearly else target.due_on
    if due is None or day > due:
        return Progress(stands="no_due_day" if due is None else "missed", **found)
    start, first = target.baseline, None if target.baseline is None else target.baseline.figure
    if start is None or first is None or target.yearly or not start.on < due or first == goal:
        return Progress(stands="no_baseline", **found)
    gone = max(Fraction(0), Fraction((day - start.on).days, (due - start.on).days))
    share = (value - first) / (goal - first)
    found |= {"share": share, "time_share": gone, "expected": first + (goal - first) * gone}
    return Progress(stands="on_track" if share >= gone else "behind", **found)


def met(target: Target, value: Fraction) -> bool:
    """Whether the value is what the target asks for: the operator as written, R57's `>` apart from NQ03's `>=`."""
    if target.low is None or target.high is None:
        return False
    match target.operator:
        case ">=":
            return value >= target.low
        case ">":
            return value > target.low
        case "<=":
            return value <= target.high
        case "<":
            return value < target.high
        case _:
            return target.low <= value <= target.high


def _value(target: Target, figures: Iterable[Actual]) -> dict[str, Any]:
    """The figure of the province; without one what the units' figures make together, if they make anything."""
    known = list(figures)
    for one in known:
        if one.unit_id is None:
            return {"value": one.figure, "on": one.on, "of": "province"}
    if not known:
        return {}
    told: dict[str, Any] = {"on": max(one.on for one in known), "of": "units", "units": len(known)}
    if not target.is_share:
        return {**told, "value": sum((one.figure or Fraction(0) for one in known), Fraction(0))}
    parts = [(one.part, one.whole) for one in known if one.part is not None and one.whole is not None]
    if len(parts) < len(known):
        return told
    return {**told, "value": sum(part for part, _ in parts) / sum(whole for _, whole in parts) * 100}


# --- reading ---


def read_target(reading: Reading) -> dict[str, Any]:
    """What a row says, by field of `Target`. Words that hold no single number or no day are kept, with a warning."""
    reading.id = reading.key("target_id") or None
    wanted: dict[str, Any] = {
        "source": reading.text("source_doc", limit=300, required=True),
        "indicator": reading.text("indicator", required=True),
        "measure": reading.text("unit", limit=100, required=True),
        "operator": reading.choice("operator", OPERATORS),
        "value_written": reading.text("value", limit=100, required=True),
        "due_written": reading.text("due", limit=100, required=True),
    }
    for column in ("note", "verified"):
        if reading.has(column):
            wanted[column] = reading.text(column)
    bounds = _bounds(wanted["value_written"], wanted["operator"])
    if bounds is None:
        reading.say(
            "target_not_one_number",
            "warning",
            "value",
            Words("Không phải một con số: chỉ tiêu được giữ nguyên văn, không tính tiến độ.",
                  "Not one number: kept as written, its progress is not computed."),
            wanted["value_written"],
            Words("Hãy tách thành từng chỉ tiêu có một con số.", "Divide it into targets of one number each."),
        )  # fmt: skip
    due_on, yearly = _due(wanted["due_written"])
    if due_on is None and not yearly:
        reading.say(
            "target_without_day",
            "warning",
            "due",
            Words("Không có ngày đến hạn.", "It has no due day."),
            wanted["due_written"],
            Words("Hãy ghi năm, ngày dạng YYYY-MM-DD, hoặc yearly.", "Write a year, a day as YYYY-MM-DD, or yearly."),
        )
    low, high = bounds or (None, None)
    return wanted | {"low": low, "high": high, "due_on": due_on, "yearly": yearly}


def _bounds(words: str, operator: str) -> tuple[Fraction, Fraction] | None:
    parts = [part.strip() for part in words.split("-")] if operator == "range" else [words]
    if len(parts) != (2 if operator == "range" else 1) or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    low, high = Fraction(parts[0]), Fraction(parts[-1])
    return (low, high) if low <= high else None


def _due(words: str) -> tuple[date | None, bool]:
    """A year means its last day, by our convention; shown beside the words."""
    if words == "yearly":
        return None, True
    if re.fullmatch(r"20[0-9]{2}", words):
        return date(int(words), 12, 31), False
    try:
        return (date.fromisoformat(words) if len(words) == 10 else None), False
    except ValueError:
        return None, False
