"""Look into an inbox, or over the notices of the units that a client acts for: newest first."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from common.http import Call, Items, Paged, Routes, reads
from notifications.domain.notice import InboxState, MailState
from notifications.features.kinds import Kind
from notifications.features.notice_view import NoticeView, notice_view
from notifications.store import newest_notices, order_key, visible_recipients

routes = Routes("notices")


@routes.get("/notices", response_model=Items[NoticeView])
async def list_notices(
    call: Annotated[Call, reads("notices:read")],
    paged: Paged,
    recipient: Annotated[str | None, Query(max_length=128, description="Id of the person who is told")] = None,
    state: Annotated[InboxState | None, Query(description="In the inbox")] = None,
    kind: Annotated[Kind | None, Query(description="What it tells")] = None,
    mail: Annotated[MailState | None, Query(description="Where its mail stands")] = None,
) -> Response:
    """Notices, newest first. A person sees their own alone; a client limited to units sees those of the people of its
    units. Somebody else's inbox is answered like an empty one.
    """
    allowed = await visible_recipients(call.reader, call.actor)
    if recipient is not None:
        allowed = [recipient] if allowed is None or recipient in allowed else []
    matching: dict[str, Any] = {}
    if state is not None:
        matching["read_at"] = None if state == "unread" else {"$ne": None}
    if kind is not None:
        matching["kind"] = kind
    if mail is not None:
        matching["mail.state"] = mail
    rows = await newest_notices(call.reader, allowed, matching, call.after(paged), paged.limit + 1)
    return call.page(rows, paged, order_key, notice_view)
