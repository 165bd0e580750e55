"""Calls to a service: a thin HTTP/1.1 client on httptools, with a pool of connections of its own.

Answers must be framed by Content-Length or chunks, as HTTP/1.1 servers that keep connections alive frame them. Redirects
are not followed. What fails is said in `DomainError`s: 502 for a bad answer, 503 for none, 504 for a late one.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

from common.errors import BadGateway, DomainError, GatewayTimeout, Unavailable, Words
from common.observability import UPSTREAM, Log
from gateway.hygiene import Headers
from gateway.routes import IDEMPOTENT

log = Log(__name__)

CONNECT_SECONDS = 1.0
IDLE_SECONDS = 30.0
"""A connection that lay idle longer is not used again: servers close theirs after 75 s."""
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
MAX_ANSWER = 64 * 1024 * 1024
HIGH_WATER = 256 * 1024
"""Bytes of an answer that may wait for a slow caller before the service is asked to pause."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `target` is path and query as they go on the wire; `headers` are clean and hold no framing."""

    method: str
    target: bytes
    headers: Headers
    body: bytes = b""
    has_key: bool = False
    """It carries an Idempotency-Key: sent twice, it takes effect once."""

    @property
    def repeatable(self) -> bool:
        return self.has_key or self.method in IDEMPOTENT


class _Broken(Exception):
    """The exchange failed. `heard`: some of an answer had come already."""

    def __init__(self, why: str, *, heard: bool = True) -> None:
        super().__init__(why)
        self.why, self.heard = why, heard


class _Late(Exception):
    """The deadline passed."""


