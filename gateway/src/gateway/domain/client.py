"""A partner system (hệ thống đối tác): what it may do, for whom, until when, and how it proves that it is itself."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, Field

from common.contracts.gateway import ClientRegistered, ClientRevoked, ClientSecretRotated
from common.domain import Aggregate
from common.errors import FieldProblem, RuleBroken, Words

RateClass = Literal["standard", "high"]
TIMES = {"standard": 1, "high": 10}
"""How many times the usual rate a client of this class may ask."""


class Secret(BaseModel):
    """The SHA-256 of a secret of 256 random bits: long enough that a slow hash would add nothing (ASVS 5.0, 6.5.2)."""

    sha256: str
    created_at: datetime
    until: datetime | None = None


class Client(Aggregate):
    """`unit_ids` None means every unit. With a `public_jwk` it proves itself by signed assertions (RFC 7523)."""

    noun: ClassVar = ("hệ thống đối tác", "client")
    name: str
    scopes: list[str]
    unit_ids: list[str] | None = None
    rate_class: RateClass = "standard"
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    secrets: list[Secret] = Field(default_factory=list)
    public_jwk: dict[str, Any] | None = None

    def register(self) -> Self:
        self.record(ClientRegistered(client_id=self.id, scopes=self.scopes, unit_ids=self.unit_ids, expires_at=self.expires_at))
        return self

    def is_alive(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def accepts(self, secret_sha256: str, now: datetime) -> bool:
        """True when this is the hash of one of its live secrets. Takes as long whichever it is."""
        matches = [
            hmac.compare_digest(secret.sha256, secret_sha256) and (secret.until is None or now < secret.until)
            for secret in self.secrets
        ]
        return any(matches)

    def rotate_secret(self, secret_sha256: str, keep_old: timedelta, now: datetime) -> Self:
        """A new secret; the newest of the old ones serves on for `keep_old`, an older one no more.

        Raises `RuleBroken` for a client that may not come in any more, or that has never had a secret.
        """
        if not self.is_alive(now):
            raise _refused(
                "client_not_alive",
                Words("Hệ thống này đã bị thu hồi hoặc hết hạn.", "This client is revoked or has expired."),
                Words("Hãy đăng ký một hệ thống mới.", "Register a new client."),
            )
        if not self.secrets:
            raise _refused(
                "client_has_no_secret",
                Words("Hệ thống này dùng khóa công khai, không có bí mật.", "This client has a public key and no secret."),
                Words("Hãy đăng ký một hệ thống mới với khóa mới.", "Register a new client with the new key."),
            )
        until = now + keep_old
        last = self.secrets[-1]
        kept = [last.model_copy(update={"until": until})] if keep_old > timedelta() else []
        self.secrets = [*kept, Secret(sha256=secret_sha256, created_at=now)]
        self.record(ClientSecretRotated(client_id=self.id, old_until=until))
        return self

    def revoke(self, now: datetime) -> bool:
        """It may not come in any more. False when that was so already."""
        if self.revoked_at is not None:
            return False
        self.revoked_at, self.secrets = now, []
        self.record(ClientRevoked(client_id=self.id))
        return True


def _refused(code: str, message: Words, repair: Words) -> RuleBroken:
    return RuleBroken(message, [FieldProblem("client_id", code, message, repair)])
