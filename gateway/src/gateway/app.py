"""The gateway as a process: `python -m gateway.app --role all|api|worker`."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from starlette.types import ASGIApp

from common.access import ALGORITHMS, Jwks, TokenRules
from common.clock import Clock, system_clock
from common.errors import DomainError
from common.http import build_app, document_app
from common.mongo import DuplicateKeyError
from common.observability import Log, setup_logging
from common.repository import Reader
from common.service import ROLES, Process, run_process
from common.unit_of_work import UnitOfWork
from gateway.control import PATHS, control_app
from gateway.docs_page import page
from gateway.document import ApiDocument
from gateway.domain.client import Client, Secret
from gateway.front import AccessLog, Front
from gateway.identity import ACCESS_AUDIENCE, ACCESS_SECONDS, ACCESS_TYPE, Identity, Issuers, Vouchers
from gateway.keys import SigningKey, own_keys
from gateway.limits import Limiter, Policy
from gateway.oauth import TokenEndpoint, hash_of
from gateway.routes import EVERY_SCOPE, ROWS
from gateway.service import service
from gateway.settings import GatewaySettings
from gateway.store import ASSERTION_INDEXES, ASSERTIONS, CLIENTS, PEOPLE
from gateway.upstream import Upstream

log = Log(__name__)


class GatewayProcess(Process):
    """A process as every service's, whose API is the door to all of them."""

    def __init__(self, settings: GatewaySettings, role: str, clock: Clock = system_clock) -> None:
        super().__init__(service, settings, role, clock)
        self._gateway_settings = settings
        self._signing = SigningKey(settings.signing_key.get_secret_value())
        self._own_keys = own_keys(self._signing, settings.previous_public_keys)
        self.keys = self._own_keys
        self._people_keys = Jwks(settings.oidc_jwks_url)
        self._upstreams = {
            row.service: Upstream(
                row.service,
                str(getattr(settings, row.url_setting)),
                seconds=settings.upstream_seconds,
                most=settings.upstream_connections,
            )
            for row in ROWS
            if row.url_setting is not None
        }
        self._access = AccessLog(enabled=settings.log_level in ("DEBUG", "INFO"))

    def api(self) -> ASGIApp:
        settings, vouchers = self._gateway_settings, Vouchers(self._signing, self.settings.internal_issuer)
        document = ApiDocument(
            self._upstreams,
            vouchers,
            lambda: document_app(service.name, service.title, service.routes).openapi(),
            settings.issuer,
            page,
        )
        endpoint = TokenEndpoint(settings.issuer, self._signing, self._client, self._use_assertion, Limiter())
        return Front(
            self._identity(),
            vouchers,
            self._upstreams,
            {
                "read": Policy("read", settings.rate_read),
                "write": Policy("write", settings.rate_write),
                "import": Policy("import", settings.rate_import),
            },
            control=control_app(endpoint, self._own_keys, ALGORITHMS, document.document, document.page),
            control_paths=PATHS,
            local=build_app(
                service.name, service.title, service.routes, self.units, settings, self._own_keys, service.body_limits
            ),
            body_seconds=settings.body_seconds,
            bodies_in_memory=settings.bodies_in_memory,
            https=settings.issuer.startswith("https:"),
            access=self._access,
        )

    def _identity(self) -> Identity:
        settings = self._gateway_settings
        issuers = Issuers(
            own=TokenRules(settings.issuer, ACCESS_AUDIENCE, frozenset({ACCESS_TYPE}), ACCESS_SECONDS),
            own_keys=self._own_keys,
            people=TokenRules(
                settings.oidc_issuer,
                settings.oidc_audience,
                frozenset({"jwt", ACCESS_TYPE}),
                settings.oidc_max_lifetime,
                settings.oidc_algorithms,
            ),
            people_keys=self._people_keys,
        )
        return Identity(issuers, self._client, lambda person_id: Reader(self.database).get(PEOPLE, person_id))

    async def _client(self, client_id: str) -> Client | None:
        return await Reader(self.database).get(CLIENTS, client_id)

    async def _use_assertion(self, key: str) -> bool:
        try:
            await self.database.collection(ASSERTIONS).insert_one({"_id": key, "at": self.units.clock()})
        except DuplicateKeyError:
            return False
        return True

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await super().run(stop)
        finally:
            self._access.flush()
            for upstream in self._upstreams.values():
                upstream.close()
            await self._people_keys.close()

    async def _prepare(self, stop: asyncio.Event) -> None:
        await super()._prepare(stop)
        while not stop.is_set():
            try:
                await self.database.prepare([(ASSERTIONS, ASSERTION_INDEXES)])
                await self._bootstrap()
                return
            except Exception as error:  # the database has gone again: without its clients the door opens to nobody
                log.warning("gateway_not_prepared", error=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _bootstrap(self) -> None:
        """The first client, with every scope, so that there is somebody who can admit others."""
        client_id, secret = self._gateway_settings.bootstrap_client_id, self._gateway_settings.bootstrap_client_secret
        if client_id is None or secret is None:
            return

        async def work(uow: UnitOfWork) -> None:
            if await uow.get(CLIENTS, client_id) is not None:
                return
            first = Secret(sha256=hash_of(secret.get_secret_value()), created_at=uow.now)
            client = Client(id=client_id, name="bootstrap", scopes=sorted(EVERY_SCOPE), created_at=uow.now, secrets=[first])
            uow.save(CLIENTS, client.register())

        try:
            await self.units.run(work, self.units.system())
        except DomainError as error:  # another replica was faster, which is as good
            if await self._client(client_id) is None:
                raise error


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="gateway", description=service.title)
    parser.add_argument("--role", choices=ROLES, default="all")
    role = parser.parse_args(arguments).role
    settings: Any = GatewaySettings.load()
    setup_logging(service.name, settings.log_level)
    run_process(GatewayProcess(settings, role))


if __name__ == "__main__":
    main()
