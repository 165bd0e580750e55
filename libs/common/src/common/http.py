"""HTTP manners of every service: who calls, what went wrong, effects once, versions, pages.

A route gets its `Call` from `reads(scope)` or its `Effect` from `writes(scope)`, and through it alone the database: an
endpoint that declares no rule of access can do nothing. A test walks all routes and finds any without one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common import crash, errors
from common import observability as metrics
from common.access import Jwks, TokenCache, TokenRules, actor_of, unauthenticated, verify
from common.domain import Actor
from common.errors import LANGUAGE, DomainError, FieldProblem, Invalid, database_away, text
from common.mongo import Index, PyMongoError, is_away, is_conflict, is_duplicate
from common.observability import REQUEST_ID, TRACEPARENT, Log, sane_request_id, sane_traceparent
from common.outbox import new_id
from common.repository import Reader
from common.settings import Settings
from common.unit_of_work import Cause, UnitOfWork, Units
from common.words import accepts_json, field_problem, prefers_english, problem_body

log = Log(__name__)
M = TypeVar("M", bound="Command")
R = TypeVar("R")
V = TypeVar("V", bound=BaseModel)

IDEMPOTENCY = "idempotency"
IDEMPOTENCY_INDEXES = (Index("at", expire_seconds=3 * 24 * 3600),)
BODY_LIMIT = 1024 * 1024
INTERNAL_TYPE = "internal+jwt"
INTERNAL_LIFETIME = 60


class Command(BaseModel):
    """What a caller asks to be done: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class View(BaseModel):
    """What a caller is shown."""

    model_config = ConfigDict(frozen=True)


