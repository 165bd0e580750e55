"""The manners of every API, on a small service over the real database: whatever comes in, the answer is right, never a 500."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import httpx2
import jwt
import pytest
import pytest_asyncio
from fastapi import Query, Response
from pydantic import Field

from common.contracts.fields import IsoDay, IsoMoment
from common.contracts.training import CourseRegistered
from common.domain import Actor, Aggregate
from common.http import BODY_LIMIT, IDEMPOTENCY, Call, Command, Effect, Items, Paged, Routes, View, reads, writes
from common.mongo import Index
from common.outbox import OUTBOX, new_id
from common.repository import Store
from common.service import Process, Server, Service
from common.settings import Settings
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork

pytestmark = pytest.mark.servers

CALLER = Actor("client", "c1", frozenset({"courses:read", "courses:write"}))
READER = Actor("client", "c2", frozenset({"courses:read"}))


class Course(Aggregate):
    noun: ClassVar[tuple[str, str]] = ("khóa học", "course")
    title: str = ""
    hours: int = 0

    def rename(self, title: str, hours: int) -> Course:
        self.title, self.hours = title, hours
        return self.record(CourseRegistered(course_id=self.id, title=title, topic="test"))


COURSES = Store(Course, "courses", (Index("title", "_id"),))
routes = Routes("courses")


class CourseView(View):
    id: str
    title: str
    hours: int


class SetCourse(Command):
    title: Annotated[str, Field(min_length=1, max_length=200)]
    hours: Annotated[int, Field(ge=0)] = 0
    begins_on: IsoDay | None = None
    until: IsoMoment | None = None
    tags: list[str] = Field(default_factory=list)
    about: dict[str, Any] = Field(default_factory=dict)


def view(course: Course) -> CourseView:
    return CourseView(id=course.id, title=course.title, hours=course.hours)


@routes.post("/courses", status_code=201, response_model=CourseView)
async def create(command: SetCourse, effect: Annotated[Effect, writes("courses:write")]) -> Response:
    async def handle(command: SetCourse, uow: UnitOfWork) -> Course:
        return uow.save(COURSES, Course(id=new_id()).rename(command.title, command.hours))

    return await effect.run(handle, command, view, status=201, location=lambda course: f"/v1/courses/{course.id}")


@routes.patch("/courses/{course_id}", response_model=CourseView)
async def change(course_id: str, command: SetCourse, effect: Annotated[Effect, writes("courses:write")]) -> Response:
    async def handle(command: SetCourse, uow: UnitOfWork) -> Course:
        course = await uow.load(COURSES, course_id, expected=effect.if_match)
        return uow.save(COURSES, course.rename(command.title, command.hours))

    return await effect.run(handle, command, view)


class Nothing(Command):
    pass


@routes.post("/courses/{course_id}/touch", response_model=CourseView)
async def touch(course_id: str, effect: Annotated[Effect, writes("courses:write")]) -> Response:
    async def handle(_: Nothing, uow: UnitOfWork) -> Course:
        course = await uow.load(COURSES, course_id)
        return uow.save(COURSES, course.rename(course.title, course.hours))

    return await effect.run(handle, Nothing(), view)


@routes.get("/courses", response_model=Items[CourseView])
async def listed(
    call: Annotated[Call, reads("courses:read")], listing: Paged, title: Annotated[str | None, Query()] = None
) -> Response:
    query: dict[str, Any] = {} if title is None else {"title": title}
    if (after := call.after(listing)) is not None:
        query["_id"] = {"$gt": after}
    rows = await call.reader.find(COURSES, query, sort=("_id",), limit=listing.limit + 1)
    return call.page(rows, listing, lambda course: course.id, view)


@routes.get("/courses/{course_id}", response_model=CourseView)
async def one(course_id: str, call: Annotated[Call, reads("courses:read")]) -> Response:
    course = await call.reader.get(COURSES, course_id)
    if course is None:
        from common.errors import NotFound, Words

        raise NotFound.of(Words(*Course.noun), course_id)
    return call.one(view(course), course.version)


SERVICE = Service("training", "courses", Settings, [COURSES], routes=[routes], body_limits={"/v1/courses/large": 4096})


@dataclass
class Api:
    """The API of one running process: over ASGI, and on a real socket for what no client library would send."""

    area: Area
    process: Process
    port: int
    http: httpx2.AsyncClient

    @property
    def token(self) -> str:
        return self.area.keys.token("training", CALLER)

    def key(self) -> dict[str, str]:
        return {"Idempotency-Key": new_id()}

    async def created(self, title: str = "a course") -> tuple[str, str]:
        """A new course: its path and its ETag."""
        answer = await self.http.post("/v1/courses", json={"title": title}, headers=self.key())
        assert answer.status_code == 201, answer.text
        return answer.headers["location"], answer.headers["etag"]

    async def events(self) -> int:
        return int(await self.process.database.collection(OUTBOX).count_documents({}))

    async def raw(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes, and read the answer: status, headers, body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
                status, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                if request.startswith(b"HEAD "):
                    return int(status.split()[1]), headers, b""
                if "content-length" not in headers:  # the server itself turned it away
                    return int(status.split()[1]), headers, await reader.read()
                body = await reader.readexactly(int(headers["content-length"]))
        finally:
            writer.close()
        return int(status.split()[1]), headers, body

    async def send(
        self, method: bytes, target: bytes, body: bytes = b"", headers: dict[bytes, bytes] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request with headers as good ones would be, unless replaced."""
        sent = {
            b"Host": b"service",
            b"Authorization": b"Bearer " + self.token.encode(),
            b"Idempotency-Key": new_id().encode(),
            b"Content-Type": b"application/json",
            b"Content-Length": str(len(body)).encode(),
            **(headers or {}),
        }
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in sent.items())
        return await self.raw(method + b" " + target + b" HTTP/1.1\r\n" + lines + b"\r\n" + body)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(servers: tuple[str, str], worker_id: str) -> AsyncIterator[Api]:
    area = Area(f"http{worker_id}{new_id()[-8:]}", *servers)
    async with area.running(SERVICE, role="api") as process:
        server = Server(process.api(), "127.0.0.1", 0)
        serving = asyncio.create_task(server.serve())

        async def started() -> bool:
            return server.started

        await eventually("the socket listens", started)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with area.client(process, CALLER) as client:
            yield Api(area, process, port, client)
        server.should_exit = True
        with suppress(TimeoutError):
            await asyncio.wait_for(serving, 5)


def problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document of an answer, checked for what every one must have."""
    assert answer.status_code == status, answer.text
    return checked(answer.headers["content-type"], answer.headers["x-request-id"], answer.content, status, slug)


def checked(kind: str, request_id: str, content: bytes, status: int, slug: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(content)
    assert kind == "application/problem+json"
    assert body["status"] == status
    assert slug is None or body["type"] == f"/problems/{slug}"
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == request_id
    for error in body.get("errors", ()):
        assert {"field", "code", "message", "repair"} <= error.keys()
    return body


# --- bodies ---

DEEP = b"[" * 200_000 + b"]" * 200_000


@pytest.mark.parametrize(
    ("body", "status", "slug", "code"),
    [
        (b"", 422, "invalid", "missing"),
        (b"{", 400, "bad-request", "json_invalid"),
        (b"not json", 400, "bad-request", "json_invalid"),
        (b"\xff\xfe", 400, "bad-request", "json_invalid"),
        (b'{"title": "\xff"}', 400, "bad-request", "json_invalid"),
        (b"\xef\xbb\xbf{}", 400, "bad-request", "json_invalid"),
        (b'{"title": "x", "hours": NaN}', 400, "bad-request", "json_invalid"),
        (b'{"title": "x", "hours": Infinity}', 400, "bad-request", "json_invalid"),
        (b'{"title": "\\ud800"}', 400, "bad-request", "json_invalid"),
        (b'{"title": "x", "tags": ["\\udfff"]}', 400, "bad-request", "json_invalid"),
        (DEEP, 400, "bad-request", "json_invalid"),
        (b'{"title": "x", "about": ' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}", 400, "bad-request", "json_invalid"),
        (b"[]", 422, "invalid", "model_attributes_type"),
        (b"null", 422, "invalid", "model_attributes_type"),
        (b'"x"', 422, "invalid", "model_attributes_type"),
        (b"{}", 422, "invalid", "missing"),
        (b'{"title": 5}', 422, "invalid", "string_type"),
        (b'{"title": ""}', 422, "invalid", "string_too_short"),
        (b'{"title": "   "}', 422, "invalid", "string_too_short"),
        (b'{"title": "' + b"x" * 201 + b'"}', 422, "invalid", "string_too_long"),
        (b'{"title": "x", "titel": "y"}', 422, "invalid", "extra_forbidden"),
        (b'{"title": "x", "hours": "many"}', 422, "invalid", "int_parsing"),
        (b'{"title": "x", "hours": 1.5}', 422, "invalid", "int_from_float"),
        (b'{"title": "x", "hours": -1}', 422, "invalid", "greater_than_equal"),
        (b'{"title": "x", "begins_on": "30/11/2026"}', 422, "invalid", "date_type"),
        (b'{"title": "x", "begins_on": 0}', 422, "invalid", "date_type"),
        (b'{"title": "x", "begins_on": true}', 422, "invalid", "date_type"),
        (b'{"title": "x", "begins_on": "0"}', 422, "invalid", "date_type"),
        (b'{"title": "x", "begins_on": "20261130"}', 422, "invalid", "date_type"),
        (b'{"title": "x", "begins_on": "2026-11-30T00:00:00"}', 422, "invalid", "date_type"),
        (b'{"title": "x", "begins_on": "2026-02-31"}', 422, "invalid", "date_from_datetime_parsing"),
        (b'{"title": "x", "until": 1795000000}', 422, "invalid", "datetime_type"),
        (b'{"title": "x", "until": "2026-11-30"}', 422, "invalid", "datetime_type"),
        (b'{"title": "x", "until": "2026-11-30T03:15:00"}', 422, "invalid", "datetime_type"),
    ],
)
async def test_a_body_that_is_not_right_is_told_so(api: Api, body: bytes, status: int, slug: str, code: str) -> None:
    before = await api.events()
    headers = {**api.key(), "Content-Type": "application/json", "Accept-Language": "en"}
    answer = await api.http.post("/v1/courses", content=body, headers=headers)
    told = problem(answer, status, slug)
    assert code in {error["code"] for error in told["errors"]}
    assert await api.events() == before


@pytest.mark.parametrize("hours", [2**63, 2**64, 10**400, -(10**400), 1e308])
async def test_a_number_that_nothing_can_hold_is_told_so(api: Api, hours: float) -> None:
    answer = await api.http.post("/v1/courses", json={"title": "x", "hours": hours}, headers=api.key())
    problem(answer, answer.status_code, "bad-request" if answer.status_code == 400 else "invalid")


@pytest.mark.parametrize("title", ["a\0b", "\0", "\x01\x1f\x7f", "\u202e\ufeff", "𐍈" * 200, "Sở KH&CN — «Hà Giang»"])
async def test_odd_characters_are_kept_or_refused(api: Api, title: str) -> None:
    answer = await api.http.post("/v1/courses", json={"title": title}, headers=api.key())
    if "\0" in title:
        problem(answer, 422, "invalid")
    else:
        assert answer.status_code == 201, answer.text
        assert answer.json()["title"] == title.strip()


async def test_odd_characters_deep_inside_are_kept_or_refused(api: Api) -> None:
    for spoilt in ({"tags": ["\0"]}, {"about": {"\0": 1}}, {"about": {"a": ["\0"]}}):
        answer = await api.http.post("/v1/courses", json={"title": "x", **spoilt}, headers=api.key())
        problem(answer, 422, "invalid")


async def test_a_body_over_the_limit_is_refused_whether_its_length_is_declared_or_not(api: Api) -> None:
    large = json.dumps({"title": "x" * BODY_LIMIT}).encode()
    headers = {**api.key(), "Content-Type": "application/json"}
    problem(await api.http.post("/v1/courses", content=large, headers=headers), 413, "too-large")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    problem(await api.http.post("/v1/courses", content=pieces(), headers=headers), 413, "too-large")
    problem(await api.http.post("/v1/courses/large", content=b" " * 4097, headers=headers), 413, "too-large")


async def test_another_kind_of_content_is_refused(api: Api) -> None:
    for kind in ("text/csv", "application/x-www-form-urlencoded", "", "application/jsonx", "multipart/form-data; boundary=x"):
        answer = await api.http.post("/v1/courses", content=b'{"title": "x"}', headers={**api.key(), "Content-Type": kind})
        problem(answer, 415, "unsupported-media-type")


async def test_a_command_without_a_body_refuses_one(api: Api) -> None:
    path, _ = await api.created()
    answer = await api.http.post(f"{path}/touch", json={"title": "x"}, headers=api.key())
    problem(answer, 422, "invalid")
    for body in (b"", b"{}"):
        assert (await api.http.post(f"{path}/touch", content=body, headers=api.key())).status_code == 200


# --- paths, methods, forms of answer, languages ---


async def test_unknown_paths_and_methods(api: Api) -> None:
    for path in ("/", "/v1", "/v1/", "/v1/nothing", "/v2/courses", "/v1/courses/", "/docs", "/livez", "//v1/courses"):
        problem(await api.http.get(path), 404, "not-found")
    answer = await api.http.delete("/v1/courses")
    problem(answer, 405, "method-not-allowed")
    assert {method.strip() for method in answer.headers["allow"].split(",")} == {"GET", "POST"}
    problem(await api.http.request("BREW", "/v1/courses"), 405, "method-not-allowed")
    problem(await api.http.get("/v1/courses/none"), 404, "not-found")


@pytest.mark.parametrize("accept", ["text/html", "application/xml, image/*", "application/json;q=0"])
async def test_another_form_of_answer_cannot_be_had(api: Api, accept: str) -> None:
    problem(await api.http.get("/v1/courses", headers={"Accept": accept}), 406, "not-acceptable")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/problem+json", "text/html, */*;q=0.1", ""])
async def test_json_can_be_had(api: Api, accept: str) -> None:
    assert (await api.http.get("/v1/courses", headers={"Accept": accept})).status_code == 200


@pytest.mark.parametrize(
    ("languages", "title"),
    [
        (None, "Không tìm thấy"),
        ("vi", "Không tìm thấy"),
        ("fr", "Không tìm thấy"),
        ("en", "Not found"),
        ("en-GB,vi;q=0.5", "Not found"),
        ("en;q=0.4,vi;q=0.5", "Không tìm thấy"),
        ("en;q=nonsense", "Không tìm thấy"),
    ],
)
async def test_problems_speak_the_callers_language(api: Api, languages: str | None, title: str) -> None:
    headers = {} if languages is None else {"Accept-Language": languages}
    answer = await api.http.get("/v1/nothing", headers=headers)
    assert problem(answer, 404, "not-found")["title"] == title


async def test_a_sane_request_id_is_kept_and_another_is_replaced(api: Api) -> None:
    sane = await api.http.get("/v1/courses", headers={"X-Request-Id": "req-12345678"})
    assert sane.headers["x-request-id"] == "req-12345678"
    for insane in ("short", "x" * 65, "with space 123", "<script>alert(1)</script>"):
        assert (await api.http.get("/v1/courses", headers={"X-Request-Id": insane})).headers["x-request-id"] != insane


# --- effects once ---


async def test_a_key_is_needed_and_may_not_be_endless(api: Api) -> None:
    body = {"title": "x"}
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "   "}):
        told = problem(await api.http.post("/v1/courses", json=body, headers=headers), 400, "bad-request")
        assert told["errors"][0]["field"] == "Idempotency-Key"
    told = problem(await api.http.post("/v1/courses", json=body, headers={"Idempotency-Key": "k" * 256}), 422, "invalid")
    assert told["errors"][0]["code"] == "string_too_long"
    assert (await api.http.post("/v1/courses", json=body, headers={"Idempotency-Key": "k" * 255})).status_code == 201


async def test_the_same_key_gives_the_same_answer_and_one_effect(api: Api) -> None:
    before, key = await api.events(), api.key()
    first = await api.http.post("/v1/courses", json={"title": "once"}, headers=key)
    headers = {**key, "Content-Type": "application/json"}
    again = await api.http.post("/v1/courses", content=b' {"title":\n"once"} ', headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    for name in ("etag", "location", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await api.events() == before + 1


async def test_the_same_key_with_another_body_is_refused(api: Api) -> None:
    key = api.key()
    await api.http.post("/v1/courses", json={"title": "this"}, headers=key)
    problem(await api.http.post("/v1/courses", json={"title": "that"}, headers=key), 422, "idempotency-key-reused")


async def test_a_key_belongs_to_its_caller_and_its_route(api: Api) -> None:
    key, (path, _) = api.key(), await api.created()
    await api.http.post("/v1/courses", json={"title": "mine"}, headers=key)
    other = Actor("client", "somebody else", CALLER.scopes)
    async with api.area.client(api.process, other) as theirs:
        answer = await theirs.post("/v1/courses", json={"title": "theirs"}, headers=key)
        assert (answer.status_code, answer.json()["title"]) == (201, "theirs")
    assert (await api.http.post(f"{path}/touch", headers=key)).status_code == 200


async def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    key = api.key()
    problem(await api.http.patch("/v1/courses/none", json={"title": "x"}, headers=key), 404, "not-found")
    path, _ = await api.created()
    assert (await api.http.patch(path, json={"title": "x"}, headers=key)).status_code == 200


async def test_a_refused_request_may_be_repaired_under_its_key(api: Api) -> None:
    """Nothing of a command that was refused and rolled back is remembered: not its body, not that it was there."""
    path, etag = await api.created()
    assert (await api.http.patch(path, json={"title": "b"}, headers={**api.key(), "If-Match": etag})).status_code == 200
    key, before = api.key(), await api.events()
    problem(await api.http.patch(path, json={"title": "c"}, headers={**key, "If-Match": etag}), 412, "stale-version")
    problem(await api.http.patch(path, json={"title": ""}, headers=key), 422, "invalid")
    assert await api.process.database.collection(IDEMPOTENCY).count_documents({"status": {"$exists": False}}) == 0
    mended = await api.http.patch(path, json={"title": "d"}, headers={**key, "If-Match": '"2"'})
    assert (mended.status_code, mended.headers["etag"]) == (200, '"3"')
    assert "idempotency-replayed" not in mended.headers
    assert await api.events() == before + 1
    problem(await api.http.patch(path, json={"title": "e"}, headers=key), 422, "idempotency-key-reused")


async def test_the_same_key_at_the_same_time_has_one_effect(api: Api) -> None:
    before, key = await api.events(), api.key()
    answers = await asyncio.gather(*(api.http.post("/v1/courses", json={"title": "storm"}, headers=key) for _ in range(20)))
    done = [answer for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409, "conflict")
            assert int(answer.headers["retry-after"]) > 0
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    assert await api.events() == before + 1


# --- versions ---


async def test_a_stale_version_is_refused_and_the_present_one_taken(api: Api) -> None:
    path, etag = await api.created()
    assert etag == '"1"'
    fresh = await api.http.patch(path, json={"title": "b"}, headers={**api.key(), "If-Match": etag})
    assert (fresh.status_code, fresh.headers["etag"]) == (200, '"2"')
    problem(await api.http.patch(path, json={"title": "c"}, headers={**api.key(), "If-Match": etag}), 412, "stale-version")
    for any_version in ({}, {"If-Match": "*"}):
        assert (await api.http.patch(path, json={"title": "d"}, headers={**api.key(), **any_version})).status_code == 200
    for wrong in ("x", '"-1"', '"1", "2"', '"' + "9" * 31 + '"', '"²"'):
        headers = {**{name.encode(): value.encode() for name, value in api.key().items()}, b"If-Match": wrong.encode("latin-1")}
        answer = await api.http.patch(path, json={"title": "e"}, headers=headers)
        assert answer.status_code in (400, 412), answer.text
        problem(answer, answer.status_code, "bad-request" if answer.status_code == 400 else "stale-version")


async def test_what_the_caller_has_already_is_not_sent_again(api: Api) -> None:
    path, etag = await api.created()
    for known in (etag, "*", f'"7", {etag}', f"W/{etag}"):
        answer = await api.http.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag), known
    assert (await api.http.get(path, headers={"If-None-Match": '"7"'})).status_code == 200


# --- pages ---


async def test_pages_hold_everything_once_while_more_is_added(api: Api) -> None:
    made = {(await api.created("paged"))[0].rpartition("/")[2] for _ in range(5)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2", "title": "paged"} | ({} if cursor is None else {"cursor": cursor})
        page = (await api.http.get("/v1/courses", params=query)).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if len(seen) == 2:
            made.add((await api.created("paged"))[0].rpartition("/")[2])
    assert len(seen) == len(set(seen))
    assert set(seen) == made


async def test_a_cursor_that_was_tampered_with_is_refused(api: Api) -> None:
    for _ in range(2):
        await api.created("cursor")
    asked = {"limit": "1", "title": "cursor"}
    cursor = (await api.http.get("/v1/courses", params=asked)).json()["next_cursor"]
    body, _, mark = cursor.partition(".")
    forged = [f"{body[:-4]}AAAA.{mark}", f"{body}.", body, "", ".", "x", f"{body}.é", "\0", "%", f"{mark}.{body}", "🙂.🙂"]
    for spoilt in forged:
        told = problem(await api.http.get("/v1/courses", params={**asked, "cursor": spoilt}), 422, "invalid")
        assert told["errors"][0]["field"] == "cursor"
    problem(await api.http.get("/v1/courses", params={**asked, "title": "other", "cursor": cursor}), 422, "invalid")
    problem(await api.http.get("/v1/courses", params={**asked, "cursor": "x" * 601}), 422, "invalid")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1.5", "9" * 400, "\0"])
async def test_a_limit_out_of_bounds_is_refused(api: Api, limit: str) -> None:
    told = problem(await api.http.get("/v1/courses", params={"limit": limit}), 422, "invalid")
    assert told["errors"][0]["field"] == "limit"


@pytest.mark.parametrize("path", ["/v1/courses", "/v1/courses/none"])
async def test_a_name_that_the_query_does_not_have_is_refused(api: Api, path: str) -> None:
    """A filter with a slip of the pen in its name must not show everything."""
    told = problem(await api.http.get(path, params={"titel": "x", "cursor ": "y"}), 422, "invalid")
    assert [(one["field"], one["code"]) for one in told["errors"]] == [
        ("titel", "extra_forbidden"),
        ("cursor ", "extra_forbidden"),
    ]
    assert "titel" in (await api.http.get(f"{path}?titel=%ff%00&titel=1")).text
    change = await api.http.post(f"{path.removesuffix('/none')}/none/touch", params={"dry_run": "1"}, headers=api.key())
    assert problem(change, 422, "invalid")["errors"][0]["field"] == "dry_run"


# --- who is calling ---


async def refusal(api: Api, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    transport = httpx2.ASGITransport(api.process.api())
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as nobody:
        problem(await nobody.get("/v1/courses", headers=headers), 401, "unauthenticated")
        problem(await nobody.get("/v1/nothing", headers=headers), 401, "unauthenticated")


async def test_a_caller_without_a_good_token_is_refused(api: Api) -> None:
    keys, good = api.area.keys, api.token
    head, claims, signature = good.split(".")
    for authorization in (None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer a.b.c", f"Bearer {'x' * 9000}"):
        await refusal(api, authorization)
    for spoilt in (
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}.",
        f"{head}.{claims[:-2]}AA.{signature}",
        jwt.encode({"sub": "client:c1"}, "", algorithm="none"),
        jwt.encode({"sub": "client:c1"}, "k" * 64, algorithm="HS256", headers={"kid": "test", "typ": "internal+jwt"}),
        Area("other", "", "").keys.token("training", CALLER),
    ):
        await refusal(api, f"Bearer {spoilt}")
    for changes in (
        {"aud": "tasks"},
        {"aud": ["training", "tasks"]},
        {"iss": "somebody"},
        {"exp": 1_000_000_000, "iat": 1_000_000_000 - 60},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"sub": None},
        {"sub": "system:tasks"},
        {"sub": "client:"},
        {"sub": 5},
        {"exp": 4_000_000_000},
        {"scope": 7, "sub": "nobody"},
    ):
        await refusal(api, f"Bearer {keys.token('training', CALLER, **changes)}")


async def test_odd_claims_of_a_signed_token_are_no_500(api: Api) -> None:
    odd = ({"scope": 7}, {"units": "x"}, {"units": [1]}, {"units": 5}, {"units": {"a": 1}}, {"scope": ["courses:read"]})
    for changes in odd:
        token = api.area.keys.token("training", CALLER, **changes)
        answer = await api.http.get("/v1/courses", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 401, 403), changes


async def test_a_caller_without_the_scope_is_refused(api: Api) -> None:
    async with api.area.client(api.process, READER) as reader:
        assert (await reader.get("/v1/courses")).status_code == 200
        told = problem(await reader.post("/v1/courses", json={"title": "x"}, headers=api.key()), 403, "forbidden")
        assert "courses:write" in told["detail"]


# --- bytes that no client library would send ---

OWN = b"/v1/courses"


@pytest.mark.parametrize(
    ("method", "target", "body", "headers"),
    [
        (b"GET", OWN + b"/%00", b"", {}),
        (b"GET", OWN + b"/%ff%fe", b"", {}),
        (b"GET", OWN + b"/\xff\xfe", b"", {}),
        (b"GET", OWN + b"/%", b"", {}),
        (b"GET", OWN + b"/%zz", b"", {}),
        (b"GET", OWN + b"/%ed%a0%80", b"", {}),
        (b"GET", OWN + b"/" + b"x" * 20_000, b"", {}),
        (b"GET", OWN + b"/..%2f..%2fetc%2fpasswd", b"", {}),
        (b"GET", OWN + b"?title=%00", b"", {}),
        (b"GET", OWN + b"?title=%ff%fe", b"", {}),
        (b"GET", OWN + b"?title=\xff\xfe", b"", {}),
        (b"GET", OWN + b"?title=%ed%a0%80", b"", {}),
        (b"GET", OWN + b"?%00=%00", b"", {}),
        (b"GET", OWN + b"?title[$ne]=x", b"", {}),
        (b"GET", OWN + b"?limit=" + b"9" * 5000, b"", {}),
        (b"GET", OWN + b"?" + b"a=1&" * 5000, b"", {}),
        (b"PATCH", OWN + b"/%00", b'{"title": "x"}', {}),
        (b"PATCH", OWN + b"/%ff", b'{"title": "x"}', {}),
        (b"PATCH", OWN + b"/" + b"x" * 3000, b'{"title": "x"}', {}),
        (b"POST", OWN, b'{"title": "x"}', {b"Idempotency-Key": b"\xff\xfe"}),
        (b"POST", OWN, b'{"title": "x"}', {b"Idempotency-Key": b"\x80" * 255}),
        (b"POST", OWN, b'{"title": "x"}', {b"If-Match": b"\xff"}),
        (b"POST", OWN, b'{"title": "x"}', {b"If-Match": b"\xb2"}),
        (b"POST", OWN, b'{"title": "x"}', {b"Content-Type": b"application/json; charset=\xff"}),
        (b"POST", OWN, b'{"title": "x"}', {b"Content-Type": b"application/json; charset=utf-16"}),
        (b"POST", OWN, b'{"title": "x"}', {b"Content-Encoding": b"gzip"}),
        (b"GET", OWN, b"", {b"Accept": b"\xff"}),
        (b"GET", OWN, b"", {b"Accept-Language": b"\xff;q=\xfe"}),
        (b"GET", OWN, b"", {b"X-Request-Id": b"\xff" * 10}),
        (b"GET", OWN, b"", {b"traceparent": b"\xff"}),
        (b"GET", OWN, b"", {b"If-None-Match": b"\xff"}),
        (b"GET", OWN, b"", {b"Authorization": b"Bearer \xff\xfe"}),
        (b"GET", OWN, b"", {b"Authorization": b"\xff \xfe"}),
        (b"GET", OWN, b"", {b"Cookie": b"\xff=\xfe"}),
        (b"HEAD", OWN, b"", {}),
        (b"OPTIONS", b"*", b"", {}),
    ],
)
async def test_odd_bytes_are_never_a_500(
    api: Api, method: bytes, target: bytes, body: bytes, headers: dict[bytes, bytes]
) -> None:
    status, told, content = await api.send(method, target, body, headers)
    assert status < 500, content
    if status >= 400 and "x-request-id" in told and method != b"HEAD":
        checked(told["content-type"], told["x-request-id"], content, status)


async def test_a_body_that_breaks_off_harms_nobody(api: Api) -> None:
    before = await api.events()
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(
        b"POST /v1/courses HTTP/1.1\r\nHost: s\r\nContent-Length: 100\r\nContent-Type: application/json\r\n"
        b"Idempotency-Key: broken-off\r\nAuthorization: Bearer " + api.token.encode() + b'\r\n\r\n{"title": "half'
    )
    await writer.drain()
    writer.close()
    assert (await api.http.get("/v1/courses")).status_code == 200
    assert await api.events() == before
