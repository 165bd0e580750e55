"""The rules of tasks, held against the real plans in `data/`: no server, no clock but the one given."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.fields import Timeliness
from common.contracts.tasks import CommitteeSettingsChanged
from common.domain import Actor, local_day
from common.errors import Forbidden, NotFound, RuleBroken
from services.tasks.tests.task_world import NOW, PEOPLE_OF, TODAY, A, B, a_task
from tasks import store
from tasks.domain.clears import Clear, Facts, check_stays_clear, clears, unclear, unfit
from tasks.domain.committee import Committee
from tasks.domain.deadline import UNDATED, WAITING, Deadline, Kind, findings_of, last_day, read_deadline
from tasks.domain.document_number import TYPES, read_number
from tasks.domain.leads import Names
from tasks.domain.matters import OpenPeriod
from tasks.domain.periods import span_of
from tasks.domain.permissions import (
    check_acts_for_province,
    check_does,
    check_manages,
    check_reviews,
    check_sees,
    check_standing_agency,
)
from tasks.domain.product import PROOF, read_product
from tasks.domain.reading import read_words
from tasks.domain.task import State, Task
from tasks.domain.text import fold, same_name, tidy, tokens
from tasks.domain.timeliness import days_left, matching, next_due, timeliness, verdict

DATA = Path(__file__).parents[3] / "data"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


TASKS = {row["task_uid"]: row for row in rows("tasks.csv")}
NAMES = Names(name for body in rows("agencies.csv") for name in (body["name_vi"], *body["formed_from"].split("; ")) if name)

# --- deadlines ---

EXAMPLES = [(row["kind"], example) for row in rows("deadline_patterns.csv") for example in (row["examples"] or "").split(" | ")]


@pytest.mark.parametrize(("kind", "written"), EXAMPLES)
def test_each_kind_of_deadline_is_told_from_the_others(kind: str, written: str) -> None:
    read = read_deadline(written)
    assert (read.kind, read.written) == (kind, written)
    dated = ("date", "month", "quarter", "year", "year_range", "date_then_maintain", "first_then_monthly")
    assert (read.due_on is not None) == (kind in dated)
    assert read.due_on is not None or read.kind in UNDATED, "what has no day says how to mend that"


def test_all_186_rows_are_read_as_the_plans_mean_them() -> None:
    """The column `deadline_date` also gives the first checkpoint of what is open-ended: there it is the first period's."""
    for row in TASKS.values():
        read = read_deadline(row["deadline_raw"])
        assert read.kind == row["deadline_kind"], row
        due = read.due_on
        if read.kind is Kind.OPEN_ENDED:
            assert due is None
            assert read.starts_on is not None
            due = span_of(read.starts_on, "year", Committee()).due_on
        assert str(due or "") == row["deadline_date"], row
        precision = "year" if read.precision == "year_range" else read.precision  # golden case G059 calls it so
        assert precision in (row["deadline_precision"], "")


@pytest.mark.parametrize(
    ("written", "due_on", "precision"),
    [
        ("Quý II/2025", "2025-06-30", "quarter"),  # G058
        ("quý IV năm 2026", "2026-12-31", "quarter"),
        ("02/2028", "2028-02-29", "month"),
        ("tháng 2 năm 2026", "2026-02-28", "month"),
        ("Hoàn thành trước ngày 30/9/2026", "2026-09-30", "day"),
        ("30-9-2026", "2026-09-30", "day"),
        ("30.9.2026", "2026-09-30", "day"),
        ("năm 2026", "2026-12-31", "year"),
        (unicodedata.normalize("NFD", "Quý II/2025"), "2025-06-30", "quarter"),
    ],
)
def test_a_period_is_due_on_its_last_day(written: str, due_on: str, precision: str) -> None:
    read = read_deadline(written)
    assert (str(read.due_on), read.precision) == (due_on, precision)


@pytest.mark.parametrize("written", ["31/02/2026", "13/2026", "00/2026", "quý V/2026", "sớm", "30/11", "2026 hoặc 2027"])
def test_what_is_no_deadline_is_not_guessed(written: str) -> None:
    assert read_deadline(written) == Deadline(written, Kind.UNREAD)


def test_a_name_in_the_deadline_cell_means_that_the_columns_slipped() -> None:
    assert read_deadline("Văn phòng UBND tỉnh, Sở Tư pháp", ["Sở Tư pháp"]).kind is Kind.COLUMN_SHIFT


