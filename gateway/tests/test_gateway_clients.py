"""Administration of partner systems through the door, and what becomes of their tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from common.http import IDEMPOTENCY
from common.outbox import OUTBOX, new_id
from common.testing import Area, eventually
from gateway.store import CLIENTS
from gateway.tests.gateway_world import ROOT, UNIT, World, gateway

pytestmark = pytest.mark.servers

FORM = {"grant_type": "client_credentials"}
BODY = {"name": "Cổng dịch vụ công", "scopes": ["tasks:read", "courses:read"], "unit_ids": [UNIT], "rate_class": "high"}


BAD_KEYS = [
    {},
    {"kty": "oct", "k": "c2VjcmV0"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True),  # private
    ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True),
    RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True),
]


@pytest.fixture
async def world(area: Area) -> AsyncIterator[World]:
    async with gateway(area) as world:
        yield world


async def events(world: World) -> list[str]:
    rows = world.process.database.collection(OUTBOX).find({}).sort([("_id", 1)])
    return [row["type"].removeprefix("gateway.client.").removesuffix(".v1") for row in await rows.to_list(None)]


async def keyed(world: World, key: str | None = None) -> dict[str, str]:
    return {**await world.as_root(), "Idempotency-Key": key or new_id()}


async def test_a_client_is_registered_shown_and_listed_without_its_secret(world: World) -> None:
    answer = await world.http.post("/v1/clients", headers=await keyed(world), json=BODY)
    assert answer.status_code == 201
    made = answer.json()
    assert made["client_secret"].startswith(f"rv_{made['id']}_")
    assert len(made["client_secret"].rpartition(f"{made['id']}_")[2]) == 43
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/v1/clients/{made['id']}"
    shown = await world.http.get(f"/v1/clients/{made['id']}", headers=await world.as_root())
    assert shown.headers["etag"] == '"1"'
    assert {name: shown.json()[name] for name in BODY} == {**BODY, "scopes": sorted(BODY["scopes"])}
    listed = await world.http.get("/v1/clients?limit=1", headers=await world.as_root())
    rest = await world.http.get(f"/v1/clients?cursor={listed.json()['next_cursor']}", headers=await world.as_root())
    assert {one["id"] for page in (listed, rest) for one in page.json()["items"]} == {ROOT, made["id"]}
    for text in (shown.text, listed.text, rest.text):
        assert "client_secret" not in text
        assert "sha256" not in text
    assert await events(world) == ["registered", "registered"]


async def test_a_repeat_is_the_same_client_without_the_secret_and_says_so(world: World) -> None:
    headers = await keyed(world)
    first = (await world.http.post("/v1/clients", headers=headers, json=BODY)).json()
    again = await world.http.post("/v1/clients", headers=headers, json=BODY)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == {**first, "client_secret": None, "client_secret_is": "shown_before"}


async def test_no_secret_is_stored_in_clear_anywhere(world: World) -> None:
    made = await world.register()
    rotated = await world.http.post(f"/v1/clients/{made['id']}/rotate-secret", headers=await keyed(world), json={})
    for name in (CLIENTS.collection, IDEMPOTENCY, OUTBOX):
        rows = str(await world.process.database.collection(name).find({}).to_list(None))
        assert made["id"] in rows
        for secret in (made["client_secret"], rotated.json()["client_secret"]):
            assert secret[-20:] not in rows


@pytest.mark.parametrize(
    ("spoilt", "status", "code"),
    [({"scopes": []}, 422, "too_short"), ({"scopes": ["planets:read"]}, 422, "scope_unknown"),
     ({"scopes": ["tasks:READ"]}, 422, "scope_unknown"), ({"name": ""}, 422, "string_too_short"),
     ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "in_the_past"),
     ({"expires_at": "2030-01-01T00:00:00"}, 422, "datetime_type"),
     ({"rate_class": "unlimited"}, 422, "literal_error"), ({"id": "chosen"}, 422, "extra_forbidden"),
     ({"secrets": []}, 422, "extra_forbidden"), ({"unit_ids": []}, 422, "too_short"),
     *(({"public_jwk": key}, 422, "key_unusable") for key in BAD_KEYS)],
)  # fmt: skip
async def test_what_cannot_be_registered(world: World, spoilt: dict[str, Any], status: int, code: str) -> None:
    answer = await world.http.post("/v1/clients", headers=await keyed(world), json={**BODY, **spoilt})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert await events(world) == ["registered"]


async def test_nobody_gives_what_they_do_not_have(world: World) -> None:
    narrow = {**await world.as_root(scope="clients:admin tasks:read"), "Idempotency-Key": new_id()}
    beyond = await world.http.post("/v1/clients", headers=narrow, json={**BODY, "scopes": ["tasks:read", "ledger:read"]})
    assert beyond.status_code == 403
    assert "ledger:read" in beyond.text
    within = await world.http.post("/v1/clients", headers=narrow, json={**BODY, "scopes": ["tasks:read"]})
    assert within.status_code == 201


async def test_administration_is_for_administrators_of_the_whole_province(world: World) -> None:
    reader = await world.client_headers(scopes=["tasks:read"])
    limited = await world.client_headers(scopes=["clients:admin"], unit_ids=[UNIT])
    head = await world.person_headers("per-1", position="standing_agency")
    for headers in (reader, limited, head):
        keys = {**headers, "Idempotency-Key": new_id()}
        assert (await world.http.get("/v1/clients", headers=headers)).status_code == 403
        assert (await world.http.post("/v1/clients", headers=keys, json=BODY)).status_code == 403
        assert (await world.http.delete(f"/v1/clients/{ROOT}", headers=headers)).status_code == 403
        assert (await world.http.post(f"/v1/clients/{ROOT}/rotate-secret", headers=keys, json={})).status_code == 403
    assert await world.token()


async def test_two_secrets_serve_while_one_follows_the_other(world: World) -> None:
    made = await world.register()
    rotate = f"/v1/clients/{made['id']}/rotate-secret"
    second = (await world.http.post(rotate, headers=await keyed(world), json={"keep_old_minutes": 60})).json()
    assert await world.token(made["id"], made["client_secret"])
    assert await world.token(made["id"], second["client_secret"])
    assert [one["until"] is None for one in second["secrets"]] == [False, True]
    third = (await world.http.post(rotate, headers=await keyed(world), json={"keep_old_minutes": 60})).json()
    assert await world.token(made["id"], third["client_secret"])
    assert await world.token(made["id"], second["client_secret"])
    oldest = await world.http.post("/oauth2/token", auth=(made["id"], made["client_secret"]), data=FORM)
    assert oldest.status_code == 401
    fourth = (await world.http.post(rotate, headers=await keyed(world), json={"keep_old_minutes": 0})).json()
    assert await world.token(made["id"], fourth["client_secret"])
    assert (await world.http.post("/oauth2/token", auth=(made["id"], third["client_secret"]), data=FORM)).status_code == 401
    assert (await events(world))[2:] == ["secret_rotated"] * 3


async def test_rotating_has_the_manners_of_every_command(world: World) -> None:
    made = await world.register()
    rotate, headers = f"/v1/clients/{made['id']}/rotate-secret", await keyed(world)
    first = (await world.http.post(rotate, headers=headers, json={})).json()
    again = await world.http.post(rotate, headers=headers, json={})
    assert again.json() == {**first, "client_secret": None, "client_secret_is": "shown_before"}
    assert await world.token(made["id"], first["client_secret"])
    stale = await world.http.post(rotate, headers={**await keyed(world), "If-Match": '"1"'}, json={})
    assert stale.status_code == 412
    nobody = await world.http.post("/v1/clients/cl-nobody/rotate-secret", headers=await keyed(world), json={})
    assert nobody.status_code == 404
    without = await world.http.post(rotate, headers=await world.as_root(), json={})
    assert without.status_code == 400


async def test_a_revoked_client_is_out_within_five_seconds(world: World) -> None:
    made = await world.register(scopes=["clients:admin"])
    headers = {"Authorization": f"Bearer {await world.token(made['id'], made['client_secret'])}"}
    assert (await world.http.get("/v1/clients", headers=headers)).status_code == 200
    revoked = await world.http.delete(f"/v1/clients/{made['id']}", headers=await world.as_root())
    assert revoked.status_code == 204
    since = time.monotonic()

    async def out() -> bool:
        return (await world.http.get("/v1/clients", headers=headers)).status_code == 401

    await eventually("its token is refused", out, 6)
    assert time.monotonic() - since <= 5
    assert (await world.http.post("/oauth2/token", auth=(made["id"], made["client_secret"]), data=FORM)).status_code == 401
    again = await world.http.delete(f"/v1/clients/{made['id']}", headers=await world.as_root())
    assert again.status_code == 204
    assert (await events(world)).count("revoked") == 1
    dead = await world.http.post(f"/v1/clients/{made['id']}/rotate-secret", headers=await keyed(world), json={})
    assert dead.status_code == 409


async def test_an_expired_client_gets_nothing(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    made = await world.register(expires_at=soon.isoformat())

    async def refused() -> bool:
        answer = await world.http.post("/oauth2/token", auth=(made["id"], made["client_secret"]), data=FORM)
        return answer.status_code == 401

    await eventually("the client has expired", refused, 5)


async def test_many_registrations_at_once_with_one_key_make_one_client(world: World) -> None:
    headers = await keyed(world)
    answers = await asyncio.gather(*(world.http.post("/v1/clients", headers=headers, json=BODY) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [orjson.loads(answer.content) for answer in answers if answer.status_code == 201]
    assert len({one["id"] for one in made}) == 1
    assert len([one for one in made if one["client_secret"]]) == 1
