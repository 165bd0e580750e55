"""Whom a directive asks to concretise it, as callers say it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tasks.features.task_content import AskedUnits


class AsksOf(AskedUnits):
    """These units, and in how many working days."""

    working_days: Annotated[
        int | None, Field(strict=True, ge=1, le=1000, description="Days that the paper gives from its issue, if it says so")
    ] = None