def codes(written: str, issued_on: date | None) -> list[tuple[str, str]]:
    return [(found.code, found.severity) for found in findings_of(read_deadline(written), issued_on)]


ISSUED = date(2026, 7, 28)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("25/7/2026", [("deadline_before_issue_date", "warning")]),  # G052
        ("30/7/2026", [("deadline_within_2_days_of_issue", "warning")]),  # G053
        ("28/7/2026", [("deadline_within_2_days_of_issue", "warning")]),
        ("31/7/2026", []),
        ("30 ngày sau khi Trung ương ban hành", [("deadline_relative_event", "warning")]),  # G055
        ("Hoàn thành trước ngày 30/9/2026 và duy trì liên tục", [("deadline_date_then_maintain", "info")]),  # G056
        ("Quý III/2026", [("deadline_only_quarter", "info")]),  # G058
        ("2026 - 2027", [("deadline_year_range", "info")]),  # G059
        ("7/2026", [("deadline_only_month", "info")]),
        ("2025", [("deadline_only_year", "info"), ("deadline_before_issue_date", "warning")]),
        ("", [("deadline_missing", "warning")]),
    ],
)
def test_golden_cases_of_deadlines_at_import(written: str, expected: list[tuple[str, str]]) -> None:
    assert codes(written, ISSUED) == expected
    for found in findings_of(read_deadline(written), ISSUED):
        assert found.quote == (written or "(ô để trống)")
        assert found.message.vi
        assert found.repair.en


@given(st.integers(2000, 2099), st.integers(1, 12), st.integers(1, 31), st.sampled_from("/.-"))
def test_every_day_that_there_is_is_read_and_no_other(year: int, month: int, day: int, between: str) -> None:
    read = read_deadline(f"{day}{between}{month}{between}{year}")
    there_is = day <= last_day(year, month).day
    assert read.due_on == (date(year, month, day) if there_is else None)


# --- numbers of papers ---


@pytest.mark.parametrize("row", rows("doc_number_tests.csv"), ids=lambda row: str(row["input"]))
def test_numbers_are_read_as_expected(row: dict[str, str]) -> None:
    read = read_number(row["input"])
    assert (read.standing, read.system, read.number, read.year, read.type, read.issuer) == tuple(
        row[name] for name in ("expect", "system", "number", "year", "type", "issuer")
    )


def test_every_type_of_paper_is_known_to_its_system() -> None:
    """29 of Decree 30/2020, of which the official letter and the `thư công` have no code, and 8 of the Party and the law."""
    listed = rows("doc_types.csv")
    known = [(code, row["system"]) for row in listed if row["code"] for code in row["code"].split(" or ")]
    assert (len(listed), len(known)) == (37, 36)
    assert all(system in TYPES[code][1] for code, system in known)
    for code, system in known:
        written = {"party": f"12-{code}/TU", "state_admin": f"12/{code}-UBND", "state_law": f"12/2025/{code}-CP"}[system]
        read = read_number(written)
        assert (read.standing, read.type, read.system) == ("valid", code, system), written


def test_spellings_of_one_paper_meet_and_papers_that_differ_do_not() -> None:
    assert read_number("3/NQ-CP").canonical == read_number("03/NQ-CP").canonical == "03/NQ-CP"
    assert read_number("757/QĐ–BKHCN").canonical == "757/QĐ-BKHCN"
    assert read_number("278/2025/ND-CP").canonical == "278/2025/NĐ-CP"
    assert read_number("12/qđ-UBND").canonical == read_number("12/Qd-UBND").canonical == "12/QĐ-UBND"
    assert read_number("5/CTR-UBND").canonical == "05/CTr-UBND"
    letter = read_number("5 / UBND–NC")
    assert (letter.canonical, letter.standing, letter.type, letter.issuer) == ("05/UBND-NC", "alias", "", "UBND-NC")
    assert (read_number("000/QĐ-UBND").number, read_number("000/UBND-NC").number) == ("0", "0")
    assert read_number(" xin  chào ").canonical == "xin chào", "what is none stays as it was written"
    assert read_number("12/2025/QĐ-UBND").canonical != read_number("12/QĐ-UBND").canonical
    assert read_number("53-NQ/HĐND").system == "state_admin", "the Party's hyphen on a paper of the State"
    assert read_number("66.7/2025/NQ-CP").order < read_number("66.18/2025/NQ-CP").order, "parts, no decimals"


