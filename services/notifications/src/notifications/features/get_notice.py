"""Read one notice."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Call, Routes, reads
from notifications.features.notice_view import NoticeView, notice_view
from notifications.store import visible_notice

routes = Routes("notices")


@routes.get("/notices/{notice_id}", response_model=NoticeView)
async def get_notice(notice_id: str, call: Annotated[Call, reads("notices:read")]) -> Response:
    """One notice with the state of its mail. Looking at it does not mark it as read: see `POST .../read`."""
    notice = await visible_notice(call.reader, call.actor, notice_id)
    return call.one(notice_view(notice), notice.version)
