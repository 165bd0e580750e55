"""A list of tasks that somebody keeps under a name: what it asks for and in which order (chế độ xem đã lưu)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from common.domain import Aggregate


class TaskList(Aggregate):
    """Belongs to one caller, a person or a partner system, and is seen by no other one."""

    noun: ClassVar = ("danh sách đã lưu", "saved list")
    owner: str
    name: str
    title: str = ""
    asks: dict[str, Any] = Field(default_factory=dict)
    """What is asked for by the names of `GET /v1/tasks`, its order among it."""

    @staticmethod
    def id_of(owner: str, name: str) -> str:
        return f"{owner}/{name}"
