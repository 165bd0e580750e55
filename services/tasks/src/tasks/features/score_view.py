"""A score as callers see it: its sum, point by point."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from common.errors import Words
from common.http import View
from tasks.domain.exact import Exact, shown
from tasks.domain.rubric import Rubric
from tasks.domain.scores import Score
from tasks.domain.scoring import Because, Gain, Line, Origin, Sum, Taken

_WHY: dict[Because, Words] = {
    "not_for_this_level": Words(
        "Bộ tiêu chí không có thang điểm cho cấp này; tiêu chí ra khỏi mẫu số.",
        "The rubric has no bands for units of this level; it left the denominator.",
    ),
    "no_fact_yet": Words("Chưa ai cung cấp số liệu.", "Nobody has said anything of it yet."),
    "does_not_apply": Words("Không áp dụng; tiêu chí ra khỏi mẫu số.", "It does not apply; it left the denominator."),
}


class LineView(View):
    criterion: str
    group: str
    words: str
    max_points: Exact
    counted: bool = Field(description="Whether its maximum stands in the denominator")
    known: bool
    value: Exact | None = Field(description="Unrounded: the bands are held against this")
    part: Exact | None
    whole: Exact | None
    case: str | None
    unit: str
    band: str
    points: Exact
    source: str
    origin: Origin | None
    because: str | None = Field(description="Why it earns nothing for want of a fact, or left the denominator")
    gain: Gain | None = Field(description="The smallest change that gains a band; null when none earns more")
    tasks: list[str] = Field(description="Links to the tasks that missed their day, or one of a period")
    periods: list[str] = Field(description="The periods that missed theirs", examples=[["0d9c.../2026-10"]])

    @classmethod
    def of(cls, line: Line) -> LineView:
        found = line.model_dump(exclude={"because", "task_ids", "period_ids", "gain"})
        because = None if line.because is None else str(_WHY[line.because])
        tasks = [f"/v1/tasks/{task}" for task in line.task_ids]
        return cls.model_validate({**found, "because": because, "gain": line.gain, "tasks": tasks, "periods": line.period_ids})


class SumView(View):
    score: Exact | None = Field(description="0 to 100, exact; null when no criterion applies, which is not 0")
    shown: str | None = Field(description="Cut off after two places, never rounded up over a border", examples=["89.99"])
    points: Exact
    applicable: Exact = Field(description="The denominator: points that could be had")
    penalties: Exact
    accepted: bool = Field(description="False: a report came so late that the whole form counts nothing")
    provisional: bool = Field(description="Facts are still missing")
    left_out: list[str] = Field(description="Criteria that left the denominator")
    lines: list[LineView]
    taken: list[Taken]

    @classmethod
    def of_sum(cls, found: Sum) -> SumView:
        figure = None if found.score is None else shown(found.score)
        plain = found.model_dump(exclude={"lines", "taken"})
        lines = [LineView.of(line) for line in found.lines]
        return cls.model_validate({**plain, "shown": figure, "lines": lines, "taken": found.taken})


class ScoreLine(View):
    """A score in a list."""

    id: str
    unit_id: str
    period: str
    number: int = Field(description="1, 2, 3 ...: the later ones stand beside the earlier")
    score: Exact | None
    shown: str | None
    provisional: bool
    rubric_id: str
    on: date = Field(description="The day against which tasks were held")
    at: datetime
    by: str
    because: str

    @classmethod
    def of(cls, score: Score) -> ScoreLine:
        names = set(cls.model_fields) - {"score", "shown", "provisional"}
        figure = None if score.sum.score is None else shown(score.sum.score)
        told = {"score": score.sum.score, "shown": figure, "provisional": score.sum.provisional}
        return cls.model_validate(score.model_dump(include=names) | told)


class ScoreView(ScoreLine):
    """A score whole."""

    sum: SumView
    version: int = Field(exclude=True)

    @classmethod
    def of(cls, score: Score) -> ScoreView:
        line = ScoreLine.of(score).model_dump()
        return cls.model_validate({**line, "sum": SumView.of_sum(score.sum), "version": score.version})


class Preview(View):
    """What the score of a month would be today; nothing is kept."""

    unit_id: str
    period: str
    rubric_id: str
    on: date
    sum: SumView

    @classmethod
    def of(cls, unit_id: str, period: str, rubric: Rubric, on: date, found: Sum) -> Preview:
        return cls(unit_id=unit_id, period=period, rubric_id=rubric.id, on=on, sum=SumView.of_sum(found))
