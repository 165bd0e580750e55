"""Mail to a mail server over SMTP: the only file that knows the protocol.

It tells apart what a server says about one mail (`Refusal`) and what concerns every mail (`MailServerAway`): a server that
is down, shuts down, or does not accept who we are must not use up the attempts of all that waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from email.message import EmailMessage

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from notifications.domain.notice import Refusal
from notifications.settings import NotificationsSettings

_ABOUT_US = frozenset({421, 530, 534, 535, 538})
"""Closing down, log in first, login refused: nothing that concerns one mail."""
_TROUBLE = (SMTPException, OSError, TimeoutError)


class MailServerAway(Exception):
    """The server cannot be reached or will not talk to us. `reason` is a code, never a server's words: they may quote
    an address.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MailServer:
    """One open connection."""

    def __init__(self, smtp: SMTP, sender: str, seconds: float) -> None:
        self._smtp, self._sender, self._seconds = smtp, sender, seconds

    @property
    def connected(self) -> bool:
        return self._smtp.is_connected

    async def send(self, message: EmailMessage, to: str) -> Refusal | None:
        """Hand over one mail; None when the server took it.

        A connection that breaks once the server has heard of the mail is a refusal too (its outcome is unknown, and a mail
        that kills the server each time must not stand in front of all others); the connection is closed then. Raises
        `MailServerAway` when it has not come to that.
        """
        try:
            async with asyncio.timeout(self._seconds):
                await self._introduce()
                return await self._hand_over(message, to)
        except _TROUBLE:
            self._smtp.close()
            return Refusal("connection_lost", permanent=False)

    async def _introduce(self) -> None:
        try:
            await self._smtp.mail(self._sender)
        except _TROUBLE as error:
            self._smtp.close()
            raise MailServerAway(_code(error)) from None

    async def _hand_over(self, message: EmailMessage, to: str) -> Refusal | None:
        try:
            await self._smtp.rcpt(to)
            await self._smtp.data(message.as_bytes())
        except SMTPResponseException as error:
            if error.code in _ABOUT_US:
                self._smtp.close()
                raise MailServerAway(_code(error)) from None
            with contextlib.suppress(*_TROUBLE):
                await self._smtp.rset()
            return Refusal(_code(error), permanent=error.code >= 500)
        return None


@contextlib.asynccontextmanager
async def mail_server(settings: NotificationsSettings) -> AsyncIterator[MailServer]:
    """An open connection to the mail server of the settings. Raises `MailServerAway`."""
    password = settings.smtp_password
    smtp = SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=None if password is None else password.get_secret_value(),
        use_tls=settings.smtp_tls == "tls",
        start_tls=settings.smtp_tls == "starttls",
        timeout=settings.smtp_seconds,
        local_hostname=settings.mail_from.rpartition("@")[2],  # the default asks the name service, and blocks
    )
    try:
        async with asyncio.timeout(settings.smtp_seconds):
            await smtp.connect()
    except _TROUBLE as error:
        raise MailServerAway(_code(error)) from None
    try:
        yield MailServer(smtp, settings.mail_from, settings.smtp_seconds)
    finally:
        with contextlib.suppress(*_TROUBLE):
            async with asyncio.timeout(1):
                await smtp.quit()
        smtp.close()


def _code(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return f"smtp_{error.code}"
    return "timeout" if isinstance(error, TimeoutError) else "no_connection"
