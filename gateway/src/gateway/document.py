"""The API of the whole platform as one OpenAPI document, merged from what each service says of itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from common.domain import Actor
from common.errors import DomainError
from common.observability import Log, sane_request_id
from gateway.identity import Vouchers
from gateway.oauth import TOKEN_PATH
from gateway.upstream import Request, Upstream

log = Log(__name__)

Document = dict[str, Any]
MAX_DOCUMENT = 4 * 1024 * 1024
KEEP_SECONDS = 60.0
_READER = Actor("client", "gateway")


def merge(parts: Mapping[str, Document], missing: list[str], issuer: str) -> Document:
    """One document. A schema that two services describe differently keeps its name in the first and gets the service's
    name in front in the other; `missing` names the services that did not answer.
    """
    paths: Document = {}
    schemas: Document = {}
    for service, part in parts.items():
        whole = _beside(schemas, service, part)
        schemas |= whole["components"]["schemas"]
        paths |= whole["paths"]
    note = f" Không trả lời / not answering: {', '.join(missing)}." if missing else ""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rõ Việc",
            "version": "1",
            "description": "API của cả nền tảng, qua một cổng / the API of the whole platform, through one door." + note,
        },
        "servers": [{"url": issuer}],
        "x-services-missing": missing,
        "paths": {TOKEN_PATH: _TOKEN_OPERATION, **dict(sorted(paths.items()))},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _beside(schemas: Document, service: str, part: Document) -> Document:
    """The part with its schemas under names that do not clash with these; what refers to a renamed one may have to be
    renamed itself, so that this goes on until nothing clashes.
    """
    whole: Document = {
        "paths": part["paths"],
        "components": {"schemas": dict(part.get("components", {}).get("schemas", {}))},
    }
    renamed: dict[str, str] = {}
    while True:
        clashing = {
            name: f"{service}.{name}"
            for name, schema in whole["components"]["schemas"].items()
            if name not in renamed.values() and schemas.get(name, schema) != schema
        }
        if not clashing:
            return whole
        renamed |= clashing
        whole = _renaming(whole, clashing)


def _renaming(document: Document, renamed: Mapping[str, str]) -> Document:
    """The document with its schemas, and every reference to them, under new names."""
    prefix = "#/components/schemas/"

    def walk(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: refer(value) if key == "$ref" else walk(value) for key, value in part.items()}
        return [walk(one) for one in part] if isinstance(part, list) else part

    def refer(value: Any) -> Any:
        name = value.removeprefix(prefix) if isinstance(value, str) else ""
        return prefix + renamed[name] if name in renamed else value

    walked: Document = walk(document)
    walked["components"]["schemas"] = {
        renamed.get(name, name): schema for name, schema in walked["components"]["schemas"].items()
    }
    return walked


_TOKEN_OPERATION: Document = {
    "post": {
        "tags": ["access"],
        "summary": "Get an access token",
        "description": "OAuth 2 client credentials (RFC 6749, 4.4): HTTP Basic with client id and secret, or `private_key_jwt` "
        "(RFC 7523). The token serves 15 minutes.",
        "security": [{"basic": []}],
        "x-service": "gateway",
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["grant_type"],
                        "properties": {
                            "grant_type": {"const": "client_credentials"},
                            "scope": {"type": "string", "description": "Narrows the token to some of the client's scopes"},
                            "client_assertion_type": {"type": "string"},
                            "client_assertion": {"type": "string"},
                        },
                    }
                }
            },
        },
        "responses": {
            "200": {
                "description": "Token",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["access_token", "token_type", "expires_in", "scope"],
                            "properties": {
                                "access_token": {"type": "string"},
                                "token_type": {"const": "Bearer"},
                                "expires_in": {"type": "integer"},
                                "scope": {"type": "string"},
                            },
                        }
                    }
                },
            },
            "400": {"description": "Error of RFC 6749, 5.2"},
            "401": {"description": "invalid_client"},
        },
    }
}


class ApiDocument:
    """The merged document, asked for at most once a minute."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        vouchers: Vouchers,
        own: Callable[[], Document],
        issuer: str,
        render: Callable[[Document], str],
    ) -> None:
        self._upstreams, self._vouchers, self._own, self._issuer = upstreams, vouchers, own, issuer
        self._render = render
        self._until = 0.0
        self._document: Document = {}
        self._page = ""
        self._lock = asyncio.Lock()

    async def document(self) -> Document:
        await self._refresh()
        return self._document

    async def page(self) -> str:
        await self._refresh()
        return self._page

    async def _refresh(self) -> None:
        async with self._lock:
            if time.monotonic() < self._until:
                return
            names = list(self._upstreams)
            answers = await asyncio.gather(*(self._fetch(name) for name in names))
            parts = {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}
            missing = [name for name in names if name not in parts]
            self._document = merge({**parts, "gateway": self._own()}, missing, self._issuer)
            self._page = self._render(self._document)
            self._until = time.monotonic() + (KEEP_SECONDS if not missing else 5.0)

    async def _fetch(self, service: str) -> Document | None:
        headers = [
            (b"authorization", self._vouchers.bearer(_READER, service)),
            (b"x-request-id", sane_request_id(None).encode()),
            (b"accept", b"application/json"),
        ]
        try:
            async with asyncio.timeout(5):
                reply = await self._upstreams[service].send(Request("GET", b"/openapi.json", headers))
                try:
                    content = await reply.whole(MAX_DOCUMENT)
                finally:
                    reply.close()
            if reply.status == 200:
                found = orjson.loads(content)
                return found if isinstance(found, dict) and isinstance(found.get("paths"), dict) else None
        except (DomainError, TimeoutError, ValueError) as error:
            log.warning("document_not_fetched", upstream=service, error=type(error).__name__)
        return None