@pytest.mark.parametrize("written", ["", "xin chào", "12", "NQ", "số 5", "12/34/56", "🙂"])
def test_what_is_no_number_is_not_guessed(written: str) -> None:
    assert read_number(written).standing == "unreadable"


@given(st.text(max_size=60))
def test_any_text_can_be_asked_about(written: str) -> None:
    assert read_number(written).canonical == read_number(written).canonical
    assert read_deadline(written).kind in Kind
    assert NAMES.read(written).shape in ("none", "one", "several", "class")


# --- who leads ---

SHAPES = {"single": "one", "several": "several", "generic_group": "class"}


def test_leads_of_all_plans_are_read_as_the_plans_mean_them() -> None:
    """One row differs from the column `lead_kind`: NQ03-046 names three ministries beside "các địa phương". The column
    calls it a class, G070 and we "several"; NQ03-002, built alike, is several in the column too.
    """
    differ = {
        key: (row["lead_kind"], NAMES.read(row["lead_as_written"]).shape)
        for key, row in TASKS.items()
        if NAMES.read(row["lead_as_written"]).shape != SHAPES[row["lead_kind"]]
    }
    assert differ == {"NQ03-046": ("generic_group", "several")}
    national = Counter(NAMES.read(row["lead_as_written"]).shape for key, row in TASKS.items() if key.startswith("NQ03"))
    assert national == {"one": 92, "several": 19, "class": 29}


@pytest.mark.parametrize(
    ("written", "named", "classes"),
    [
        ("Bộ Văn hóa, Thể thao và Du lịch", ("Bộ Văn hóa, Thể thao và Du lịch",), ()),  # G068
        ("Bộ Công An", ("Bộ Công an",), ()),  # G071
        ("Bộ Tài nguyên và môi trường", ("Bộ Tài nguyên và Môi trường",), ()),  # G071
        ("VTV, VOV, TTXVN, các địa phương", ("VTV", "VOV", "TTXVN"), ("các địa phương",)),  # G073
        ("Các bộ, ngành, địa phương", (), ("Các bộ", "ngành", "địa phương")),
        ("Các bộ, ngành liên quan", (), ("Các bộ", "ngành liên quan")),
        ("Các tỉnh, thành phố trực thuộc TW", (), ("Các tỉnh", "thành phố trực thuộc TW")),
        ("các bộ, Hội đồng tư vấn", ("Hội đồng tư vấn",), ("các bộ",)),
        ("ban điều hành, các bộ", ("ban điều hành",), ("các bộ",)),
        ("", (), ()),
    ],
)
def test_names_are_matched_whole_and_never_split_on_commas(written: str, named: tuple[str], classes: tuple[str]) -> None:
    read = NAMES.read(written)
    assert (read.named, read.classes) == (named, classes)


def test_a_name_inside_a_longer_one_is_not_read_out_of_it() -> None:
    names = Names(["Ủy ban nhân dân", "Ủy ban nhân dân tỉnh", "tỉnh"])
    assert names.read("Ủy ban nhân dân tỉnh").named == ("Ủy ban nhân dân tỉnh",)


def test_a_comma_inside_a_ministrys_name_is_a_variant_of_it() -> None:
    """G070: NQ03 row 46."""
    read = NAMES.read(TASKS["NQ03-046"]["lead_as_written"])
    assert read.named == ("Bộ Khoa học và Công nghệ", "Bộ Thông tin và Truyền thông", "Bộ Kế hoạch và Đầu tư")
    assert (read.classes, read.variants) == (("các địa phương",), ("Bộ Khoa học, Công nghệ",))


# --- settings ---


def test_the_committee_tells_what_it_decided_and_nothing_when_it_decides_the_same() -> None:
    rules = Committee()
    assert rules.decide({"nearly_due_days": 5, "lateness_counts": "submission"})
    (event,) = rules.take_recorded()
    assert isinstance(event, CommitteeSettingsChanged)
    assert (event.fields, event.nearly_due_days) == (["nearly_due_days"], 5)
    assert not rules.decide({"nearly_due_days": 5})
    assert rules.take_recorded() == []


