"""The kind of a notice, as callers may name it: the table of reactions is the list."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from notifications.domain.reactions import KINDS


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise PydanticCustomError("enum", "Input should be {expected}", {"expected": ", ".join(KINDS)})
    return kind


Kind = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(KINDS)}, examples=[KINDS[0]])]
