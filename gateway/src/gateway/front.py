"""The data plane: ASGI in, a service's answer out. No framework stands in this path.

In this order: what cannot be read is refused, the path is routed, the caller named, counted and checked, the body taken,
the request stamped and sent. Every answer carries the request id; whatever fails is a problem document.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import (
    LANGUAGE,
    BadGateway,
    DomainError,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Words,
)
from common.http import as_problem
from common.observability import (
    LIMITED,
    REQUEST_ID,
    REQUEST_SECONDS,
    REQUESTS,
    TRACEPARENT,
    Log,
    sane_request_id,
    sane_traceparent,
)
from common.words import prefers_english, problem_body
from gateway import hygiene, routes
from gateway.domain.client import TIMES
from gateway.hygiene import Headers, Incoming, TooSlow
from gateway.identity import Caller, Identity, Vouchers, check_scope
from gateway.limits import Decision, Limiter, Policy
from gateway.routes import Route
from gateway.upstream import Request, Upstream

log = Log(__name__)

CONTROL_BODY = 64 * 1024
MIN_RATE = 4096
"""Bytes a second that a body must come at, once `BODY_SECONDS` have passed: drops that keep a connection busy are no body."""
LINGER_SECONDS = 5.0
"""How long the rest of a refused body is taken and thrown away (RFC 9112, 9.6): to close on a caller who still sends resets the
connection, and with it the answer that says why.
"""
_FLUSH_SECONDS = 0.25
_FLUSH_LINES = 200


class _Gone(Exception):
    """The caller has left."""


class AccessLog:
    """One JSON line a request, written a few at a time: a line written alone costs as much as the request's routing."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, line: dict[str, Any]) -> None:
        if not self._enabled:
            return
        self._lines.append(orjson.dumps(line))
        if len(self._lines) >= _FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stdout.write(b"\n".join(lines).decode() + "\n")
            sys.stdout.flush()


@dataclass(slots=True)
class _Exchange:
    """One request on its way, and what has been said in answer to it."""

    send: Send
    request_id: str
    method: str
    prefix: str = "unmatched"
    principal: str | None = None
    status: int = 0
    presented: bool = False
    """It came with credentials."""
    limits: Headers | None = None
    unread: bool = False
    """Some of the request's body is still to come: the connection cannot serve another request."""
    lingers: bool = False
    """The answer is given, and the connection kept open for the rest of the body."""
    counted: bool = False


