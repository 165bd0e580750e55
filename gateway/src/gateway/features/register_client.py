"""Admit a partner system."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Annotated, Any

import jwt
from fastapi import Response
from pydantic import Field

from common.contracts.fields import IsoMoment
from common.errors import FieldProblem, Forbidden, Invalid, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from gateway.domain.client import Client, RateClass, Secret
from gateway.features.client_view import ClientWithSecret, check_administers
from gateway.features.showing_secrets import with_secret
from gateway.keys import thumbprint
from gateway.oauth import hash_of, new_secret
from gateway.routes import is_scope
from gateway.store import CLIENTS

routes = Routes("clients")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_KINDS = {("EC", "P-256"): "ES256", ("RSA", "None"): "PS256", ("OKP", "Ed25519"): "EdDSA"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class RegisterClient(Command):
    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Cổng dịch vụ công tỉnh"])]
    scopes: Annotated[
        list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=100, examples=[["tasks:read"]])
    ]
    unit_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=500, description="Units that it may act for; null: every unit"),
    ] = None
    rate_class: RateClass = "standard"
    expires_at: IsoMoment | None = None
    public_jwk: Annotated[
        dict[str, Any] | None,
        Field(description="Public key for private_key_jwt (RFC 7523): ES256, PS256 or EdDSA. The client then has no secret"),
    ] = None


async def handle(command: RegisterClient, uow: UnitOfWork, *, client_id: str, secret: str) -> Client:
    """Raises `Invalid` for scopes that do not exist or a key that cannot be used, `Forbidden` for scopes that the
    administrator does not have: nobody gives more than is theirs.
    """
    problems = [_unknown_scope(scope) for scope in command.scopes if not is_scope(scope)]
    if command.expires_at is not None and command.expires_at <= uow.now:
        problems.append(_IN_THE_PAST)
    key = None if command.public_jwk is None else usable_key(command.public_jwk)
    if command.public_jwk is not None and key is None:
        problems.append(_KEY_UNUSABLE)
    if problems:
        raise Invalid(Words(f"Có {len(problems)} chỗ chưa đúng.", f"{len(problems)} places are not right."), problems)
    beyond = sorted(set(command.scopes) - uow.actor.scopes)
    if beyond:
        raise Forbidden(
            Words(
                f"Không thể giao quyền mà chính người gọi không có: {', '.join(beyond)}.",
                f"Scopes that the caller does not have cannot be given: {', '.join(beyond)}.",
            )
        )
    client = Client(
        id=client_id,
        name=command.name,
        scopes=sorted(set(command.scopes)),
        unit_ids=None if command.unit_ids is None else sorted(set(command.unit_ids)),
        rate_class=command.rate_class,
        created_at=uow.now,
        expires_at=command.expires_at,
        secrets=[Secret(sha256=hash_of(secret), created_at=uow.now)] if key is None else [],
        public_jwk=key,
    )
    return uow.save(CLIENTS, client.register())


def usable_key(given: dict[str, Any]) -> dict[str, Any] | None:
    """The key as it is kept, with its algorithm and an id, or None: private, symmetric, weak or of an unknown kind."""
    algorithm = _KINDS.get((str(given.get("kty")), str(given.get("crv"))))
    if algorithm is None or given.get("alg", algorithm) != algorithm or not _PRIVATE.isdisjoint(given):
        return None
    fields = {name: given[name] for name in ("kty", "crv", "x", "y", "n", "e") if isinstance(given.get(name), str)}
    try:
        key = jwt.PyJWK({**fields, "alg": algorithm})
        computed = thumbprint(fields)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        return None
    if algorithm == "PS256" and not 2048 <= key.key.key_size <= 8192:
        return None
    kid = given.get("kid")
    return {**fields, "alg": algorithm, "use": "sig", "kid": kid if isinstance(kid, str) and 0 < len(kid) <= 200 else computed}


def _unknown_scope(scope: str) -> FieldProblem:
    return FieldProblem(
        "scopes",
        "scope_unknown",
        Words("Không có quyền này.", "There is no such scope."),
        Words("Hãy dùng <danh từ>:<động từ>, ví dụ tasks:read.", "Use <noun>:<verb>, tasks:read for example."),
        scope,
    )


_IN_THE_PAST = FieldProblem(
    "expires_at",
    "in_the_past",
    Words("Thời điểm đã qua.", "This moment has passed."),
    Words("Hãy dùng một thời điểm sau này.", "Use a later moment."),
)
_KEY_UNUSABLE = FieldProblem(
    "public_jwk",
    "key_unusable",
    Words("Không phải khóa công khai dùng được.", "This is no public key that can be used."),
    Words(
        "Hãy gửi JWK công khai: EC P-256 (ES256), RSA từ 2048 bit (PS256) hoặc Ed25519 (EdDSA).",
        "Send a public JWK: EC P-256 (ES256), RSA of 2048 bits or more (PS256), or Ed25519 (EdDSA).",
    ),
)


@routes.post("/clients", status_code=201, response_model=ClientWithSecret)
async def register_client(command: RegisterClient, effect: Annotated[Effect, writes("clients:admin")]) -> Response:
    """Admit a partner system. Its secret is in this answer alone; asked again with the same key, the answer is without."""
    check_administers(effect)
    client_id = "cl-" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
    secret = new_secret(client_id)
    work = partial(handle, client_id=client_id, secret=secret)
    answer = await effect.run(
        work, command, ClientWithSecret.of, status=201, location=lambda client: f"/v1/clients/{client.id}"
    )
    return answer if command.public_jwk is not None else with_secret(answer, secret)
