"""Rubrics and scores through the API, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.outbox import OUTBOX
from common.service import Process
from common.testing import Area
from services.tasks.tests.report_world import AGENCY, DATA, UNIT_A, a_period, keep, keep_periods, with_rubric
from services.tasks.tests.task_world import A, B, HandClock, TaskApi, a_task, calling
from tasks.domain.directive import Directive
from tasks.domain.matters import HandOver

pytestmark = pytest.mark.servers
PERIOD = "2026-11"


@pytest.fixture
async def api(area: Area, process: Process) -> AsyncIterator[TaskApi]:
    async with calling(area, process, AGENCY, "en") as api:
        yield api


def due(task_id: str, day: int, *, state: str = "completed", done: int | None = None, **changes: Any) -> Any:
    """A task of the committee that fell due in November and was handed in on a day."""
    handed_in = None if done is None else date(2026, 11, done)
    given = {"id": task_id, "due_on": date(2026, 11, day), "state": state, "directive_id": "dir-sc", **changes}
    return a_task(**given, submitted_on=handed_in, completed_on=handed_in)


SC = Directive(id="dir-sc", number="01-KH/BCĐ", issuer="Ban Chỉ đạo tỉnh")
PC = Directive(id="dir-pc", number="82/KH-UBND", issuer="Ủy ban nhân dân tỉnh")


def line(found: Any, criterion: str) -> Any:
    return next(one for one in found["sum"]["lines"] if one["criterion"] == criterion)


async def test_a_rubric_is_taken_over_once_and_shown_as_it_was_read(api: TaskApi) -> None:
    made = await with_rubric(api)
    assert (made["id"], len(made["criteria"]), len(made["penalties"])) == ("monthly@2026-01-01", 10, 4)
    assert "M-II-5a" in made["implied"], "no words say what nobody reached earns"
    assert await with_rubric(api) == made
    listed = await api.get("rubrics")
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    assert (await api.get(f"rubrics/{made['id']}"))["criteria"] == made["criteria"]
    changed = (DATA / "scoring_rubric.csv").read_bytes().replace(b"r<60 -> 2;", b"r<60 -> 1;")
    refused = await with_rubric(api, changed, expect=409)
    assert [one["code"] for one in refused["errors"]] == ["rubric_registered"]


async def test_a_rubric_with_a_gap_is_refused_with_the_words(api: TaskApi) -> None:
    table = b"rule_id,group,criterion,max_points,bands(half-open)\nX,I,c,10,r>=85 -> 10; 60<=r<80 -> 5; r<60 -> 0\n"
    refused = await with_rubric(api, table, expect=422)
    (problem,) = refused["errors"]
    assert (problem["field"], problem["code"]) == ("row 2.bands", "bands_gap")
    assert "60<=r<80" in problem["quote"]
    assert await api.get("rubrics") == {"items": [], "next_cursor": None}


async def test_the_class_of_a_year_is_never_rounded_up(api: TaskApi) -> None:
    await with_rubric(api)
    found = await api.get("rubrics/monthly@2026-01-01/class", score="89.999")
    assert (found["class_"]["name"], found["next"]["name"], found["lacking"], found["shown"]) == ("B", "A", "0.001", "89.99")
    await api.get("rubrics/monthly@2026-01-01/class", 422, score="much")


async def test_a_score_shows_its_sum_from_the_tasks_to_the_last_point(api: TaskApi, process: Process) -> None:
    await with_rubric(api)
    await keep(
        process, SC, PC,
        due("in-time", 10, done=10), due("late", 12, done=13), due("overdue", 20, state="in_progress"),
        due("not-yet", 30, state="in_progress"), due("paused", 5, state="paused"), due("sample", 5, done=9, sample="foreign"),
        due("of-b", 5, done=9, lead_unit_id=B), due("of-pc", 9, done=9, directive_id="dir-pc"),
    )  # fmt: skip
    found = await api.get("scores/preview", unit=A, period=PERIOD)
    given = line(found, "M-II-1")
    assert (given["part"], given["whole"], given["value"], given["points"]) == ("1", "3", "100/3", "0")
    assert given["tasks"] == ["/v1/tasks/late", "/v1/tasks/overdue"]
    assert (given["gain"]["to_value"], given["gain"]["more"], given["gain"]["points"]) == ("70", "2", "4")
    assert line(found, "M-II-2")["points"] == "10"
    missing = line(found, "M-II-4")
    assert (missing["known"], missing["counted"], missing["points"]) == (False, True, "0")
    assert found["sum"]["provisional"] is True
    assert found["sum"]["points"] == "10"


async def test_periods_that_fell_due_in_the_month_count_as_the_committee_says(api: TaskApi, process: Process) -> None:
    await with_rubric(api)
    regular: dict[str, Any] = {
        "state": "in_progress", "due_on": None, "deadline_kind": "recurring", "directive_id": "dir-sc",
    }  # fmt: skip
    tenth = date(2026, 11, 10)
    done = {"state": "completed", "submitted_on": tenth, "completed_on": tenth}
    await keep(process, SC, due("plain", 10, done=10))
    await keep_periods(process, a_task(id="good", **regular), a_period("good", tenth, **done))
    await keep_periods(process, a_task(id="bad", **regular), a_period("bad", date(2026, 10, 31)), a_period("bad", tenth))
    moved = HandOver(
        reorganisation_id="x", on=date(2026, 11, 15), at=datetime(2026, 11, 15, tzinfo=UTC), from_unit_id=A, to_unit_id=B,
        coordinators_before=[],
    )  # fmt: skip
    ours = a_task(id="ours", lead_unit_id=B, handovers=[moved], **regular)
    await keep_periods(process, ours, a_period("ours", tenth))
    theirs = a_task(id="theirs", handovers=[moved.model_copy(update={"from_unit_id": B, "to_unit_id": A})], **regular)
    await keep_periods(process, theirs, a_period("theirs", tenth))
    for periods, part, whole, late in (
        ("each", "2", "4", ["bad/2026-11", "ours/2026-11"]),
        ("once", "2", "4", ["bad/2026-11", "ours/2026-11"]),
        ("left_out", "1", "1", []),
    ):
        await api.patch("committee/scoring", {"periods": periods})
        assert (await api.get("committee/scoring"))["periods"] == periods
        found = line(await api.get("scores/preview", unit=A, period=PERIOD), "M-II-1")
        assert (found["part"], found["whole"], found["periods"]) == (part, whole, late), periods
        assert found["tasks"] == [f"/v1/tasks/{one.partition('/')[0]}" for one in late]


async def test_what_people_say_has_its_source_and_the_latest_counts(api: TaskApi) -> None:
    await with_rubric(api)
    told = {"unit_id": A, "period": PERIOD, "facts": [
        {"criterion": "M-II-6", "part": "5999", "whole": "10000", "source": "Kho bạc, bảng tháng 11"},
        {"criterion": "M-II-3", "applies": False, "source": "Chưa có nền tảng dùng chung"},
    ], "penalties": [{"penalty": "M-P-3", "times": 2, "source": "Công văn nhắc 12/11"}]}  # fmt: skip
    await api.post("scores/facts", told)
    found = await api.get("scores/preview", unit=A, period=PERIOD)
    spent = line(found, "M-II-6")
    assert (spent["value"], spent["points"], spent["source"]) == ("59.99", "0", "Kho bạc, bảng tháng 11")
    assert (spent["gain"]["more"], spent["gain"]["points"]) == ("1", "7.06")
    assert "M-II-3" in found["sum"]["left_out"]
    assert found["sum"]["penalties"] == "1"
    again = {"unit_id": A, "period": PERIOD, "facts": [{"criterion": "M-II-6", "value": "60", "source": "Kho bạc, sửa"}]}
    kept = await api.post("scores/facts", again)
    assert [one["fact"]["value"] for one in kept["entries"] if one["fact"] and one["fact"]["criterion"] == "M-II-6"] == [
        None,
        "60",
    ]
    withdrawn = {"unit_id": A, "period": PERIOD, "penalties": [{"penalty": "M-P-3", "times": 0, "source": "Đã nộp đủ"}]}
    await api.post("scores/facts", withdrawn)
    found = await api.get("scores/preview", unit=A, period=PERIOD)
    assert (line(found, "M-II-6")["points"], found["sum"]["penalties"]) == ("7.06", "0")


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        ({"criterion": "M-II-1", "value": "101"}, "value_beyond"),
        ({"criterion": "X", "value": "1"}, "criterion_unknown"),
        ({"criterion": "M-I-1", "case": "perhaps"}, "case_unknown"),
    ],
)
async def test_what_does_not_fit_the_rubric_is_refused(api: TaskApi, fact: dict[str, Any], code: str) -> None:
    await with_rubric(api)
    body = {"unit_id": A, "period": PERIOD, "facts": [{**fact, "source": "báo cáo"}]}
    assert set(await api.refused(422, "scores/facts", body)) == {code}


async def test_a_fact_is_said_in_one_way_and_never_as_a_float(api: TaskApi) -> None:
    for fact in (
        {"criterion": "M-II-6", "value": 59.99},
        {"criterion": "M-II-6", "value": "1e9"},
        {"criterion": "M-II-6", "value": "60", "case": "yes"},
        {"criterion": "M-II-6", "part": "60"},
        {"criterion": "M-II-6", "part": "60", "whole": "0"},
        {"criterion": "M-II-6"},
    ):
        body = {"unit_id": A, "period": PERIOD, "facts": [{**fact, "source": "báo cáo"}]}
        await api.post("scores/facts", body, 422)


async def test_a_score_computed_anew_stands_beside_the_first(api: TaskApi, process: Process) -> None:
    await with_rubric(api)
    await keep(process, SC, due("late", 12, done=13))
    asked = {"unit_id": A, "period": PERIOD}
    first = await api.post("scores", asked, 201)
    assert await api.post("scores", asked, 201) == first, "nothing new: nothing is added"
    await keep(process, due("late", 12, done=12))
    second = await api.post("scores", {**asked, "because": "Khiếu nại được chấp nhận"}, 201)
    assert (first["number"], second["number"]) == (1, 2)
    assert (line(first, "M-II-1")["points"], line(second, "M-II-1")["points"]) == ("0", "10")
    assert await api.get(f"scores/{first['id']}") == first
    listed = (await api.get("scores", unit=A, period=PERIOD))["items"]
    assert [(one["number"], one["because"]) for one in listed] == [(2, "Khiếu nại được chấp nhận"), (1, "")]
    sent = process.database.collection(OUTBOX).find({"type": "tasks.score.computed.v1"})
    assert len(await sent.to_list(None)) == 2


async def test_rules_are_the_committees(api: TaskApi) -> None:
    await with_rubric(api)
    await api.patch("committee/scoring", {"missing_fact": "left_out", "given_by": {"M-II-1": ["Tỉnh ủy"]}})
    found = await api.get("scores/preview", unit=A, period=PERIOD)
    assert found["sum"]["score"] is None, "nothing is known and nothing applies: no score, not 0"
    assert (await api.get("committee/scoring"))["penalties_from"] == "points"
    await api.patch("committee/scoring", {"missing_fact": "maybe"}, 422)
    await api.patch("committee/scoring", {"given_by": {"a.$b": ["x"]}}, 422)


async def test_small_units_count_participants_over_the_quarter(api: TaskApi) -> None:
    await with_rubric(api)
    for period, people in (("2026-10", 30), ("2026-11", 25)):
        fact = {"criterion": "M-II-5a", "value": people, "source": "Danh sách lớp"}
        await api.post("scores/facts", {"unit_id": A, "period": period, "facts": [fact], "staff": 29})
        await api.post("scores/facts", {"unit_id": B, "period": period, "facts": [fact], "staff": 30})
    small, large = [line(await api.get("scores/preview", unit=unit, period=PERIOD), "M-II-5a") for unit in (A, B)]
    assert (small["value"], small["points"], small["origin"]) == ("55", "3", "quarter")
    assert (large["value"], large["points"]) == ("25", "1")


async def test_without_a_rubric_in_force_nothing_is_scored(api: TaskApi) -> None:
    assert set(await api.refused(409, "scores", {"unit_id": A, "period": PERIOD})) == {"no_rubric"}
    await with_rubric(api, valid_from="2026-11-02")
    assert set(await api.refused(409, "scores", {"unit_id": A, "period": PERIOD})) == {"no_rubric"}
    await api.post("scores", {"unit_id": A, "period": "2026-12"}, 201)


async def test_units_see_their_own_scores_and_compute_none(
    api: TaskApi, area: Area, process: Process, clock: HandClock
) -> None:
    await with_rubric(api)
    clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    scores = {unit: await api.post("scores", {"unit_id": unit, "period": PERIOD}, 201) for unit in (A, B)}
    async with calling(area, process, UNIT_A) as head:
        assert [one["unit_id"] for one in (await head.get("scores"))["items"]] == [A]
        await head.get(f"scores/{scores[A]['id']}")
        await head.get(f"scores/{scores[B]['id']}", 404)
        await head.get("scores/preview", 404, unit=B, period=PERIOD)
        await head.post("scores", {"unit_id": A, "period": PERIOD}, 403)
        await head.post("scores/facts", {"unit_id": A, "period": PERIOD}, 403)
        await head.patch("committee/scoring", {"missing_fact": "zero"}, 403)
