"""Settings of the gateway, from the environment."""

from __future__ import annotations

from typing import Self

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator

from common.access import ALGORITHMS
from common.settings import Settings
from gateway.keys import SigningKey, earlier_keys


class GatewaySettings(Settings):
    """What the door needs. `INTERNAL_JWKS_URL` is its own /.well-known/jwks.json; its own keys are used without asking it."""

    signing_key: SecretStr
    """Ed25519 private key, PKCS8 PEM (`\\n` may stand for a line's end): signs access tokens and internal tokens."""
    previous_public_keys: str | None = None
    """JWKS document of keys that signed before: published and believed until tokens made with them have run out."""
    public_url: AnyHttpUrl
    """Where callers reach the gateway; also the issuer of the access tokens that it makes."""

    tasks_url: AnyHttpUrl
    training_url: AnyHttpUrl
    notifications_url: AnyHttpUrl
    audit_url: AnyHttpUrl
    upstream_seconds: float = Field(30.0, gt=0)
    """Deadline of one call to a service, from the connection to the last byte of the answer."""
    upstream_connections: int = Field(512, ge=1)
    """Connections to one service at a time; a call beyond them gets 503 at once."""

    oidc_issuer: str
    """The province's OpenID Connect provider, as its tokens name it."""
    oidc_jwks_url: str
    oidc_audience: str
    oidc_max_lifetime: int = Field(3600, ge=1)
    oidc_algorithms: tuple[str, ...] = ALGORITHMS
    """A JSON list. RS256 only where the provider can do no better (RFC 8725, 3.1)."""

    bootstrap_client_id: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9-]{2,63}$")
    bootstrap_client_secret: SecretStr | None = None
    """At least 32 characters. With the id: a client with every scope is made when there is none of this id yet."""

    rate_read: int = Field(1200, ge=1)
    """Requests a minute of one caller that only read; also how many may come at once."""
    rate_write: int = Field(600, ge=1)
    rate_import: int = Field(20, ge=1)
    body_seconds: float = Field(10.0, gt=0)
    """How long a request's body may make no progress."""
    bodies_in_memory: int = Field(128 * 1024 * 1024, ge=16 * 1024 * 1024)
    """Bytes of request bodies held at a time, all callers together; beyond them 503."""

    @field_validator("signing_key")
    @classmethod
    def _a_key(cls, value: SecretStr) -> SecretStr:
        SigningKey(value.get_secret_value())
        return value

    @field_validator("previous_public_keys")
    @classmethod
    def _public_keys(cls, value: str | None) -> str | None:
        earlier_keys(value)
        return value

    @model_validator(mode="after")
    def _bootstrap_whole(self) -> Self:
        if (self.bootstrap_client_id is None) != (self.bootstrap_client_secret is None):
            raise ValueError("BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET go together")
        if self.bootstrap_client_secret is not None and len(self.bootstrap_client_secret.get_secret_value()) < 32:
            raise ValueError("BOOTSTRAP_CLIENT_SECRET must have at least 32 characters")
        return self

    @model_validator(mode="after")
    def _asymmetric(self) -> Self:
        allowed = {*ALGORITHMS, "RS256"}
        if not self.oidc_algorithms or not allowed.issuperset(self.oidc_algorithms):
            raise ValueError(f"OIDC_ALGORITHMS may name {', '.join(sorted(allowed))}")
        return self

    @property
    def issuer(self) -> str:
        """The issuer of our access tokens: the public address without a slash at its end."""
        return str(self.public_url).rstrip("/")