def test_what_holds_until_a_committee_decides() -> None:
    """Each with its source, or as ours, in `Committee`; a province that decided nothing lives by them."""
    rules = Committee()
    assert [(step.days, step.level) for step in rules.escalations] == [
        (3, "unit_head"), (5, "standing_agency"), (10, "committee_leader"),
    ]  # fmt: skip
    numbers = (rules.nearly_due_days, rules.period_due_day, rules.ask_again_days, rules.remind_again_days)
    assert numbers == (3, 31, 30, 7)
    assert (rules.dispute_answer_days, rules.remedy_plan_days, rules.commitment_days) == (5, 5, 1)
    asked = (rules.authority_required, rules.evidence_source_required, rules.evidence_reviewed, rules.criteria_proven)
    assert asked == (False, False, False, True)


# --- text ---


def test_spellings_meet_and_names_stay_apart() -> None:
    """G067, and names that differ by more than the place of a tone mark."""
    assert tidy(unicodedata.normalize("NFD", "Đồng Văn")) == "Đồng Văn"
    assert same_name("Yên Hoà", "Yên Hòa")
    assert same_name("Bộ Công An", "Bộ Công an")
    assert not same_name("Phố Bảng", "Phó Bảng")
    assert fold("Đồng Văn") == fold(unicodedata.normalize("NFD", "ĐỒNG  VĂN")) == "dong van"
    assert tokens("Rà soát, rà soát tài khoản!") == ["ra", "soat", "tai", "khoan"]


# --- products ---


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("Quyết định của Thủ tướng Chính phủ", "document"),
        ("Hệ thống đưa vào vận hành", "system"),
        ("Tỷ lệ hồ sơ trực tuyến đạt 80%", "measure"),
        ("Lớp tập huấn", "event"),
        ("Các hoạt động hợp tác", None),
        ("", None),
    ],
)
def test_the_words_of_a_product_say_what_kind_it_is(written: str, kind: str | None) -> None:
    assert read_product(written) == kind


def test_most_products_of_the_plans_are_read_and_the_others_are_asked_about() -> None:
    unread = {key for key, row in TASKS.items() if row["product_short"] and read_product(row["product_short"]) is None}
    assert len(unread) == 11
    assert sum(not row["product_short"] for row in TASKS.values()) == 9
    for key in unread:
        task = a_task(product=TASKS[key]["product_short"], product_kind=None, evidence_kind=None)
        assert against(task, "result") == {"product_kind_missing": TASKS[key]["product_short"]}


def test_words_are_read_anew_when_they_change_unless_their_meaning_is_given() -> None:
    read = read_words({"deadline_written": "Quý II/2026", "product": "Hệ thống dữ liệu"})
    assert (read["deadline_kind"], read["due_on"]) == ("quarter", date(2026, 6, 30))
    assert (read["product_kind"], read["evidence_kind"]) == ("system", PROOF["system"])
    kept = read_words({"deadline_written": "Quý II/2026", "due_on": TODAY, "product": "Báo cáo", "product_kind": "event"})
    assert (kept["deadline_kind"], kept["due_on"], kept["product_kind"]) == ("quarter", TODAY, "event")
    assert read_words({"product": "Báo cáo"}, product_before="Báo cáo") == {"product": "Báo cáo"}, "nothing changed"
    assert read_words({"deadline_written": "thường xuyên"}, deadline_before="2025")["due_on"] is None
    assert read_words({"due_on": TODAY})["deadline_kind"] == "date"
    assert read_words({"due_on": None})["deadline_kind"] == "missing"
    assert "deadline_kind" not in read_words({"due_on": TODAY}, deadline_before="Theo kế hoạch")
    assert read_words({"product_kind": None})["evidence_kind"] is None
    assert read_words({"title": "x"}) == {"title": "x"}


# --- clears ---


SUCCESSORS = {"Bộ Thông tin và Truyền thông": "Bộ Khoa học và Công nghệ"}
"""Of 1 March 2025 (data/agencies.csv)."""


def facts(task: Task, **rules: Any) -> Facts:
    leads = NAMES.read(task.lead_written)
    ended = {name: SUCCESSORS[name] for name in leads.named if name in SUCCESSORS}
    return Facts(PEOPLE_OF, leads, Committee(**rules), ended)


def against(task: Task, key: str, **rules: Any) -> dict[str, str | None]:
    """What speaks against one clear of the task: code and quoted words."""
    (clear,) = [clear for clear in clears(task, facts(task, **rules)) if clear.key == key]
    assert clear.met == (not clear.against)
    assert all(reason.message.vi and reason.message.en and reason.repair.vi and reason.repair.en for reason in clear.against)
    return {reason.code: reason.quote for reason in clear.against}


