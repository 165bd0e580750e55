"""The data plane on a real socket, before a service that writes down what reached it; the register of callers is in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import jwt
import pytest
from starlette.types import Message, Receive, Scope, Send

from common.access import TokenRules, verify
from common.errors import ALL
from common.observability import REGISTRY
from common.service import Server
from common.testing import eventually
from deploy.local.parts import free_port
from gateway.control import PATHS
from gateway.front import AccessLog, Front
from gateway.hygiene import TooSlow
from gateway.identity import ACCESS_TYPE, Vouchers
from gateway.limits import Policy
from gateway.routes import ROWS
from gateway.tests.gateway_world import Provider
from gateway.tests.test_gateway_identity import KEYS, OURS, Register, bearer, claims, identity, register
from gateway.upstream import Upstream

Answer = Callable[["Seen"], Any]


@dataclass
class Seen:
    """What reached the service."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, f"{name} came twice"
        return found[0] if found else None


@dataclass
class Service:
    """Stands in for every service: answers 200 with headers that must not pass, unless told otherwise."""

    seen: list[Seen] = field(default_factory=list)
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(
        default_factory=lambda: [(b"content-type", b"application/json"), (b"etag", b'"7"')]
    )
    pieces: tuple[bytes, ...] = (b"{}",)
    hold: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        self.seen.append(Seen(scope["method"], scope["raw_path"].decode(), scope["query_string"].decode(), headers, body))
        if self.hold is not None:
            await self.hold.wait()
        private = [(b"server", b"inner"), (b"set-cookie", b"a=b"), (b"x-powered-by", b"x"), (b"x-request-id", b"inner")]
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, *private]})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def control(scope: Scope, receive: Receive, send: Send) -> None:
    message: Message = await receive()
    said = {"body": message["body"].decode(), "headers": {k.decode(): v.decode() for k, v in scope["headers"]}}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})


