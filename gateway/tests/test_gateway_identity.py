"""Who is believed to be whom: good tokens, and a corpus of forged ones, none of which may come in or break anything."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from common.access import TokenRules, verify
from common.errors import Forbidden, Unauthenticated
from common.outbox import new_id
from gateway.domain.client import Client
from gateway.domain.person import Person
from gateway.fresh import Fresh
from gateway.identity import (
    ACCESS_AUDIENCE,
    ACCESS_SECONDS,
    ACCESS_TYPE,
    Identity,
    Issuers,
    Vouchers,
    check_scope,
)
from gateway.keys import FixedKeys, SigningKey, own_keys
from gateway.routes import find
from gateway.tests.gateway_world import PROVIDER, PROVIDER_AUDIENCE, UNIT, Provider, pem

ISSUER = "https://api.province.test"
OURS = SigningKey(pem())
ES = ec.generate_private_key(ec.SECP256R1())
ES_PUBLIC = {**json.loads(ECAlgorithm.to_jwk(ES.public_key())), "kid": "es", "alg": "ES256", "use": "sig"}
KEYS = FixedKeys([OURS.public, ES_PUBLIC])
NOW = datetime.now(UTC)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": ISSUER, "aud": ACCESS_AUDIENCE, "sub": "c1", "client_id": "c1", "iat": now, "exp": now + 600,
        "jti": new_id(), "scope": "courses:read",
    }  # fmt: skip
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


@dataclass
class Register:
    """Clients and people as the database has them, counting how often it is asked."""

    clients: dict[str, Client] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    asked: int = 0

    async def client(self, client_id: str) -> Client | None:
        self.asked += 1
        return self.clients.get(client_id)

    async def person(self, person_id: str) -> Person | None:
        self.asked += 1
        return self.people.get(person_id)


def register() -> Register:
    found = Register()
    found.clients["c1"] = Client(id="c1", name="c", scopes=["courses:read", "courses:write"], created_at=NOW)
    found.people["p1"] = Person(id="p1", unit_id=UNIT, position="officer", active=True)
    return found


def identity(found: Register, provider: Provider | None = None) -> Identity:
    provider = provider or Provider()
    return Identity(
        Issuers(
            TokenRules(ISSUER, ACCESS_AUDIENCE, frozenset({ACCESS_TYPE}), ACCESS_SECONDS),
            KEYS,
            TokenRules(PROVIDER, PROVIDER_AUDIENCE, frozenset({"jwt", ACCESS_TYPE}), 3600),
            provider.keys,
        ),
        found.client,
        found.person,
    )


def bearer(token: str) -> bytes:
    return b"Bearer " + token.encode("utf-8", "surrogatepass")


# --- the good ones ---


async def test_a_client_has_what_both_its_token_and_its_record_allow() -> None:
    found = register()
    token = OURS.sign(claims(scope="courses:read ledger:read"), ACCESS_TYPE)
    caller = await identity(found).caller(bearer(token))
    assert str(caller.actor) == "client:c1"
    assert caller.actor.scopes == {"courses:read"}
    assert caller.actor.units is None


async def test_a_client_of_some_units_acts_for_these_alone() -> None:
    found = register()
    found.clients["c1"].unit_ids = [UNIT]
    caller = await identity(found).caller(bearer(OURS.sign(claims(), ACCESS_TYPE)))
    assert caller.actor.units == frozenset({UNIT})


async def test_an_officer_acts_for_the_own_unit_and_the_standing_agency_for_all() -> None:
    found, provider = register(), Provider()
    found.people["p2"] = Person(id="p2", unit_id=UNIT, position="standing_agency", active=True)
    door = identity(found, provider)
    officer = (await door.caller(bearer(provider.token("p1")))).actor
    agency = (await door.caller(bearer(provider.token("p2")))).actor
    assert (officer.kind, officer.units, officer.may("tasks:assign")) == ("person", frozenset({UNIT}), False)
    assert (agency.units, agency.may("directives:write")) == (None, True)


@pytest.mark.parametrize("person", [None, Person(id="p1", unit_id=UNIT, position="officer", active=False)])
async def test_who_is_not_in_office_does_not_come_in(person: Person | None) -> None:
    found, provider = register(), Provider()
    found.people = {} if person is None else {"p1": person}
    with pytest.raises(Unauthenticated, match="person"):
        await identity(found, provider).caller(bearer(provider.token("p1")))


async def test_a_position_without_a_role_may_do_nothing() -> None:
    found, provider = register(), Provider()
    found.people["p1"].position = "visitor"
    with pytest.raises(Forbidden):
        await identity(found, provider).caller(bearer(provider.token("p1")))


@pytest.mark.parametrize("spoilt", [{"revoked_at": NOW}, {"expires_at": NOW - timedelta(seconds=1)}])
async def test_a_client_shut_out_does_not_come_in_with_a_good_token(spoilt: dict[str, Any]) -> None:
    found = register()
    found.clients["c1"] = found.clients["c1"].model_copy(update=spoilt)
    with pytest.raises(Unauthenticated):
        await identity(found).caller(bearer(OURS.sign(claims(), ACCESS_TYPE)))


async def test_the_register_is_asked_once_for_many_requests() -> None:
    found = register()
    door, token = identity(found), bearer(OURS.sign(claims(), ACCESS_TYPE))
    callers = await asyncio.gather(*(door.caller(token) for _ in range(50)))
    assert found.asked == 1
    assert len(set(map(id, callers))) == 1


# --- the forged ones ---


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def mine(header: dict[str, Any] | None = None, raw: bytes | None = None, **changes: Any) -> str:
    """A token that the gateway's own key did sign: what is wrong with it is not its signature."""
    head = {"alg": "EdDSA", "kid": OURS.kid, "typ": ACCESS_TYPE, **(header or {})}
    body = f"{part({k: v for k, v in head.items() if v is not None})}.{part(raw if raw is not None else claims(**changes))}"
    return f"{body}.{part(OURS._private.sign(body.encode()))}"


