"""Who has concretised a directive, on the real register of units and its real merger, through the API."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.domain import Actor
from common.outbox import OUTBOX
from common.service import Process
from common.testing import Area
from common.unit_of_work import UnitOfWork
from services.tasks.tests.register_world import PROVINCE, SCOPES, Register, calling, csv_of, of_unit, rows_of
from services.tasks.tests.task_world import HandClock
from tasks.domain.concretisation import Entry
from tasks.features import follow_papers
from tasks.service import service
from tasks.store import CONCRETISATIONS, DIRECTIVES
from tasks.verify import differing

pytestmark = pytest.mark.servers

HG1, HG2 = "vn:commune:00694@2025-07-01", "vn:commune:00691@2025-07-01"
OLD_OF_HG1 = [row["from_uid"] for row in rows_of("successions") if row["to_uid"] == HG1]
SPLIT = "vn:commune:00688@pre"
"""Phường Quang Trung, of which a part came to each of the two."""
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NUMBERS = iter(range(1, 10_000))


@pytest.fixture(scope="module")
def module_area(servers: tuple[str, str]) -> Area:
    """One register for all tests here: each has papers of its own."""
    return Area(f"con{os.getpid()}", *servers)


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture(autouse=True)
def today(clock: HandClock) -> None:
    clock.now = NOW


@pytest.fixture(scope="module")
async def process(module_area: Area, clock: HandClock) -> AsyncIterator[Process]:
    async with module_area.running(service, "api", clock) as process:
        async with calling(module_area, process) as register:
            for kind in ("units", "agencies", "successions"):
                await register.imported(kind)
            heads = [{"person_id": "per-head", "unit_id": HG1, "position": "unit_head"}]
            await register.imported("people", csv_of(heads))
        yield process


@pytest.fixture
async def register(module_area: Area, process: Process) -> AsyncIterator[Register]:
    async with calling(module_area, process) as register:
        yield register


async def paper(register: Register, parent: str | None = None, expect: int = 201, **fields: Any) -> Any:
    """Register a paper of its own number; its id, or the problem when it is to be refused."""
    body = {"number": f"{next(NUMBERS)}/KH-UBND", "issuer": "Ban Chỉ đạo", "issued_on": "2026-11-02", "parent_id": parent}
    made = await register.send("POST", "directives", body | fields, expect)
    return made["id"] if expect == 201 else made


async def asking(register: Register, days: int | None = 10, **fields: Any) -> str:
    """A directive of Monday 2 November 2026 that asks all communes."""
    return str(await paper(register, asks_of={"levels": ["commune"], "working_days": days}, **fields))


async def matrix(register: Register, directive: str, **params: Any) -> dict[str, Any]:
    """Every unit of the matrix by id, page by page."""
    return {one["unit_id"]: one for one in await register.all(f"directives/{directive}/concretisation", **params)}


async def counts(register: Register, directive: str, **params: Any) -> dict[str, int]:
    shown = await register.get(f"directives/{directive}/concretisation", limit=1, **params)
    assert sum(shown["counts"].values()) == shown["units"]
    return {state: count for state, count in shown["counts"].items() if count}


async def do(register: Register, directive: str, verb: str, expect: int = 200, **body: Any) -> Any:
    return await register.send("POST", f"directives/{directive}/{verb}", body, expect)


async def happened(process: Process, kind: str, directive: str) -> list[str]:
    """Ids of the units of whom this was told, in the order in which it was."""
    query = {"type": f"tasks.concretisation.{kind}.v1", "aggregateid": {"$regex": f"^{directive}/"}}
    rows = await process.database.collection(OUTBOX).find(query).sort([("_id", 1)]).to_list(None)
    return [row["aggregateid"].partition("/")[2] for row in rows]


# --- who has, and who is silent ---


async def test_three_of_124_communes_have_a_paper_and_the_others_are_silent_in_one_call(
    process: Process, register: Register
) -> None:
    """DOMAIN 7.2; the plan of the province between a central paper and those of the communes carries both."""
    centre = await asking(register)
    plan = await paper(register, centre, issuer="Tỉnh ủy Tuyên Quang", issued_on="2026-11-04", asks_of={"levels": ["commune"]})
    one = await paper(register, plan, issuer="UBND phường Hà Giang 1", issued_on="2026-11-16")
    await paper(register, centre, issuer="Đảng ủy Phường Hà Giang 2", issued_on="2026-11-17")
    await paper(register, plan, issuer_unit_id="vn:commune:00700@2025-07-01", issued_on="2026-11-05")
    assert await counts(register, centre) == {"registered": 3, "silent": 121}
    assert await counts(register, plan) == {"registered": 2, "silent": 122}
    whole = await matrix(register, centre)
    assert list(whole) == sorted(whole)
    assert len(whole) == 124
    first = whole[HG1]
    assert (first["name"], first["state"], first["lag_working_days"], first["late"]) == (
        "Phường Hà Giang 1", "registered", 10, False,
    )  # fmt: skip
    assert (first["paper"]["directive_id"], first["due_on"]) == (one, "2026-11-16")
    assert [through["directive_id"] for through in first["paper"]["through"]] == [plan]
    assert (whole[HG2]["lag_working_days"], whole[HG2]["late"], whole[HG2]["paper"]["through"]) == (11, True, [])
    assert (await matrix(register, plan))[HG1]["lag_working_days"] == 8
    silent = await matrix(register, centre, state="silent")
    assert len(silent) == 121
    assert {row["silent_working_days"] for row in silent.values()} == {16}
    assert HG1 not in silent
    assert await counts(register, centre, as_of="2026-11-16") == {"registered": 2, "silent": 122}
    assert await counts(register, centre, as_of="2026-11-01") == {}, "nobody was asked before it was issued"
    assert await differing(process.units) == []


async def test_a_page_goes_on_where_the_one_before_ended_and_keeps_the_counts(register: Register) -> None:
    directive = await asking(register)
    path = f"directives/{directive}/concretisation"
    first = await register.get(path, limit=50)
    second = await register.get(path, limit=50, cursor=first["next_cursor"])
    last = await register.get(path, limit=50, cursor=second["next_cursor"])
    assert [len(page["items"]) for page in (first, second, last)] == [50, 50, 24]
    assert last["next_cursor"] is None
    assert first["counts"] == last["counts"] == dict.fromkeys(first["counts"], 0) | {"silent": 124}
    await register.get(path, 422, state="silent", cursor=first["next_cursor"])


async def test_named_units_and_other_levels_can_be_asked_beside_communes(register: Register) -> None:
    department = "agency:HG-KHCN"
    directive = await paper(register, asks_of={"levels": ["department"], "unit_ids": [HG1]})
    await paper(register, directive, issuer="Sở Khoa học và Công nghệ", issued_on="2026-11-10")
    whole = await matrix(register, directive)
    assert HG1 in whole
    assert whole[department]["state"] == "registered"
    assert list(await matrix(register, directive, level="commune")) == [HG1]
    assert {row["level"] for row in whole.values()} == {"department", "commune"}
    nobody = await paper(register)
    assert await counts(register, nobody) == {}
    assert await counts(register, nobody, level="commune") == {"silent": 124}, "any paper can be held against a level"


# --- the rows follow the papers ---


async def test_a_correction_an_end_and_another_chain_move_what_a_paper_carries(process: Process, register: Register) -> None:
    centre, other = await asking(register), await asking(register)
    plan = await paper(register, centre, issued_on="2026-11-03")
    own = await paper(register, plan, issuer="UBND Phường Hà Giang 1", issued_on="2026-11-05")
    assert (await matrix(register, centre))[HG1]["lag_working_days"] == 3

    await register.send("PATCH", f"directives/{own}", {"issued_on": "2026-11-09"}, 200)
    assert (await matrix(register, centre))[HG1]["lag_working_days"] == 5
    await register.send("PATCH", f"directives/{plan}", {"parent_id": other}, 200)
    assert await counts(register, centre) == {"silent": 124}, "what stands below goes with it"
    assert (await matrix(register, other))[HG1]["paper"]["through"][0]["directive_id"] == plan
    await register.send("PATCH", f"directives/{own}", {"issuer_unit_id": HG2}, 200)
    assert (await matrix(register, other))[HG1]["state"] == "silent"
    assert (await matrix(register, other))[HG2]["state"] == "registered"
    ended = await do(register, own, "withdraw", words="Ban hành nhầm", effective_on="2026-11-20")
    assert ended["ended_how"] == "withdrawn"
    assert (await matrix(register, other))[HG2]["state"] == "silent"
    assert (await matrix(register, other, as_of="2026-11-19"))[HG2]["state"] == "registered"
    assert await differing(process.units) == []


async def test_a_paper_that_was_being_registered_while_the_chain_moved_is_found_by_the_job(
    process: Process, register: Register
) -> None:
    centre, other = await asking(register), await asking(register)
    plan = await paper(register, centre)
    own = await paper(register, plan, issuer_unit_id=HG1)
    await register.send("PATCH", f"directives/{plan}", {"parent_id": other}, 200)

    async def as_it_saw_the_chain(uow: UnitOfWork) -> None:
        row = await uow.load(CONCRETISATIONS, f"{centre}/{HG1}")
        row.hold([Entry(directive_id=own, number="x", through=[plan])])
        uow.save(CONCRETISATIONS, row)

    await process.units.run(as_it_saw_the_chain, process.units.system())
    assert await differing(process.units) == [f"{centre}/{HG1}"]
    await follow_papers.run(process.units, None)
    assert await differing(process.units) == []


async def test_the_check_finds_what_differs_and_mends_it(process: Process, register: Register) -> None:
    centre = await asking(register)
    own = await paper(register, centre, issuer_unit_id=HG1)
    database = process.database
    await database.collection("concretisations").update_one({"_id": f"{centre}/{HG1}"}, {"$set": {"papers": []}})
    stray = {"_id": f"{centre}/x", "directive_id": centre, "unit_id": "x", "version": 1, "_d": {"papers": ["gone"]},
             "papers": [{"directive_id": "gone", "number": "1/KH"}]}  # fmt: skip
    await database.collection("concretisations").insert_one(stray)
    wrong = await differing(process.units)
    assert sorted(wrong) == sorted([f"{centre}/{HG1}", f"{centre}/x"])
    assert sorted(await differing(process.units, mend=True)) == sorted(wrong)
    assert await differing(process.units) == []
    assert (await matrix(register, centre))[HG1]["paper"]["directive_id"] == own
    await do(register, centre, "claim-not-applicable", unit_id=HG2, words="Không có cơ sở")
    assert await differing(process.units) == [], "a claim is no part of the projection"


async def test_the_import_keeps_the_matrix_and_asks_whose_paper_it_is(process: Process, register: Register) -> None:
    centre = await asking(register, number="900-NQ/TW", issued_on="2025-06-02")
    before = {"issuer": "UBND xã Tân Tiến", "issued_on": "2025-06-20", "parent_number": "900-NQ/TW"}
    rows = [
        {"number": "901/KH-UBND", **before, "issued_on": "2025-07-10", "issuer_uid": ""},
        {"number": "902/KH-UBND", **before, "issuer_uid": ""},
        {"number": "903/KH-UBND", **before, "issuer": "Một cơ quan", "issuer_uid": HG1},
        {"number": "904/KH-UBND", **before, "issuer_uid": "vn:none"},
    ]
    answer = await register.imported("directives", csv_of(rows), dry_run=True)
    assert await counts(register, centre, as_of="2026-01-01") == {"silent": 124}, "a dry run keeps no row"
    answer = await register.imported("directives", csv_of(rows))
    said = {row["row"]: [one["code"] for one in row["findings"] if one["severity"] != "info"] for row in answer["rows"]}
    assert (said[2], said[3], said[4], said[5]) == ([], ["issuer_ambiguous"], [], ["unit_unknown"])
    whole = await matrix(register, centre, as_of="2026-01-01")
    (tan_tien,) = [row for row in whole.values() if row["name"] == "Xã Tân Tiến"]
    assert tan_tien["state"] == whole[HG1]["state"] == "registered"
    (unclear,) = [one for one in await register.all("directives", asks="issuer") if one["number"] == "902/KH-UBND"]
    assert unclear["issuer_candidates"] == ["vn:commune:01051@pre", "vn:commune:02461@pre"], "golden case G065"
    mended = await register.send(
        "PATCH", f"directives/{unclear['id']}", {"issuer_unit_id": unclear["issuer_candidates"][0]}, 200
    )
    assert mended["issuer_candidates"] == []
    assert not await register.all("directives", asks="issuer")
    again = await register.imported("directives", csv_of(rows[:3]))
    assert again["counts"]["unchanged"] == 3, "what somebody has said stays said"
    assert (await matrix(register, centre, as_of="2025-06-30"))["vn:commune:01051@pre"]["state"] == "registered"
    assert await differing(process.units) == []


async def test_a_day_that_is_corrected_asks_anew_which_unit_a_name_means(register: Register) -> None:
    made = await paper(register, issuer="Phường Quang Trung", issued_on="2025-06-30")
    shown = await register.get(f"directives/{made}")
    assert shown["issuer_unit_id"] == SPLIT
    moved = await register.send("PATCH", f"directives/{made}", {"issued_on": "2025-07-02"}, 200)
    assert moved["issuer_unit_id"] is None, "there was no such ward any more"
    back = await register.send("PATCH", f"directives/{made}", {"issued_on": "2025-06-01"}, 200)
    assert back["issuer_unit_id"] == SPLIT


# --- the merger of 1 July 2025 ---


async def test_a_new_commune_has_what_all_its_predecessors_had_and_old_days_show_old_units(
    process: Process, register: Register
) -> None:
    centre = await asking(register, issued_on="2025-05-05")
    assert len(OLD_OF_HG1) > 1
    assert SPLIT in OLD_OF_HG1
    for unit in OLD_OF_HG1[:-1]:
        await paper(register, centre, issuer_unit_id=unit, issued_on="2025-05-20")
    old = await matrix(register, centre, as_of="2025-06-30")
    assert len(old) == 330
    assert {old[unit]["state"] for unit in OLD_OF_HG1} == {"registered", "silent"}
    assert HG1 not in old
    new = await matrix(register, centre, as_of="2025-07-01")
    assert len(new) == 124
    assert not {*OLD_OF_HG1} & new.keys()
    assert new[HG1]["state"] == "partly_carried"
    assert Counter(one["state"] for one in new[HG1]["carried_from"])["silent"] == 1
    assert new[HG1]["silent_working_days"] == 0, "it exists since today"
    assert new[HG2]["state"] == "partly_carried", "a part of Quang Trung is its own too"
    assert (await matrix(register, centre, state="silent", as_of="2025-07-01")).keys().isdisjoint({HG1, HG2})
    await paper(register, centre, issuer_unit_id=OLD_OF_HG1[-1], issued_on="2025-06-27")
    whole = (await matrix(register, centre, as_of="2025-07-01"))[HG1]
    assert (whole["state"], whole["first_issued_on"], whole["silent_working_days"]) == ("carried", "2025-06-27", None)
    await paper(register, centre, issuer="UBND phường Hà Giang 1", issued_on="2025-08-01")
    assert (await matrix(register, centre))[HG1]["state"] == "registered"
    assert await differing(process.units) == []


async def test_a_named_unit_that_ended_is_stood_for_by_those_that_follow(register: Register) -> None:
    directive = await paper(register, asks_of={"unit_ids": [SPLIT]}, issued_on="2025-05-05")
    assert list(await matrix(register, directive, as_of="2025-06-30")) == [SPLIT]
    assert sorted(await matrix(register, directive)) == sorted([HG1, HG2])


# --- not applicable ---


async def test_a_unit_says_why_it_does_not_apply_and_the_standing_agency_answers(
    module_area: Area, process: Process, register: Register, clock: HandClock
) -> None:
    directive = await asking(register)
    why: dict[str, Any] = {"unit_id": HG1, "words": "Phường không có trường học nào"}
    async with calling(module_area, process, of_unit(HG1)) as ward:
        assert list(await matrix(ward, directive)) == [HG1], "it sees itself"
        assert await counts(ward, directive) == {"silent": 1}
        shown = await do(ward, directive, "claim-not-applicable", **why)
        assert (shown["state"], shown["claim"]["words"], shown["claim"]["decision"]) == ("claimed", why["words"], None)
        await do(ward, directive, "claim-not-applicable", 409, **why)
        await do(ward, directive, "claim-not-applicable", 403, unit_id=HG2, words="Thay cho phường khác")
        for verb in ("confirm", "reject"):
            await do(ward, directive, f"{verb}-not-applicable", 403, **why)
        await do(ward, directive, "remind", 403)
    assert await counts(register, directive) == {"claimed": 1, "silent": 123}
    assert (await do(register, directive, "remind", unit_ids=[HG1]))["not_silent"] == [{"unit_id": HG1, "state": "claimed"}]
    no = await do(register, directive, "reject-not-applicable", unit_id=HG1, words="Phường có hai trường")
    assert (no["state"], no["claim"]["decision_words"]) == ("silent", "Phường có hai trường")
    await do(register, directive, "reject-not-applicable", 409, unit_id=HG1, words="Lần nữa")
    await do(register, directive, "claim-not-applicable", **why)
    yes = await do(register, directive, "confirm-not-applicable", unit_id=HG1, words="Đồng ý")
    assert (yes["state"], yes["silent_working_days"], yes["late"]) == ("not_applicable", None, False)
    assert await counts(register, directive) == {"not_applicable": 1, "silent": 123}
    for kind, times in (("claimed", 2), ("rejected", 1), ("confirmed", 1)):
        assert await happened(process, kind, directive) == [HG1] * times
    clock.now += timedelta(seconds=1)
    await register.send("PATCH", f"directives/{directive}", {"subject": "Rõ hơn", "words": "Bổ sung"}, 200)
    minutes = await register.all(f"directives/{directive}/history")
    assert [(line["what"], line["words"]) for line in minutes] == [
        ("not_applicable_claimed", why["words"]),
        ("not_applicable_rejected", "Phường có hai trường"),
        ("not_applicable_claimed", why["words"]),
        ("not_applicable_confirmed", "Đồng ý"),
        ("corrected", "Bổ sung"),
    ]
    path = f"directives/{directive}/history"
    first = await register.get(path, limit=3)
    rest = await register.get(path, limit=3, cursor=first["next_cursor"])
    assert [line["what"] for line in first["items"] + rest["items"]] == [line["what"] for line in minutes]
    async with calling(module_area, process, of_unit(HG2)) as other:
        assert [line["what"] for line in await other.all(path)] == ["corrected"]


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("claim-not-applicable", {"unit_id": "agency:HG-KHCN", "words": "Không giao chúng tôi"}, "unit_id"),
        ("claim-not-applicable", {"unit_id": HG1}, "words"),
        ("claim-not-applicable", {"words": "Ai đó"}, "unit_id"),
        ("confirm-not-applicable", {"unit_id": "vn:none", "words": "Đồng ý"}, "unit_id"),
        ("remind", {"level": "galaxy"}, "level"),
        ("remind", {"unit_ids": [HG1, "agency:HG-KHCN"]}, "unit_ids.1"),
        ("remind", {"colour": "red"}, "colour"),
    ],
)
async def test_bad_input_is_refused_by_its_field(register: Register, verb: str, body: dict[str, Any], field: str) -> None:
    directive = await asking(register)
    problem = await do(register, directive, verb, 422, **body)
    assert [one["field"] for one in problem["errors"]] == [field], problem


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"asks_of": {}}, "asks_of"),
        ({"asks_of": {"levels": ["galaxy"]}}, "asks_of.levels.0"),
        ({"asks_of": {"levels": ["commune"], "working_days": 0}}, "asks_of.working_days"),
        ({"asks_of": {"levels": ["commune"], "working_days": True}}, "asks_of.working_days"),
        ({"asks_of": {"unit_ids": [HG1, "vn:none"]}}, "asks_of.unit_ids.1"),
        ({"issuer_unit_id": "vn:none"}, "issuer_unit_id"),
        ({"issuer_unit_id": SPLIT}, "issuer_unit_id"),
    ],
)
async def test_whom_a_paper_asks_and_whose_it_is_must_be_in_the_register(
    register: Register, fields: dict[str, Any], field: str
) -> None:
    problem = await paper(register, None, 422, **fields)
    assert [one["field"] for one in problem["errors"]] == [field], problem
    made = await paper(register)
    problem = await register.send("PATCH", f"directives/{made}", fields, 422)
    assert [one["field"] for one in problem["errors"]] == [field], problem


@pytest.mark.parametrize("params", [{"state": "lazy"}, {"level": "galaxy"}, {"as_of": "2026-02-30"}, {"cursor": "x.y"}])
async def test_a_question_that_cannot_be_answered_names_its_field(register: Register, params: dict[str, str]) -> None:
    directive = await asking(register)
    problem = await register.get(f"directives/{directive}/concretisation", 422, **params)
    assert [one["field"] for one in problem["errors"]] == list(params)
    for path in ("concretisation", "history"):
        await register.get(f"directives/none/{path}", 404)


# --- reminders ---


async def test_silent_units_are_reminded_once_and_again_only_after_the_days_of_the_committee(
    process: Process, register: Register, clock: HandClock
) -> None:
    directive = await asking(register)
    await paper(register, directive, issuer="UBND phường Hà Giang 2", issued_on="2026-11-10")
    told = await do(register, directive, "remind", words="Đề nghị khẩn trương")
    assert (len(told["reminded"]), told["too_soon"], told["not_silent"]) == (123, [], [])
    (ward,) = [one for one in told["reminded"] if one["unit_id"] == HG1]
    assert ward == {"unit_id": HG1, "times": 1, "silent_working_days": 16, "has_head": True}
    assert sum(one["has_head"] for one in told["reminded"]) == 1
    reminded = await happened(process, "reminded", directive)
    assert len(reminded) == len(set(reminded)) == 123
    assert HG2 not in reminded
    again = await do(register, directive, "remind")
    assert (again["reminded"], len(again["too_soon"])) == ([], 123)
    assert {one["again_on"] for one in again["too_soon"]} == {"2026-12-01"}
    clock.now = datetime(2026, 11, 30, 16, 59, tzinfo=UTC)  # the last minute of the sixth day in the province
    assert not (await do(register, directive, "remind", unit_ids=[HG1]))["reminded"]
    clock.now = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
    later = await do(register, directive, "remind", unit_ids=[HG1, HG2])
    assert [(one["unit_id"], one["times"]) for one in later["reminded"]] == [(HG1, 2)]
    assert later["not_silent"] == [{"unit_id": HG2, "state": "registered"}]
    assert await happened(process, "reminded", directive) == [*reminded, HG1]
    shown = (await matrix(register, directive))[HG1]
    assert (shown["reminders"], shown["reminded_on"]) == (2, "2026-12-01")
    minutes = await register.all(f"directives/{directive}/history")
    assert [(line["what"], len(line["unit_ids"]), line["words"]) for line in minutes] == [
        ("reminded", 123, "Đề nghị khẩn trương"), ("reminded", 1, ""),
    ]  # fmt: skip


async def test_a_reminder_is_for_those_alone_who_owe_a_paper_that_is_still_in_force(
    process: Process, register: Register
) -> None:
    centre = await asking(register, issued_on="2025-05-05")
    await paper(register, centre, issuer_unit_id=OLD_OF_HG1[0], issued_on="2025-05-20")
    assert (await do(register, centre, "remind", unit_ids=[HG1]))["not_silent"][0]["state"] == "partly_carried"
    told = await do(register, centre, "remind", unit_ids=[HG1], partly_carried=True)
    assert [one["unit_id"] for one in told["reminded"]] == [HG1]
    departments = await paper(register, asks_of={"levels": ["department", "commune"]})
    told = await do(register, departments, "remind", level="department")
    assert {one["unit_id"][:10] for one in told["reminded"]} == {"agency:HG-"}
    nobody = await paper(register)
    problem = await do(register, nobody, "remind", 409)
    assert [one["code"] for one in problem["errors"]] == ["nobody_asked"]
    await do(register, centre, "repeal", words="Hết hiệu lực", effective_on="2026-11-24")
    problem = await do(register, centre, "remind", 409)
    assert [one["code"] for one in problem["errors"]] == ["directive_ended"]
    stale = await register.send("POST", f"directives/{departments}/remind", {}, 412, **{"If-Match": '"99"'})
    assert stale["type"].endswith("stale-version")


# --- who may ---


async def test_a_paper_counts_for_a_unit_only_when_that_unit_or_the_standing_agency_records_it(
    module_area: Area, process: Process, register: Register
) -> None:
    directive = await asking(register)
    async with calling(module_area, process, of_unit(HG1)) as ward:
        await paper(ward, directive, 403, issuer="UBND phường Hà Giang 2")
        await paper(ward, directive, 403, issuer_unit_id=HG2)
        own = await paper(ward, directive, issuer="UBND phường Hà Giang 1")
        theirs = await paper(register, directive, issuer_unit_id=HG2)
        await ward.send("PATCH", f"directives/{theirs}", {"subject": "Của ai"}, 403)
        await ward.send("PATCH", f"directives/{own}", {"issuer_unit_id": HG2}, 403)
        await do(ward, theirs, "withdraw", 403, words="Thu hồi hộ", effective_on="2026-11-20")
        await ward.send("PATCH", f"directives/{own}", {"subject": "Của mình"}, 200)
        for nobodys in (directive, await paper(register, directive, issuer="Politburo")):
            await ward.send("PATCH", f"directives/{nobodys}", {"subject": "Của Trung ương"}, 403)
            await do(ward, nobodys, "repeal", 403, words="Bãi bỏ hộ", effective_on="2026-11-20")
        await paper(ward, directive, 403, issuer="Politburo")
    async with calling(module_area, process, Actor("client", "reader", SCOPES - {"directives:write"})) as reader:
        await do(reader, directive, "remind", 403)
        await matrix(reader, directive)
    async with calling(module_area, process, Actor("client", "blind", PROVINCE.scopes - {"directives:read"})) as blind:
        for path in ("concretisation", "history"):
            await blind.get(f"directives/{directive}/{path}", 403)


async def test_the_rows_of_a_directive_are_found_by_an_index(process: Process) -> None:
    """What the matrix asks is a prefix of a declared index: its cost is the register's, not that of the tasks."""
    declared = [[name for name, _ in index.document["key"].items()] for index in CONCRETISATIONS.indexes]
    assert ["directive_id", "unit_id"] in declared
    assert ["_d.papers"] in declared
    assert ["_d.asks_issuer"] in [[name for name, _ in index.document["key"].items()] for index in DIRECTIVES.indexes]
