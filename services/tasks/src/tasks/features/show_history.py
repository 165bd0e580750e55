"""What happened to a task, as its minutes tell it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from common.errors import Words
from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.task import HistoryLine
from tasks.features.task_command import find_task
from tasks.store import HISTORY

routes = Routes("tasks")

_TOLD: dict[str, Words] = {
    "drafted": Words("Lập nhiệm vụ", "Written down"),
    "amended": Words("Sửa nội dung", "Amended"),
    "published": Words("Ban hành", "Published"),
    "assigned": Words("Giao việc", "Assigned"),
    "accepted": Words("Nhận việc", "Accepted"),
    "refused": Words("Từ chối, trả về nơi giao", "Refused: handed back"),
    "progress_reported": Words("Báo cáo tiến độ", "Progress reported"),
    "evidence_added": Words("Thêm minh chứng", "Evidence added"),
    "submitted": Words("Trình duyệt", "Submitted"),
    "returned": Words("Trả lại để bổ sung", "Sent back to be mended"),
    "completed": Words("Nghiệm thu, hoàn thành", "Completed"),
    "paused": Words("Tạm dừng", "Paused"),
    "resumed": Words("Tiếp tục", "Resumed"),
    "cancelled": Words("Hủy", "Cancelled"),
    "fell_due_soon": Words("Sắp đến hạn", "Fell due soon"),
    "became_overdue": Words("Quá hạn", "Became overdue"),
}
"""What each line says, for readers; a line of a newer version of the code is shown by its code."""


class HistoryEntry(View):
    number: int
    at: datetime
    actor: str = Field(description="`person:<id>`, `client:<id>` or `system:<service>`")
    what: str = Field(examples=["returned"])
    title: str = Field(description="The same in words", examples=["Trả lại để bổ sung"])
    words: str = Field(description="On which words it was done")
    changes: dict[str, list[Any]] = Field(description="Field: [before, after]")

    @classmethod
    def of(cls, line: HistoryLine) -> HistoryEntry:
        title = _TOLD.get(line.what)
        shown = line.model_dump(include={"number", "at", "actor", "what", "words", "changes"})
        return cls(**shown, title=line.what if title is None else str(title))


@routes.get("/tasks/{task_id}/history", response_model=Items[HistoryEntry])
async def show_history(task_id: str, call: Annotated[Call, reads("tasks:read")], listing: Paged) -> Response:
    """What happened, when, by whom, on which words, with the fields that changed; oldest first, as minutes are read."""
    task = await find_task(call.reader, call.actor, task_id)
    after = int(call.after(listing) or 0)
    query = {"task_id": task.id, "number": {"$gt": after}}
    lines = await call.reader.find(HISTORY, query, sort=("number",), limit=listing.limit + 1)
    return call.page(lines, listing, lambda line: str(line.number), HistoryEntry.of)
