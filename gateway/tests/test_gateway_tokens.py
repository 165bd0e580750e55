"""The token endpoint and the documents beside it, as a partner's library meets them."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from common.access import Jwks, TokenRules, verify
from common.outbox import OUTBOX, new_id
from common.testing import Area
from gateway.oauth import ASSERTION_KIND, new_secret
from gateway.routes import EVERY_SCOPE
from gateway.tests.gateway_world import ROOT, ROOT_SECRET, World, gateway

pytestmark = pytest.mark.servers

FORM = {"grant_type": "client_credentials"}


@pytest.fixture
async def world(area: Area) -> AsyncIterator[World]:
    async with gateway(area) as world:
        yield world


async def test_a_secret_buys_a_token_that_anybody_can_verify(world: World) -> None:
    answer = await world.http.post("/oauth2/token", auth=(ROOT, ROOT_SECRET), data=FORM)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    assert frozenset(body["scope"].split()) == EVERY_SCOPE
    keys = Jwks(f"{world.url}/.well-known/jwks.json")
    claims = await verify(body["access_token"], keys, TokenRules(world.url, "roviec", frozenset({"at+jwt"}), 900))
    assert claims["client_id"] == ROOT
    await keys.close()


async def test_a_scope_narrows_and_never_widens(world: World) -> None:
    answer = await world.http.post("/oauth2/token", auth=(ROOT, ROOT_SECRET), data={**FORM, "scope": "tasks:read"})
    assert answer.json()["scope"] == "tasks:read"
    wider = await world.http.post("/oauth2/token", auth=(ROOT, ROOT_SECRET), data={**FORM, "scope": "planets:read"})
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "auth", "status", "error"),
    [(FORM, (ROOT, "wrong"), 401, "invalid_client"), (FORM, ("nobody-here", "x"), 401, "invalid_client"),
     (FORM, ({"$gt": ""}, "x"), 401, "invalid_client"), (FORM, None, 401, "invalid_client"),
     ({}, (ROOT, ROOT_SECRET), 400, "invalid_request"),
     ({"grant_type": "password"}, (ROOT, ROOT_SECRET), 400, "unsupported_grant_type"),
     ({"grant_type": ["client_credentials", "client_credentials"]}, (ROOT, ROOT_SECRET), 400, "invalid_request"),
     ({**FORM, "client_id": "other-client"}, (ROOT, ROOT_SECRET), 400, "invalid_request"),
     ({**FORM, "client_id": ROOT, "client_secret": ROOT_SECRET}, None, 400, "invalid_request"),
     ({**FORM, "client_assertion": "x", "client_assertion_type": ASSERTION_KIND}, None, 401, "invalid_client"),
     ({**FORM, "client_assertion": "x"}, None, 400, "invalid_request")],
)  # fmt: skip
async def test_errors_are_those_of_the_rfc(world: World, form: Any, auth: Any, status: int, error: str) -> None:
    auth = auth and (str(auth[0]), auth[1])
    answer = await world.http.post("/oauth2/token", auth=auth, data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert "access_token" not in answer.json()


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", b'{"grant_type":"client_credentials"}'), ("application/x-www-form-urlencoded", b"\xff\xfe=1"),
     ("application/x-www-form-urlencoded", b"a=1&" * 100), ("", b"grant_type=client_credentials")],
)  # fmt: skip
async def test_a_body_that_is_no_form(world: World, kind: str, body: bytes) -> None:
    answer = await world.http.post("/oauth2/token", auth=(ROOT, ROOT_SECRET), content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode()])
async def test_a_header_that_is_no_basic(world: World, header: str) -> None:
    answer = await world.http.post("/oauth2/token", data=FORM, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_guessing_is_stopped_for_the_guesser_alone(world: World) -> None:
    other = await world.register()
    for _ in range(10):
        assert (await world.http.post("/oauth2/token", auth=(ROOT, "guess"), data=FORM)).status_code == 401
    stopped = await world.http.post("/oauth2/token", auth=(ROOT, ROOT_SECRET), data=FORM)
    assert stopped.status_code == 429
    assert int(stopped.headers["retry-after"]) > 0
    assert stopped.headers["content-type"] == "application/problem+json"
    assert await world.token(other["id"], other["client_secret"])


async def test_a_large_form_is_refused(world: World) -> None:
    answer = await world.http.post("/oauth2/token", auth=(ROOT, ROOT_SECRET), data={**FORM, "x": "y" * 70_000})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


# --- private_key_jwt ---

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)


def assertion(client_id: str, audience: str, kid: str = "k1", key: Any = KEY, **changes: Any) -> dict[str, str]:
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 60, "jti": new_id(), **changes}
    token = jwt.encode(claims, key, "ES256", headers={"kid": kid})
    return {**FORM, "client_assertion_type": ASSERTION_KIND, "client_assertion": token}


async def test_a_signed_assertion_buys_a_token_once(world: World) -> None:
    made = await world.register(public_jwk={**PUBLIC, "kid": "k1"})
    assert (made["client_secret"], made["client_secret_is"], made["has_public_key"]) == (None, "none", True)
    for audience in (f"{world.url}/oauth2/token", world.url):
        form = assertion(made["id"], audience)
        assert (await world.http.post("/oauth2/token", data=form)).status_code == 200
        again = await world.http.post("/oauth2/token", data=form)
        assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_that_proves_nothing(world: World) -> None:
    made = await world.register(public_jwk={**PUBLIC, "kid": "k1"})
    stranger, other = ec.generate_private_key(ec.SECP256R1()), await world.register()
    now = int(time.time())
    for form in (
        assertion(made["id"], world.url, key=stranger),
        assertion(made["id"], world.url, kid="k2"),
        assertion(made["id"], "https://elsewhere.test"),
        assertion(made["id"], world.url, iss="somebody"),
        assertion(made["id"], world.url, exp=now + 3600),
        assertion(made["id"], world.url, iat=now - 900, exp=now - 600),
        assertion(other["id"], world.url),  # has a secret, and no key
    ):
        answer = await world.http.post("/oauth2/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    both = await world.http.post("/oauth2/token", data=assertion(made["id"], world.url), auth=(ROOT, ROOT_SECRET))
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


# --- what stands beside it ---


async def test_metadata_says_what_is_there(world: World) -> None:
    about = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert about["issuer"] == world.url
    assert about["token_endpoint"] == f"{world.url}/oauth2/token"
    assert set(about["scopes_supported"]) == EVERY_SCOPE
    keys = (await world.http.get(about["jwks_uri"].removeprefix(world.url))).json()["keys"]
    assert [(key["kty"], key["alg"], "d" in key) for key in keys] == [("OKP", "EdDSA", False)]


async def test_the_first_client_is_made_once(area: Area, world: World) -> None:
    later = new_secret(ROOT)
    async with gateway(area, bootstrap_client_secret=later) as second:
        assert await second.token()
        refused = await second.http.post("/oauth2/token", auth=(ROOT, later), data=FORM)
        assert refused.status_code == 401
    rows = await world.process.database.collection(OUTBOX).count_documents({"type": "gateway.client.registered.v1"})
    assert rows == 1