def imported(key: str) -> Task:
    """A row of the plans as a draft: words, and what the words say."""
    row = TASKS[key]
    written = {
        "title": row["title_short"], "lead_written": row["lead_as_written"], "deadline_written": row["deadline_raw"],
        "product": row["product_short"],
    }  # fmt: skip
    return Task(id=key, created_at=NOW, **read_words(written))


def test_nq03_114_is_unclear_for_four_reasons_and_the_approver_each_with_its_words() -> None:
    task = imported("NQ03-114")
    found = clears(task, facts(task))
    assert [(clear.key, clear.met) for clear in found] == [
        ("person", False), ("work", True), ("time", False), ("responsibility", False), ("result", False),
    ]  # fmt: skip
    assert {reason.code: reason.quote for clear in found for reason in clear.against} == {
        "lead_several": "Bộ Công an, Bộ Tài chính, Bộ Công Thương, Bộ Thông tin và Truyền thông",
        "lead_abolished": "Bộ Thông tin và Truyền thông",
        "responsible_missing": "(ô để trống)",
        "deadline_open_ended": "2025 và những năm tiếp theo",
        "approver_missing": "(ô để trống)",
        "product_missing": "(ô để trống)",
    }
    several = next(reason for reason in unclear(task, facts(task)) if reason.code == "lead_several")
    assert "4" in several.message.vi
    assert all(name in several.repair.vi for name in ("Bộ Công an", "Bộ Tài chính", "Bộ Công Thương"))
    assert "Bộ Khoa học và Công nghệ" in several.repair.vi
    assert "Bộ Thông tin và Truyền thông" not in several.repair.vi, "a body that has ended is no choice"


def test_no_row_of_the_plans_can_be_published_as_it_is_written() -> None:
    """DOMAIN 2.2: a person is named by 0 of 140, 0 of 53 and 0 of 32 rows."""
    for key in TASKS:
        task = imported(key)
        found = unclear(task, facts(task))
        assert {"responsible_missing", "approver_missing"} <= {reason.code for reason in found}, key
        with pytest.raises(RuleBroken) as broken:
            task.publish(found, TODAY)
        assert len(broken.value.errors) == len(found)
        assert all(reason.quote and reason.repair.vi for reason in broken.value.errors)
        assert (task.state, task.take_recorded()) == ("draft", [])


def test_a_clear_task_is_clear() -> None:
    assert clears(a_task(), facts(a_task())) == [
        Clear("person"), Clear("work"), Clear("time"), Clear("responsibility"), Clear("result"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"lead_unit_id": None, "lead_written": ""}, "person", {"lead_missing": "(ô để trống)"}),
        ({"lead_unit_id": None, "lead_written": "Các địa phương"}, "person", {"lead_class": "Các địa phương"}),
        ({"lead_unit_id": None, "lead_written": "Bộ Công an"}, "person", {"lead_unknown": "Bộ Công an"}),
        ({"responsible_id": "per-none"}, "person", {"person_unknown": "per-none"}),
        ({"responsible_id": "per-gone"}, "person", {"person_inactive": "per-gone"}),
        ({"responsible_id": "per-other"}, "person", {"responsible_elsewhere": "per-other"}),
        ({"title": "Đề án"}, "work", {}),
        ({"title": "CNTT"}, "work", {"work_not_stated": "CNTT"}),
        ({"title": "Đẩy mạnh  chuyển đổi số", "product_kind": None}, "work", {"work_vague": "Đẩy mạnh"}),
        ({"title": "Cần TĂNG CƯỜNG quản lý", "product_kind": None}, "work", {"work_vague": "TĂNG CƯỜNG"}),
        ({"title": "Đẩy mạnh chuyển đổi số"}, "work", {}),
        ({"title": "Xây dựng nền tảng", "product_kind": None}, "work", {}),
        ({"due_on": None, "deadline_written": "", "deadline_kind": "missing"}, "time", {"deadline_missing": "(ô để trống)"}),
        ({"due_on": None, "deadline_kind": "external", "deadline_written": "Theo kế hoạch"}, "time",
         {"deadline_external": "Theo kế hoạch"}),
        ({"due_on": None}, "time", {"deadline_missing": "30/11/2026"}),
        ({"coordinator_unit_ids": [B, A]}, "responsibility", {"lead_coordinates_itself": A}),
        ({"approver_id": None}, "responsibility", {"approver_missing": "(ô để trống)"}),
        ({"approver_id": "per-doer"}, "responsibility", {"approver_is_responsible": "per-doer"}),
        ({"approver_id": "per-gone"}, "responsibility", {"person_inactive": "per-gone"}),
        ({"approver_id": "per-other"}, "responsibility", {}),
        ({"product": "", "product_kind": "document"}, "result", {"product_missing": "(ô để trống)"}),
        ({"product_kind": None}, "result", {"product_kind_missing": "Báo cáo"}),
        ({"evidence_kind": None}, "result", {"evidence_kind_missing": "Báo cáo"}),
    ],
)  # fmt: skip
def test_each_breach_of_a_clear_is_named_with_its_words(changes: dict[str, Any], key: str, expected: dict[str, str]) -> None:
    task = a_task(**changes)
    assert against(task, key) == expected
    others = {clear.key for clear in clears(task, facts(task)) if not clear.met} - {key}
    assert others == ({"result"} if key == "work" and task.product_kind is None else set()), "nothing else is said against it"


