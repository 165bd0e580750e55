"""A scoring rubric (bộ tiêu chí chấm điểm): data with its source, read from the words in which it is written.

The rows are those of `data/scoring_rubric.csv`: the monthly form of one province (19 Aug 2026) and the yearly classes of
11-QĐ/TU [DOMAIN S13]. Bands are half-open on unrounded values, without gap or overlap: one public app's table works on whole
numbers and sends 49.5 nowhere (DOMAIN 2.5). What a rubric means never stands in code: another province's form is another table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from common.contracts.tasks_reports import RubricRegistered
from common.domain import Aggregate, Day
from common.errors import FieldProblem, Words
from tasks.domain.exact import Exact, rounded
from tasks.domain.table import Row

Measure = Literal["percent", "count", "case"]


class Formula(BaseModel):
    """`round(r/85*10, 2)`: points in proportion to the value."""

    model_config = ConfigDict(frozen=True)
    divisor: Exact
    factor: Exact
    places: int

    def points(self, value: Fraction) -> Fraction:
        return rounded(value / self.divisor * self.factor, self.places)


class Band(BaseModel):
    """Values from `lower`, included, to `upper`, excluded (None: without end), and what they earn."""

    model_config = ConfigDict(frozen=True)
    words: str
    lower: Exact
    upper: Exact | None = None
    flat: Exact = Fraction(0)
    formula: Formula | None = None
    implied: bool = False
    """No words say so: what lies below the lowest band earns nothing."""
    point: bool = False
    """Words name exactly this ratio (`r=100`): nothing lies above it."""

    def holds(self, value: Fraction) -> bool:
        return self.lower <= value and (self.upper is None or value < self.upper)

    def points(self, value: Fraction) -> Fraction:
        return self.flat if self.formula is None else self.formula.points(value)


class Case(BaseModel):
    """Something that is so or not: `yes`, `no plan but held`, `level 1`, and what it earns."""

    model_config = ConfigDict(frozen=True)
    name: str
    flat: Exact
    implied: bool = False


class Criterion(BaseModel):
    """One row that earns points."""

    model_config = ConfigDict(frozen=True)
    id: str
    group: str
    words: str
    max_points: Exact
    measure: Measure
    unit: str
    bands_written: str
    bands: list[Band] = Field(default_factory=list)
    cases: list[Case] = Field(default_factory=list)
    only_for: str | None = None
    """The level of units for which the row has bands; for all others it does not apply."""

    @property
    def implied(self) -> bool:
        """Whether no words say what the lowest of it earns."""
        return any(band.implied for band in self.bands) or any(case.implied for case in self.cases)

    def case(self, name: str) -> Case | None:
        return next((case for case in self.cases if case.name == name), None)

    def band(self, value: Fraction) -> Band | None:
        return next((band for band in self.bands if band.holds(value)), None)

    @property
    def top(self) -> Fraction | None:
        """The highest value that exists: 100 where the words give full marks for exactly 100 %; None without an end."""
        return self.bands[-1].lower if self.bands and self.bands[-1].point else None


class Penalty(BaseModel):
    """One row that takes points away; without points it makes the whole form count nothing."""

    model_config = ConfigDict(frozen=True)
    id: str
    words: str
    points: Exact | None
    per: str


class Class(BaseModel):
    """A class of the year (xếp loại): from `lower`, included, to `upper`, excluded."""

    model_config = ConfigDict(frozen=True)
    id: str
    name: str
    words: str
    lower: Exact
    upper: Exact | None


class Remark(BaseModel):
    """A row that is neither: kept as written, and used only where a rule of ours names it."""

    model_config = ConfigDict(frozen=True)
    id: str
    group: str
    words: str
    max_points: str
    bands: str


class Content(BaseModel):
    """What a table says."""

    criteria: list[Criterion] = Field(default_factory=list)
    penalties: list[Penalty] = Field(default_factory=list)
    classes: list[Class] = Field(default_factory=list)
    remarks: list[Remark] = Field(default_factory=list)

    def ids(self) -> list[str]:
        """The ids of all rows."""
        earning = [one.id for one in self.criteria] + [one.id for one in self.penalties]
        return earning + [one.id for one in self.classes] + [one.id for one in self.remarks]


class Rubric(Aggregate, Content):
    """A rubric that holds from one day to another, both included. It is never changed: a new one follows it."""

    noun: ClassVar = ("bộ tiêu chí chấm điểm", "rubric")
    name: str
    source: str
    valid_from: Day
    valid_to: Day | None = None
    digest: str

    def register(self) -> Rubric:
        self.record(
            RubricRegistered(
                rubric_id=self.id,
                rubric_name=self.name,
                source=self.source,
                valid_from=self.valid_from,
                valid_to=self.valid_to,
                sha256=self.digest,
            )
        )
        return self

    def criterion(self, criterion_id: str) -> Criterion | None:
        return next((one for one in self.criteria if one.id == criterion_id), None)

    def penalty(self, penalty_id: str) -> Penalty | None:
        return next((one for one in self.penalties if one.id == penalty_id), None)

    @property
    def small_unit_below(self) -> int | None:
        """Units with fewer staff count participants over the quarter (row M-N-2), where the rubric says so."""
        found = (re.search(r"fewer than ([0-9]{1,4}) staff", remark.words) for remark in self.remarks)
        return next((int(match[1]) for match in found if match), None)

    def class_of(self, score: Fraction) -> Class | None:
        """The yearly class of a score from 0 to 100: A from 90, B from 75, C from 50, D below (11-QĐ/TU, rows Y-A to Y-D)."""
        return next((one for one in self.classes if one.lower <= score and (one.upper is None or score < one.upper)), None)


# --- reading ---

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,12})?"
_RANGE = re.compile(rf"(?:({_NUMBER})(<=|<))?(r|n|score)(<=|<|>=|>|=)({_NUMBER})")
_FORMULA = re.compile(rf"round\((r|n)/({_NUMBER})\*({_NUMBER}),([0-9])\)")
_LEVELS = re.compile(rf"([a-z_]+): *({_NUMBER}(?: */ *{_NUMBER})+)")
_REMARK = re.compile(r" \([^()]*\)$")


def _bare(words: str) -> str:
    return words.replace(" ", "")


@dataclass
class _Range:
    variable: str
    lower: Fraction | None
    upper: Fraction | None
    point: bool


class Misread(ValueError):
    """Words of a band that cannot be taken; `code` is stable."""

    def __init__(self, code: str, quote: str) -> None:
        super().__init__(code)
        self.code, self.quote = code, quote


def _range(words: str) -> _Range | None:
    """The values that words like `60<=r<85`, `n=1`, `r<70` mean; of counts only whole numbers exist."""
    match = _RANGE.fullmatch(_bare(words))
    if match is None:
        return None
    low, low_sign, variable, sign, number = match.groups()
    whole, value = variable == "n", Fraction(number)
    if whole and value.denominator != 1:
        raise Misread("band_not_whole", words)
    found = _Range(variable, None, None, point=sign == "=")
    if low is not None:
        if sign not in ("<", "<="):
            raise Misread("band_unread", words)
        found.lower = _from(Fraction(low), low_sign == "<=", whole, words)
    if sign == "=":
        found.lower, found.upper = value, value + 1 if whole else None
    elif sign in (">=", ">"):
        found.lower = _from(value, sign == ">=", whole, words)
    elif sign == "<":
        found.upper = value
    elif whole:
        found.upper = value + 1
    else:
        raise Misread("band_not_half_open", words)
    return found


def _from(value: Fraction, included: bool, whole: bool, words: str) -> Fraction:
    if included:
        return value
    if not whole:
        raise Misread("band_not_half_open", words)
    return value + 1


def read_bands(written: str) -> tuple[list[Band], list[Case], str | None]:
    """Bands, cases and the one level of units that they are for, from the words of the column. Raises `Misread`."""
    text = _REMARK.sub("", written.strip())
    if (levels := _LEVELS.fullmatch(text)) is not None:
        points = [Fraction(one.strip()) for one in levels[2].split("/")]
        if points != sorted(points, reverse=True):
            raise Misread("levels_not_falling", written)
        return [], [Case(name=f"level {place}", flat=flat) for place, flat in enumerate(points, 1)], levels[1]
    ranges: list[tuple[_Range, Band]] = []
    cases: list[Case] = []
    for pair in (one.strip() for one in text.split(";")):
        condition, arrow, earned = (part.strip() for part in pair.partition("->"))
        if not arrow or not condition:
            raise Misread("band_unread", pair)
        found = _range(condition)
        if found is None:
            if not re.fullmatch(_NUMBER, earned) or re.search(r"[<>=]", condition):
                raise Misread("band_unread", pair)
            cases.append(Case(name=condition, flat=Fraction(earned)))
        else:
            ranges.append((found, _band(pair, found, earned)))
    if cases and not ranges and {case.name for case in cases} == {"yes"}:
        cases.append(Case(name="no", flat=Fraction(0), implied=True))
    return _joined(ranges, written), cases, None


def _band(pair: str, found: _Range, earned: str) -> Band:
    lower = Fraction(0) if found.lower is None else found.lower
    if re.fullmatch(_NUMBER, earned):
        point = found.point and found.upper is None
        return Band(words=pair, lower=lower, upper=found.upper, flat=Fraction(earned), point=point)
    match = _FORMULA.fullmatch(_bare(earned))
    if match is None or match[1] != found.variable or Fraction(match[2]) == 0:
        raise Misread("points_unread", pair)
    formula = Formula(divisor=Fraction(match[2]), factor=Fraction(match[3]), places=int(match[4]))
    return Band(words=pair, lower=lower, upper=found.upper, formula=formula)


def _joined(ranges: Sequence[tuple[_Range, Band]], written: str) -> list[Band]:
    """The bands in order, each beginning where the one below ends. What lies below the lowest earns nothing."""
    if not ranges:
        return []
    if len({found.variable for found, _ in ranges}) > 1:
        raise Misread("band_unread", written)
    bands = sorted((band for _, band in ranges), key=lambda band: band.lower)
    for below, above in pairwise(bands):
        if below.upper is None or below.upper > above.lower:
            raise Misread("bands_overlap", f"{below.words}; {above.words}")
        if below.upper < above.lower:
            raise Misread("bands_gap", f"{below.words}; {above.words}")
    if bands[-1].upper is not None:
        raise Misread("bands_gap", bands[-1].words)
    if bands[0].lower > 0:
        variable = ranges[0][0].variable
        words = f"{variable}<{bands[0].lower} -> 0"
        bands.insert(0, Band(words=words, lower=Fraction(0), upper=bands[0].lower, implied=True))
    return bands


@dataclass
class Reader:
    """Reads rows one after the other: `same bands` means those of the row before."""

    content: Content = field(default_factory=Content)
    problems: list[FieldProblem] = field(default_factory=list)
    _last: str = ""

    def row(self, row: Row) -> None:
        cells = row.cells
        group = cells["group"]
        if group == "Penalty":
            self._penalty(row)
        elif cells["rule_id"].startswith("Y-") and "score" in cells["bands"]:
            self._class(row)
        elif "->" in cells["bands"] or cells["bands"] == "same bands" or _LEVELS.fullmatch(cells["bands"]):
            self._criterion(row)
        else:
            self.content.remarks.append(
                Remark(
                    id=cells["rule_id"],
                    group=group,
                    words=cells["criterion"],
                    max_points=cells["max_points"],
                    bands=cells["bands"],
                )
            )

    def _criterion(self, row: Row) -> None:
        cells = row.cells
        written = self._last if cells["bands"] == "same bands" else cells["bands"]
        self._last = written
        try:
            bands, cases, only_for = read_bands(written)
            max_points = Fraction(cells["max_points"]) if re.fullmatch(_NUMBER, cells["max_points"]) else None
            if max_points is None or max_points <= 0:
                raise Misread("max_unread", cells["max_points"])
            best = [case.flat for case in cases] + [band.flat for band in bands]
            if max(best) != max_points:
                raise Misread("max_not_earned", f"{cells['max_points']}: {written}")
            for below, above in pairwise(bands):
                if below.points(above.lower) > above.points(above.lower) or below.points(below.lower) > max_points:
                    raise Misread("bands_fall", f"{below.words}; {above.words}")
        except Misread as error:
            self._wrong(row, "bands", error.code, error.quote)
            return
        measure: Measure = "case" if not bands else "count" if "n" in bands[0].words.partition("->")[0] else "percent"
        self.content.criteria.append(
            Criterion(
                id=cells["rule_id"],
                group=cells["group"],
                words=cells["criterion"],
                max_points=max_points,
                measure=measure,
                unit=cells.get("unit", ""),
                bands_written=cells["bands"],
                bands=bands,
                cases=cases,
                only_for=only_for,
            )
        )

    def _penalty(self, row: Row) -> None:
        cells = row.cells
        match = re.fullmatch(rf"-({_NUMBER})", cells["max_points"])
        if match is None and cells["max_points"] != "not accepted":
            self._wrong(row, "max_points", "penalty_unread", cells["max_points"])
            return
        points = None if match is None else Fraction(match[1])
        self.content.penalties.append(Penalty(id=cells["rule_id"], words=cells["criterion"], points=points, per=cells["bands"]))

    def _class(self, row: Row) -> None:
        cells = row.cells
        try:
            found = _range(cells["bands"])
            if found is None or found.point:
                raise Misread("band_unread", cells["bands"])
        except Misread as error:
            self._wrong(row, "bands", error.code, error.quote)
            return
        name = cells["criterion"].removeprefix("Class ").strip()
        lower = Fraction(0) if found.lower is None else found.lower
        self.content.classes.append(Class(id=cells["rule_id"], name=name, words=cells["bands"], lower=lower, upper=found.upper))

    def end(self) -> Content:
        """What was read; problems of the table as a whole are added to `problems`."""
        self.content.classes.sort(key=lambda one: one.lower)
        bounds = [(one.lower, one.upper) for one in self.content.classes]
        joined = all(below[1] == above[0] for below, above in pairwise(bounds))
        if bounds and not (joined and bounds[0][0] == 0 and bounds[-1][1] is None):
            quote = "; ".join(one.words for one in self.content.classes)
            self.problems.append(_problem("classes", "bands_gap", quote))
        if not self.content.criteria and not self.problems:
            self.problems.append(_problem("rows", "no_criteria", ""))
        return self.content

    def _wrong(self, row: Row, column: str, code: str, quote: str) -> None:
        self.problems.append(_problem(f"row {row.number}.{column}", code, quote))


def _problem(where: str, code: str, quote: str) -> FieldProblem:
    message, repair = _TEXTS[code]
    return FieldProblem(where, code, message, repair, quote)


_WRITE = Words(
    "Viết như «r>=85 -> 10; 60<=r<85 -> 8; r<60 -> 0», «yes -> 10» hoặc «commune: 18 / 9 / 0».",
    "Write as 'r>=85 -> 10; 60<=r<85 -> 8; r<60 -> 0', 'yes -> 10' or 'commune: 18 / 9 / 0'.",
)
_TEXTS: dict[str, tuple[Words, Words]] = {
    "band_unread": (Words("Không đọc được khoảng điểm này.", "This band cannot be read."), _WRITE),
    "points_unread": (Words("Không đọc được số điểm của khoảng này.", "What this band earns cannot be read."), _WRITE),
    "band_not_whole": (
        Words("Số đếm phải là số nguyên.", "A count is a whole number."),
        Words("Dùng số nguyên với «n», tỷ lệ với «r».", "Use whole numbers with 'n', ratios with 'r'."),
    ),
    "band_not_half_open": (
        Words("Khoảng của tỷ lệ phải gồm cận dưới và không gồm cận trên.",
              "A band of ratios includes its lower bound and excludes its upper one."),
        Words("Viết «60<=r<85», không viết «60<r<=85».", "Write '60<=r<85', not '60<r<=85'."),
    ),
    "bands_gap": (
        Words("Có giá trị không thuộc khoảng nào.", "Some values lie in no band."),
        Words("Cho mỗi khoảng bắt đầu đúng nơi khoảng dưới kết thúc, khoảng cao nhất không có cận trên.",
              "Let each band begin where the one below ends, and the highest have no upper bound."),
    ),
    "bands_overlap": (
        Words("Có giá trị thuộc hai khoảng.", "Some values lie in two bands."),
        Words("Cho mỗi khoảng bắt đầu đúng nơi khoảng dưới kết thúc.", "Let each band begin where the one below ends."),
    ),
    "bands_fall": (
        Words("Giá trị cao hơn lại được ít điểm hơn.", "A higher value earns less."),
        Words("Sắp lại số điểm theo thứ tự tăng.", "Put the points in rising order."),
    ),
    "levels_not_falling": (
        Words("Các mức phải viết từ cao xuống thấp.", "Levels are written from the best to the least."),
        Words("Viết như «commune: 18 / 9 / 0».", "Write as 'commune: 18 / 9 / 0'."),
    ),
    "max_unread": (
        Words("Điểm tối đa phải là số dương.", "The maximum is a positive number."),
        Words("Sửa cột max_points.", "Mend the column max_points."),
    ),
    "max_not_earned": (
        Words("Điểm tối đa khác điểm cao nhất của các khoảng.", "The maximum differs from what the best band earns."),
        Words("Sửa max_points hoặc khoảng cao nhất.", "Mend max_points or the highest band."),
    ),
    "penalty_unread": (
        Words("Không đọc được mức trừ.", "The penalty cannot be read."),
        Words("Viết số âm như «-0.5», hoặc «not accepted».", "Write a negative number such as '-0.5', or 'not accepted'."),
    ),
    "no_criteria": (
        Words("Bảng không có tiêu chí nào được điểm.", "The table has no criterion that earns points."),
        Words("Gửi bảng với các cột của data/scoring_rubric.csv.", "Send a table with the columns of data/scoring_rubric.csv."),
    ),
}  # fmt: skip
