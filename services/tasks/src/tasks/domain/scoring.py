"""The score of a unit for a month: every point of it explained.

By the rubric alone (`domain/rubric.py`): half-open bands on unrounded values, in exact fractions. A criterion that does not
apply leaves the denominator, `score = points / applicable points * 100` (row M-N-1); a unit to which nothing applies has no
score, which is not 0 and not 100 (golden case G029). The cliff of disbursement, 60 % -> 7.06 but 59.99 % -> 0, is kept and
shown (G013, G014).
The month's score is for monitoring, no ranking (row M-N-3). What the sources leave open is a setting (`ScoringRules`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.contracts.tasks_reports import ScoringRulesChanged
from common.domain import Aggregate
from common.errors import FieldProblem, Invalid, Words
from tasks.domain.exact import Exact, rounded, written
from tasks.domain.rubric import Band, Criterion, Rubric

RULES_ID = "scoring"
Origin = Literal["tasks", "submissions", "entered", "quarter"]
Because = Literal["not_for_this_level", "no_fact_yet", "does_not_apply"]


class ScoringRules(Aggregate):
    """How the committee reads its rubric where the sources settle nothing (DOMAIN 10). There is one."""

    noun: ClassVar = ("quy tắc chấm điểm", "scoring rules")
    id: str = RULES_ID
    missing_fact: Literal["zero", "left_out"] = "zero"
    """What a criterion is worth of which nobody has said anything yet: nothing, or it leaves the denominator. Either way the
    score says that it is provisional."""
    penalties_from: Literal["points", "score"] = "points"
    """Whether a penalty is taken from the points before they are divided, or from the score out of 100."""
    given_by: dict[str, list[str]] = Field(
        default_factory=lambda: {
            "M-II-1": ["SC", "Ban Chỉ đạo", "BCĐ"],
            "M-II-2": ["People's Committee", "Ủy ban nhân dân", "UBND"],
        }
    )
    """Criteria that the tasks answer, by words in the name of the body whose directive gave the task."""
    periods: Literal["each", "once", "left_out"] = "each"
    """How periods of tasks that repeat count among the tasks of a month: each that fell due is one (ours: a month has one of a
    monthly task); all of a task together are one, late when one is; or none is counted. The form counts tasks "done on time"
    and does not say whether a report of the month is one (rows M-II-1, M-II-2)."""
    report_on_time: list[str] = Field(default_factory=lambda: ["M-I-1", "M-II-7"])
    """Criteria that the unit's own monthly report answers: handed in by its day, or not."""
    late_by_one_day: str = "M-P-1"
    late_by_more: str = "M-P-2"
    over_quarter: list[str] = Field(default_factory=lambda: ["M-II-5a"])
    """Criteria that small units count over the quarter (row M-N-2)."""
    report_plan: str = "committee"
    """Whose calendar says by when the unit's report is due."""

    def decide(self, changes: Mapping[str, object]) -> bool:
        """Change settings. False when nothing differs."""
        differs = self.adopt(changes)
        if differs:
            self.record(
                ScoringRulesChanged(
                    rules_id=self.id,
                    missing_fact=self.missing_fact,
                    penalties_from=self.penalties_from,
                    report_plan=self.report_plan,
                )
            )
        return differs


class Fact(BaseModel):
    """What is known of one criterion: a value, or a part of a whole, or a case, or that it does not apply."""

    model_config = ConfigDict(frozen=True)
    criterion: str
    value: Exact | None = None
    part: Exact | None = None
    whole: Exact | None = None
    case: str | None = None
    applies: bool = True
    source: str
    """Where it comes from, in words that can be checked."""
    origin: Origin = "entered"
    task_ids: list[str] = Field(default_factory=list)
    """The tasks that kept the value from being higher."""
    period_ids: list[str] = Field(default_factory=list)
    """Their periods that did: the task's id, a slash, the period's key."""


class Deduction(BaseModel):
    """A penalty of the rubric, so many times."""

    model_config = ConfigDict(frozen=True)
    penalty: str
    times: int = 1
    source: str
    origin: Origin = "entered"


class Gain(BaseModel):
    """The smallest change that gains a band."""

    model_config = ConfigDict(frozen=True)
    band: str
    to_value: Exact | None = None
    by: Exact | None = None
    """How much higher the value must be."""
    more: Exact | None = None
    """How much more of the part, when the whole stays as it is: so many more tasks in time, so much more money."""
    to_case: str | None = None
    points: Exact
    """What it gains."""