def test_authority_is_asked_for_when_the_committee_does() -> None:
    assert [clear.key for clear in clears(a_task(), facts(a_task(), authority_required=True))][-1] == "authority"
    assert against(a_task(), "authority", authority_required=True) == {"authority_missing": "(ô để trống)"}
    assert against(a_task(authority="Chủ tịch UBND"), "authority", authority_required=True) == {}


def test_what_was_issued_may_not_become_less_clear_and_may_be_mended_in_part() -> None:
    task = a_task(state="published", responsible_id="per-gone")
    before = unclear(task, facts(task))
    check_stays_clear(task, facts(task), before)
    worse = task.model_copy(update={"due_on": None})
    with pytest.raises(RuleBroken) as broken:
        check_stays_clear(worse, facts(worse), before)
    assert [reason.code for reason in broken.value.errors] == ["deadline_missing"]
    check_stays_clear(worse.model_copy(update={"state": "draft"}), facts(worse), before)


def test_who_is_unfit_for_a_task() -> None:
    found = {person: [one.code for one in unfit(a_task(), person, PEOPLE_OF)] for person in (*PEOPLE_OF, "nobody", None)}
    assert found == {
        "per-doer": [], "per-second": [], "per-head": ["responsible_is_approver"], "per-gone": ["person_inactive"],
        "per-other": ["responsible_elsewhere"], "nobody": ["person_unknown"], None: ["responsible_missing"],
    }  # fmt: skip


@pytest.mark.parametrize(("written", "quote"), [("Sở Nội vụ", "Sở Nội vụ"), ("", "(ô để trống)")])
def test_a_task_without_lead_fits_nobody(written: str, quote: str) -> None:
    """It was taken from a unit whose function it is not; what the plan wrote of its lead is quoted."""
    found = unfit(a_task(lead_unit_id=None, lead_written=written), "per-doer", PEOPLE_OF)
    assert [(one.field, one.code, one.quote) for one in found] == [("lead_unit_id", "lead_missing", quote)]


# --- timeliness ---

SUBMISSION, APPROVAL = Committee(), Committee(lateness_counts="approval")


@pytest.mark.parametrize(
    ("left", "expected"),
    [(4, "in_time"), (3, "nearly_due"), (1, "nearly_due"), (0, "nearly_due"), (-1, "overdue")],  # G046, G047, G049
)
def test_colours_by_days_left(left: int, expected: str) -> None:
    task = a_task(state="in_progress", due_on=TODAY + timedelta(days=left))
    assert (timeliness(task, TODAY, SUBMISSION), days_left(task, TODAY)) == (expected, left)


@pytest.mark.parametrize(
    ("state", "own", "owed", "expected"),
    [
        ("in_progress", 30, -2, -2),  # late for a month alone: the days are those of the month
        ("in_progress", 2, 9, 2),
        ("in_progress", None, 4, 4),
        ("submitted", -5, -2, -2),
        ("submitted", -5, None, None),
        ("completed", -5, -2, -2),  # what was missed stays missed
        ("cancelled", 30, -2, None),
    ],
)
def test_days_are_left_to_whatever_is_to_be_handed_in_next(
    state: State, own: int | None, owed: int | None, expected: int | None
) -> None:
    periods = [] if owed is None else [OpenPeriod(key="2026-10", due_on=TODAY + timedelta(days=owed))]
    task = a_task(state=state, due_on=None if own is None else TODAY + timedelta(days=own), open_periods=periods)
    assert days_left(task, TODAY) == expected


