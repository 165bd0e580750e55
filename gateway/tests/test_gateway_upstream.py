"""The gateway's HTTP client against a server that answers byte by byte as a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from common.errors import BadGateway, GatewayTimeout, Unavailable
from common.testing import eventually
from deploy.local.parts import free_port
from gateway import upstream as module
from gateway.upstream import Reply, Request, Upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GET = Request("GET", b"/v1/tasks?q=1", [(b"accept", b"*/*")])
POST = Request("POST", b"/v1/tasks", [], b"{}")


@dataclass
class Stub:
    """Answers the n-th request of the n-th connection with what `script` says: bytes, or None to hang up."""

    script: Callable[[int, int], bytes | None]
    port: int = 0
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        self.writers.append(writer)
        turn = 0
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            lines = head.split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            self.requests.append((number, head + await reader.readexactly(length)))
            answer = self.script(number, turn)
            turn += 1
            if answer is None:
                break
            writer.write(answer)
        writer.close()


@asynccontextmanager
async def serving(script: Callable[[int, int], bytes | None]) -> AsyncIterator[Stub]:
    stub = Stub(script)
    server = await asyncio.start_server(stub, "127.0.0.1", 0)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        for writer in stub.writers:
            writer.close()


def client(stub: Stub, seconds: float = 5.0, most: int = 8) -> Upstream:
    return Upstream("tasks", f"http://127.0.0.1:{stub.port}", seconds=seconds, most=most)


async def call(upstream: Upstream, request: Request = GET) -> tuple[int, bytes]:
    reply = await upstream.send(request)
    return reply.status, await reply.whole(10**9)


async def gone(stub: Stub, upstream: Upstream, number: int = 0) -> None:
    """Close a connection at the server's end, and wait until the client has noticed."""
    pooled = upstream._idle[-1]
    stub.writers[number].close()

    async def noticed() -> bool:
        return not pooled.usable

    await eventually("the client sees the connection closed", noticed)


async def test_connections_are_used_again() -> None:
    async with serving(lambda *_: OK) as stub:
        upstream = client(stub)
        assert [await call(upstream) for _ in range(5)] == [(200, b"ok")] * 5
        assert stub.connections == 1
        assert stub.requests[0][1] == (b"GET /v1/tasks?q=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept: */*\r\n\r\n" % stub.port)


async def test_calls_side_by_side_have_connections_of_their_own() -> None:
    async with serving(lambda *_: OK) as stub:
        upstream = client(stub)
        assert await asyncio.gather(*(call(upstream) for _ in range(4))) == [(200, b"ok")] * 4
        assert stub.connections == 4


async def test_a_body_goes_out_with_its_length() -> None:
    async with serving(lambda *_: OK) as stub:
        await call(client(stub), Request("POST", b"/v1/imports", [], b"x" * 1_000_000))
        head, _, body = stub.requests[0][1].partition(b"\r\n\r\n")
        assert b"content-length: 1000000" in head
        assert body == b"x" * 1_000_000


async def test_a_pooled_connection_closed_meanwhile_is_noticed_before_it_is_used() -> None:
    async with serving(lambda *_: OK) as stub:
        upstream = client(stub)
        await call(upstream)
        await gone(stub, upstream)
        assert await call(upstream, POST) == (200, b"ok")  # even a POST: nothing was sent on the old one


def hangs_up_on_reuse(number: int, turn: int) -> bytes | None:
    return OK if turn == 0 else None


@pytest.mark.parametrize(
    "request_",
    [GET, Request("HEAD", b"/", []), Request("PUT", b"/", [], b"x"), Request("DELETE", b"/", []),
     Request("POST", b"/", [], b"{}", has_key=True), Request("PATCH", b"/", [], b"{}", has_key=True)],
)  # fmt: skip
async def test_a_stale_connection_is_replaced_once(request_: Request) -> None:
    ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" + (b"" if request_.method == "HEAD" else b"ok")
    async with serving(lambda _, turn: OK if turn == 0 and len(stub.requests) == 1 else ok if turn == 0 else None) as stub:
        upstream = client(stub)
        await call(upstream)
        status, _ = await call(upstream, request_)
        assert status == 200
        assert [number for number, _ in stub.requests] == [0, 0, 1]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_may_take_effect_twice_is_not_sent_twice(method: str) -> None:
    async with serving(hangs_up_on_reuse) as stub:
        upstream = client(stub)
        await call(upstream)
        with pytest.raises(BadGateway, match="Idempotency-Key"):
            await call(upstream, Request(method, b"/v1/tasks", [], b"{}"))
        assert len(stub.requests) == 2


async def test_a_new_connection_that_fails_is_not_tried_again() -> None:
    async with serving(lambda number, turn: OK if (number, turn) == (0, 0) else None) as stub:
        upstream = client(stub)
        await call(upstream)
        with pytest.raises(BadGateway):
            await call(upstream)
        assert len(stub.requests) == 3


async def test_no_second_try_once_an_answer_has_begun() -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-le"
    async with serving(lambda _, turn: OK if turn == 0 else half) as stub:
        upstream = client(stub)
        await call(upstream)
        waiting = asyncio.ensure_future(call(upstream))

        async def half_sent() -> bool:
            return len(stub.requests) == 2

        await eventually("half an answer is sent", half_sent)
        await stub.writers[0].drain()
        stub.writers[0].close()
        with pytest.raises(BadGateway):
            await waiting
        assert len(stub.requests) == 2