class Line(BaseModel):
    """One criterion of a score: what was found, and what it earned."""

    model_config = ConfigDict(frozen=True)
    criterion: str
    group: str
    words: str
    max_points: Exact
    counted: bool
    """Whether its maximum stands in the denominator."""
    known: bool
    value: Exact | None = None
    part: Exact | None = None
    whole: Exact | None = None
    case: str | None = None
    unit: str
    band: str = ""
    points: Exact = Fraction(0)
    source: str = ""
    origin: Origin | None = None
    because: Because | None = None
    """Why it left the denominator, or earns nothing for want of a fact."""
    gain: Gain | None = None
    task_ids: list[str] = Field(default_factory=list)
    period_ids: list[str] = Field(default_factory=list)


class Taken(BaseModel):
    """One penalty of a score."""

    model_config = ConfigDict(frozen=True)
    penalty: str
    words: str
    times: int
    points: Exact | None
    """All of it together; None for the one that makes the form count nothing."""
    source: str
    origin: Origin


class Sum(BaseModel):
    """A score with its sum: `lines` explain `points` and `applicable`, `taken` explains `penalties`."""

    model_config = ConfigDict(frozen=True)
    lines: list[Line]
    taken: list[Taken]
    points: Exact
    applicable: Exact
    penalties: Exact
    accepted: bool
    """False when a report came so late that the whole form counts nothing (row M-P-2)."""
    score: Exact | None
    """0 to 100; None when no criterion applies."""
    provisional: bool
    """Somebody has still to say something: `lines` with `known` false."""
    left_out: list[str]
    """Criteria that left the denominator."""


def score(rubric: Rubric, facts: Sequence[Fact], deductions: Sequence[Deduction], rules: ScoringRules, level: str) -> Sum:
    """The score of a unit of this level. Raises `Invalid` for facts that do not fit the rubric."""
    by_criterion = {fact.criterion: fact for fact in facts}
    lines = [_line(criterion, by_criterion.get(criterion.id), rules, level) for criterion in rubric.criteria]
    taken = [_taken(rubric, one) for one in deductions]
    points = sum((line.points for line in lines), Fraction(0))
    applicable = sum((line.max_points for line in lines if line.counted), Fraction(0))
    penalties = sum((one.points for one in taken if one.points is not None), Fraction(0))
    accepted = all(one.points is not None for one in taken)
    return Sum(
        lines=lines,
        taken=taken,
        points=points,
        applicable=applicable,
        penalties=penalties,
        accepted=accepted,
        score=total(points, applicable, penalties, accepted=accepted, penalties_from=rules.penalties_from),
        provisional=any(not line.known for line in lines),
        left_out=[line.criterion for line in lines if not line.counted],
    )


def total(
    points: Fraction, applicable: Fraction, penalties: Fraction, *, accepted: bool, penalties_from: Literal["points", "score"]
) -> Fraction | None:
    """`points / applicable * 100` less the penalties, never below 0; None when nothing applies (golden cases G028, G029)."""
    if applicable == 0:
        return None
    if not accepted:
        return Fraction(0)
    if penalties_from == "points":
        return max(Fraction(0), (points - penalties) / applicable * 100)
    return max(Fraction(0), points / applicable * 100 - penalties)


def _line(criterion: Criterion, fact: Fact | None, rules: ScoringRules, level: str) -> Line:
    line = Line(
        criterion=criterion.id,
        group=criterion.group,
        words=criterion.words,
        max_points=criterion.max_points,
        unit=criterion.unit,
        counted=False,
        known=True,
    )
    if criterion.only_for is not None and criterion.only_for != level:
        return line.model_copy(update={"because": "not_for_this_level"})
    if fact is None:
        counted = rules.missing_fact == "zero"
        return line.model_copy(update={"known": False, "counted": counted, "because": "no_fact_yet"})
    found = {"source": fact.source, "origin": fact.origin, "task_ids": fact.task_ids, "period_ids": fact.period_ids}
    if not fact.applies:
        return line.model_copy(update={**found, "because": "does_not_apply"})
    return line.model_copy(update={**found, "counted": True, **_earned(criterion, fact)})


def _earned(criterion: Criterion, fact: Fact) -> dict[str, object]:
    if fact.case is not None:
        case = criterion.case(fact.case)
        if case is None:
            raise _misfit(criterion, "case_unknown", fact.case)
        return {"case": case.name, "band": case.name, "points": case.flat, "gain": _better_case(criterion, case.flat)}
    value = value_of(fact)
    if value is None or not criterion.bands:
        raise _misfit(criterion, "value_missing" if value is None else "case_expected", "")
    _check_value(criterion, value)
    band = criterion.band(value)
    if band is None:  # bands are gapless from 0 on, and the value is not below it
        raise AssertionError(criterion.id)
    points = band.points(value)
    gain = _better_band(criterion, fact, value, points)
    return {"value": value, "part": fact.part, "whole": fact.whole, "band": band.words, "points": points, "gain": gain}


