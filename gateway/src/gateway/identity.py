"""Who is calling, and what a service is told about it.

Two issuers: the gateway itself for partner systems (RFC 9068), the province's OpenID Connect provider for people. What a
token says of itself decides only which of the two sets of pinned rules it must keep.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from common.access import MAX_TOKEN, Jwks, TokenCache, TokenRules, unauthenticated, verify
from common.domain import Actor
from common.errors import Forbidden, Unauthenticated, Words
from common.http import INTERNAL_LIFETIME, INTERNAL_TYPE
from common.observability import TOKENS
from common.outbox import new_id
from gateway.domain.client import TIMES, Client
from gateway.domain.person import Person
from gateway.fresh import Fresh
from gateway.keys import SigningKey
from gateway.roles import ROLES
from gateway.routes import Route, nouns_of

ACCESS_AUDIENCE = "roviec"
ACCESS_TYPE = "at+jwt"
ACCESS_SECONDS = 15 * 60
LOOKUP_SECONDS = 4.0
"""How old what we know of a client or person may be: a revocation reaches every request within 5 s."""
REUSE_SECONDS = 25
"""How long an internal token serves again: a signature costs more than the rest of a request."""
_MAX_MINTED = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """An actor as the gateway sees it. `times`: how many times the usual rate it may ask."""

    actor: Actor
    principal: str
    nouns: frozenset[str]
    times: int

    @classmethod
    def of(cls, actor: Actor, times: int = 1) -> Caller:
        return cls(actor, str(actor), nouns_of(actor.scopes), times)


@dataclass(slots=True)
class _Proven:
    """A token that was verified; `record` is what was last known of its subject, and `caller` what follows from both."""

    kind: Literal["client", "person"]
    subject: str
    scopes: frozenset[str]
    record: Client | Person | None = None
    caller: Caller | None = None


@dataclass(frozen=True)
class Issuers:
    """The pinned rules and keys of both issuers."""

    own: TokenRules
    own_keys: Jwks
    people: TokenRules
    people_keys: Jwks


class Identity:
    """Answers who is calling. `client` and `person` look up by id; what they find is remembered for some seconds."""

    def __init__(
        self,
        issuers: Issuers,
        client: Callable[[str], Awaitable[Client | None]],
        person: Callable[[str], Awaitable[Person | None]],
    ) -> None:
        self._issuers = issuers
        self._clients, self._people = Fresh(client, LOOKUP_SECONDS), Fresh(person, LOOKUP_SECONDS)
        self._tokens = TokenCache()
        self._accepted = {kind: TOKENS.labels(kind, "accepted") for kind in ("client", "person")}
        self._refused = TOKENS.labels("access", "refused")

    async def caller(self, authorization: bytes | None) -> Caller:
        """The caller with this `Authorization` header. Raises `Unauthenticated` with what to mend."""
        try:
            proven = await self._proven(authorization)
            caller = await (self._client(proven) if proven.kind == "client" else self._person(proven))
        except Unauthenticated:
            self._refused.inc()
            raise
        self._accepted[proven.kind].inc()
        return caller

    async def _proven(self, authorization: bytes | None) -> _Proven:
        kind, _, raw = (authorization or b"").partition(b" ")
        if kind.lower() != b"bearer" or not raw.strip():
            raise unauthenticated("none")
        if len(raw) > MAX_TOKEN:
            raise unauthenticated("size")
        token = raw.decode("latin-1").strip()
        proven: _Proven | None = self._tokens.get(token)
        if proven is None:
            proven, expires = await self._prove(token)
            self._tokens.put(token, expires, proven)
        return proven

    async def _prove(self, token: str) -> tuple[_Proven, float]:
        issuers = self._issuers
        claimed = unverified_issuer(token)
        if claimed == issuers.own.issuer:
            claims = await verify(token, issuers.own_keys, issuers.own)
            if claims.get("client_id") != claims["sub"]:
                raise unauthenticated("client_id")
            scopes = frozenset(str(claims.get("scope", "")).split())
            return _Proven("client", claims["sub"], scopes), claims["exp"]
        if claimed == issuers.people.issuer:
            claims = await verify(token, issuers.people_keys, issuers.people)
            return _Proven("person", claims["sub"], frozenset()), claims["exp"]
        raise unauthenticated("iss")

    async def _client(self, proven: _Proven) -> Caller:
        client = await self._clients.get(proven.subject)
        if client is None or not client.is_alive(datetime.now(UTC)):
            raise Unauthenticated(
                Words(
                    "Hệ thống đối tác này không tồn tại, đã bị thu hồi hoặc hết hạn. Hãy liên hệ cơ quan quản trị.",
                    "This client does not exist, is revoked or has expired. Ask the administrator.",
                )
            )
        if proven.caller is None or proven.record is not client:
            units = None if client.unit_ids is None else frozenset(client.unit_ids)
            actor = Actor("client", client.id, proven.scopes & frozenset(client.scopes), units)
            proven.record, proven.caller = client, Caller.of(actor, TIMES[client.rate_class])
        return proven.caller

    async def _person(self, proven: _Proven) -> Caller:
        person = await self._people.get(proven.subject)
        if person is None or not person.active:
            raise Unauthenticated(
                Words(
                    "Người này chưa có trong danh bạ, hoặc không còn công tác. Hãy liên hệ cơ quan quản trị.",
                    "This person is not in the register of people, or is out of office. Ask the administrator.",
                )
            )
        if proven.caller is None or proven.record is not person:
            role = ROLES.get(person.position)
            if role is None:
                raise Forbidden(
                    Words(
                        "Chức vụ của người này chưa được giao quyền nào.",
                        "No permissions are given to this person's position.",
                    )
                )
            units = None if role.all_units else frozenset({person.unit_id})
            proven.record, proven.caller = person, Caller.of(Actor("person", person.id, role.scopes, units))
        return proven.caller


def unverified_issuer(token: str) -> object:
    """What a token says its issuer is: chooses whose rules it must keep, and is believed in nothing else."""
    try:
        _, payload, _ = token.split(".")
        found = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return found.get("iss")
    except (ValueError, AttributeError):
        raise unauthenticated("form") from None


def check_scope(caller: Caller, route: Route) -> None:
    """Raise `Forbidden` for a caller who can have no business with the route's service; the rest it decides itself."""
    if not route.admits(caller.nouns):
        raise Forbidden(
            Words(
                f"Việc này cần một quyền đối với: {', '.join(route.row.nouns)}. Hãy xin quyền từ cơ quan quản trị.",
                f"This needs a scope for one of: {', '.join(route.row.nouns)}. Ask the administrator for it.",
            )
        )


