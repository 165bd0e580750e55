"""Orders of lists, saved lists and exports, on a real database."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import tempfile
import zipfile
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from common.contracts.fields import Timeliness
from common.domain import Actor
from common.repository import Reader, Store
from common.service import Process
from common.testing import Area
from services.tasks.tests.task_world import SCOPES, SYSTEM_B, TODAY, A, B, TaskApi, a_task, calling, open_periods
from services.tasks.tests.test_task_lists import store
from tasks.domain.committee import Committee
from tasks.domain.matters import OpenPeriod
from tasks.domain.report_forms import COLUMNS
from tasks.domain.task import Task
from tasks.domain.timeliness import timeliness
from tasks.features import export_tasks, set_view
from tasks.features.task_filters import ORDERS, Filters, TaskQuery
from tasks.features.task_view import TaskLine
from tasks.store import TASKS, due_key
from tests.queries import Key, served, unserved
from tests.query_watch import NARROWED, WALKED

VIEWS = frozenset({"views:read", "views:write"})
ANNA = Actor("person", "per-head", SCOPES | VIEWS, frozenset({A}))
BINH = Actor("client", "binh", SCOPES | VIEWS)
RULES = Committee()

pytestmark = pytest.mark.servers


def any_task(number: int, chance: random.Random) -> Task:
    day = TODAY + timedelta(days=chance.randint(-6, 6))
    state = chance.choice(["draft", "published", "in_progress", "submitted", "completed", "paused", "cancelled"])
    handed_in = TODAY - timedelta(days=chance.randint(0, 5)) if state in ("submitted", "completed") else None
    return a_task(
        id=f"t{number:03d}",
        title=f"Việc {number}",
        state=state,
        due_on=chance.choice([None, day, day]),
        submitted_on=handed_in,
        completed_on=handed_in if state == "completed" else None,
        lead_unit_id=chance.choice([A, B]),
        open_periods=open_periods(chance),
    )


@pytest.fixture
async def kept(process: Process) -> list[Task]:
    chance = random.Random(8)
    tasks = [any_task(number, chance) for number in range(60)]
    await store(process, *tasks)
    return tasks


async def walked(api: TaskApi, **params: str) -> list[str]:
    """Ids of the whole list, page by page."""
    seen: list[str] = []
    while True:
        page = await api.get("tasks", params={**params, "limit": "7"})
        seen += [task["id"] for task in page["items"]]
        if page["next_cursor"] is None:
            return seen
        params["cursor"] = page["next_cursor"]


# --- orders ---


async def test_each_order_shows_each_task_once(api: TaskApi, kept: list[Task]) -> None:
    ids = [task.id for task in kept]
    assert await walked(api) == await walked(api, sort="-created_at") == ids[::-1]
    assert await walked(api, sort="created_at") == ids
    assert await walked(api, sort="due_on") == [task.id for task in sorted(kept, key=due_key)]
    assert await walked(api, sort="due_on", unit=B, state="completed") == [
        task.id for task in sorted(kept, key=due_key) if (task.lead_unit_id, task.state) == (B, "completed")
    ]


def test_what_is_to_be_done_comes_by_its_day_then_what_has_none_then_what_is_done() -> None:
    day = date(2026, 11, 30)
    rising = [
        a_task(id="b", due_on=day - timedelta(days=1), state="submitted"),
        a_task(id="a", due_on=day, state="paused"),
        a_task(id="b", due_on=day),
        a_task(id="a", due_on=None),
        a_task(id="a", due_on=day - timedelta(days=99), state="completed"),
        a_task(id="a", due_on=None, state="cancelled"),
    ]
    keys = [due_key(task) for task in rising]
    assert keys == sorted(keys)


@pytest.mark.parametrize("stands", ["overdue", "nearly_due", "in_time", "done_late", "no_due_date"])
async def test_by_due_day_the_same_tasks_stand_so_as_by_the_rule(api: TaskApi, kept: list[Task], stands: Any) -> None:
    wanted = [task.id for task in sorted(kept, key=due_key) if timeliness(task, TODAY, RULES) == stands]
    assert wanted
    assert await walked(api, sort="due_on", timeliness=stands) == wanted


def test_blank_words_are_no_search() -> None:
    for q in (None, "", "  "):
        assert TaskQuery(Filters(q=q, sort="due_on"), BINH, TODAY, RULES).condition(None) == {"$and": [{}]}
    found = TaskQuery(Filters(q=" số "), BINH, TODAY, RULES).condition(None)
    assert found == {"$and": [{"$and": [{"_d.tokens": {"$regex": "^so"}}]}]}


async def test_a_late_list_is_a_range_of_keys() -> None:
    for stands, within in (
        ("overdue", ("0/2026-11-23/x",)),
        ("nearly_due", ("0/2026-11-24/x", "0/2026-11-27/x")),
    ):
        query = TaskQuery(Filters(timeliness=cast(Any, stands), sort="due_on"), BINH, TODAY, RULES).condition(None)
        (bounds,) = [one["_d.by_due"] for one in query["$and"] if "_d.by_due" in one]
        for key in ("0/2026-11-23/x", "0/2026-11-24/x", "0/2026-11-27/x", "0/2026-11-28/x", "0/~/x", "1/2026-11-01/x"):
            assert (bounds["$gt"] < key < bounds["$lt"]) == (key in within), (stands, key)


@pytest.mark.parametrize("counts", ["submission", "approval"])
@pytest.mark.parametrize("stands", ["overdue", "nearly_due"])
def test_what_stands_so_lies_within_the_range_that_is_read(counts: Any, stands: Any) -> None:
    chance, rules = random.Random(31), Committee(lateness_counts=counts)
    query = TaskQuery(Filters(timeliness=stands, sort="due_on"), BINH, TODAY, rules).condition(None)
    (bounds,) = [one["_d.by_due"] for one in query["$and"] if "_d.by_due" in one]
    tasks = [task for task in (any_task(number, chance) for number in range(999)) if timeliness(task, TODAY, rules) == stands]
    assert any(task.owed_periods for task in tasks)
    for task in tasks:
        assert bounds["$gt"] < due_key(task) < bounds["$lt"], task


def test_what_is_done_and_owes_a_period_stands_among_what_is_to_be_done_by_its_day() -> None:
    period = OpenPeriod(key="2026-10", due_on=date(2026, 10, 31))
    kept_up = {"deadline_kind": "date_then_maintain", "state": "completed", "completed_on": date(2026, 9, 1)}
    owing = a_task(due_on=date(2026, 9, 1), open_periods=[period], **kept_up)
    assert due_key(owing) == "0/2026-10-31/t1"
    assert due_key(owing.model_copy(update={"open_periods": []})) == "1/2026-09-01/t1"
    waits = a_task(due_on=None, open_periods=[period.model_copy(update={"submitted_on": date(2026, 10, 30)})])
    assert due_key(waits.model_copy(update={"state": "in_progress"})) == "0/2026-10-31/t1"


async def test_a_search_has_its_own_order(api: TaskApi, kept: list[Task]) -> None:
    assert "sort_of_search" in await api.refused(422, "tasks?q=viec&sort=due_on", method="GET")
    assert await walked(api, q="viec 59", sort="created_at") == ["t059"]
    for wrong in ("title", "due_on,created_at", ""):
        await api.get("tasks", 422, sort=wrong)


FILTERS = ("_d.owes", "_d.seen_by", "_d.units", "state", "directive_id", "responsible_id", "asks", "_d.pending")


@pytest.mark.parametrize("by", [None, *FILTERS])
def test_each_order_is_a_range_of_an_index(by: str | None) -> None:
    query = {} if by is None else {by: "x"}
    for order in ORDERS.values():
        bound = {order.field: {"$lt" if order.sign else "$gt": "k"}}
        assert served(TASKS, query | bound, (order.sign + order.field,))


@pytest.mark.parametrize("counts", ["submission", "approval"])
@pytest.mark.parametrize("stands", [None, *get_args(Timeliness)])
def test_every_list_by_timeliness_is_read_from_an_index(stands: Any, counts: Any) -> None:
    rules, keys = Committee(lateness_counts=counts), [Key.of(index) for index in TASKS.indexes]
    filters: list[dict[str, Any]] = [{}, {"unit": A}, {"state": "in_progress"}, {"due_before": TODAY}]
    for actor, sort, more in product((BINH, ANNA), ORDERS, filters):
        asked: dict[str, Any] = {"timeliness": stands, "sort": sort, **more}
        query = TaskQuery(Filters(**asked), actor, TODAY, rules)
        for after in (None, "k"):
            order = (query.order.sign + query.order.field,)
            assert unserved(query.condition(after), order, 51, keys, NARROWED["tasks"], WALKED["tasks"]) is None, asked


# --- saved lists ---


async def test_a_list_is_saved_used_changed_and_forgotten(area: Area, process: Process, kept: list[Task]) -> None:
    async with calling(area, process, ANNA, "en") as anna, calling(area, process, BINH, "en") as binh:
        assert await anna.get("views") == {"items": [], "next_cursor": None}
        late: dict[str, Any] = {
            "title": "Trễ hạn",
            "asks": {"timeliness": "overdue", "sort": "due_on", "due_before": "2026-11-24"},
        }
        made = await anna.send("views/late", late, method="PUT")
        assert made.status_code == 200, made.text
        assert made.json()["asks"] == dict.fromkeys(made.json()["asks"]) | late["asks"]
        again = await anna.send("views/late", late, method="PUT", If_Match=made.headers["ETag"])
        assert (again.status_code, again.json()["version"]) == (200, 2)
        stale = await anna.send("views/late", late, method="PUT", If_Match=made.headers["ETag"])
        assert stale.status_code == 412
        assert (await anna.get("views/late"))["tasks"] == "/v1/tasks?view=late"

        def found(*stands: str) -> list[str]:
            mine = sorted((task for task in kept if task.lead_unit_id == A), key=due_key)
            mine += sorted((task for task in kept if task.lead_unit_id == B), key=due_key)  # theirs in person
            return [task.id for task in sorted(mine, key=due_key) if timeliness(task, TODAY, RULES) in stands]

        assert await walked(anna, view="late") == await walked(anna, **late["asks"]) == found("overdue")
        assert await walked(anna, view="late", timeliness="nearly_due", due_before="2026-12-31") == found("nearly_due")
        page = await anna.get("tasks", params={"view": "late", "limit": "1"})
        await anna.send("views/late", {"asks": {"timeliness": "overdue"}}, method="PUT")
        cursor = {"view": "late", "limit": "1", "cursor": page["next_cursor"]}
        problem = await anna.get("tasks", 422, params=cursor)
        assert [one["code"] for one in problem["errors"]] == ["order_changed"]

        await binh.get("views/late", 404)
        await binh.get("tasks", 404, view="late")
        await binh.refused(404, "views/late", method="DELETE")
        assert (await binh.get("views"))["items"] == []
        await anna.send("views/open", {"asks": {"state": "in_progress"}}, method="PUT")
        assert [one["name"] for one in (await anna.get("views"))["items"]] == ["late", "open"]
        assert (await anna.send("views/late", method="DELETE")).status_code == 204
        await anna.get("views/late", 404)
        await anna.get("tasks", 404, view="late")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("late", {"asks": {"timeliness": "lost"}}),
        ("late", {"asks": {"color": "red"}}),
        ("late", {"asks": {"sort": "title"}}),
        ("late", {"asks": {"q": "x" * 201}}),
        ("late", {"asks": {"due_before": "soon"}}),
        ("late", {"asks": {"view": "other"}}),
        ("late", {"title": "x" * 201}),
        ("late", {"owner": "client:other"}),
        ("Late", {}),
        ("-", {}),
        ("x" * 65, {}),
    ],
)
async def test_what_no_list_can_ask_for_is_not_saved(area: Area, process: Process, name: str, body: Any) -> None:
    async with calling(area, process, BINH) as api:
        await api.refused(422, f"views/{name}", body, "PUT")
        assert (await api.get("views"))["items"] == []


async def test_a_caller_keeps_so_many_lists(area: Area, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_view, "MOST", 2)
    async with calling(area, process, BINH) as api:
        for name in ("a", "b", "a"):
            assert (await api.send(f"views/{name}", {}, method="PUT")).status_code == 200
        assert "too_many_views" in await api.refused(409, "views/c", {}, "PUT")
    async with calling(area, process, Actor("client", "reader", SCOPES)) as api:
        await api.refused(403, "views/a", {}, "PUT")


# --- exports ---


async def exported(api: TaskApi, form: str, expect: int = 200, **params: str) -> Any:
    answer = await api.client.get("/v1/tasks/export", params={"format": form, **params})
    assert answer.status_code == expect, answer.text
    return answer


@pytest.mark.parametrize("page", [7, 60, 500])
async def test_a_list_is_exported_whole_in_its_order(
    api: TaskApi, kept: list[Task], page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_tasks, "PAGE", page)
    rising = [task.id for task in sorted(kept, key=due_key)]
    as_csv = await exported(api, "csv", sort="due_on")
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert as_csv.headers["content-disposition"] == 'attachment; filename="tasks-2026-11-24.csv"'
    head, *rows = csv.reader(io.StringIO(as_csv.content.decode("utf-8-sig"), newline=""))
    assert head == [heading for _, heading, _ in COLUMNS]
    assert [row[0] for row in rows] == rising
    as_json = await exported(api, "json", sort="due_on", state="completed")
    assert as_json.json() == (await api.get("tasks", sort="due_on", state="completed", limit="100"))["items"]
    book = zipfile.ZipFile(io.BytesIO((await exported(api, "xlsx", sort="due_on")).content))
    firsts = re.findall(r'<c r="A\d+"[^>]*><is><t>([^<]*)</t>', book.read("xl/worksheets/sheet1.xml").decode())
    assert firsts == [COLUMNS[0][1], *rising]


async def test_an_export_holds_what_the_caller_sees_and_asks_for(area: Area, process: Process, kept: list[Task]) -> None:
    await store(process, a_task(id="bad", title='=HYPERLINK("x")', lead_unit_id=B, percent=40, coordinator_unit_ids=[A]))
    async with calling(area, process, SYSTEM_B) as api:
        rows = json.loads((await exported(api, "json")).content)
        assert {row["lead_unit_id"] for row in rows} == {B}
        assert len(rows) == 1 + sum(task.lead_unit_id == B for task in kept)
        assert (await exported(api, "json", unit="vn:none")).content == b"[]"
        assert (await exported(api, "csv", unit="vn:none")).content.count(b"\r\n") == 1
        (row,) = list(csv.DictReader(io.StringIO((await exported(api, "csv", q="hyperlink")).content.decode("utf-8-sig"))))
        assert row["Nội dung nhiệm vụ"] == '\'=HYPERLINK("x")'
        assert (row["Cơ quan chủ trì"], row["Cơ quan phối hợp"], row["Tiến độ (%)"]) == (
            "Phường Hà Giang 2",
            "Phường Hà Giang 1",
            "40",
        )
        await exported(api, "pdf", 422)
        await exported(api, "csv", 404, view="none")
        await exported(api, "csv", 422, q="x", sort="due_on")


async def test_a_workbook_has_its_bound_and_leaves_no_file(
    api: TaskApi, kept: list[Task], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for most, status in ((59, 413), (60, 200)):
        monkeypatch.setattr(export_tasks, "MOST_XLSX", most)
        await exported(api, "xlsx", status)
        assert list(tmp_path.iterdir()) == []


class Endless:
    """A reader with tasks without end, which counts what it gave."""

    def __init__(self) -> None:
        self.given = 0

    async def find(self, of: Store[Any], query: Any, *, sort: tuple[str, ...] = (), limit: int = 0) -> list[Any]:
        if of is not TASKS:
            return []
        assert 0 < limit <= export_tasks.PAGE
        self.given += limit
        return [a_task(id=f"t{self.given + number}") for number in range(limit)]


async def test_an_export_goes_out_page_by_page() -> None:
    reader = Endless()
    wanted = TaskQuery(Filters(), BINH, TODAY, RULES)
    pages = export_tasks.pages_of(cast(Reader, reader), wanted)
    pieces = export_tasks.as_csv(export_tasks.rows_of(cast(Reader, reader), wanted, pages))
    for read in range(4):
        piece = await anext(pieces)
        assert reader.given == read * export_tasks.PAGE, "a piece goes out before the next page is read"
        assert len(piece) < 400 * export_tasks.PAGE
    assert TaskLine.on(a_task(), TODAY, RULES).id == "t1"