class Front:
    """The whole door as one ASGI application. `control` answers what belongs to no service, `local` our own /v1 nouns."""

    def __init__(
        self,
        identity: Identity,
        vouchers: Vouchers,
        upstreams: Mapping[str, Upstream],
        policies: Mapping[str, Policy],
        *,
        control: ASGIApp,
        control_paths: frozenset[bytes],
        local: ASGIApp,
        body_seconds: float,
        bodies_in_memory: int,
        https: bool,
        access: AccessLog,
    ) -> None:
        self._identity, self._vouchers, self._upstreams = identity, vouchers, upstreams
        self._policies = {
            (name, times): Policy(name, policy.quota * times, policy.window)
            for name, policy in policies.items()
            for times in TIMES.values()
        }
        self._policy_headers = {policy: policy.header for policy in self._policies.values()}
        self._control, self._control_paths, self._local = control, control_paths, local
        self._body_seconds, self._spare_memory = body_seconds, bodies_in_memory
        self._security: Headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
            (b"cache-control", b"private, no-cache"),
        ]
        if https:
            self._security.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))
        self._limiter = Limiter()
        self._access = access
        self._counts: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._dated = (0, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        incoming = hygiene.sort(scope["headers"])
        request_id = sane_request_id(None if incoming.request_id is None else incoming.request_id.decode("latin-1"))
        REQUEST_ID.set(request_id)
        language = incoming.accept_language
        LANGUAGE.set("en" if language is not None and prefers_english(language.decode("latin-1")) else "vi")
        exchange = _Exchange(send, request_id, scope["method"], unread=incoming.has_body)
        exchange.presented = incoming.authorization is not None
        try:
            await self._serve(scope, incoming, receive, exchange)
        except _Gone:
            exchange.status = exchange.status or 499
        except Exception as error:
            if exchange.status:  # the answer has begun: to break it off is all that can still be said
                log.error("answer_broken_off", exc_info=error)
            else:
                exchange.lingers = exchange.unread and not incoming.waits and not isinstance(error, TooSlow)
                await self._refuse(exchange, as_problem(error))
        finally:
            self._account(exchange, time.perf_counter() - started)
        if exchange.lingers:
            await self._see_off(receive, exchange)

    async def _serve(self, scope: Scope, incoming: Incoming, receive: Receive, exchange: _Exchange) -> None:
        hygiene.check(incoming)
        path, query = scope["raw_path"], scope["query_string"]
        hygiene.check_target(path, query)
        if path in self._control_paths:
            exchange.prefix = path.decode()
            async with self._body(incoming, receive, CONTROL_BODY, exchange) as body:
                await self._in_process(self._control, scope, _control_headers(incoming), body, exchange)
            return
        route = routes.find(path)
        if route is None:
            raise NotFound(Words("Không có đường dẫn này. Xem /docs.", "There is no such path. See /docs."))
        exchange.prefix = route.prefix
        method = exchange.method
        if method not in routes.METHODS:
            raise MethodNotAllowed(
                Words("Đường dẫn này không nhận phương thức đó. Xem /docs.", "This path does not take that method. See /docs.")
            )
        caller = await self._identity.caller(incoming.authorization)
        exchange.principal = caller.principal
        self._limit(caller, route, exchange)
        check_scope(caller, route)
        trace = sane_traceparent(None if incoming.traceparent is None else incoming.traceparent.decode("latin-1"))
        TRACEPARENT.set(trace)
        service = route.row.service
        headers = [
            *incoming.kept,
            (b"authorization", self._vouchers.bearer(caller.actor, service)),
            (b"x-request-id", exchange.request_id.encode()),
            (b"traceparent", trace.encode()),
        ]
        if route.row.url_setting is None:
            async with self._body(incoming, receive, route.body_limit, exchange) as body:
                exchange.counted = True  # by its own edge, route by route
                await self._in_process(self._local, scope, headers, body, exchange)
            return
        target = path + b"?" + query if query else path
        upstream = self._upstreams[service]
        if not incoming.has_body:  # most requests: nothing to hold
            await self._forward(upstream, Request(method, target, headers, b"", incoming.has_key), exchange)
            return
        async with self._body(incoming, receive, route.body_limit, exchange) as body:
            await self._forward(upstream, Request(method, target, headers, body, incoming.has_key), exchange)

    # --- how much ---

    def _limit(self, caller: Caller, route: Route, exchange: _Exchange) -> None:
        policy = self._policies[route.route_class(exchange.method), caller.times]
        decision = self._limiter.take(caller.principal, policy, time.monotonic())
        exchange.limits = [
            (b"ratelimit-policy", self._policy_headers[policy]),
            (b"ratelimit", b'"%b";r=%d;t=%d' % (policy.name.encode(), decision.remaining, _until(decision))),
        ]
        if not decision.allowed:
            LIMITED.labels(policy.name).inc()
            raise TooMany(
                Words(
                    f"Quá {policy.quota} yêu cầu trong {policy.window} giây. Hãy gửi lại sau {decision.retry_after} giây.",
                    f"More than {policy.quota} requests in {policy.window} s. Send it again in {decision.retry_after} s.",
                ),
                retry_after=decision.retry_after,
            )

    @asynccontextmanager
    async def _body(self, incoming: Incoming, receive: Receive, limit: int, exchange: _Exchange) -> AsyncIterator[bytes]:
        """The request's body, whole, so that it can be sent once more; its memory is counted while it is held.

        Raises `TooLarge`, `TooSlow` when nothing comes, `Unavailable` when all bodies together are too much.
        """
        if incoming.content_length > limit:
            raise _too_large(limit)
        pieces: list[bytes] = []
        size, began = 0, time.monotonic()
        try:
            while exchange.unread:
                left = began + self._body_seconds + size / MIN_RATE - time.monotonic()
                message = await self._receive(receive, min(left, self._body_seconds))
                piece = message.get("body", b"")
                exchange.unread = message.get("more_body", False)
                size += len(piece)
                self._spare_memory -= len(piece)
                if size > limit:
                    raise _too_large(limit)
                if self._spare_memory < 0:
                    raise Unavailable(
                        Words("Hệ thống đang nhận quá nhiều nội dung. Hãy gửi lại sau.", "Too much at once. Send it again."),
                        retry_after=1,
                    )
                pieces.append(piece)
            yield pieces[0] if len(pieces) == 1 else b"".join(pieces)
        finally:
            self._spare_memory += size

    async def _receive(self, receive: Receive, seconds: float) -> Message:
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError:
            raise TooSlow(
                Words(
                    f"Nội dung ngừng đến {self._body_seconds:g} giây, hoặc đến chậm hơn {MIN_RATE} byte một giây. Hãy gửi lại.",
                    f"The body stood still for {self._body_seconds:g} s, or came at less than {MIN_RATE} bytes a second. "
                    "Send it again.",
                )
            ) from None
        if message["type"] == "http.disconnect":
            raise _Gone
        return message

    # --- answers ---

    async def _forward(self, upstream: Upstream, request: Request, exchange: _Exchange) -> None:
        reply = await upstream.send(request)
        try:
            if reply.status == 401:  # it is our token that the service refuses, not the caller's
                log.error("internal_token_refused", upstream=upstream.service)
                raise BadGateway(
                    Words(
                        f"Dịch vụ «{upstream.service}» chưa nhận khóa của cổng. Hãy gửi lại sau.",
                        f"The service '{upstream.service}' does not know the gateway's key yet. Send it again later.",
                    ),
                    retry_after=5,
                )
            piece, more = await reply.read()
            await self._start(exchange, reply.status, hygiene.clean_reply(reply.headers))
            while more:
                await exchange.send({"type": "http.response.body", "body": piece, "more_body": True})
                piece, more = await reply.read()
            await exchange.send({"type": "http.response.body", "body": piece})
        finally:
            reply.close()

    async def _in_process(self, app: ASGIApp, scope: Scope, headers: Headers, body: bytes, exchange: _Exchange) -> None:
        """Answer by an application of this process, under the same manners as a service."""
        inner = {**scope, "headers": [*headers, (b"content-length", b"%d" % len(body))] if body else headers}
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def take() -> Message:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        answered = False

        async def give(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                await self._start(exchange, message["status"], hygiene.clean_reply(list(message["headers"])))
            else:
                await exchange.send(message)
                answered = not message.get("more_body", False)

        try:
            await app(inner, take, give)
        except Exception:  # the framework raises once more what it has answered and logged already
            if not answered:
                raise

    async def _refuse(self, exchange: _Exchange, error: DomainError) -> None:
        content = orjson.dumps(
            problem_body(error.status, error.slug, error.title, error.detail, error.errors, exchange.request_id)
        )
        headers: Headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(content)),
        ]
        if error.retry_after is not None:
            headers.append((b"retry-after", b"%d" % error.retry_after))
        if isinstance(error, Unauthenticated):
            what = b', error="invalid_token"' if exchange.presented else b""  # RFC 6750, 3.1: no error where no token came
            headers.append((b"www-authenticate", b'Bearer realm="roviec"' + what))
        if isinstance(error, MethodNotAllowed):
            headers.append((b"allow", ", ".join(sorted(routes.METHODS)).encode()))
        await self._start(exchange, error.status, headers)
        if exchange.method == "HEAD":
            content = b""
        await exchange.send({"type": "http.response.body", "body": content, "more_body": exchange.lingers})

    async def _see_off(self, receive: Receive, exchange: _Exchange) -> None:
        """Let a caller who was refused send on until it has read the answer, has sent all, or `LINGER_SECONDS` have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while (await receive()).get("more_body", False):
                    pass
        await exchange.send({"type": "http.response.body", "body": b""})

    async def _start(self, exchange: _Exchange, status: int, headers: Headers) -> None:
        exchange.status = status
        headers += [(b"x-request-id", exchange.request_id.encode()), (b"date", self._date())]
        if exchange.limits is not None:
            headers += exchange.limits
        if exchange.unread:
            headers.append((b"connection", b"close"))
        given = {name for name, _ in headers}
        headers += [header for header in self._security if header[0] not in given]
        await exchange.send({"type": "http.response.start", "status": status, "headers": headers})

    def _date(self) -> bytes:
        """The value of `Date`, made once a second."""
        now = int(time.time())
        if self._dated[0] != now:
            self._dated = (now, formatdate(now, usegmt=True).encode())
        return self._dated[1]

    def _account(self, exchange: _Exchange, seconds: float) -> None:
        method = exchange.method if exchange.method in routes.METHODS else "other"
        if not exchange.counted:
            key = (exchange.prefix, method, exchange.status)
            children = self._counts.get(key)
            if children is None:
                children = (
                    REQUESTS.labels(exchange.prefix, method, str(exchange.status)),
                    REQUEST_SECONDS.labels(exchange.prefix, method),
                )
                self._counts[key] = children
            children[0].inc()
            children[1].observe(seconds)
        self._access.write(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "level": "info",
                "event": "request",
                "service": "gateway",
                "request_id": exchange.request_id,
                "method": method,
                "route": exchange.prefix,
                "status": exchange.status,
                "ms": round(seconds * 1000, 2),
                "actor": exchange.principal,
            }
        )


def _until(decision: Decision) -> int:
    return decision.reset if decision.allowed else decision.retry_after


def _too_large(limit: int) -> TooLarge:
    return TooLarge(Words(f"Nội dung tối đa {limit} byte. Hãy chia nhỏ.", f"The body may have {limit} bytes. Divide it."))


def _control_headers(incoming: Incoming) -> Headers:
    """What the control plane sees: the caller's own credentials with it, since it checks them itself."""
    headers = [*incoming.kept, (b"x-request-id", (REQUEST_ID.get() or "").encode())]
    if incoming.authorization is not None:
        headers.append((b"authorization", incoming.authorization))
    return headers
