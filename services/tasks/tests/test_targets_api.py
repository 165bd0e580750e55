"""Targets and evenness through the API, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from common.outbox import new_id
from common.service import Process
from common.testing import Area
from services.tasks.tests.report_world import AGENCY, DATA, UNIT_A, keep
from services.tasks.tests.task_world import A, B, TaskApi, a_task, calling

pytestmark = pytest.mark.servers
KEEPER = replace(AGENCY, scopes=AGENCY.scopes | {"imports:write", "summary:read"})


@pytest.fixture
async def api(area: Area, process: Process) -> AsyncIterator[TaskApi]:
    async with calling(area, process, KEEPER, "en") as api:
        yield api


async def bring(api: TaskApi) -> Any:
    headers = {"Idempotency-Key": new_id(), "Content-Type": "text/csv"}
    data = (DATA / "targets.csv").read_bytes()
    answer = await api.client.post("/v1/imports?kind=targets", content=data, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["counts"]


async def test_targets_are_taken_over_once_and_measured_with_a_source(api: TaskApi, area: Area, process: Process) -> None:
    assert (await bring(api))["created"] == 81
    began = {"on": "2026-01-01", "value": "20", "source": "Khảo sát đầu năm"}
    await api.post("targets/BDHVS-26-3/set-baseline", began)
    await api.post(
        "targets/BDHVS-26-3/measure", {"on": "2026-11-01", "unit_id": A, "part": "30", "whole": "40", "source": "Lớp"}
    )
    async with calling(area, process, UNIT_A) as head:
        own = {"on": "2026-11-02", "unit_id": A, "part": "40", "whole": "40", "source": "Danh sách lớp"}
        await head.post("targets/BDHVS-26-3/measure", own)
        await head.post("targets/BDHVS-26-3/measure", {**own, "unit_id": B}, 404)
        await head.post("targets/BDHVS-26-3/measure", {"on": "2026-11-02", "value": "99", "source": "Tỉnh"}, 403)
        await head.post("targets/BDHVS-26-3/set-baseline", began, 403)
    await api.post(
        "targets/BDHVS-26-3/measure", {"on": "2026-11-02", "unit_id": B, "part": "0", "whole": "60", "source": "Lớp"}
    )
    found = await api.get("targets/BDHVS-26-3")
    assert (found["progress"]["value"], found["progress"]["of"], found["progress"]["stands"]) == ("40", "units", "behind")
    assert (found["progress"]["share"], found["baseline"]["source"]) == ("0.25", "Khảo sát đầu năm")
    assert len((await api.get("targets/BDHVS-26-3/actuals"))["items"]) == 3
    async with calling(area, process, UNIT_A) as head:
        assert [one["unit_id"] for one in (await head.get("targets/BDHVS-26-3"))["latest"]] == [A]
        told = (await head.get("targets/BDHVS-26-3/actuals"))["items"]
        assert [one["actual"]["part"] for one in told] == ["40", "30"]
    assert (await bring(api))["unchanged"] == 81, "what was measured stays"
    assert (await api.get("targets/BDHVS-26-3"))["baseline"] == found["baseline"]


async def test_figures_that_are_none_are_refused_and_lists_page(api: TaskApi) -> None:
    await bring(api)
    path, plain = "targets/BDHVS-26-3/measure", {"on": "2026-11-02", "source": "báo cáo"}
    assert set(await api.refused(422, path, {**plain, "on": "2026-11-25", "value": "1"})) == {"day_to_come"}
    for wrong in ({}, {"value": 1.5}, {"value": "1", "part": "1", "whole": "2"}, {"part": "1"}, {"part": "1", "whole": "0"}):
        await api.post(path, {**plain, **wrong}, 422)
    assert set(await api.refused(422, "targets/BDHVS-26-4/measure", {**plain, "part": "1", "whole": "2"})) == {"value_missing"}
    await api.post("targets/nowhere/measure", {**plain, "value": "1"}, 404)
    first = await api.get("targets", limit=2, source="01-KH/BCDTW")
    rest = await api.get("targets", limit=50, source="01-KH/BCDTW", params={"cursor": first["next_cursor"]})
    ids = [one["id"] for one in (*first["items"], *rest["items"])]
    assert ids == [f"BDHVS-{year}-{number}" for year in (25, 26) for number in range(1, 6)]


async def test_the_load_of_units_is_one_figure_with_who_is_over_and_under(api: TaskApi, area: Area, process: Process) -> None:
    await keep(process, *(a_task(id=f"a{n}", state="in_progress") for n in range(3)), a_task(id="done", state="completed"))
    await keep(process, a_task(id="sample", state="assigned", lead_unit_id=B, sample="demo"))
    found = await api.get("summary/evenness")
    assert (found["units"], found["total"], found["mean"], found["gini"], found["shown"]) == (2, 3, "1.5", "0.5", "0.5000")
    assert [(one["unit_id"], one["load"], one["of_mean"]) for one in found["over"]] == [(A, 3, "2")]
    assert [(one["name"], one["load"]) for one in found["under"]] == [("Phường Hà Giang 2", 0)]
    assert (await api.get("summary/evenness", over="3"))["over"] == []
    for wrong, field in (({"level": "galaxy"}, "level"), ({"over": "-1"}, "over"), ({"under": "-1/2"}, "under")):
        refused = await api.get("summary/evenness", 422, params=wrong)
        assert [one["field"] for one in refused["errors"]] == [field], refused
    async with calling(area, process, replace(UNIT_A, scopes=KEEPER.scopes)) as head:
        await head.get("summary/evenness", 403)