async def test_the_deadline_holds_before_and_within_the_body() -> None:
    for answer in (b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", b"HTTP/1.1 200 OK\r\n"):
        async with serving(lambda *_, answer=answer: answer) as stub:
            upstream = client(stub, seconds=0.2)
            with pytest.raises(GatewayTimeout) as late:
                await call(upstream)
            assert late.value.retry_after is not None
            assert not upstream._idle
            assert upstream._in_use == 0


async def test_nobody_there() -> None:
    upstream = Upstream("tasks", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable) as away:
        await call(upstream)
    assert away.value.retry_after is not None
    assert upstream._in_use == 0


async def test_all_connections_in_use() -> None:
    async with serving(lambda *_: b"") as stub:
        upstream = client(stub, most=2)
        waiting = [asyncio.ensure_future(call(upstream)) for _ in range(2)]

        async def both() -> bool:
            return len(stub.requests) == 2

        await eventually("both calls wait", both)
        with pytest.raises(Unavailable):
            await call(upstream)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert upstream._in_use == 0


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 101 + b"content-length: 0\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nx: " + b"y" * 40_000 + b"\r\ncontent-length: 0\r\n\r\n",
     b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
     b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
     b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
     b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
     b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
    ids=["many headers", "long header", "not http", "switch", "two lengths", "two framings", "bad chunk"],
)  # fmt: skip
async def test_an_answer_that_is_no_good(answer: bytes) -> None:
    async with serving(lambda *_: answer) as stub:
        upstream = client(stub)
        with pytest.raises(BadGateway):
            await call(upstream)
        assert not upstream._idle


async def test_an_answer_beyond_the_limit_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER", 1000)
    big = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n"
    async with serving(lambda *_: big) as stub:
        with pytest.raises(BadGateway):
            await call(client(stub))


async def test_chunks_are_joined_and_the_connection_kept() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with serving(lambda *_: chunked) as stub:
        upstream = client(stub)
        assert [await call(upstream) for _ in range(3)] == [(200, b"abcde")] * 3
        assert stub.connections == 1


@pytest.mark.parametrize(
    ("request_", "answer", "status"),
    [(Request("HEAD", b"/", []), b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", 200),
     (GET, b"HTTP/1.1 204 No Content\r\n\r\n", 204),
     (GET, b'HTTP/1.1 304 Not Modified\r\netag: "3"\r\n\r\n', 304)],
)  # fmt: skip
async def test_answers_without_a_body(request_: Request, answer: bytes, status: int) -> None:
    async with serving(lambda _, turn: answer if turn % 2 == 0 else OK) as stub:
        upstream = client(stub)
        for _ in range(2):  # whatever stands in the headers, the next answer is not taken for a body
            assert await call(upstream, request_) == (status, b"")
            assert await call(upstream) == (200, b"ok")
        assert stub.connections == 1


async def test_an_informational_answer_is_passed_over() -> None:
    async with serving(lambda *_: b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + OK) as stub:
        reply = await client(stub).send(GET)
        assert (reply.status, reply.headers) == (200, [(b"content-length", b"2")])
        assert await reply.whole(10) == b"ok"


async def test_a_second_answer_to_one_request_meets_nobody() -> None:
    """Response smuggling: what a service sends unasked must never be the answer to the next caller."""
    async with serving(lambda number, turn: OK + OK.replace(b"ok", b"no") if number == 0 else OK) as stub:
        upstream = client(stub)
        assert await call(upstream) == (200, b"ok")
        assert await call(upstream) == (200, b"ok")


async def test_a_service_that_closes_is_believed() -> None:
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
    async with serving(lambda *_: closing) as stub:
        upstream = client(stub)
        assert [await call(upstream), await call(upstream)] == [(200, b"ok")] * 2
        assert stub.connections == 2


async def test_an_old_connection_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(lambda *_: OK) as stub:
        upstream = client(stub)
        await call(upstream)
        monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
        await call(upstream)
        assert stub.connections == 2


async def test_a_slow_caller_makes_the_service_wait() -> None:
    size = 20_000_000
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size
    async with serving(lambda *_: answer) as stub:
        upstream = client(stub)
        reply = await upstream.send(GET)
        connection = reply._connection

        async def paused() -> bool:
            return connection._paused

        await eventually("the service is asked to pause", paused)
        assert connection._waiting_bytes < 2_000_000
        assert len(await reply.whole(size)) == size


async def test_a_reply_given_up_frees_its_place() -> None:
    async with serving(lambda *_: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok") as stub:
        upstream = client(stub, most=1)
        reply: Reply = await upstream.send(GET)
        reply.close()
        reply.close()
        assert upstream._in_use == 0
        assert not upstream._idle


@pytest.mark.parametrize("value", [b"a\r\nx-internal: 1", b"a\nb", b"a\0b"])
async def test_a_header_cannot_break_out_of_its_line(value: bytes) -> None:
    async with serving(lambda *_: OK) as stub:
        upstream = client(stub)
        with pytest.raises(ValueError, match="break out"):
            await call(upstream, Request("GET", b"/", [(b"x", value)]))
        assert stub.requests == []
        assert upstream._in_use == 0
