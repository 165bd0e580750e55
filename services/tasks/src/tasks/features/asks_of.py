"""Whom a directive asks to concretise it, as callers say it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from common.http import Command
from tasks.domain.concretisation import Asked
from tasks.domain.directory import Level
from tasks.domain.text import each_once
from tasks.features.task_content import Id


class AsksOf(Command):
    """Units of these levels, as the register has them on the day that is looked at, and the units that are named."""

    levels: Annotated[list[Level], Field(default_factory=list, max_length=6, examples=[["commune"]]), AfterValidator(each_once)]
    unit_ids: Annotated[list[Id], Field(default_factory=list, max_length=500), AfterValidator(each_once)]
    working_days: Annotated[
        int | None, Field(strict=True, ge=1, le=1000, description="Days that the paper gives from its issue, if it says so")
    ] = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.levels or self.unit_ids):
            raise PydanticCustomError("missing", "levels or unit_ids: a directive that asks nobody has no asks_of")
        return self

    def asked(self) -> Asked:
        return Asked.model_validate(self.model_dump())
