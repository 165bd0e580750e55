"""A notice as its readers see it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from common.http import View
from notifications.domain.notice import DUE_AT_ONCE, InboxState, MailState, Notice
from notifications.domain.text import Bilingual


class MailView(View):
    """Where the mail of a notice stands."""

    state: MailState
    attempts: int
    next_at: datetime | None = Field(description="When it is taken up next")
    reason_code: str | None = Field(
        description="Why there is none, why it waits again, or why it failed", examples=["no_address"]
    )
    delivered_at: datetime | None = Field(description="When the mail server took it")


class NoticeView(View):
    """One person is told one fact."""

    id: str
    recipient_id: str
    kind: str = Field(examples=["task_assigned"])
    fact_id: str = Field(description="Id of the event that it tells of")
    about: str = Field(description="Path of what it is about", examples=["/v1/tasks/019a8f2e-6d52-7cc0-b2a4-3f0a51c9d001"])
    title: Bilingual
    body: Bilingual
    created_at: datetime
    state: InboxState
    read_at: datetime | None
    mail: MailView


def notice_view(notice: Notice) -> NoticeView:
    mail = MailView.model_validate(notice.mail, from_attributes=True)
    if mail.next_at == DUE_AT_ONCE:
        mail = mail.model_copy(update={"next_at": notice.created_at})
    return NoticeView(
        **notice.model_dump(include={"id", "recipient_id", "kind", "fact_id", "about", "created_at", "read_at"}),
        title=notice.title,
        body=notice.body,
        state=notice.state,
        mail=mail,
    )
