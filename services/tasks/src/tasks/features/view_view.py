"""A saved list as its owner sees it."""

from __future__ import annotations

from urllib.parse import urlencode

from pydantic import Field

from common.http import View
from tasks.domain.views import TaskList
from tasks.features.task_filters import FILTERS, Filters


class TaskListView(View):
    name: str
    title: str
    asks: Filters
    tasks: str = Field(description="Where its tasks are listed", examples=["/v1/tasks?view=late-this-week"])
    version: int

    @classmethod
    def of(cls, saved: TaskList) -> TaskListView:
        return cls(
            name=saved.name,
            title=saved.title,
            asks=FILTERS.validate_python(saved.asks),
            tasks=f"/v1/tasks?{urlencode({'view': saved.name})}",
            version=saved.version,
        )