def theirs(header: dict[str, Any], key: bytes) -> str:
    """A token under HMAC with something public for a key."""
    body = f"{part(header)}.{part(claims())}"
    mac = HMAC(key, SHA256())
    mac.update(body.encode())
    return f"{body}.{part(mac.finalize())}"


def unsigned(algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'kid': OURS.kid, 'typ': ACCESS_TYPE})}.{part(claims())}."


def good() -> str:
    """A token that is taken. It lives ten minutes: one made when the tests are collected would be too old in a long run."""
    return mine()


PUBLIC = OURS._private.public_key()
HMAC_HEAD = {"alg": "HS256", "kid": OURS.kid, "typ": ACCESS_TYPE}
STRANGER = Ed25519PrivateKey.generate()


def of_stranger(header: dict[str, Any] | None = None) -> str:
    return jwt.encode(claims(), STRANGER, "EdDSA", headers={"kid": OURS.kid, "typ": ACCESS_TYPE, **(header or {})})


def spliced() -> str:
    head, _, signature = good().split(".")
    return f"{head}.{part(claims(scope='clients:admin'))}.{signature}"


def zero_signature() -> str:
    body = f"{part({'alg': 'ES256', 'kid': 'es', 'typ': ACCESS_TYPE})}.{part(claims())}"
    return f"{body}.{part(bytes(64))}"


def twice(name: str, first: Any) -> bytes:
    """JSON with a key given twice: the first for who reads the first, the second for who reads the last."""
    whole = json.dumps(claims())
    return (json.dumps({name: first})[:-1] + "," + whole[1:]).encode()


