"""What the tests of the gateway share: a gateway on a real port before real services, callers, a stand-in for a provider."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import OKPAlgorithm

from common.access import Jwks
from common.outbox import new_id
from common.service import Process, Service
from common.testing import Area, eventually
from deploy.local.parts import free_port
from gateway.app import GatewayProcess
from gateway.domain.person import Person
from gateway.keys import FixedKeys
from gateway.oauth import new_secret
from gateway.service import service as gateway_service
from gateway.settings import GatewaySettings
from gateway.store import PEOPLE

ROOT = "root-client"
ROOT_SECRET = new_secret(ROOT)
PROVIDER, PROVIDER_AUDIENCE = "https://sso.province.test", "roviec-people"
UNIT = "vn:commune:00694@2025-07-01"


def pem() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Provider:
    """The province's OpenID Connect provider."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def keys(self) -> FixedKeys:
        public = json.loads(OKPAlgorithm.to_jwk(self.key.public_key()))
        return FixedKeys([{**public, "kid": "p1", "use": "sig", "alg": "EdDSA"}])

    def token(self, person_id: str, **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": PROVIDER, "aud": PROVIDER_AUDIENCE, "sub": person_id, "iat": now, "exp": now + 600, "jti": new_id(),
        }  # fmt: skip
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers={"kid": "p1", "typ": "JWT"})


@dataclass
class World:
    """A running gateway and how to call it."""

    process: GatewayProcess
    url: str
    http: httpx2.AsyncClient
    provider: Provider

    async def token(self, client_id: str = ROOT, secret: str = ROOT_SECRET, **form: str) -> str:
        answer = await self.http.post(
            "/oauth2/token", auth=(client_id, secret), data={"grant_type": "client_credentials", **form}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def as_root(self, **form: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.token(**form)}"}

    async def register(self, **fields: Any) -> dict[str, Any]:
        """A new client, as the administrator registers it; its secret with it."""
        answer = await self.http.post(
            "/v1/clients",
            headers={**await self.as_root(), "Idempotency-Key": new_id()},
            json={"name": "partner", "scopes": ["courses:read"], **fields},
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def client_headers(self, **fields: Any) -> dict[str, str]:
        made = await self.register(**fields)
        return {"Authorization": f"Bearer {await self.token(made['id'], made['client_secret'])}"}

    async def person_headers(self, person_id: str, **fields: Any) -> dict[str, str]:
        await self.put_person(person_id, **fields)
        return {"Authorization": f"Bearer {self.provider.token(person_id)}"}

    async def put_person(self, person_id: str, unit_id: str = UNIT, position: str = "officer", active: bool = True) -> None:
        async def work(uow: Any) -> None:
            uow.put(PEOPLE, Person(id=person_id, unit_id=unit_id, position=position, active=active))

        await self.process.units.run(work, self.process.units.system())


def gateway_settings(area: Area, port: int, **changes: Any) -> GatewaySettings:
    nowhere = "http://127.0.0.1:9"
    found: GatewaySettings = area.settings(
        gateway_service,
        **{
            "api_port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "signing_key": pem(),
            "tasks_url": nowhere,
            "training_url": nowhere,
            "notifications_url": nowhere,
            "audit_url": nowhere,
            "oidc_issuer": PROVIDER,
            "oidc_jwks_url": nowhere,
            "oidc_audience": PROVIDER_AUDIENCE,
            "bootstrap_client_id": ROOT,
            "bootstrap_client_secret": ROOT_SECRET,
            **changes,
        },
    )
    return found


@asynccontextmanager
async def gateway(area: Area, role: str = "api", port: int | None = None, **changes: Any) -> AsyncIterator[World]:
    """A gateway on a port of its own, in this process."""
    port = port or free_port()
    provider = Provider()
    process = GatewayProcess(gateway_settings(area, port, **changes), role)
    process._people_keys = provider.keys
    stop = asyncio.Event()
    task = asyncio.create_task(process.run(stop))

    async def ready() -> bool:
        if task.done():
            task.result()
        if not process.ready:
            return False
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        return False

    try:
        await eventually("the gateway is ready", ready, 30)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as http:
            yield World(process, f"http://127.0.0.1:{port}", http, provider)
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=30)


@asynccontextmanager
async def behind(area: Area, service: Service, port: int, gateway_port: int) -> AsyncIterator[Process]:
    """A real service on this port that believes the keys of the gateway on the other."""
    area.keys = Jwks(f"http://127.0.0.1:{gateway_port}/.well-known/jwks.json")  # type: ignore[assignment]
    async with area.running(service, "api", api_port=port) as process:
        yield process
