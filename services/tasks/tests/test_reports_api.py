"""The month's report through the API, on a real database: frozen once, asked for again, changed afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from common.outbox import OUTBOX
from common.service import Process
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from services.tasks.tests.report_world import AGENCY, UNIT_A, a_period, keep, keep_periods, with_rubric
from services.tasks.tests.task_world import A, B, HandClock, TaskApi, a_task, calling, furnished
from tasks.domain.month import Month
from tasks.domain.report import Report
from tasks.features import freeze_closed_months, freeze_report
from tasks.service import service

pytestmark = pytest.mark.servers
AFTER_NOVEMBER = datetime(2026, 11, 23, 17, tzinfo=UTC)
"""The first moment of 24 November in the province."""


@pytest.fixture
async def api(area: Area, process: Process) -> AsyncIterator[TaskApi]:
    async with calling(area, process, AGENCY, "en") as api:
        yield api


def task(task_id: str, **changes: Any) -> Any:
    return a_task(**{"id": task_id, "state": "in_progress", "due_on": date(2026, 11, 10), **changes})


async def follow(api: TaskApi, link: str) -> list[Any]:
    """What a link of an answer leads to."""
    answer = await api.client.get(link)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def export(api: TaskApi, path: str, form: str = "json", expect: int = 200) -> bytes:
    answer = await api.client.get(f"/v1/reports/{path}/export", params={"format": form})
    assert answer.status_code == expect, answer.text
    return bytes(answer.content)


async def test_a_month_is_frozen_when_its_last_day_has_ended(api: TaskApi, process: Process, clock: HandClock) -> None:
    clock.now = datetime(2026, 11, 23, 16, 59, 59, tzinfo=UTC)
    body = {"plan_id": "committee", "period": "2026-11"}
    await api.post("reports", body, 404)
    await api.patch("committee/report-plans/committee", {"appeal_days": 3})
    assert set(await api.refused(409, "reports", body)) == {"not_closed"}
    await freeze_closed_months.run(process.units, process.settings)
    assert await api.get("reports") == {"items": [], "next_cursor": None}
    clock.now = AFTER_NOVEMBER
    await freeze_closed_months.run(process.units, process.settings)
    (report,) = (await api.get("reports"))["items"]
    assert (report["period"], report["by"], report["as_of"]) == ("2026-11", "system:tasks", "2026-11-23T17:00:00Z")
    assert await api.post("reports", body, 201) == report, "the command and the job freeze the same one"
    assert set(await api.refused(409, "reports", {**body, "period": "2027-01"})) == {"not_its_turn"}
    sent = await process.database.collection(OUTBOX).find({"type": "tasks.report.frozen.v1"}).to_list(None)
    assert len(sent) == 1


async def test_the_same_bytes_again_and_a_late_change_in_the_next(api: TaskApi, process: Process, clock: HandClock) -> None:
    await api.patch("committee/report-plans/committee", {})
    await keep(process, task("a"), task("b", lead_unit_id=B), task("draft", state="draft"), task("sample", sample="foreign"))
    clock.now = AFTER_NOVEMBER
    report = await api.post("reports", {"plan_id": "committee", "period": "2026-11"}, 201)
    data = await export(api, "committee/2026-11")
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (report["sha256"], report["size"])
    assert {row["task_id"] for row in json.loads(data)["rows"]} == {"a", "b"}, "neither drafts nor samples"
    await keep(process, task("a", due_on=date(2026, 12, 20)))  # an extension granted afterwards
    assert await export(api, "committee/2026-11") == data
    clock.now = datetime(2026, 12, 24, tzinfo=UTC)
    later = await api.post("reports", {"plan_id": "committee", "period": "2026-12"}, 201)
    assert (later["previous_sha256"], later["late_changes"]["count"]) == (report["sha256"], 1)
    (change,) = await follow(api, later["late_changes"]["tasks"])
    assert (change["task"], change["belongs_to"], change["fields"]) == ("/v1/tasks/a", "2026-11", ["due_on"])
    assert (change["before"], change["after"]) == ({"due_on": "2026-11-10"}, {"due_on": "2026-12-20"})
    assert await export(api, "committee/2026-11") == data


async def test_each_figure_leads_to_its_tasks(api: TaskApi, process: Process, area: Area, clock: HandClock) -> None:
    await api.patch("committee/report-plans/committee", {})
    await keep(
        process,
        *(task(f"a{n}") for n in range(3)),
        task("b", lead_unit_id=B, approver_id="per-other", due_on=date(2026, 12, 30)),
    )
    clock.now = AFTER_NOVEMBER
    report = await api.post("reports", {"plan_id": "committee", "period": "2026-11"}, 201)
    units = [figure for unit in report["by_unit"] for figure in (unit["total"], *unit["by_timeliness"].values())]
    for figure in (report["total"], *report["by_state"].values(), *report["by_timeliness"].values(), *units):
        assert len(await follow(api, figure["tasks"])) == figure["count"], figure
    page = await api.get("reports/committee/2026-11/rows", limit=2, timeliness="overdue")
    rest = await api.get(
        "reports/committee/2026-11/rows", limit=2, timeliness="overdue", params={"cursor": page["next_cursor"]}
    )
    assert [row["task_id"] for row in (*page["items"], *rest["items"])] == ["a0", "a1", "a2"]
    async with calling(area, process, UNIT_A) as head:
        assert len((await head.get("reports/committee/2026-11/rows"))["items"]) == 3, "their own alone"
        assert [unit["unit_id"] for unit in (await head.get("reports/committee/2026-11"))["by_unit"]] == [A]
        await head.post("reports", {"plan_id": "committee", "period": "2026-11"}, 403)


async def test_periods_stand_in_the_report_after_their_day_and_late_ones_in_the_late_list(
    api: TaskApi, process: Process, area: Area, clock: HandClock
) -> None:
    await api.patch("committee/report-plans/committee", {"appeal_days": 0})

    def repeating(task_id: str, **changes: Any) -> Any:
        return task(task_id, **{"due_on": None, "deadline_kind": "recurring", "calendar": "month", **changes})

    tenth, last = date(2026, 11, 10), date(2026, 11, 30)
    await keep_periods(process, repeating("in-time"), a_period("in-time", tenth, state="submitted", submitted_on=tenth))
    missing = repeating("missing", lead_unit_id=B, approver_id="per-other")
    await keep_periods(process, missing, a_period("missing", date(2026, 10, 31)), a_period("missing", tenth))
    await keep_periods(process, repeating("without"), a_period("without", tenth, state="without_work"))
    await keep_periods(process, repeating("ahead"), a_period("ahead", last))
    clock.now = AFTER_NOVEMBER
    report = await api.post("reports", {"plan_id": "committee", "period": "2026-11"}, 201)
    met = {name: figure["count"] for name, figure in report["periods"].items()}
    assert met == {"in_time": 1, "missing": 1, "without_work": 1}, "neither what fell due before nor what is ahead"
    for figure in (*report["periods"].values(), *(one for unit in report["by_unit"] for one in unit["periods"].values())):
        assert len(await follow(api, figure["tasks"])) == figure["count"], figure
    assert report["by_timeliness"]["overdue"]["count"] == 1
    page = await api.get("reports/committee/2026-11/periods", limit=2)
    rest = await api.get("reports/committee/2026-11/periods", limit=2, params={"cursor": page["next_cursor"]})
    rows = [(row["task_id"], row["period"], row["outcome"]) for row in (*page["items"], *rest["items"])]
    assert rows == [
        ("in-time", "2026-11", "in_time"), ("missing", "2026-11", "missing"), ("without", "2026-11", "without_work"),
    ]  # fmt: skip
    late = (await api.get("reports/committee/2026-11/late"))["items"]
    assert [(one["task_id"], one["period"], one["due_on"], one["no_longer"]) for one in late] == [
        ("missing", "2026-10", "2026-10-31", False),
        ("missing", "2026-11", "2026-11-10", False),
    ]
    async with calling(area, process, UNIT_A) as head:
        own = (await head.get("reports/committee/2026-11/periods"))["items"]
        assert [row["task_id"] for row in own] == ["in-time", "without"], "their own alone"
    clock.now = datetime(2026, 12, 24, tzinfo=UTC)
    later = await api.post("reports", {"plan_id": "committee", "period": "2026-12"}, 201)
    assert {name: figure["count"] for name, figure in later["periods"].items()} == {"missing": 1}
    (row,) = await follow(api, later["periods"]["missing"]["tasks"])
    assert (row["task_id"], row["due_on"]) == ("ahead", "2026-11-30")
    assert "2026-10 (hạn 31/10/2026)" in (await export(api, "committee/2026-11", "csv")).decode()


async def test_a_units_report_late_is_recorded_and_scored(api: TaskApi, process: Process, area: Area, clock: HandClock) -> None:
    await with_rubric(api)
    await api.patch("committee/report-plans/committee", {})
    async with calling(area, process, UNIT_A) as head:
        clock.now = datetime(2026, 11, 22, 17, tzinfo=UTC)  # a day late
        made = await head.post("reports/committee/2026-11/submissions", {"unit_id": A, "no_work": True}, 201)
        assert (made["days_late"], made["no_work"]) == (1, True)
        await head.post("reports/committee/2026-11/submissions", {"unit_id": B}, 404)
        await head.post("reports/committee/2026-12/submissions", {"unit_id": A}, 409)
    found = (await api.get("scores/preview", unit=A, period="2026-11"))["sum"]
    lines = {line["criterion"]: line for line in found["lines"]}
    assert (lines["M-I-1"]["points"], lines["M-I-1"]["gain"]["to_case"]) == ("0", "yes")
    assert [(one["penalty"], one["points"]) for one in found["taken"]] == [("M-P-1", "2")]
    clock.now = datetime(2026, 11, 25, tzinfo=UTC)
    silent = (await api.get("scores/preview", unit=B, period="2026-11"))["sum"]
    assert (silent["accepted"], silent["score"]) == (False, "0"), "more than a day late: the whole form counts nothing"
    await api.post("reports", {"plan_id": "committee", "period": "2026-11"}, 201)
    await api.post("reports/committee/2026-11/submissions", {"unit_id": B}, 201)
    clock.now = datetime(2026, 12, 24, tzinfo=UTC)
    await api.post("reports", {"plan_id": "committee", "period": "2026-12"}, 201)
    november, december = [json.loads(await export(api, f"committee/2026-{month}")) for month in (11, 12)]
    assert [(one["unit_id"], one["days_late"]) for one in november["submissions"]] == [(A, 1)]
    assert [(one["unit_id"], one["period"], one["days_late"]) for one in december["late_submissions"]] == [(B, "2026-11", 3)]


async def test_calendars_are_the_committees(api: TaskApi, process: Process, area: Area) -> None:
    assert set(await api.refused(422, "committee/report-plans/x", {}, "PATCH")) == {"title_missing"}
    for body, code in (
        ({"first_period": "2026-09"}, "first_period_past"),
        ({"directive_id": "nowhere"}, "directive_unknown"),
        ({"last_day": 30}, "days_out_of_order"),
    ):
        assert set(await api.refused(422, "committee/report-plans/committee", body, "PATCH")) == {code}
    made = await api.patch(
        "committee/report-plans/nq57", {"title": "Nghị quyết 57", "directive_id": "dir-1", "weekend": "before"}
    )
    assert made["months"][0] == {
        "period": "2026-11", "units_by": "2026-11-20", "frozen_after": "2026-11-23", "report_by": "2026-11-25",
    }  # fmt: skip
    assert [plan["id"] for plan in (await api.get("committee/report-plans"))["items"]] == ["nq57"]
    async with calling(area, process, UNIT_A) as head:
        await head.patch("committee/report-plans/committee", {}, 403)


async def test_a_plan_that_fails_does_not_hold_up_the_others(
    api: TaskApi, process: Process, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for plan in ("a", "b"):
        await api.patch(f"committee/report-plans/{plan}", {"title": "Lịch báo cáo"})
    clock.now = AFTER_NOVEMBER
    freeze = freeze_report.freeze

    async def broken(uow: UnitOfWork, plan_id: str, period: Month) -> Report:
        if plan_id == "a":
            raise OSError("planted")
        return await freeze(uow, plan_id, period)

    monkeypatch.setattr(freeze_closed_months, "freeze", broken)
    with pytest.raises(OSError, match="planted"):
        await freeze_closed_months.run(process.units, process.settings)
    assert [report["plan_id"] for report in (await api.get("reports"))["items"]] == ["b"]
    monkeypatch.undo()
    await freeze_closed_months.run(process.units, process.settings)
    assert [report["plan_id"] for report in (await api.get("reports"))["items"]] == ["b", "a"]


async def test_the_worker_freezes_by_itself(area: Area) -> None:
    clock = HandClock(AFTER_NOVEMBER)
    async with furnished(area, clock) as process, calling(area, process, AGENCY) as api:
        await api.patch("committee/report-plans/committee", {})

        async def frozen() -> Any:
            return (await api.get("reports"))["items"]

        async with area.running(service, "worker", clock):
            (report,) = await eventually("the month is frozen", frozen)
        assert report["by"] == "system:tasks"


async def test_every_form_of_a_report_is_had_for_the_whole_alone(
    api: TaskApi, process: Process, area: Area, clock: HandClock
) -> None:
    await api.patch("committee/report-plans/committee", {})
    await keep(process, task("a"))
    clock.now = AFTER_NOVEMBER
    await api.post("reports", {"plan_id": "committee", "period": "2026-11"}, 201)
    for form in ("json", "csv", "xlsx", "html", "digest"):
        assert await export(api, "committee/2026-11", form) == await export(api, "committee/2026-11", form)
    answer = await api.client.get("/v1/reports/committee/2026-11/export?format=xlsx")
    assert answer.headers["content-disposition"] == 'attachment; filename="committee-2026-11.xlsx"'
    known = {"If-None-Match": answer.headers["etag"]}
    assert (await api.client.get("/v1/reports/committee/2026-11/export?format=xlsx", headers=known)).status_code == 304
    await export(api, "committee/2026-11", "pdf", 422)
    await export(api, "committee/2026-10", "json", 404)
    async with calling(area, process, UNIT_A) as head:
        await export(head, "committee/2026-11", "json", 403)


async def test_the_late_list_is_public_only_after_the_appeal_window(
    api: TaskApi, process: Process, area: Area, clock: HandClock
) -> None:
    await api.patch("committee/report-plans/committee", {"appeal_days": 2})
    await keep(process, task("a"), task("b", lead_unit_id=B, due_on=date(2026, 11, 5)), task("c", due_on=date(2026, 12, 1)))
    clock.now = AFTER_NOVEMBER
    await api.post("reports", {"plan_id": "committee", "period": "2026-11"}, 201)
    await keep(process, task("a", due_on=date(2026, 12, 31)))  # the objection was right
    late = "reports/committee/2026-11/late"
    async with calling(area, process, UNIT_A) as head:
        clock.now = datetime(2026, 11, 26, 16, 59, 59, tzinfo=UTC)
        answer = await head.get(late, 409)
        assert [one["code"] for one in answer["errors"]] == ["appeal_window_open"]
        clock.now = datetime(2026, 11, 26, 17, tzinfo=UTC)
        shown = (await head.get(late))["items"]
    assert [(one["task_id"], one["days_overdue"], one["no_longer"]) for one in shown] == [("b", 19, False), ("a", 14, True)]
    assert not any("responsible" in name or "approver" in name for name in shown[0])