FORGED: dict[str, Callable[[], str]] = {
    "none": lambda: unsigned("none"),
    "None": lambda: unsigned("None"),
    "nOnE": lambda: unsigned("nOnE"),
    "hmac with raw key": lambda: theirs(HMAC_HEAD, PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw)),
    "hmac with pem": lambda: theirs(HMAC_HEAD, PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
    "hmac with der": lambda: theirs(HMAC_HEAD, PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "hmac with jwk": lambda: theirs(HMAC_HEAD, json.dumps(OURS.public).encode()),
    "hmac under the name EdDSA": lambda: theirs({**HMAC_HEAD, "alg": "EdDSA"}, b"k" * 32),
    "empty signature": lambda: good().rpartition(".")[0] + ".",
    "truncated": lambda: good()[:-4],
    "two parts": lambda: good().rpartition(".")[0],
    "four parts": lambda: good() + ".x",
    "five parts, a JWE": lambda: f"{part({'alg': 'dir', 'enc': 'A256GCM'})}..x.x.x",
    "other claims": spliced,
    "a stranger's key": of_stranger,
    "jwk in the header": lambda: of_stranger({"jwk": OURS.public}),
    "jku": lambda: mine({"jku": "https://evil.test/jwks"}),
    "x5u": lambda: mine({"x5u": "https://evil.test/cert"}),
    "x5c": lambda: mine({"x5c": ["MII"]}),
    "crit": lambda: mine({"crit": ["exp"]}),
    "b64 false": lambda: mine({"b64": False, "crit": ["b64"]}),
    "zip": lambda: mine({"zip": "DEF"}),
    "alg of another key": lambda: mine({"alg": "ES256"}),
    "key of another alg": lambda: mine({"kid": "es"}),
    "es256 with r = s = 0": zero_signature,
    "kid: traversal": lambda: mine({"kid": "../../dev/null"}),
    "kid: sql": lambda: mine({"kid": "' or 1=1 --"}),
    "kid: operator": lambda: mine({"kid": {"$gt": ""}}),
    "kid: list": lambda: mine({"kid": [OURS.kid]}),
    "kid: none": lambda: mine({"kid": None}),
    "typ: JWT": lambda: mine({"typ": "JWT"}),
    "typ: internal": lambda: mine({"typ": "internal+jwt"}),
    "typ: none": lambda: mine({"typ": None}),
    "iss of nobody": lambda: mine(iss="https://evil.test"),
    "iss of the provider": lambda: mine(iss=PROVIDER),
    "iss of services": lambda: mine(iss="roviec-gateway"),
    "iss: list": lambda: mine(iss=[ISSUER]),
    "no iss": lambda: mine(iss=None),
    "aud of a service": lambda: mine(aud="tasks"),
    "aud: list": lambda: mine(aud=[ACCESS_AUDIENCE]),
    "aud: many": lambda: mine(aud=[ACCESS_AUDIENCE, "tasks"]),
    "no aud": lambda: mine(aud=None),
    "expired": lambda: mine(iat=1_000_000_000, exp=1_000_000_600),
    "exp: float": lambda: mine(exp=time.time() + 600.5),
    "exp: text": lambda: mine(exp=str(int(time.time()) + 600)),
    "exp: 2^63": lambda: mine(exp=2**63),
    "exp: infinite": lambda: mine(exp=math.inf),
    "exp: nan": lambda: mine(exp=math.nan),
    "exp: true": lambda: mine(exp=True),
    "exp: list": lambda: mine(exp=[9]),
    "no exp": lambda: mine(exp=None),
    "no iat": lambda: mine(iat=None),
    "no jti": lambda: mine(jti=None),
    "no sub": lambda: mine(sub=None),
    "iat tomorrow": lambda: mine(iat=int(time.time()) + 86_400, exp=int(time.time()) + 86_500),
    "nbf tomorrow": lambda: mine(nbf=int(time.time()) + 86_400),
    "lives an hour": lambda: mine(exp=int(time.time()) + 3600),
    "sub: number": lambda: mine(sub=1, client_id=1),
    "sub: object": lambda: mine(sub={"$ne": ""}, client_id={"$ne": ""}),
    "client_id of another": lambda: mine(client_id="c2"),
    "unknown client": lambda: mine(sub="nobody", client_id="nobody"),
    "two iss": lambda: mine(raw=twice("iss", PROVIDER).replace(ISSUER.encode(), b"https://evil.test")),
    "claims: list": lambda: mine(raw=b"[]"),
    "claims: text": lambda: mine(raw=b'"x"'),
    "claims: no json": lambda: mine(raw=b"{"),
    "claims: deep": lambda: mine(raw=b"[" * 2000 + b"]" * 2000),
    "header: deep": lambda: f"{part(b'[' * 2500 + b']' * 2500)}.{part({'iss': ISSUER})}.x",
    "header: list": lambda: f"{part([])}.{part({'iss': ISSUER})}.x",
    "unicode": lambda: good()[:-1] + "é",
    "unicode digits": lambda: good().replace(good()[5], "\uff21", 1),
    "null": lambda: good() + "\0",
    "long": lambda: good() + "x" * 10_000_000,
    "dots": lambda: "..",
    "empty parts": lambda: "." * 8000,
    "text": lambda: "letmein",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_is_refused(forge: Callable[[], str]) -> None:
    door = identity(register())
    assert (await door.caller(bearer(good()))).principal == "client:c1"  # the door is open to the real one
    with pytest.raises(Unauthenticated):
        await door.caller(bearer(forge()))


@pytest.mark.parametrize(
    "header",
    [None, b"", b"Bearer", b"Bearer ", b"Basic Yzpz", good().encode(), b"Bearer\t" + good().encode()],
    ids=["none", "empty", "no token", "empty token", "basic", "bare token", "a tab"],
)
async def test_other_credentials_are_refused(header: bytes | None) -> None:
    with pytest.raises(Unauthenticated):
        await identity(register()).caller(header)


async def test_a_persons_token_makes_nobody_a_client() -> None:
    found, provider = register(), Provider()
    found.people["c1"] = Person(id="c1", unit_id=UNIT, position="officer", active=True)
    token = provider.token("c1", client_id="c1", scope="clients:admin")
    assert (await identity(found, provider).caller(bearer(token))).principal == "person:c1"
    with pytest.raises(Unauthenticated):
        await identity(found, provider).caller(bearer(provider.token("c1", iss=ISSUER, aud=ACCESS_AUDIENCE, client_id="c1")))


async def test_rs256_is_believed_only_where_a_setting_says_so() -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": "r", "alg": "RS256", "use": "sig"}
    token = jwt.encode(claims(), key, "RS256", headers={"kid": "r", "typ": ACCESS_TYPE})
    rules = TokenRules(ISSUER, ACCESS_AUDIENCE, frozenset({ACCESS_TYPE}), ACCESS_SECONDS)
    with pytest.raises(Unauthenticated):
        await verify(token, FixedKeys([public]), rules)
    allowed = TokenRules(ISSUER, ACCESS_AUDIENCE, frozenset({ACCESS_TYPE}), ACCESS_SECONDS, ("RS256",))
    assert (await verify(token, FixedKeys([public]), allowed))["sub"] == "c1"


# --- what services are told ---


async def test_a_voucher_is_for_one_service_and_serves_again_for_a_while() -> None:
    found = register()
    found.clients["c1"].unit_ids = [UNIT]
    actor = (await identity(found).caller(bearer(good()))).actor
    now = [time.time()]
    vouchers = Vouchers(OURS, "roviec-gateway", lambda: now[0])
    first = vouchers.bearer(actor, "tasks")
    rules = TokenRules("roviec-gateway", "tasks", frozenset({"internal+jwt"}), 60)
    told = await verify(first.decode().removeprefix("Bearer "), KEYS, rules)
    assert (told["sub"], told["scope"], told["units"]) == ("client:c1", "courses:read", [UNIT])
    assert vouchers.bearer(actor, "audit") != first
    now[0] += 24
    assert vouchers.bearer(actor, "tasks") == first
    now[0] += 2
    assert vouchers.bearer(actor, "tasks") != first


async def test_a_caller_without_any_scope_for_a_service_is_told_so() -> None:
    caller = await identity(register()).caller(bearer(good()))
    courses, ledger = find(b"/v1/programmes"), find(b"/v1/ledger/entries")
    assert courses is not None
    assert ledger is not None
    check_scope(caller, courses)
    with pytest.raises(Forbidden):
        check_scope(caller, ledger)


def test_previous_keys_are_published_and_believed() -> None:
    earlier = SigningKey(pem())
    keys = own_keys(OURS, json.dumps({"keys": [earlier.public]}))
    assert [key["kid"] for key in keys.documents] == [OURS.kid, earlier.kid]
    with pytest.raises(ValueError, match="PREVIOUS_PUBLIC_KEYS"):
        own_keys(OURS, "{}")


@pytest.mark.parametrize("text", ["", "x", pem().replace("PRIVATE", "PUBLIC")], ids=["empty", "no PEM", "no private key"])
def test_a_signing_key_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="SIGNING_KEY"):
        SigningKey(text)


def test_a_signing_key_may_come_on_one_line() -> None:
    text = pem()
    assert SigningKey(text.replace("\n", "\\n")).kid == SigningKey(text).kid


# --- looked up a moment ago ---


async def test_what_was_found_serves_for_its_seconds_counted_from_the_question() -> None:
    now, answers = [0.0], iter(["first", "second"])

    async def load(_: str) -> str:
        now[0] += 1.0  # the database took its time
        return next(answers)

    fresh = Fresh(load, 4.0, clock=lambda: now[0])
    assert await fresh.get("k") == "first"
    now[0] = 3.9
    assert await fresh.get("k") == "first"
    now[0] = 4.0
    assert await fresh.get("k") == "second"


async def test_a_failure_is_not_remembered_and_reaches_everybody_who_waits() -> None:
    asked = 0

    async def load(_: str) -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        if asked == 1:
            raise ConnectionError
        return "found"

    fresh = Fresh(load, 4.0)
    both = await asyncio.gather(fresh.get("k"), fresh.get("k"), return_exceptions=True)
    assert [type(one) for one in both] == [ConnectionError, ConnectionError]
    assert await fresh.get("k") == "found"


async def test_the_memory_is_bounded() -> None:
    async def load(key: str) -> str:
        return key

    fresh = Fresh(load, 4.0, size=10)
    for number in range(100):
        await fresh.get(str(number))
    assert len(fresh._found) <= 10