@dataclass
class Door:
    """A gateway in front of the service, and how to knock."""

    port: int
    service: Service
    register: Register
    front: Front
    http: httpx2.AsyncClient
    provider: Provider

    async def raw(self, request: bytes) -> bytes:
        """Bytes as they are, for what no client library would send; everything that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        with contextlib.suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer


@asynccontextmanager
async def door(seconds: float = 5.0, body_seconds: float = 5.0, memory: int = 10**8, **limits: int) -> AsyncIterator[Door]:
    service, found, provider = Service(), register(), Provider()
    inner_port, port = free_port(), free_port()
    upstreams = {
        row.service: Upstream(row.service, f"http://127.0.0.1:{inner_port}", seconds=seconds) for row in ROWS if row.url_setting
    }
    front = Front(
        identity(found, provider),
        Vouchers(OURS, "roviec-gateway"),
        upstreams,
        {name: Policy(name, limits.get(name, 1000)) for name in ("read", "write", "import")},
        control=control,
        control_paths=PATHS,
        local=control,
        body_seconds=body_seconds,
        bodies_in_memory=memory,
        https=True,
        access=AccessLog(),
    )
    servers = [Server(service, "127.0.0.1", inner_port), Server(front, "127.0.0.1", port)]
    tasks = [asyncio.create_task(server.serve()) for server in servers]

    async def up() -> bool:
        return all(server.started for server in servers)

    try:
        await eventually("both servers listen", up)
        headers = {"Authorization": bearer(OURS.sign(claims(), ACCESS_TYPE)).decode()}
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20, trust_env=False
        ) as http:
            yield Door(port, service, found, front, http, provider)
    finally:
        for upstream in upstreams.values():
            upstream.close()
        for server in servers:
            server.should_exit = True
        await asyncio.wait(tasks, timeout=10)


@pytest.fixture
async def at() -> AsyncIterator[Door]:
    async with door() as found:
        yield found


def problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document of an answer, once it is seen to be a whole one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    assert (body["type"], body["status"]) == (f"/problems/{slug}", status)
    assert body["instance"] == answer.headers["x-request-id"]
    return body


# --- what passes ---


async def test_a_request_arrives_as_it_was_sent_and_stamped(at: Door) -> None:
    sent = {
        "X-Request-Id": "request-0001",
        "Traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        "Idempotency-Key": "k",
        "If-Match": '"1"',
    }
    answer = await at.http.post("/v1/courses/C%C3%A1?q=r%C3%A0&limit=5", json={"a": 1}, headers=sent)
    assert answer.status_code == 200
    (seen,) = at.service.seen
    assert (seen.method, seen.path, seen.query, seen.body) == ("POST", "/v1/courses/C%C3%A1", "q=r%C3%A0&limit=5", b'{"a":1}')
    assert {name: seen.header(name.lower()) for name in sent} == sent
    assert seen.header("content-type") == "application/json"
    told = await verify(
        str(seen.header("authorization")).removeprefix("Bearer "),
        KEYS,
        TokenRules("roviec-gateway", "training", frozenset({"internal+jwt"}), 60),
    )
    assert (told["sub"], told["scope"]) == ("client:c1", "courses:read")


async def test_an_answer_passes_without_what_is_the_services_own(at: Door) -> None:
    at.service.pieces = (b'{"a":', b"1}" * 100_000, b"")
    answer = await at.http.get("/v1/courses", headers={"X-Request-Id": "request-0001"})
    assert answer.content == b"".join(at.service.pieces)
    assert answer.headers["etag"] == '"7"'
    assert answer.headers.get_list("x-request-id") == ["request-0001"]
    for name in ("server", "set-cookie", "x-powered-by"):
        assert name not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-cache"
    assert parsedate_to_datetime(answer.headers["date"]) <= datetime.now(UTC)


@pytest.mark.parametrize("status", [200, 201, 204, 304, 404, 409, 500])
async def test_a_services_answer_is_its_own(at: Door, status: int) -> None:
    at.service.status = status
    if status in (204, 304):
        at.service.pieces = ()
    answer = await at.http.get("/v1/courses")
    assert answer.status_code == status
    assert (await at.http.get("/v1/courses")).status_code == status  # and the connection is good for another


async def test_head_has_headers_and_no_body(at: Door) -> None:
    for _ in range(2):
        answer = await at.http.head("/v1/courses")
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b"", '"7"')


@pytest.mark.parametrize("sent", [None, "short", "x" * 65, "bad id with spaces", "<script>-12345"])
async def test_a_request_id_that_is_not_sane_is_replaced(at: Door, sent: str | None) -> None:
    answer = await at.http.get("/v1/courses", headers={} if sent is None else {"X-Request-Id": sent})
    given = answer.headers["x-request-id"]
    assert given != sent
    assert at.service.seen[0].header("x-request-id") == given
    assert len(str(at.service.seen[0].header("traceparent"))) == 55


FORGED = {
    "X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil", "X-Forwarded-Proto": "https", "Forwarded": "for=1.2.3.4",
    "X-Real-IP": "1.2.3.4", "X-Internal-Actor": "client:root", "X-User-Id": "root", "X_User_Id": "root",
    "X_Forwarded_For": "1.2.3.4", "X-Internal_Scope": "all", "Cookie": "session=root", "TE": "trailers",
    "Proxy-Authorization": "Basic eDp5", "X-Original-URL": "/v1/clients", "X-HTTP-Method-Override": "DELETE",
    "Keep-Alive": "timeout=99",
}  # fmt: skip


async def test_no_forged_header_arrives(at: Door) -> None:
    await at.http.get("/v1/courses", headers={**FORGED, "Connection": "keep-alive, X-Secret", "X-Secret": "1", "X-Fine": "2"})
    (seen,) = at.service.seen
    arrived = {name for name, _ in seen.headers}
    assert not arrived & {name.lower() for name in FORGED}
    assert arrived == {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
        "x-fine",
        "authorization",
        "x-request-id",
        "traceparent",
    }
    assert seen.header("host") != f"127.0.0.1:{at.port}"


async def test_the_callers_token_stays_at_the_door(at: Door) -> None:
    await at.http.get("/v1/courses")
    assert at.service.seen[0].header("authorization") != at.http.headers["authorization"]


async def test_control_paths_are_answered_here(at: Door) -> None:
    answer = await at.http.post("/oauth2/token", content=b"a=b", headers={"X-Internal-Actor": "root"})
    assert answer.json()["body"] == "a=b"
    assert answer.json()["headers"]["authorization"] == at.http.headers["authorization"]
    assert "x-internal-actor" not in answer.json()["headers"]
    assert at.service.seen == []


# --- what does not ---


async def test_nobody_and_strangers(at: Door) -> None:
    expired = OURS.sign(claims(iat=1_000_000_000, exp=1_000_000_600), ACCESS_TYPE)
    foreign = OURS.sign(claims(aud="tasks"), ACCESS_TYPE)
    forged = jwt.encode(claims(), "k" * 32, "HS256", headers={"kid": OURS.kid, "typ": ACCESS_TYPE})
    for token in ("letmein", expired, foreign, forged):
        answer = await at.http.get("/v1/courses", headers={"Authorization": f"Bearer {token}"})
        body = problem(answer, 401, "unauthenticated")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert "/oauth2/token" in body["detail"]
    async with httpx2.AsyncClient(trust_env=False) as nobody:
        answer = await nobody.get(f"http://127.0.0.1:{at.port}/v1/courses")
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="roviec"'
    assert at.service.seen == []


async def test_a_scope_for_another_service_is_not_enough(at: Door) -> None:
    problem(await at.http.get("/v1/ledger/entries"), 403, "forbidden")
    assert at.service.seen == []


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/planets", "/v2/tasks", "/metrics", "/livez", "/readyz", "/openapi", "/docs/x"]
)
async def test_unknown_paths(at: Door, path: str) -> None:
    assert "/docs" in problem(await at.http.get(path), 404, "not-found")["detail"]


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "LINK"])
async def test_methods_that_nobody_takes(at: Door, method: str) -> None:
    answer = await at.http.request(method, "/v1/courses")
    problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]


async def test_problems_come_in_both_languages(at: Door) -> None:
    vietnamese = problem(await at.http.get("/v1/planets"), 404, "not-found")
    english = problem(await at.http.get("/v1/planets", headers={"Accept-Language": "en-GB,en;q=0.9"}), 404, "not-found")
    assert "Không" in vietnamese["detail"]
    assert english["detail"].startswith("There is no such path")


HEAD = b"GET /v1/courses HTTP/1.1\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [(HEAD + b"\r\n", 400), (HEAD + b"Host: a\r\nHost: b\r\n\r\n", 400),
     (HEAD + b"Host: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400),
     (HEAD + b"Host: a\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(101)) + b"\r\n", 431),
     (HEAD + b"Host: a\r\nX: " + b"y" * 17_000 + b"\r\n\r\n", 431)]
    + [(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400)
       for path in (b"/v1/tasks/../clients", b"/v1//tasks", b"/v1/tasks%2f1", b"/v1/tasks%5C1", b"/v1/tasks%00",
                    b"/v1/tasks/%2e%2e/x",
                    b"/v1/tasks\\x", b"/v1/tasks/%", b"/v1/./tasks")],
)  # fmt: skip
async def test_requests_that_could_be_read_in_two_ways(at: Door, request_: bytes, status: int) -> None:
    answer = await at.raw(request_)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in answer
    assert b"x-request-id: " in answer.lower()
    assert at.service.seen == []


@pytest.mark.parametrize(
    "smuggled",
    [b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
     b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
     b"Content-Length: +5\r\n\r\nabcde",
     b"X: a\r\n b\r\nContent-Length: 0x5\r\n\r\nabcde"],
    ids=["both framings", "two lengths", "unknown coding", "space before colon", "signed length", "hex length"],
)  # fmt: skip
async def test_smuggled_requests_are_refused_whole(at: Door, smuggled: bytes) -> None:
    token = at.http.headers["authorization"].encode()
    inner = b"GET /v1/courses HTTP/1.1\r\nHost: a\r\nAuthorization: " + token + b"\r\n\r\n"
    answer = await at.raw(b"POST /v1/courses HTTP/1.1\r\nHost: a\r\nAuthorization: " + token + b"\r\n" + smuggled + inner)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert at.service.seen == []


@pytest.mark.parametrize(("path", "limit"), [("/v1/courses", 1024 * 1024), ("/v1/imports", 16 * 1024 * 1024)])
async def test_bodies_are_capped_however_they_come(at: Door, path: str, limit: int) -> None:
    at.register.clients["c1"].scopes.append("imports:write")
    headers = {"Authorization": bearer(OURS.sign(claims(scope="courses:read imports:write"), ACCESS_TYPE)).decode()}

    async def stream(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 65536):
            yield b"x" * 65536
        yield b"x" * (size % 65536)

    assert (await at.http.post(path, content=b"x" * limit, headers=headers)).status_code == 200
    assert (await at.http.post(path, content=stream(limit), headers=headers)).status_code == 200
    assert [len(seen.body) for seen in at.service.seen] == [limit, limit]
    for content in (b"x" * (limit + 1), stream(limit + 1)):
        problem(await at.http.post(path, content=content, headers=headers), 413, "too-large")
    assert len(at.service.seen) == 2
    assert at.front._spare_memory == 10**8


async def test_who_is_refused_may_send_on_and_read_why(at: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """To close at once would reset the connection under the answer: many clients send all before they read."""
    monkeypatch.setattr("gateway.front.LINGER_SECONDS", 0.3)
    head = b"POST /v1/courses HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n"
    for body in (b"x" * 30_000_000, b"x" * 20_000_000):  # all of it, and one who never sends the rest
        assert (await at.raw(head + b"\r\n" + body)).startswith(b"HTTP/1.1 401 ")
    asked_first = await at.raw(head + b"Expect: 100-continue\r\n\r\n")
    assert asked_first.startswith(b"HTTP/1.1 401 ")
    assert b" 100 " not in asked_first


async def test_a_body_that_stops_coming_is_given_up() -> None:
    async with door(body_seconds=0.2) as at:
        token = at.http.headers["authorization"].encode()
        head = b"POST /v1/courses HTTP/1.1\r\nHost: a\r\nAuthorization: " + token + b"\r\nContent-Length: 100\r\n\r\nhalf"
        answer = await at.raw(head)  # and the connection is closed, else this would wait
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert f"/problems/{TooSlow.slug}".encode() in answer
        assert at.service.seen == []
        assert at.front._spare_memory == 10**8


async def test_a_body_that_comes_drop_by_drop_is_given_up() -> None:
    async with door(body_seconds=0.3) as at:
        token = at.http.headers["authorization"].encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(b"POST /v1/courses HTTP/1.1\r\nHost: a\r\nAuthorization: " + token + b"\r\nContent-Length: 100\r\n\r\n")
        answer = asyncio.ensure_future(reader.read())

        async def dripping() -> bool:
            with contextlib.suppress(ConnectionError):
                writer.write(b"x")
            return answer.done()

        await eventually("the door has had enough, though it never stood still", dripping, 3)
        (said,) = await asyncio.gather(answer, return_exceptions=True)
        assert isinstance(said, ConnectionError) or (
            isinstance(said, bytes) and said.startswith(b"HTTP/1.1 408 ")
        )  # drops on the way may reset it
        writer.close()
        assert at.service.seen == []


async def test_all_bodies_together_are_bounded() -> None:
    async with door(memory=100_000) as at:
        answer = await at.http.post("/v1/courses", content=b"x" * 200_000)
        problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert (await at.http.post("/v1/courses", content=b"x" * 50_000)).status_code == 200


async def test_the_rate_limit_says_what_is_left_and_when_to_come_back() -> None:
    async with door(read=3, write=1) as at:
        answers = [await at.http.get("/v1/courses") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"read";q=3;w=60'}
        body = problem(answers[3], 429, "too-many-requests")
        assert 0 < int(answers[3].headers["retry-after"]) <= 20
        assert answers[3].headers["retry-after"] in body["detail"]
        assert (await at.http.post("/v1/courses")).status_code == 200  # writing has a limit of its own
        at.register.clients["c2"] = at.register.clients["c1"].model_copy(update={"id": "c2", "rate_class": "high"})
        other = {"Authorization": bearer(OURS.sign(claims(sub="c2", client_id="c2"), ACCESS_TYPE)).decode()}
        another = await at.http.get("/v1/courses", headers=other)
        assert another.headers["ratelimit-policy"] == '"read";q=30;w=60'
        assert len(at.service.seen) == 5


# --- services that fail ---


async def test_a_service_that_is_away_late_or_broken() -> None:
    async with door(seconds=0.3) as at:
        at.service.hold = asyncio.Event()
        late = await at.http.post("/v1/courses", headers={"Idempotency-Key": "k"})
        assert "Idempotency-Key" in problem(late, 504, "gateway-timeout")["detail"]
        at.service.hold.set()
        at.service.status = 401
        problem(await at.http.get("/v1/courses"), 502, "bad-gateway")  # it is our token that it does not take
        at.front._upstreams["training"]._port = free_port()
        at.front._upstreams["training"].close()
        away = await at.http.get("/v1/courses")
        assert "training" in problem(away, 503, "unavailable")["detail"]
        assert int(away.headers["retry-after"]) > 0


async def test_an_answer_that_breaks_off_is_seen_to_be_broken() -> None:
    async with door(seconds=0.3) as at:
        hold = asyncio.Event()

        async def half(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            await hold.wait()

        inner = Server(half, "127.0.0.1", free_port())
        task = asyncio.create_task(inner.serve())

        async def up() -> bool:
            return inner.started

        await eventually("it listens", up)
        at.front._upstreams["training"]._port = inner.config.port
        with pytest.raises(httpx2.RemoteProtocolError):
            await at.http.get("/v1/courses")
        assert (await at.http.get("/v1/planets")).status_code == 404  # the door itself stands
        hold.set()
        inner.should_exit = True
        await asyncio.wait({task}, timeout=10)


async def test_what_nobody_expected_is_a_problem_too(at: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: Any) -> Any:
        raise RuntimeError("inside")

    monkeypatch.setattr(at.front._upstreams["training"], "send", fails)
    assert "inside" not in str(problem(await at.http.get("/v1/courses"), 500, "unexpected"))


def test_every_slug_is_its_own() -> None:
    assert TooSlow.slug not in {error.slug for error in ALL}


async def test_one_line_a_request_without_values(at: Door, capsys: pytest.CaptureFixture[str]) -> None:
    await at.http.get("/v1/courses/secret-id?q=secret-name", headers={"X-Request-Id": "one-line-0001"})
    await at.http.get("/v1/planets/secret-id", headers={"X-Request-Id": "one-line-0002"})
    at.front._access.flush()
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"event":"request"' in line]
    lines = [line for line in written if line["request_id"].startswith("one-line-000")]  # others are of tests before
    assert [(line["route"], line["status"], line["actor"]) for line in lines] == [
        ("/v1/courses", 200, "client:c1"),
        ("unmatched", 404, None),
    ]
    assert lines[0]["request_id"] == "one-line-0001"
    assert "secret" not in json.dumps(lines)


async def test_metrics_count_by_prefix_and_never_by_id(at: Door) -> None:
    def counted(**labels: str) -> float:
        return REGISTRY.get_sample_value("roviec_http_requests_total", labels) or 0.0

    passed = {"route": "/v1/courses", "method": "GET", "status": "200"}
    lost = {"route": "unmatched", "method": "other", "status": "404"}
    before = counted(**passed), counted(**lost)
    await at.http.get("/v1/courses/an-id-0001")
    await at.http.request("PROPFIND", "/v1/planets/an-id-0002")

    async def so() -> bool:
        return (counted(**passed), counted(**lost)) == (before[0] + 1, before[1] + 1)

    await eventually("both are counted", so)
    labels = {value for family in REGISTRY.collect() for sample in family.samples for value in sample.labels.values()}
    assert not any("an-id" in label or "client:" in label for label in labels)


async def test_a_control_plane_that_fails_is_a_problem_too(at: Door) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("inside")

    at.front._control = fails
    assert "inside" not in str(problem(await at.http.get("/docs"), 500, "unexpected"))