@pytest.mark.parametrize(
    ("state", "own", "submitted", "period", "expected"),
    [
        ("in_progress", 5, None, None, 5),
        ("in_progress", 5, None, (2, None), 2),
        ("in_progress", 5, None, (2, 1), 5),  # handed in: its approval comes by its day, the work before
        ("submitted", 5, 5, None, 5),  # in time: to be approved
        ("submitted", 5, 5, (9, None), 9),  # in time: what is still to be handed in goes first
        ("submitted", 5, 6, (9, None), 5),  # late
        ("submitted", None, 6, (3, 1), 3),
        ("completed", 5, 5, None, None),
        ("completed", 5, 5, (-2, None), -2),
    ],
)
def test_lists_are_in_the_order_in_which_something_is_to_be_done(
    state: State, own: int | None, submitted: int | None, period: tuple[int, int | None] | None, expected: int | None
) -> None:
    def day(number: int | None) -> date | None:
        return None if number is None else TODAY + timedelta(days=number)

    periods = [] if period is None else [{"key": "p", "due_on": day(period[0]), "submitted_on": day(period[1])}]
    completed = TODAY if state == "completed" else None
    task = a_task(state=state, due_on=day(own), submitted_on=day(submitted), completed_on=completed, open_periods=periods)
    assert next_due(task) == day(expected)


def test_without_a_day_nothing_is_overdue() -> None:
    """G050; what waits for somebody else's paper says so."""
    for kind in Kind:
        task = a_task(state="in_progress", due_on=None, deadline_kind=kind.value)
        assert timeliness(task, date(2099, 1, 1), SUBMISSION) == ("waiting" if kind in WAITING else "no_due_date")
        assert days_left(task, TODAY) is None


def test_half_past_midnight_in_the_province_is_the_next_day() -> None:
    """G043."""
    moment = datetime(2026, 11, 30, 17, 30, tzinfo=UTC)
    task = a_task(state="completed", submitted_on=local_day(moment), completed_on=local_day(moment))
    assert timeliness(task, TODAY, SUBMISSION) == "done_late"
    earlier = local_day(moment - timedelta(minutes=31))
    assert timeliness(task.model_copy(update={"submitted_on": earlier}), TODAY, SUBMISSION) == "done_in_time"


def test_the_committee_says_whether_submission_or_approval_counts() -> None:
    """G044."""
    due = date(2026, 11, 30)
    task = a_task(state="completed", submitted_on=due, completed_on=due + timedelta(days=1))
    assert (timeliness(task, TODAY, SUBMISSION), timeliness(task, TODAY, APPROVAL)) == ("done_in_time", "done_late")
    handed_in = a_task(state="submitted", submitted_on=due)
    later = due + timedelta(days=1)
    assert (timeliness(handed_in, later, SUBMISSION), timeliness(handed_in, later, APPROVAL)) == ("in_time", "overdue")
    assert (verdict(handed_in, later, SUBMISSION), verdict(handed_in, later, APPROVAL)) == ("done_in_time", "done_late")
    assert verdict(handed_in.model_copy(update={"due_on": None}), later, APPROVAL) == "no_due_date"