class _Connection(asyncio.Protocol):
    """One connection: one exchange at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.usable = True
        self.idle_since = 0.0
        self._begin(head=False)
        self.busy = False

    def _begin(self, *, head: bool) -> None:
        self.busy = True
        self.status = 0
        self.headers: Headers = []
        self.complete = False
        self._head = head
        self._answered = self._heard = self._paused = False
        self._error: Exception | None = None
        self._chunks: list[bytes] = []
        self._header_bytes = self._waiting_bytes = self._total_bytes = 0

    # --- the loop's calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if not self.busy or self.complete:  # an answer to nothing: whatever it is, it must not meet the next request
            self.abort()
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(_Broken(f"not HTTP: {type(error).__name__}"))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self.busy and not self.complete:
            self._fail(_Broken("connection closed" if exc is None else type(exc).__name__, heard=self._heard))

    # --- the parser's calls ---

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.complete:  # a second answer to one request: it must meet nobody
            self.usable = False
            return
        self._header_bytes += len(name) + len(value) + 4
        if len(self.headers) >= MAX_HEADERS or self._header_bytes > MAX_HEADER_BYTES:
            self._fail(_Broken("headers too large"))
            return
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self.complete:
            self.usable = False
            return
        status = self._parser.get_status_code()
        if status < 200:  # 100, 103: the answer itself follows
            if status == 101:
                self._fail(_Broken("protocol switched"))
            self.headers, self._header_bytes = [], 0
            return
        self.status, self._answered = status, True
        if not self._parser.should_keep_alive():
            self.usable = False
        if self._head:  # the parser does not know that no body follows
            self._parser = httptools.HttpResponseParser(self)
            self.complete = True

    def on_body(self, body: bytes) -> None:
        if self.complete or self._error is not None:
            self.usable = False
            return
        self._chunks.append(body)
        self._waiting_bytes += len(body)
        self._total_bytes += len(body)
        if self._total_bytes > MAX_ANSWER:
            self._fail(_Broken("answer too large"))
        elif self._waiting_bytes > HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._answered and self._error is None:
            self.complete = True

    # --- the exchange ---

    async def open(self, head: bytes, body: bytes, *, head_only: bool, deadline: float) -> None:
        """Send a request and wait for the head of the answer. Raises `_Broken` or `_Late`."""
        self._begin(head=head_only)
        self._timer = self._loop.call_at(deadline, self._expire)
        if self._transport is None or self._transport.is_closing():
            self._fail(_Broken("connection closed", heard=False))
        else:
            self._transport.write(head + body if len(body) < HIGH_WATER else head)
            if len(body) >= HIGH_WATER:
                self._transport.write(body)
        while not self._answered:
            if self._error is not None:
                raise self._error
            await self._wait()
        if self._error is not None:
            raise self._error

    async def read(self) -> tuple[bytes, bool]:
        """The bytes of the body that are here, at least some unless it ends, and whether more follow."""
        while not self._chunks and not self.complete:
            if self._error is not None:
                raise self._error
            await self._wait()
        chunks, self._chunks, self._waiting_bytes = self._chunks, [], 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks), not self.complete

    def end(self) -> None:
        """The exchange is over and its answer was read whole."""
        self._stop_timer()
        self.busy = False
        self.idle_since = self._loop.time()
        if not self.usable:
            self.abort()

    def abort(self) -> None:
        self._stop_timer()
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def _expire(self) -> None:
        if not self.complete:
            self._fail(_Late())

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self.abort()
        self._wake()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Reply:
    """A service's answer: status and headers, and the body piece by piece."""

    def __init__(self, upstream: Upstream, connection: _Connection) -> None:
        self._upstream, self._connection = upstream, connection
        self.status, self.headers = connection.status, connection.headers
        self._open = True

    async def read(self) -> tuple[bytes, bool]:
        """The next piece and whether more follow. Raises `BadGateway` or `GatewayTimeout` when the rest does not come."""
        try:
            piece, more = await self._connection.read()
        except _Late:
            self.close()
            raise self._upstream.late() from None
        except _Broken as error:
            self.close()
            raise self._upstream.broken(error) from None
        if not more:
            self._open = False
            self._upstream.give_back(self._connection)
        return piece, more

    async def whole(self, limit: int) -> bytes:
        """The rest of the body. Raises `BadGateway` beyond the limit, in bytes."""
        pieces, size, more = [], 0, True
        while more:
            piece, more = await self.read()
            size += len(piece)
            if size > limit:
                self.close()
                raise self._upstream.broken(_Broken("answer too large"))
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Give up what has not been read: its connection is of no more use. Does nothing after the end."""
        if self._open:
            self._open = False
            self._connection.abort()
            self._upstream.give_back(self._connection)


class Upstream:
    """One service and the connections to it."""

    def __init__(self, service: str, url: str, *, seconds: float = 30.0, most: int = 512) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError(f"the address of {service} is no http address")
        self.service, self.seconds = service, seconds
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port = parts.hostname, parts.port or (443 if self._tls else 80)
        self._base = parts.path.rstrip("/").encode()
        self._host_line = b"host: " + parts.netloc.rpartition("@")[2].encode() + b"\r\n"
        self._most, self._in_use = most, 0
        self._idle: list[_Connection] = []
        self._counts = {
            outcome: UPSTREAM.labels(service, outcome) for outcome in ("answered", "stale", "away", "late", "broken", "full")
        }

    async def send(self, request: Request) -> Reply:
        """Send a request and return when the head of the answer is here.

        Raises `Unavailable` when the service cannot be reached or has all its connections in use, `GatewayTimeout` after
        the deadline, `BadGateway` for an answer that breaks off or is not HTTP. A pooled connection that the service
        closed meanwhile is replaced once by a new one, provided that the request may be repeated.
        """
        if self._in_use >= self._most:
            self._counts["full"].inc()
            raise Unavailable(
                Words("Hệ thống đang quá tải. Hãy gửi lại sau giây lát.", "Too much at once. Send it again in a moment."),
                retry_after=1,
            )
        head = self._head(request)
        deadline = asyncio.get_running_loop().time() + self.seconds
        self._in_use += 1
        connection = self._pooled()
        try:
            if connection is not None:
                try:
                    return await self._exchange(connection, request, head, deadline)
                except _Broken as error:
                    if error.heard or not request.repeatable:
                        raise
                    self._counts["stale"].inc()
            connection = await self._connect()
            return await self._exchange(connection, request, head, deadline)
        except BaseException as error:
            self._in_use -= 1
            if connection is not None:
                connection.abort()
            if isinstance(error, _Late):
                raise self.late() from None
            if isinstance(error, _Broken):
                raise self.broken(error) from None
            raise

    async def _exchange(self, connection: _Connection, request: Request, head: bytes, deadline: float) -> Reply:
        await connection.open(head, request.body, head_only=request.method == "HEAD", deadline=deadline)
        self._counts["answered"].inc()
        return Reply(self, connection)

    def _head(self, request: Request) -> bytes:
        lines = [request.method.encode(), b" ", self._base, request.target, b" HTTP/1.1\r\n", self._host_line]
        for name, value in request.headers:
            lines += (name, b": ", value, b"\r\n")
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            lines.append(b"content-length: %d\r\n" % len(request.body))
        lines.append(b"\r\n")
        head = b"".join(lines)
        written = len(request.headers) + 3 + (1 if b"content-length" in lines[-2] else 0)
        if head.count(b"\n") != written or head.count(b"\r") != written or b"\0" in head:
            raise ValueError("a header would break out of its line")
        return head

    def _pooled(self) -> _Connection | None:
        """The connection used last that is still good; the others have had more time to be closed."""
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=self._tls)
        except (OSError, TimeoutError) as error:
            self._counts["away"].inc()
            log.warning("service_away", upstream=self.service, error=type(error).__name__)
            raise Unavailable(
                Words(
                    f"Dịch vụ «{self.service}» tạm thời không kết nối được. Hãy gửi lại sau.",
                    f"The service '{self.service}' cannot be reached just now. Send it again later.",
                ),
                retry_after=2,
            ) from None
        return connection

    def give_back(self, connection: _Connection) -> None:
        self._in_use -= 1
        connection.end()
        if connection.usable:
            self._idle.append(connection)

    def late(self) -> DomainError:
        self._counts["late"].inc()
        return GatewayTimeout(
            Words(
                f"Dịch vụ «{self.service}» chưa trả lời sau {self.seconds:g} giây. Việc có thể đã được ghi: hãy gửi lại với "
                "cùng Idempotency-Key.",
                f"The service '{self.service}' did not answer within {self.seconds:g} s. It may have taken effect: send it "
                "again with the same Idempotency-Key.",
            ),
            retry_after=2,
        )

    def broken(self, error: _Broken) -> DomainError:
        self._counts["broken"].inc()
        log.warning("answer_broken", upstream=self.service, why=error.why)
        return BadGateway(
            Words(
                f"Dịch vụ «{self.service}» ngắt giữa chừng hoặc trả lời sai. Việc có thể đã được ghi: hãy gửi lại với cùng "
                "Idempotency-Key.",
                f"The service '{self.service}' broke off or answered wrongly. It may have taken effect: send it again with "
                "the same Idempotency-Key.",
            ),
            retry_after=1,
        )

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().abort()