class Problem(View):
    """RFC 9457 problem document."""

    type: str = Field(description="Stable address of the kind of problem", examples=["/problems/rule-broken"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request id")
    errors: list[dict[str, str]] = Field(
        default=[], description="field, code, message, repair and, where words caused it, quote"
    )


class Items(View, Generic[V]):
    """One page of a list."""

    items: list[V]
    next_cursor: str | None = Field(description="Give it back as ?cursor= for the next page; null on the last")


def problem_response(error: DomainError) -> Response:
    """Any failure as problem+json in the language of the answer."""
    body = problem_body(error.status, error.slug, error.title, error.detail, error.errors, REQUEST_ID.get() or "")
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return Response(orjson.dumps(body), error.status, headers, "application/problem+json")


# --- the edge: one plain ASGI layer around everything ---


@dataclass
class Edge:
    """Request id, trace context, language, token, body limit, metrics, and an answer to whatever goes wrong inside."""

    app: ASGIApp
    service: str
    keys: Jwks
    issuer: str
    body_limits: Mapping[str, int]

    def __post_init__(self) -> None:
        self._rules = TokenRules(self.issuer, self.service, frozenset({INTERNAL_TYPE}), INTERNAL_LIFETIME)
        self._actors = TokenCache()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = sane_request_id(headers.get("x-request-id"))
        REQUEST_ID.set(request_id)
        TRACEPARENT.set(sane_traceparent(headers.get("traceparent")))
        LANGUAGE.set("en" if prefers_english(headers.get("accept-language", "")) else "vi")
        status = 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            scope["actor"] = await self._actor(headers)
            if not accepts_json(headers.get("accept", "*/*")):
                raise errors.NotAcceptable(text("json_only"))
            await self.app(scope, self._bounded(scope, headers, receive), stamped)
        except Exception as error:
            if status:  # the answer has begun; nothing more can be said
                log.error("answer_broken_off", exc_info=error)
            else:
                await problem_response(as_problem(error))(scope, receive, stamped)
        finally:
            self._count(scope, status, time.perf_counter() - started)

    async def _actor(self, headers: Mapping[str, str]) -> Actor:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise unauthenticated("none")
        actor: Actor | None = self._actors.get(token)
        if actor is None:
            claims = await verify(token, self.keys, self._rules)
            actor = actor_of(claims)
            self._actors.put(token, claims["exp"], actor)
        return actor

    def _bounded(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Receive:
        limit = next((size for prefix, size in self.body_limits.items() if scope["path"].startswith(prefix)), BODY_LIMIT)

        def check(size: int) -> None:
            if size > limit:
                raise errors.TooLarge(text("body_over_limit", limit=limit))

        declared = headers.get("content-length", "")
        check(int(declared) if declared.isdecimal() else 0)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            check(seen)
            return message

        return counted

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = getattr(scope.get("route"), "path", "unmatched"), scope["method"]
        method = method if method in ("GET", "POST", "PUT", "PATCH", "DELETE") else "other"
        metrics.REQUESTS.labels(route, method, str(status)).inc()
        metrics.REQUEST_SECONDS.labels(route, method).observe(seconds)


def as_problem(error: BaseException) -> DomainError:
    """What any exception is called towards a caller; what we did not expect is logged and says nothing of our insides."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, RequestValidationError):
        return _of_values(error)
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if is_away(error):
        log.warning("database_away", error=type(error).__name__)
        return database_away()
    log.error("unexpected_failure", exc_info=error)
    return errors.Unexpected(text("failed_inside"))


_OF_STATUS: dict[int, tuple[type[DomainError], errors.Words]] = {
    404: (errors.NotFound, text("no_such_path")),
    405: (errors.MethodNotAllowed, text("no_such_method")),
    413: (errors.TooLarge, text("body_too_large")),
}


def _of_framework(error: HTTPException) -> DomainError:
    if isinstance(error.__cause__, DomainError):  # raised while the body was being read
        return error.__cause__
    kind, words = _OF_STATUS.get(error.status_code, (errors.BadRequest, text("body_unreadable")))
    return kind(words)


def _of_values(error: RequestValidationError) -> DomainError:
    found = [field_problem(one) for one in error.errors()]
    if any(one.code == "json_invalid" for one in found):
        return errors.BadRequest(text("body_not_json"), found)
    return Invalid(text("places_wrong", count=len(found)), found)


# --- strict bodies ---


_SUSPECT = re.compile(rb"\\u0000|[0-9]{19}")
_INT64 = range(-(2**63), 2**63)


class _StrictRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        value = orjson.loads(body)  # refuses NaN, lone surrogates and other things that only look like JSON
        if _SUSPECT.search(body):
            _refuse_unstorable(value)
        return value


def _refuse_unstorable(value: Any) -> None:
    """Raises `Invalid` for what JSON can say and the database cannot keep: a NUL character, a number of more than 64 bits."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        where, found = waiting.pop()
        if isinstance(found, dict):
            waiting += [(f"{where}.{name}".lstrip("."), name) for name in found if "\0" in name]
            waiting += [(f"{where}.{name}".lstrip("."), one) for name, one in found.items()]
        elif isinstance(found, list):
            waiting += [(f"{where}.{place}".lstrip("."), one) for place, one in enumerate(found)]
        elif isinstance(found, str) and "\0" in found:
            raise _unstorable(where, "null_character")
        elif isinstance(found, int) and found not in _INT64:
            raise _unstorable(where, "int_too_large")


def _unstorable(where: str, code: str) -> Invalid:
    return Invalid(text("one_place_wrong"), [FieldProblem.of(where.replace("\0", "\ufffd") or "body", code)])


class _StrictRoute(APIRoute):
    """Takes JSON where JSON is declared, and nothing where nothing is; in the query what is declared alone, since a filter with
    a slip of the pen in its name would otherwise show everything.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._begins, self._parts = path.partition("{")[0], path.count("/")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """All routes are asked in turn, a hundred and more: most are out by how the path begins or how many parts it has."""
        if not scope["path"].startswith(self._begins) or scope["path"].count("/") != self._parts:
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Awaitable[Any]]:  # type: ignore[override]
        handle = super().get_route_handler()
        takes_body, raw = self.body_field is not None, getattr(self.endpoint, "takes_raw_body", False)
        queries = {one.alias for one in get_flat_params(self.dependant) if isinstance(one.field_info, params.Query)}

        async def strict(received: Request) -> Any:
            request = _StrictRequest(received.scope, received.receive)  # this one is read and handed on: a body comes but once
            if unknown := [FieldProblem.of(name, "extra_forbidden") for name in request.query_params if name not in queries]:
                raise Invalid(text("places_wrong", count=len(unknown)), unknown)
            if request.method in ("POST", "PUT", "PATCH") and not raw:
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                body = await request.body()
                if takes_body and body and kind != "application/json" and not kind.endswith("+json"):
                    raise errors.UnsupportedMedia(text("send_json"))
                if not takes_body and body.strip() not in (b"", b"{}"):
                    raise Invalid(text("no_body_taken"))
            return await handle(request)

        return strict


def raw_body(endpoint: R) -> R:
    """Marks an endpoint that reads the body's bytes itself."""
    endpoint.takes_raw_body = True  # type: ignore[attr-defined]
    return endpoint


class Routes(APIRouter):
    """A feature's routes, under `/v1`."""

    def __init__(self, *tags: str) -> None:
        super().__init__(prefix="/v1", route_class=_StrictRoute, tags=list(tags))


# --- calls ---


@dataclass(frozen=True)
class Listing:
    """Which page of a list is asked for."""

    limit: Annotated[int, Query(ge=1, le=100, description="Items on a page")] = 50
    cursor: Annotated[str | None, Query(max_length=600, description="The next_cursor of the page before")] = None


Paged = Annotated[Listing, Depends()]


@dataclass
class Call:
    """An authorised request that changes nothing."""

    request: Request
    units: Units
    actor: Actor
    settings: Settings

    @cached_property
    def reader(self) -> Reader:
        """All that is read for this request, one thing after the other, shares the time in which it has to be answered."""
        return Reader(self.units.database, until=asyncio.get_running_loop().time() + self.settings.transaction_seconds)

    def one(self, view: BaseModel, version: int | None = None) -> Response:
        """Answer with one item; 304 when the caller's `If-None-Match` names this version."""
        headers = {}
        if version is not None:
            headers["ETag"] = f'"{version}"'
            known = {tag.strip().removeprefix("W/") for tag in self.request.headers.get("if-none-match", "").split(",")}
            if not known.isdisjoint({headers["ETag"], "*"}):
                return Response(status_code=304, headers=headers)
        return Response(view.model_dump_json().encode(), 200, headers, "application/json")

    def after(self, listing: Listing) -> str | None:
        """The key behind which the page starts. Raises `Invalid` for a cursor that we did not give for this very list."""
        if listing.cursor is None:
            return None
        body, _, mark = listing.cursor.partition(".")
        if not hmac.compare_digest(self._mark(body).encode(), mark.encode()):
            raise Invalid(text("cursor_foreign"), [FieldProblem.of("cursor", "cursor_invalid")])
        return str(json.loads(base64.urlsafe_b64decode(body)))

    def page(self, rows: Sequence[R], listing: Listing, key: Callable[[R], str], view: Callable[[R], BaseModel]) -> Response:
        """Answer with a page. `rows` holds one more than the limit when there is a next page."""
        shown = rows[: listing.limit]
        cursor = None
        if len(rows) > listing.limit:
            body = base64.urlsafe_b64encode(json.dumps(key(shown[-1])).encode()).decode()
            cursor = f"{body}.{self._mark(body)}"
        items = b",".join(view(row).model_dump_json().encode() for row in shown)
        content = b'{"items":[' + items + b'],"next_cursor":' + json.dumps(cursor).encode() + b"}"
        return Response(content, 200, media_type="application/json")

    def _mark(self, body: str) -> str:
        query = sorted((k, v) for k, v in self.request.query_params.multi_items() if k not in ("cursor", "limit"))
        about = json.dumps([self.request.url.path, query, body]).encode()
        key = self.settings.cursor_key.get_secret_value().encode()
        return base64.urlsafe_b64encode(hmac.digest(key, about, "sha256")[:12]).decode()


@dataclass
class Effect(Call):
    """An authorised request that changes something, once for each Idempotency-Key."""

    key: str
    if_match: int | None

    def cause(self) -> Cause:
        return Cause(self.actor, REQUEST_ID.get() or new_id(), None, TRACEPARENT.get())

    def key_id(self) -> str:
        """The id of the record under which this caller's key is remembered for this route."""
        route = self.request.scope["route"].path
        return hashlib.sha256(f"{self.actor}\n{self.request.method} {route}\n{self.key}".encode()).hexdigest()

    async def run(
        self,
        handle: Callable[[M, UnitOfWork], Awaitable[R]],
        command: M,
        view: Callable[[R], BaseModel],
        *,
        status: int = 200,
        location: Callable[[R], str] | None = None,
        seconds: float | None = None,
    ) -> Response:
        """Run a use case in one transaction together with the memory of its answer.

        The same key with the same command gives the first answer again; with another command 422 (`KeyReused`); while
        the first still runs 409 (`Conflict`).
        """
        key_id, fingerprint = self.key_id(), self._fingerprint(command)

        async def work(uow: UnitOfWork) -> dict[str, Any]:
            memory = uow.database.collection(IDEMPOTENCY)
            try:
                await memory.insert_one({"_id": key_id, "fingerprint": fingerprint, "at": uow.now}, session=uow.session)
            except PyMongoError as error:
                if is_duplicate(error) or is_conflict(error):
                    raise _SeenBefore from error
                raise
            result = await handle(command, uow)
            await uow.flush()
            version = getattr(result, "version", None)
            answer = {
                "status": status,
                "body": view(result).model_dump_json().encode(),
                "etag": None if version is None else f'"{version}"',
                "location": None if location is None else location(result),
            }
            await memory.update_one({"_id": key_id}, {"$set": answer}, session=uow.session)
            crash.point("write.before_commit")
            return answer

        try:
            answer = await self.units.run(work, self.cause(), seconds=seconds)
            crash.point("write.after_commit")
        except _SeenBefore:
            return await self.replay(key_id, fingerprint)
        return _answer(answer)

    async def replay(self, key_id: str, fingerprint: str) -> Response:
        """The answer remembered under a key. Raises `Conflict` while there is none yet, `KeyReused` for another body."""
        async with Reader(self.units.database).in_time():
            found = await self.units.database.collection(IDEMPOTENCY).find_one({"_id": key_id})
        if found is None or "status" not in found:
            raise errors.Conflict(text("still_running"), retry_after=1)
        if found["fingerprint"] != fingerprint:
            raise errors.KeyReused(text("key_reused"))
        metrics.REPLAYS.inc()
        return _answer(found, replayed=True)

    def _fingerprint(self, command: BaseModel) -> str:
        return hashlib.sha256(f"{self.request.url.path}\n{command.model_dump_json()}".encode()).hexdigest()


class _SeenBefore(Exception):
    """Another request has used this key, or holds it now."""


def _answer(stored: Mapping[str, Any], *, replayed: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    headers |= {name: stored[name.lower()] for name in ("ETag", "Location") if stored.get(name.lower())}
    return Response(bytes(stored["body"]), stored["status"], headers, "application/json")


def reads(scope: str) -> Any:
    """Declare who may call: `call: Annotated[Call, reads("tasks:read")]`."""

    async def authorise(request: Request) -> Call:
        return Call(request, request.app.state.units, _allowed(request, scope), request.app.state.settings)

    authorise.scope = scope  # type: ignore[attr-defined]
    return Depends(authorise)


_VERSION = re.compile(r"\*|[0-9]{1,18}")


def writes(scope: str) -> Any:
    """Declare who may call what changes something: `effect: Annotated[Effect, writes("tasks:write")]`."""

    async def authorise(
        request: Request,
        idempotency_key: Annotated[
            str | None, Header(max_length=255, description="Unique for this effect: sent again with it, it happens once")
        ] = None,
        if_match: Annotated[str | None, Header(description="ETag that the item must still have; else 412")] = None,
    ) -> Effect:
        actor = _allowed(request, scope)
        if request.method in ("POST", "PATCH") and not (idempotency_key or "").strip():
            problem = FieldProblem("Idempotency-Key", "missing", text("header_missing"), text("send_a_key"))
            raise errors.BadRequest(text("key_missing"), [problem])
        version = (if_match or "*").strip().removeprefix("W/").strip('"')
        if not _VERSION.fullmatch(version):
            raise errors.BadRequest(text("if_match_invalid"), [FieldProblem.of("If-Match", "etag_invalid")])
        state = request.app.state
        expected = None if version == "*" else int(version)
        return Effect(request, state.units, actor, state.settings, (idempotency_key or "").strip(), expected)

    authorise.scope = scope  # type: ignore[attr-defined]
    return Depends(authorise)


def _allowed(request: Request, scope: str) -> Actor:
    actor: Actor = request.scope["actor"]
    if not actor.may(scope):
        raise errors.Forbidden(text("scope_needed", scope=scope))
    return actor


def scope_of(route: APIRoute) -> str | None:
    """The scope that a route declares, or None when it declares none."""
    scopes = [getattr(d.call, "scope", None) for d in route.dependant.dependencies]
    return next((scope for scope in scopes if scope is not None), None)


# --- the application ---


def build_app(
    name: str,
    title: str,
    routes: Iterable[APIRouter],
    units: Units,
    settings: Settings,
    keys: Jwks,
    body_limits: Mapping[str, int],
) -> ASGIApp:
    """The API of one service, behind its edge."""
    app = document_app(name, title, routes)
    app.state.units, app.state.settings = units, settings
    return Edge(app, name, keys, settings.internal_issuer, body_limits)


def document_app(name: str, title: str, routes: Iterable[APIRouter]) -> FastAPI:
    """The bare application: enough to write its OpenAPI document."""
    app = FastAPI(
        title=title, version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json", redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the edge has its own; each costs every request a look
    )  # fmt: skip
    for router in routes:
        app.router.routes.extend(router.routes)

    async def on_error(request: Request, error: Exception) -> Response:
        response = problem_response(as_problem(error))
        if response.status_code == errors.MethodNotAllowed.status:
            there = [route for route in _api_routes(app.routes) if route.matches(request.scope)[0] is not Match.NONE]
            response.headers["Allow"] = ", ".join(sorted(set[str]().union(*(route.methods or () for route in there))))
        return response

    for kind in (DomainError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, on_error)
    app.openapi = lambda: _openapi(app, name)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI, name: str) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        schemas["Problem"] = Problem.model_json_schema()
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        scopes = {(route.path, method): scope_of(route) for route in _api_routes(app.routes) for method in route.methods or ()}
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                operation["security"] = [{"bearer": [scopes[path, method.upper()]]}]
                operation["x-service"] = name
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = {"description": "Problem (RFC 9457)", "content": problem}
        app.openapi_schema = document
    return app.openapi_schema


def _api_routes(routes: Iterable[Any]) -> list[APIRoute]:
    return [route for route in routes if isinstance(route, APIRoute)]