def found_by(query: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    """What the database answers, of the few words that the query uses."""

    def holds(order: str, value: Any, bound: Any) -> bool:
        match order:
            case "$in" | "$nin":
                return (value in bound) is (order == "$in")
            case "$ne":
                return bool(value != bound)
            case "$not":
                return not all(holds(each, value, wanted) for each, wanted in bound.items())
        if value is None or bound is None:
            return False
        return bool({"$lt": value < bound, "$lte": value <= bound, "$gt": value > bound, "$gte": value >= bound}[order])

    for name, wanted in query.items():
        if name == "$or":
            good = any(found_by(each, one) for each in wanted)
        elif name == "$and":
            good = all(found_by(each, one) for each in wanted)
        elif name == "$expr":
            ((order, (left, right)),) = wanted.items()
            good = holds(order, one[left[1:]], one[right[1:]])
        elif isinstance(wanted, Mapping):
            good = all(holds(order, one[name], bound) for order, bound in wanted.items())
        else:
            good = one[name] == wanted
        if not good:
            return False
    return True


@pytest.mark.parametrize("rules", [SUBMISSION, APPROVAL, Committee(nearly_due_days=0)])
@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("kind", ["date", "external"])
@pytest.mark.parametrize("period", [None, (-1, None), (0, None), (2, None), (4, None), (-1, -2), (-2, -1), (2, 0)])
def test_the_query_says_what_the_rule_says(
    rules: Committee, state: State, kind: str, period: tuple[int, int | None] | None
) -> None:
    periods = []
    if period is not None:
        due_on, submitted_on = (None if days is None else TODAY + timedelta(days=days) for days in period)
        periods = [{"key": "p", "due_on": due_on, "submitted_on": submitted_on}]
    near = [None, *(TODAY + timedelta(days=days) for days in (-1, 0, 1, 3, 4))]
    for due in near:
        for handed_in in near[1:] if state in ("submitted", "completed") else [None]:
            for approved in near[1:] if state == "completed" else [None]:
                days = {"due_on": due, "submitted_on": handed_in, "completed_on": approved}
                task = a_task(state=state, deadline_kind=kind, open_periods=periods, **days)
                kept = store.TASKS.dump(task)
                kept |= {f"_d.{name}": value for name, value in kept["_d"].items()}
                found = [wanted for wanted in get_args(Timeliness) if found_by(matching(wanted, TODAY, rules), kept)]
                expected = timeliness(task, TODAY, rules)
                assert found == ([] if expected is None else [expected]), task


ORDER: list[Timeliness] = ["in_time", "nearly_due", "overdue"]
DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
RULES = st.builds(Committee, nearly_due_days=st.integers(0, 60), lateness_counts=st.sampled_from(["submission", "approval"]))


@given(st.sampled_from(["draft", "published", "assigned", "in_progress", "submitted"]), DAYS, DAYS, DAYS, DAYS, RULES)
def test_as_days_go_by_a_task_never_gets_less_late(
    state: str, due: date, submitted: date, one: date, other: date, rules: Committee
) -> None:
    task = a_task(state=state, due_on=due, submitted_on=submitted if state == "submitted" else None)
    earlier, later = (timeliness(task, day, rules) for day in sorted((one, other)))
    assert earlier is not None
    assert later is not None
    assert ORDER.index(earlier) <= ORDER.index(later)


@given(DAYS, DAYS, DAYS, RULES)
def test_what_is_done_stays_as_it_was_judged(due: date, submitted: date, today: date, rules: Committee) -> None:
    completed = max(submitted, today)
    handed_in = a_task(state="submitted", due_on=due, submitted_on=submitted)
    done = handed_in.model_copy(update={"state": "completed", "completed_on": completed})
    judged = verdict(handed_in, completed, rules)
    assert timeliness(done, completed, rules) == judged == timeliness(done, date(2099, 1, 1), rules)


# --- who may ---

PERSON_A = frozenset({A})


@pytest.mark.parametrize(
    ("actor", "sees", "manages", "does", "reviews"),
    [
        (Actor("client", "province"), True, True, True, True),
        (Actor("client", "of-a", units=frozenset({A})), True, True, True, True),
        (Actor("client", "of-b", units=frozenset({B})), True, False, False, False),
        (Actor("client", "of-c", units=frozenset({"c"})), False, False, False, False),
        (Actor("person", "per-doer", units=PERSON_A), True, True, True, False),
        (Actor("person", "per-head", units=PERSON_A), True, True, False, True),
        (Actor("person", "per-second", units=PERSON_A), True, True, False, False),
        (Actor("person", "per-doer", units=frozenset()), True, False, True, False),
        (Actor("person", "per-other", units=frozenset({"c"})), False, False, False, False),
        (Actor("client", "per-doer", units=frozenset({"c"})), False, False, False, False),
    ],
)
def test_who_sees_manages_does_and_reviews(actor: Actor, sees: bool, manages: bool, does: bool, reviews: bool) -> None:
    task = a_task(coordinator_unit_ids=[B])
    for check, allowed in ((check_sees, sees), (check_manages, manages), (check_does, does), (check_reviews, reviews)):
        if allowed:
            check(actor, task)
        else:
            with pytest.raises(Forbidden if sees else NotFound):
                check(actor, task)


def test_the_whole_provinces_settings_and_reports_are_for_who_acts_for_it() -> None:
    for check in (check_acts_for_province, check_standing_agency):
        check(Actor("client", "province"))
        with pytest.raises(Forbidden):
            check(Actor("client", "of-a", units=frozenset({A})))
