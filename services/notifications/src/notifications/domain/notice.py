"""A notice (thông báo): one person is told one fact, in the inbox always, by mail when they want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from common.contracts import notifications as events
from common.domain import Aggregate
from notifications.domain.text import Bilingual

MailState = Literal["none", "waiting", "sending", "delivered", "failed"]
InboxState = Literal["unread", "read"]

DUE_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When the mail of a new notice is due. The database's clock decides what is, and the clock of the process that writes the
notice may be an hour ahead.
"""
_NAMESPACE = UUID("5d0f4f0e-58a1-5a3c-8f62-6e1d6a3f0b77")


def notice_id(fact_id: str, recipient_id: str, kind: str) -> str:
    """The id of the notice that tells this person this fact: there can be one only."""
    return str(uuid5(_NAMESPACE, f"{fact_id}\n{recipient_id}\n{kind}"))


def pause_after(attempts: int, pauses: Sequence[float]) -> timedelta | None:
    """How long a mail rests after this many attempts, by the table of seconds; None when it is given up."""
    return timedelta(seconds=pauses[attempts - 1]) if attempts <= len(pauses) else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a mail was not taken: a stable code, and whether it is of no use to ask again. `attempted` is False when it was
    we who did not send it: the address is gone, the person has left or turned mail off.
    """

    reason_code: str
    permanent: bool
    attempted: bool = True


class Mail(BaseModel):
    """What became of the mail: the intent to send it, and its state.

    `next_at` is when it is next to be taken up: after a pause while it waits, and while it is being sent the end of the
    claim, when another sender may take it over. `claim` counts claims, so that a sender that was too slow knows.
    """

    model_config = ConfigDict(extra="allow")
    state: MailState
    attempts: int = 0
    next_at: datetime | None = None
    reason_code: str | None = None
    """Why there is none, why it waits again, or why it failed."""
    delivered_at: datetime | None = None
    claim: int = 0


class Notice(Aggregate):
    """Written once, in the transaction that applies the fact; afterwards only read, and its mail moved on."""

    noun: ClassVar = ("thông báo", "notice")
    recipient_id: str
    kind: str
    fact_id: str
    about: str
    title: Bilingual
    body: Bilingual
    created_at: datetime
    read_at: datetime | None = None
    mail: Mail
    correlation_id: str
    traceparent: str | None = None

    @property
    def state(self) -> InboxState:
        return "unread" if self.read_at is None else "read"

    def create(self) -> Notice:
        """Say that it exists."""
        self.record(events.NoticeCreated(**self._public(), fact_id=self.fact_id))
        return self

    def read(self, now: datetime) -> bool:
        """The recipient has read it. False when they had before."""
        if self.read_at is not None:
            return False
        self.read_at = now
        self.record(events.NoticeRead(**self._public()))
        return True

    # --- mail ---

    def claim_mail(self, until: datetime) -> None:
        """A sender takes the mail up and has until then to say what became of it."""
        self.mail.state, self.mail.next_at = "sending", until
        self.mail.claim += 1

    def holds(self, claim: int) -> bool:
        """True while the claim of this number is the last one and nothing has come of it yet."""
        return self.mail.state == "sending" and self.mail.claim == claim

    def give_back_mail(self, claim: int, now: datetime) -> bool:
        """It was not tried after all: it waits, and no attempt is counted. False when the claim is no longer the last."""
        if not self.holds(claim):
            return False
        self.mail.state, self.mail.next_at = "waiting", now
        return True

    def settle_mail(self, claim: int, refusal: Refusal | None, now: datetime, pauses: Sequence[float]) -> bool:
        """What came of an attempt: the mail server took it (no refusal), or refused it for good, or it is tried again after
        a pause, as long as there is one left.

        False when nothing is changed: a sender whose claim was taken over may still say that the server took the mail,
        since that is so, and nothing else.
        """
        if self.mail.state not in ("waiting", "sending") or (refusal is not None and not self.holds(claim)):
            return False
        if refusal is None or refusal.attempted:
            self.mail.attempts += 1
        if refusal is None:
            self.mail.state, self.mail.next_at, self.mail.reason_code = "delivered", None, None
            self.mail.delivered_at = now
            self.record(events.NoticeDelivered(**self._public(), channel="mail"))
            return True
        pause = None if refusal.permanent else pause_after(self.mail.attempts, pauses)
        self.mail.reason_code = refusal.reason_code
        if pause is not None:
            self.mail.state, self.mail.next_at = "waiting", now + pause
            return True
        self.mail.state, self.mail.next_at = "failed", None
        self.record(events.NoticeFailed(**self._public(), channel="mail", reason_code=refusal.reason_code))
        return True

    def _public(self) -> dict[str, Any]:
        return {"notice_id": self.id, "recipient_id": self.recipient_id, "kind": self.kind}
