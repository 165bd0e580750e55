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
    "period_opened": Words("Mở kỳ báo cáo", "Period opened"),
    "period_evidence_added": Words("Thêm minh chứng của kỳ", "Evidence of a period added"),
    "period_submitted": Words("Trình kết quả của kỳ", "Result of a period submitted"),
    "period_returned": Words("Trả lại kết quả của kỳ", "Result of a period sent back"),
    "period_closed": Words("Nghiệm thu kỳ", "Period closed"),
    "period_fell_due_soon": Words("Kỳ báo cáo sắp đến hạn", "A period fell due soon"),
    "period_became_overdue": Words("Kỳ báo cáo quá hạn", "A period became overdue"),
    "period_escalated": Words("Kỳ báo cáo quá hạn: báo cáo cấp trên", "A late period: brought before the next level"),
    "clock_started": Words("Có văn bản được chờ: tính hạn", "The awaited paper came: dated"),
    "clock_stopped": Words("Văn bản được chờ bị thu hồi: chờ lại", "The awaited paper was withdrawn: waiting again"),
    "still_waits": Words("Vẫn đang chờ", "Still waiting"),
    "extension_requested": Words("Xin gia hạn", "Extension asked for"),
    "extension_granted": Words("Gia hạn", "Extension granted"),
    "extension_refused": Words("Không gia hạn", "Extension refused"),
    "disputed": Words("Kiến nghị", "Disputed"),
    "dispute_raised": Words("Kiến nghị quá hạn trả lời: chuyển lên cấp trên", "Dispute not answered in time: raised a level"),
    "dispute_upheld": Words("Chấp nhận kiến nghị", "Dispute upheld"),
    "dispute_rejected": Words("Bác kiến nghị", "Dispute rejected"),
    "released": Words("Rút khỏi đơn vị chủ trì để giao lại", "Taken from its unit, to be assigned anew"),
    "reopened": Words("Mở lại", "Reopened"),
    "escalated": Words("Quá hạn: báo cáo cấp trên", "Late: brought before the next level"),
    "remedy_plan_asked": Words("Yêu cầu phương án khắc phục", "Remedy plan asked for"),
    "remedy_plan_given": Words("Lập phương án khắc phục", "Remedy plan given"),
    "commitment_asked": Words("Yêu cầu cam kết", "Commitment asked for"),
    "commitment_given": Words("Cam kết", "Commitment given"),
    "evidence_seen": Words("Xem minh chứng", "Evidence seen"),
    "evidence_accepted": Words("Chấp nhận minh chứng", "Evidence accepted"),
    "evidence_rejected": Words("Bác minh chứng", "Evidence rejected"),
    "evidence_superseded": Words("Thay minh chứng", "Evidence superseded"),
    "resources_planned": Words("Dự kiến nguồn lực", "Resources planned"),
    "money_granted": Words("Giao kinh phí", "Money granted"),
    "spending_reported": Words("Báo cáo giải ngân", "Spending reported"),
    "overspent": Words("Chi vượt kinh phí được giao", "More spent than granted"),
    "part_asked": Words("Giao phần việc phối hợp", "A part asked for"),
    "part_submitted": Words("Nộp phần việc phối hợp", "A part handed in"),
    "part_accepted": Words("Nhận phần việc phối hợp", "A part accepted"),
    "part_returned": Words("Trả lại phần việc phối hợp", "A part sent back"),
    "part_withdrawn": Words("Thôi phần việc phối hợp", "A part withdrawn"),
    "part_fell_due_soon": Words("Phần việc phối hợp sắp đến hạn", "A part fell due soon"),
    "part_became_overdue": Words("Phần việc phối hợp quá hạn", "A part became overdue"),
    "commitment_broken": Words("Không giữ cam kết", "Commitment broken"),
    "remedy_plan_reminded": Words("Nhắc lập phương án khắc phục", "Reminded of the remedy plan"),
    "rated": Words("Đánh giá khả thi, ưu tiên", "Rated"),
    "focus_set": Words("Đưa vào danh sách trọng tâm", "Put on the short list"),
    "focus_lifted": Words("Đưa ra khỏi danh sách trọng tâm", "Taken from the short list"),
    "party_named": Words("Nêu bên tham gia", "A party named"),
    "party_reached": Words("Đã liên hệ bên tham gia", "A party reached"),
    "party_removed": Words("Bỏ bên tham gia", "A party removed"),
    "no_work_stated": Words("Báo kỳ không phát sinh việc", "No work in a period"),
    "period_without_work": Words("Xác nhận kỳ không phát sinh việc", "Period closed without work"),
    "no_work_rejected": Words("Không chấp nhận kỳ không phát sinh việc", "No work not accepted"),
    "fate_asked": Words("Văn bản giao việc hết hiệu lực: cần quyết định", "Its paper has ended: to be decided"),
    "dropped_from_plan": Words("Kế hoạch không còn nêu nhiệm vụ: cần quyết định", "Its plan no longer names it: to be decided"),
    "back_in_plan": Words("Kế hoạch lại nêu nhiệm vụ", "Its plan names it again"),
    "fate_decided": Words("Quyết định tiếp tục hay thôi", "Decided what becomes of it"),
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
