"""A mail server of the rig's own: takes every mail and remembers whose it was."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller

from deploy.local.parts import free_port
from tests.faults.checker import Mail

DOMAIN = "rig.roviec.example"
SENDER = f"tin@{DOMAIN}"


class Sink:
    """Listens in a thread of its own, so that it answers whatever the rig is doing. `mails` grows while senders send."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        ids = [str(value) for value in message.get_all("Message-ID", [])]
        self.mails += [Mail(" ".join(ids), address) for address in envelope.rcpt_tos]
        return "250 kept"

    def close(self) -> None:
        self._controller.stop()


def address_of(person_id: str) -> str:
    """Where the rig has a person's mail go."""
    return f"{person_id}@{DOMAIN}"
