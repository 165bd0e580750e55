"""The control plane: tokens, keys, the merged API and its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from common.errors import DomainError
from common.http import as_problem, problem_response
from gateway.keys import FixedKeys
from gateway.oauth import TOKEN_PATH, OAuthError, TokenEndpoint
from gateway.routes import EVERY_SCOPE

METADATA_PATH, JWKS_PATH = "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"
OPENAPI_PATH, DOCS_PATH = "/openapi.json", "/docs"
PATHS = frozenset(path.encode() for path in (TOKEN_PATH, METADATA_PATH, JWKS_PATH, OPENAPI_PATH, DOCS_PATH))
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def control_app(
    endpoint: TokenEndpoint,
    keys: FixedKeys,
    algorithms: tuple[str, ...],
    document: Callable[[], Awaitable[dict[str, Any]]],
    page: Callable[[], Awaitable[str]],
) -> FastAPI:
    """The application behind `PATHS`."""
    routes = APIRouter()

    @routes.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        peer = request.client.host if request.client else ""
        form = (request.headers.get("content-type", ""), await request.body())
        try:
            return _json(await endpoint.grant(*form, request.headers.get("authorization"), peer), cache="no-store")
        except OAuthError as error:
            headers = {"WWW-Authenticate": 'Basic realm="roviec"'} if error.status == 401 else {}
            content = {"error": error.code, "error_description": error.description}
            return _json(content, error.status, cache="no-store", headers=headers)

    @routes.get(METADATA_PATH)
    async def metadata() -> Response:
        return _json(_metadata(endpoint.issuer, algorithms), cache="public, max-age=3600")

    @routes.get(JWKS_PATH)
    async def jwks() -> Response:
        return _json({"keys": keys.documents}, cache="public, max-age=300")

    @routes.get(OPENAPI_PATH)
    async def openapi() -> Response:
        return _json(await document(), cache="public, max-age=60")

    @routes.get(DOCS_PATH)
    async def docs() -> Response:
        return Response(
            await page(),
            headers={"Cache-Control": "public, max-age=60", "Content-Security-Policy": PAGE_POLICY},
            media_type="text/html",
        )

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(routes)

    async def on_error(_: Request, error: Exception) -> Response:
        return problem_response(as_problem(error))

    for kind in (DomainError, HTTPException, Exception):
        app.add_exception_handler(kind, on_error)
    return app


def _json(content: Mapping[str, Any], status: int = 200, *, cache: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, {"Cache-Control": cache, **(headers or {})}, "application/json")


def _metadata(issuer: str, algorithms: tuple[str, ...]) -> dict[str, Any]:
    """RFC 8414."""
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "scopes_supported": sorted(EVERY_SCOPE),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(algorithms),
        "service_documentation": issuer + DOCS_PATH,
    }
