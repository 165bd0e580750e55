"""The token endpoint: OAuth 2 client credentials (RFC 6749, 4.4), by secret or by signed assertion (RFC 7523)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson

from common.access import TokenRules, verify
from common.errors import TooMany, Unauthenticated, Words
from common.observability import TOKENS, Log
from common.outbox import new_id
from gateway.domain.client import Client
from gateway.identity import ACCESS_AUDIENCE, ACCESS_SECONDS, ACCESS_TYPE
from gateway.keys import FixedKeys, SigningKey
from gateway.limits import Limiter, Policy
from gateway.store import ASSERTION_SECONDS

log = Log(__name__)

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - an address
ASSERTION_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FAILURES = Policy("login", 10)
"""Failed logins a minute of one client id from one address."""
_CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9-]{2,63}\Z")


class OAuthError(Exception):
    """An error of RFC 6749, 5.2: its code, an English sentence, and whether the answer must ask for credentials."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code, self.description = code, description
        self.status = 401 if code == "invalid_client" else 400


def new_secret(client_id: str) -> str:
    """A secret of 256 random bits; its prefix lets scanners find it where it does not belong."""
    return f"rv_{client_id}_{secrets.token_urlsafe(32)}"


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class TokenEndpoint:
    """Gives access tokens (RFC 9068) to clients that prove who they are."""

    issuer: str
    signing: SigningKey
    client: Callable[[str], Awaitable[Client | None]]
    use_assertion: Callable[[str], Awaitable[bool]]
    """Remembers the id of an assertion; False when it was used before."""
    limiter: Limiter

    async def grant(self, content_type: str, body: bytes, authorization: str | None, peer: str) -> dict[str, Any]:
        """The token answer for a form. Raises `OAuthError`; `TooMany` after too many failed logins."""
        form = _form(content_type, body)
        if "client_secret" in form:
            raise OAuthError("invalid_request", "send the secret in an HTTP Basic Authorization header, not in the body")
        claimed, prove = self._credentials(form, authorization)
        who = f"{claimed}|{peer}"
        if wait := self.limiter.blocked(who, FAILURES, time.monotonic()):
            TOKENS.labels("issue", "limited").inc()
            raise TooMany(
                Words(
                    f"Đăng nhập sai quá nhiều lần. Hãy thử lại sau {wait} giây.",
                    f"Too many failed logins. Try again in {wait} s.",
                ),
                retry_after=wait,
            )
        client = await self.client(claimed) if _CLIENT_ID.match(claimed) else None
        if client is None or not client.is_alive(datetime.now(UTC)) or not await prove(client):
            self.limiter.take(who, FAILURES, time.monotonic())
            TOKENS.labels("issue", "refused").inc()
            log.warning("login_failed", client=None if client is None else client.id)
            raise OAuthError("invalid_client", "unknown client, wrong credentials, or the client is revoked or expired")
        scopes = _granted(form, client)
        TOKENS.labels("issue", "issued").inc()
        return {
            "access_token": self._token(client, scopes),
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "scope": " ".join(scopes),
        }

    def _credentials(
        self, form: Mapping[str, str], authorization: str | None
    ) -> tuple[str, Callable[[Client], Awaitable[bool]]]:
        """Who it says it is, and how that is to be checked."""
        assertion = form.get("client_assertion")
        if assertion is None and authorization is None:
            raise OAuthError("invalid_client", "authenticate by HTTP Basic or by client_assertion")
        if assertion is not None and authorization is not None:
            raise OAuthError("invalid_request", "authenticate by HTTP Basic or by client_assertion, not by both")
        if authorization is not None:
            claimed, secret = _basic(authorization)
            if form.get("client_id", claimed) != claimed:
                raise OAuthError("invalid_request", "client_id differs from the Authorization header")

            async def by_secret(client: Client) -> bool:
                return client.accepts(hash_of(secret), datetime.now(UTC))

            return claimed, by_secret
        if form.get("client_assertion_type") != ASSERTION_KIND:
            raise OAuthError("invalid_request", f"client_assertion_type must be {ASSERTION_KIND}")
        token = str(assertion)
        stated = _unverified(token)
        claimed = str(stated.get("sub", ""))

        async def by_assertion(client: Client) -> bool:
            return await self._proves(client, token, stated.get("aud"))

        return claimed, by_assertion

    async def _proves(self, client: Client, assertion: str, audience: object) -> bool:
        if client.public_jwk is None:
            return False
        endpoint = self.issuer + TOKEN_PATH
        rules = TokenRules(
            issuer=client.id,
            audience=endpoint if audience == endpoint else self.issuer,
            types=frozenset({"", "jwt", "client-authentication+jwt"}),
            max_lifetime=ASSERTION_SECONDS,
        )
        try:
            claims = await verify(assertion, FixedKeys([client.public_jwk]), rules)
        except Unauthenticated:
            return False
        return claims["sub"] == client.id and await self.use_assertion(hash_of(f"{client.id}\n{claims['jti']}"))

    def _token(self, client: Client, scopes: list[str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer, "aud": ACCESS_AUDIENCE, "sub": client.id, "client_id": client.id, "iat": now,
            "exp": now + ACCESS_SECONDS, "jti": new_id(), "scope": " ".join(scopes),
        }  # fmt: skip
        if client.unit_ids is not None:
            claims["units"] = client.unit_ids
        return self.signing.sign(claims, ACCESS_TYPE)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "send application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "the form cannot be read") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "a parameter is given twice")
    if "grant_type" not in form:
        raise OAuthError("invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise OAuthError("unsupported_grant_type", "only client_credentials is given here")
    return form


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, encoded = authorization.partition(" ")
    try:
        if kind.lower() != "basic":
            raise ValueError
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        if not colon:
            raise ValueError
        return unquote_plus(name), unquote_plus(secret)
    except (ValueError, binascii.Error):
        raise OAuthError("invalid_client", "the Authorization header is not HTTP Basic") from None


def _unverified(token: str) -> dict[str, Any]:
    """What an assertion says of itself: tells whose key it must be signed with, and nothing else."""
    try:
        payload = token.split(".")[1]
        found = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        raise OAuthError("invalid_client", "client_assertion is not a JWT") from None
    return found if isinstance(found, dict) else {}


def _granted(form: Mapping[str, str], client: Client) -> list[str]:
    wanted = form.get("scope", "").split()
    if not set(wanted) <= set(client.scopes):
        raise OAuthError("invalid_scope", "the client does not have every scope that is asked for")
    return sorted(set(wanted) or set(client.scopes))
