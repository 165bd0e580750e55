"""What callers say of a task's content, and whether the ids in it are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from common.contracts.fields import IsoDay
from common.errors import FieldProblem, Invalid, Words
from common.http import Command
from common.repository import Reader, Store
from tasks.domain.concretisation import Asked
from tasks.domain.deadline import Cadence
from tasks.domain.directory import Level
from tasks.domain.product import EvidenceKind, ProductKind
from tasks.domain.text import each_once, tidy
from tasks.features.merge_patch import MergePatch
from tasks.store import DIRECTIVES, PEOPLE, UNITS, by_id

Text = Annotated[str, AfterValidator(tidy), Field(max_length=2000)]
Title = Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=500, examples=["Rà soát tài khoản người dùng"])]
Criterion = Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=500)]
Id = Annotated[str, Field(min_length=1, max_length=128)]


class AskedUnits(Command):
    """Units of these levels, as the register has them on the day that is looked at, and the units that are named."""

    levels: Annotated[list[Level], Field(default_factory=list, max_length=6, examples=[["commune"]]), AfterValidator(each_once)]
    unit_ids: Annotated[list[Id], Field(default_factory=list, max_length=500), AfterValidator(each_once)]

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.levels or self.unit_ids):
            raise PydanticCustomError("missing", "levels or unit_ids: what asks nobody has no asks_of")
        return self

    def asked(self) -> Asked:
        return Asked.model_validate(self.model_dump())


class TaskContent(MergePatch):
    """Fields that say what a task is. Text is emptied with "", an id or a day is taken away with null."""

    title: Title = ""
    group: Text = ""
    directive_id: Id | None = None
    parent_reference: Text = Field("", description="The superior task that it comes from, as written", examples=["NV 39, 40"])
    parent_task_ids: Annotated[
        list[Id],
        Field(default_factory=list, max_length=20, description="The tasks above that it carries out; no task above itself"),
        AfterValidator(each_once),
    ]
    asks_of: AskedUnits | None = Field(None, description="Whom it asks for a task of their own below it")
    lead_written: Text = Field("", description="The lead as the plan words it")
    lead_unit_id: Id | None = None
    coordinators_written: Text = ""
    coordinator_unit_ids: Annotated[list[Id], Field(default_factory=list, max_length=200), AfterValidator(each_once)]
    responsible_id: Id | None = None
    approver_id: Id | None = None
    deadline_written: Text = Field(
        "", description="The deadline as worded; `due_on` is read from it unless given as well", examples=["Quý II/2026"]
    )
    due_on: IsoDay | None = None
    starts_on: IsoDay | None = None
    calendar: Cadence | None = Field(None, description="How often a result is due: each period has its own")
    period_day: Annotated[
        int | None, Field(strict=True, ge=1, le=31, description="Day of its last month by which a period's result is due")
    ] = None
    product: Text = Field("", description="The kinds of product and evidence are read from it unless given as well")
    product_kind: ProductKind | None = None
    evidence_kind: EvidenceKind | None = None
    criteria: Annotated[
        list[Criterion],
        Field(
            default_factory=list, max_length=50, description="By what the product is accepted", examples=[["100 % tài khoản"]]
        ),
        AfterValidator(each_once),
    ]
    authority: Text = Field("", description="Who may decide, extend and close, by which paper (rõ thẩm quyền)")

    def given(self) -> dict[str, Any]:
        asked = {} if self.asks_of is None else {"asks_of": self.asks_of.asked()}
        return super().given() | asked


_NOUNS = {
    UNITS.collection: (Words("đơn vị", "unit"), Words("Hãy tìm bằng GET /v1/units?q=.", "Look it up by GET /v1/units?q=.")),
    PEOPLE.collection: (
        Words("người", "person"), Words("Hãy đăng ký bằng POST /v1/people.", "Register them by POST /v1/people.")
    ),
    DIRECTIVES.collection: (
        Words("văn bản", "directive"), Words("Hãy đăng ký bằng POST /v1/directives.", "Register it by POST /v1/directives.")
    ),
}  # fmt: skip


async def check_known(
    reader: Reader, given: Mapping[str, Any], *, named_as: str = "directive_id", unit_as: str = "lead_unit_id"
) -> None:
    """Raise `Invalid`, field by field, for ids of units, people and directives that nobody has registered.

    `named_as` is what the caller calls the field `directive_id`, `unit_as` the field `lead_unit_id`.
    """
    coordinators = {f"coordinator_unit_ids.{place}": key for place, key in enumerate(given.get("coordinator_unit_ids") or ())}
    asked = given.get("asks_of")
    coordinators |= {f"asks_of.unit_ids.{place}": key for place, key in enumerate(asked.unit_ids if asked else ())}
    papers = _named(given, "directive_id")
    leads = dict.fromkeys([unit_as], given["lead_unit_id"]) if given.get("lead_unit_id") is not None else {}
    problems = [
        *await _unknown(reader, UNITS, leads | coordinators),
        *await _unknown(reader, PEOPLE, _named(given, "responsible_id", "approver_id")),
        *await _unknown(reader, DIRECTIVES, dict.fromkeys([named_as] if papers else [], papers.get("directive_id", ""))),
    ]
    if problems:
        raise Invalid(
            Words(f"Có {len(problems)} mã chưa có trong danh mục.", f"{len(problems)} ids are not in the register."), problems
        )


def _named(given: Mapping[str, Any], *fields: str) -> dict[str, str]:
    return {field: given[field] for field in fields if given.get(field) is not None}


async def _unknown(reader: Reader, store: Store[Any], wanted: Mapping[str, str]) -> list[FieldProblem]:
    known = await by_id(reader, store, wanted.values())
    noun, repair = _NOUNS[store.collection]
    message = Words(f"Không có {noun.vi} này trong danh mục.", f"There is no such {noun.en} in the register.")
    code = f"{noun.en}_unknown"
    return [FieldProblem(field, code, message, repair, key) for field, key in wanted.items() if key not in known]