def value_of(fact: Fact) -> Fraction | None:
    """The unrounded value: given as such, or as a part of a whole, in percent."""
    if fact.part is not None and fact.whole is not None:
        return fact.part / fact.whole * 100
    return fact.value


def _check_value(criterion: Criterion, value: Fraction) -> None:
    if value < 0:
        raise _misfit(criterion, "value_negative", written(value))
    if criterion.measure == "count" and value.denominator != 1:
        raise _misfit(criterion, "value_not_whole", written(value))
    if criterion.top is not None and value > criterion.top:
        raise _misfit(criterion, "value_beyond", written(value))


def _better_case(criterion: Criterion, points: Fraction) -> Gain | None:
    better = sorted((case for case in criterion.cases if case.flat > points), key=lambda case: case.flat)
    return Gain(band=better[0].name, to_case=better[0].name, points=better[0].flat - points) if better else None


def _better_band(criterion: Criterion, fact: Fact, value: Fraction, points: Fraction) -> Gain | None:
    """The next band above that earns more. Within a band in proportion every rise earns, which its words say."""
    for band in criterion.bands:
        reached = band.points(band.lower)
        if band.lower > value and reached > points:
            return Gain(
                band=band.words,
                to_value=band.lower,
                by=band.lower - value,
                more=_more(band, fact),
                points=reached - points,
            )
    return None


def _more(band: Band, fact: Fact) -> Fraction | None:
    if fact.part is None or fact.whole is None:
        return None
    lacking = band.lower * fact.whole / 100 - fact.part
    return Fraction(math.ceil(lacking)) if fact.origin == "tasks" else lacking


def _taken(rubric: Rubric, one: Deduction) -> Taken:
    penalty = rubric.penalty(one.penalty)
    if penalty is None:
        raise _unknown("penalty", "penalty_unknown", one.penalty)
    points = None if penalty.points is None else penalty.points * one.times
    return Taken(penalty=penalty.id, words=penalty.words, times=one.times, points=points, source=one.source, origin=one.origin)


def check_fact(rubric: Rubric, fact: Fact, level: str) -> None:
    """Raise `Invalid` unless the fact can be scored by this rubric."""
    criterion = rubric.criterion(fact.criterion)
    if criterion is None:
        raise _unknown("criterion", "criterion_unknown", fact.criterion)
    _line(criterion, fact, ScoringRules(), level)


def show_points(value: Fraction) -> str:
    """Points as the form prints them: two places."""
    return written(rounded(value, 2))


def _unknown(where: str, code: str, quote: str) -> Invalid:
    message = Words(f"Bộ tiêu chí không có «{quote}».", f"The rubric has no '{quote}'.")
    repair = Words("Xem GET /v1/rubrics/{id}.", "See GET /v1/rubrics/{id}.")
    return Invalid(message, [FieldProblem(where, code, message, repair, quote)])


def _misfit(criterion: Criterion, code: str, quote: str) -> Invalid:
    names = ", ".join(case.name for case in criterion.cases)
    message, repair = {
        "case_unknown": (
            Words(f"Tiêu chí «{criterion.id}» không có trường hợp này.", f"Criterion '{criterion.id}' has no such case."),
            Words(f"Chọn một trong: {names}.", f"Use one of: {names}.") if names
            else Words("Gửi giá trị số.", "Send a number."),
        ),
        "case_expected": (
            Words(f"Tiêu chí «{criterion.id}» cần một trường hợp.", f"Criterion '{criterion.id}' takes a case."),
            Words(f"Gửi case: một trong {names}.", f"Send case: one of {names}."),
        ),
        "value_missing": (
            Words(f"Tiêu chí «{criterion.id}» cần một giá trị.", f"Criterion '{criterion.id}' needs a value."),
            Words("Gửi value, hoặc part và whole, hoặc case.", "Send value, or part and whole, or case."),
        ),
        "value_negative": (
            Words("Giá trị không thể âm.", "The value cannot be negative."), Words("Sửa giá trị.", "Mend the value."),
        ),
        "value_not_whole": (
            Words("Số đếm phải là số nguyên.", "A count is a whole number."), Words("Sửa giá trị.", "Mend the value."),
        ),
        "value_beyond": (
            Words("Tỷ lệ này không thể quá 100 %.", "This ratio cannot be above 100 %."),
            Words("Kiểm tra tử số và mẫu số.", "Check part and whole."),
        ),
    }[code]  # fmt: skip
    return Invalid(message, [FieldProblem("value", code, message, repair, quote or None)])
