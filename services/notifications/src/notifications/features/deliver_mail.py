"""Send the mail that waits. Every replica does, side by side.

A sender claims a few mails in one transaction, for a time that the database's clock measures, hands them over one by one
and notes each answer at once. One that dies in between leaves its claim to run out; then another sends the mail, at worst
a second time, with the same Message-ID. A mail server that cannot be reached is noticed before anything is claimed: an
outage costs no mail an attempt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from common import crash
from common.domain import Actor
from common.observability import NOTICES as NOTICES_BY_STATE
from common.observability import Log
from common.repository import Reader
from common.unit_of_work import Cause, UnitOfWork, Units
from notifications.domain.letter import letter
from notifications.domain.notice import DUE_AT_ONCE, Notice, Refusal
from notifications.domain.person import mail_objection
from notifications.settings import NotificationsSettings
from notifications.smtp import MailServer, MailServerAway, mail_server
from notifications.store import CONTACTS, NOTICES, PEOPLE, due_mail

log = Log(__name__)

BATCH = 20
"""Mails that a sender claims at once."""


async def deliver_mail(units: Units, settings: NotificationsSettings) -> None:
    """Send until nothing is due. Raises `MailServerAway`, after a rest, when the mail server does not serve us."""
    try:
        while (await due_mail(Reader(units.database), 1))[1]:
            async with mail_server(settings) as server:
                while server.connected and await Round(units, settings, server).run():
                    pass
    except MailServerAway as away:
        log.warning("mail_server_away", reason=away.reason)
        await asyncio.sleep(settings.smtp_rest_seconds)
        raise


async def claim(uow: UnitOfWork, seconds: float) -> tuple[datetime | None, list[Notice]]:
    """Take up what is due, for so many seconds by the database's clock. That clock, and what was taken up."""
    now, ids = await due_mail(uow, BATCH)
    if now is None:
        return None, []
    notices = await uow.find(NOTICES, {"_id": {"$in": ids}})
    for notice in notices:
        notice.claim_mail(now + timedelta(seconds=seconds))
        uow.save(NOTICES, notice)
    return now, notices


async def give_back(uow: UnitOfWork, untried: Iterable[Notice], now: datetime) -> None:
    """What was claimed and not tried waits again, for whoever is next."""
    for one in untried:
        notice = await uow.load(NOTICES, one.id)
        if notice.give_back_mail(one.mail.claim, now):
            uow.save(NOTICES, notice)


@dataclass
class Round:
    """One claim, and what comes of it. Its time is the database's, which decides what is due: this machine's may be wrong."""

    units: Units
    settings: NotificationsSettings
    server: MailServer
    _begun: float = field(default_factory=time.monotonic)
    _claimed_at: datetime = DUE_AT_ONCE

    def now(self) -> datetime:
        """The database's clock at the claim, and the time that has passed since."""
        return self._claimed_at + timedelta(seconds=time.monotonic() - self._begun)

    async def run(self) -> bool:
        """Claim, send, note. False when there was nothing to claim."""
        seconds = self.settings.mail_claim_seconds
        self._begun = time.monotonic()
        last_start = self._begun + seconds - 2 * self.settings.smtp_seconds
        claimed_at, notices = await self.units.run(partial(claim, seconds=seconds), self.units.system())
        self._claimed_at = claimed_at or DUE_AT_ONCE
        untried = {notice.id: notice for notice in notices}
        try:
            for notice in notices:
                if not self.server.connected or time.monotonic() > last_start:
                    break
                await _undivided(self._deliver(notice, untried))
        finally:
            if untried:
                await self.units.run(partial(give_back, untried=untried.values(), now=self.now()), self.units.system())
        return bool(notices)

    async def _deliver(self, notice: Notice, untried: dict[str, Notice]) -> None:
        """Send one mail and note the answer. It stays among the untried when the server was away before it heard of it."""
        refusal = await self._send(notice)
        crash.point("mail.after_send")
        del untried[notice.id]

        async def note(uow: UnitOfWork) -> str | None:
            noted = await uow.load(NOTICES, notice.id)
            if not noted.settle_mail(notice.mail.claim, refusal, self.now(), self.settings.mail_retry_seconds):
                return None
            return uow.save(NOTICES, noted).mail.state

        actor = Actor.system(self.units.service)
        state = await self.units.run(note, Cause(actor, notice.correlation_id, notice.fact_id, notice.traceparent))
        if state is not None:
            NOTICES_BY_STATE.labels(state).inc()
            log.info("mail_settled", notice=notice.id, state=state, reason=None if refusal is None else refusal.reason_code)

    async def _send(self, notice: Notice) -> Refusal | None:
        reader = Reader(self.units.database)
        person, contact = await reader.get(PEOPLE, notice.recipient_id), await reader.get(CONTACTS, notice.recipient_id)
        objection = mail_objection(person, contact, notice.kind)
        if objection is not None or contact is None or contact.address is None:
            return Refusal(objection or "no_address", permanent=True, attempted=False)
        try:
            message = letter(notice, contact.address, self.settings.mail_from, str(self.settings.public_url))
            return await self.server.send(message, contact.address)
        except MailServerAway:
            raise
        except Exception as error:  # whatever is wrong with this one, it must not stand in front of the others
            log.error("mail_not_sendable", exc_info=error, notice=notice.id)
            return Refusal("unexpected", permanent=False)


async def _undivided(step: Awaitable[None]) -> None:
    """Let a step end even when this process is told to stop in the middle of it: it is bounded, and a mail that was taken
    should be noted.
    """
    task = asyncio.ensure_future(step)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        task.cancelled() or task.exception()  # nobody else asks; what was not noted is found by its claim
        raise
