"""Settings of the notifications service, from the environment."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator

from common.settings import Settings
from notifications.domain.person import is_address


class NotificationsSettings(Settings):
    """What sending mail needs. Plain-text SMTP is for a server on this very machine, unless it is allowed in so many words."""

    smtp_host: str
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    smtp_allow_plain: bool = False
    """Lets `SMTP_TLS=none` speak to another machine. Never with a password."""
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_seconds: float = Field(10.0, gt=0)
    """Deadline of connecting, and of handing over one mail."""
    smtp_rest_seconds: float = Field(5.0, ge=0)
    """How long a sender leaves a mail server alone that could not be reached or would not talk to us."""

    mail_from: str
    public_url: AnyHttpUrl
    """Where people reach the platform: links in mails begin with it."""
    mail_retry_seconds: tuple[float, ...] = (10, 60, 300, 1800, 7200, 21600)
    """Pauses between attempts; after the last attempt the mail has failed. A JSON list."""
    mail_claim_seconds: float = Field(60.0, gt=0)
    """How long a sender may hold mails that it took up; then another one sends them."""

    @field_validator("mail_from")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError("it must be a bare e-mail address, name@office.gov.vn")
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("SMTP_USERNAME and SMTP_PASSWORD go together")
        if self.smtp_tls == "none" and not is_loopback(self.smtp_host):
            if self.smtp_password is not None:
                raise ValueError("SMTP_PASSWORD is not sent to another machine without SMTP_TLS=starttls or tls")
            if not self.smtp_allow_plain:
                raise ValueError("SMTP_TLS=none is for a mail server on this machine; else set SMTP_ALLOW_PLAIN=true")
        if self.mail_claim_seconds <= 2 * self.smtp_seconds:
            raise ValueError("MAIL_CLAIM_SECONDS must be more than twice SMTP_SECONDS")
        return self


def is_loopback(host: str) -> bool:
    """True for the names and addresses of this very machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
