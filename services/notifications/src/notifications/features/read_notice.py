"""Mark a notice as read (đã đọc)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from notifications.domain.notice import Notice
from notifications.features.notice_view import NoticeView, notice_view
from notifications.store import NOTICES, visible_notice

routes = Routes("notices")


class ReadNotice(Command):
    notice_id: str
    expected: int | None = None
    """The version that the caller saw (`If-Match`)."""


async def handle(command: ReadNotice, uow: UnitOfWork) -> Notice:
    """The notice, read. Reading it twice changes nothing. Raises `NotFound`, `StaleVersion`."""
    await visible_notice(uow, uow.actor, command.notice_id)
    notice = await uow.load(NOTICES, command.notice_id, expected=command.expected)
    if notice.read(uow.now):
        uow.save(NOTICES, notice)
    return notice


@routes.post("/notices/{notice_id}/read", response_model=NoticeView)
async def read_notice(notice_id: str, effect: Annotated[Effect, writes("notices:write")]) -> Response:
    """The recipient has read it; a portal that shows the inbox may say so for them."""
    return await effect.run(handle, ReadNotice(notice_id=notice_id, expected=effect.if_match), notice_view)