class Vouchers:
    """Internal tokens: what a service is told about the caller, signed, for that service alone, for a minute at most."""

    def __init__(self, signing: SigningKey, issuer: str, clock: Callable[[], float] = time.time) -> None:
        self._signing, self._issuer, self._clock = signing, issuer, clock
        self._minted: dict[tuple[Actor, str], tuple[float, bytes]] = {}

    def bearer(self, actor: Actor, service: str) -> bytes:
        """The value of the `Authorization` header for a call to this service."""
        now = self._clock()
        minted = self._minted.get((actor, service))
        if minted is not None and minted[0] > now:
            return minted[1]
        claims = {
            "iss": self._issuer, "aud": service, "sub": str(actor), "iat": int(now), "exp": int(now) + INTERNAL_LIFETIME,
            "jti": new_id(), "scope": " ".join(sorted(actor.scopes)),
        }  # fmt: skip
        if actor.units is not None:
            claims["units"] = sorted(actor.units)
        value = f"Bearer {self._signing.sign(claims, INTERNAL_TYPE)}".encode()
        if len(self._minted) >= _MAX_MINTED:
            self._minted = {key: entry for key, entry in self._minted.items() if entry[0] > now}
            if len(self._minted) >= _MAX_MINTED:
                self._minted.clear()
        self._minted[actor, service] = (now + REUSE_SECONDS, value)
        return value
