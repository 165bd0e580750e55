"""How we know who is calling: signed tokens, and the public keys that verify them (RFC 8725, RFC 9068)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt

from common.domain import Actor
from common.errors import Unauthenticated, Unavailable, text
from common.observability import Log

log = Log(__name__)

ALGORITHMS = ("EdDSA", "ES256", "PS256")
_FORBIDDEN_HEADERS = frozenset({"crit", "jku", "x5u", "x5c", "jwk", "zip", "b64"})
MAX_TOKEN = 8 * 1024
LEEWAY = 60
REFRESH_SECONDS = 30
STALE_SECONDS = 3600


def unauthenticated(reason: str) -> Unauthenticated:
    """`reason` is a short code; it says what to mend and helps no forger."""
    return Unauthenticated(text("token_refused", reason=reason))


def actor_of(claims: Mapping[str, Any]) -> Actor:
    """The actor that the claims of an internal token name."""
    kind, _, name = str(claims["sub"]).partition(":")
    if kind not in ("person", "client") or not name:
        raise unauthenticated("sub")
    units, scope = claims.get("units"), claims.get("scope", "")
    if not isinstance(scope, str):
        raise unauthenticated("scope")
    if units is not None and not (isinstance(units, list) and all(isinstance(unit, str) for unit in units)):
        raise unauthenticated("units")
    scopes = frozenset(scope.split())
    return Actor("person" if kind == "person" else "client", name, scopes, None if units is None else frozenset(units))


class Jwks:
    """Public keys of one issuer, fetched when needed: one refresh at a time, at most one in 30 s, and for an hour the
    old keys serve on when the issuer does not answer.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._tried = -STALE_SECONDS * 2.0
        self._lock = asyncio.Lock()
        self._client = httpx2.AsyncClient(timeout=2.0, follow_redirects=False, trust_env=False)

    async def key(self, kid: str) -> jwt.PyJWK:
        """The key with this id. Raises `Unauthenticated` when the issuer has none such, `Unavailable` when it is away."""
        if kid not in self._keys or time.monotonic() - self._fetched > STALE_SECONDS / 4:
            await self._refresh(kid)
        if time.monotonic() - self._fetched > STALE_SECONDS:
            raise Unavailable(text("issuer_away"), retry_after=5)
        try:
            return self._keys[kid]
        except KeyError:
            raise unauthenticated("kid") from None

    async def _refresh(self, kid: str) -> None:
        async with self._lock:
            now = time.monotonic()
            wait = REFRESH_SECONDS if self._keys else 1.0
            if now - self._tried < wait or (kid in self._keys and now - self._fetched <= STALE_SECONDS / 4):
                return
            self._tried = now
            try:
                answer = await self._client.get(self._url)
                answer.raise_for_status()
                found = jwt.PyJWKSet.from_dict(answer.json())
            except (httpx2.HTTPError, jwt.PyJWTError, ValueError) as error:
                log.warning("jwks_not_fetched", error=type(error).__name__)
                return
            self._keys = {key.key_id: key for key in found.keys if key.key_id and key.public_key_use in (None, "sig")}
            self._fetched = now

    async def close(self) -> None:
        await self._client.aclose()


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must be to be believed."""

    issuer: str
    audience: str
    types: frozenset[str]
    max_lifetime: int
    algorithms: tuple[str, ...] = ALGORITHMS


async def verify(token: str, keys: Jwks, rules: TokenRules) -> dict[str, Any]:
    """The claims of a token that keeps every rule. Raises `Unauthenticated` with the rule that it breaks.

    The key is chosen by `kid` among the pinned issuer's own, the algorithm is bound to the key, and nothing that a token
    says about where keys are is heard.
    """
    if len(token) > MAX_TOKEN or not token.isascii():
        raise unauthenticated("size")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise unauthenticated("form") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in rules.algorithms or not isinstance(kid, str):
        raise unauthenticated("alg")
    if not _FORBIDDEN_HEADERS.isdisjoint(header) or str(header.get("typ", "")).lower() not in rules.types:
        raise unauthenticated("header")
    key = await keys.key(kid)
    if key.algorithm_name != algorithm:
        raise unauthenticated("alg")
    rule: Any = {"algorithms": [algorithm], "audience": rules.audience, "issuer": rules.issuer, "leeway": LEEWAY}
    rule["options"] = {"require": ["iss", "aud", "exp", "iat", "sub", "jti"], "strict_aud": True}
    try:
        claims: dict[str, Any] = jwt.decode(token, key, **rule)
    except jwt.PyJWTError as error:
        told: dict[type[Exception], str] = {jwt.ExpiredSignatureError: "exp", jwt.InvalidAudienceError: "aud"}
        raise unauthenticated(told.get(type(error), "signature or claims")) from None
    if not all(type(claims[name]) is int for name in ("exp", "iat")) or not isinstance(claims["sub"], str):
        raise unauthenticated("claims")
    if not 0 < claims["exp"] - claims["iat"] <= rules.max_lifetime:
        raise unauthenticated("lifetime")
    return claims


class TokenCache:
    """Tokens already verified, until they expire: a signature check costs more than the rest of a request."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._found: dict[str, tuple[float, Any]] = {}

    def get(self, token: str) -> Any:
        """What was made of the token, or None when it is unknown or no longer valid."""
        found = self._found.get(token)
        return found[1] if found is not None and found[0] > time.time() else None

    def put(self, token: str, expires: float, made: Any) -> None:
        if len(self._found) >= self._size:  # the oldest half goes; what is in use comes back by one check
            for old in list(self._found)[: self._size // 2]:
                del self._found[old]
        self._found[token] = (expires, made)
