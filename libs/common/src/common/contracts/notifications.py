"""What the notifications service publishes: what became of each notice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import Code, NoticeId, PersonId


class _Notice(Event):
    notice_id: NoticeId
    recipient_id: PersonId
    kind: Annotated[str, Field(description="What it tells", examples=["task_assigned"])]


class NoticeCreated(_Notice, type="notifications.notice.created.v1", key="notice_id"):
    """A person is to be told a fact; one notice a person and fact."""

    fact_id: Annotated[
        str, Field(description="Id of the event that it tells of", examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d008"])
    ]


class NoticeDelivered(_Notice, type="notifications.notice.delivered.v1", key="notice_id"):
    """The mail server took it."""

    channel: Annotated[str, Field(examples=["mail"])]


class NoticeFailed(_Notice, type="notifications.notice.failed.v1", key="notice_id"):
    """It could not be delivered and is not tried again; it stays in the inbox."""

    channel: Annotated[str, Field(examples=["mail"])]
    reason_code: Code


class NoticeRead(_Notice, type="notifications.notice.read.v1", key="notice_id"):
    """The recipient has read it."""
