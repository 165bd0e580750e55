"""A mail server that does as it is told, for the tests of this service."""

from __future__ import annotations

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from deploy.local.parts import free_port


@dataclass
class Sink:
    """Takes mail on loopback, says no to whom it is told to, and can be away."""

    port: int = field(default_factory=free_port)
    answers: dict[str, str] = field(default_factory=dict)
    """By address: what RCPT is answered. `close` breaks the connection off."""
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    _controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        answer = self.answers.get(address, "250 OK")
        if answer == "close":
            server.transport.abort()
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken += [(address, message) for address in envelope.rcpt_tos]
        return "250 OK"

    def settings(self) -> dict[str, Any]:
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self.port,
            "smtp_tls": "none",
            "smtp_rest_seconds": 0.0,
            "mail_from": "no-reply@roviec.example",
            "public_url": "https://roviec.example",
            "mail_retry_seconds": (0.0, 0.0),
        }
