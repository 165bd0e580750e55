"""Rubbish as a new caller sends it: the right status, a problem document that says what to do, and never a 500."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local.partner import Partner
from tests.integration.platforms import MakeRun

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("platform")]


@dataclass
class World:
    http: httpx2.Client
    portal: Partner
    commune: Partner
    task: str
    etag: str

    def ask(self, method: str, path: str, *, as_: Partner | None = None, **sent: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {(as_ or self.portal).bearer()}", **sent.pop("headers", {})}
        if method in ("POST", "PATCH"):
            headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        headers = {name: value for name, value in headers.items() if value is not None}
        return self.http.request(method, path, headers=headers, **sent)


@pytest.fixture(scope="module")
def world(make_run: MakeRun) -> Iterator[World]:
    with httpx2.Client(base_url=make_run.now()["gateway"], trust_env=False, timeout=20) as http:
        portal, commune = (
            Partner.client(http, found["client_id"], found["client_secret"])
            for found in (make_run.client("province-portal"), make_run.client("commune-ha-giang-1"))
        )
        made = portal.post("/v1/tasks", {"title": "Rà soát thiết bị đầu cuối"}, expect=201)
        path = f"/v1/tasks/{made['id']}"
        etag = portal.insist("GET", path, headers={"Authorization": f"Bearer {portal.bearer()}"}).headers["ETag"]
        yield World(http, portal, commune, path, etag)


def is_problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer that was refused as it should be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.headers["X-Request-Id"]
    for one in problem.get("errors", []):
        assert one["field"] is not None
        assert one["code"]
        assert one["message"]
        assert one["repair"]
    return problem


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("what", "status", "method", "path", "sent"),
    [
        ("broken JSON", 400, "POST", "/v1/tasks", {"content": b'{"title": "x"', "headers": JSON}),
        ("not UTF-8", 400, "POST", "/v1/tasks", {"content": b'{"title": "\xff\xfe"}', "headers": JSON}),
        ("a list for an object", 422, "POST", "/v1/tasks", {"json": [1, 2]}),
        ("a number for a title", 422, "POST", "/v1/tasks", {"json": {"title": 7}}),
        ("a field nobody knows", 422, "POST", "/v1/tasks", {"json": {"title": "Rà soát tài khoản", "owner": "x"}}),
        ("an operator for a value", 422, "POST", "/v1/tasks", {"json": {"title": {"$ne": None}}}),
        ("a day that does not exist", 422, "POST", "/v1/tasks", {"json": {"title": "Rà soát", "due_on": "2026-02-31"}}),
        ("a unit nobody knows", 422, "POST", "/v1/tasks", {"json": {"title": "Rà soát tài khoản", "lead_unit_id": "vn:x"}}),
        ("2 MiB", 413, "POST", "/v1/tasks", {"content": b'{"title":"' + b"x" * 2 * 1024 * 1024 + b'"}', "headers": JSON}),
        ("another form", 415, "POST", "/v1/tasks", {"content": b"title=x", "headers": {"Content-Type": "text/plain"}}),
        ("no key", 400, "POST", "/v1/tasks", {"json": {"title": "x y"}, "headers": {"Idempotency-Key": None}}),
        ("an unknown path", 404, "GET", "/v1/nothing", {}),
        ("an unknown path below a known one", 404, "GET", "/v1/tasks/x/y/z", {}),
        ("an unknown id", 404, "GET", "/v1/tasks/00000000-0000-0000-0000-000000000000", {}),
        ("a wrong method", 405, "DELETE", "/v1/tasks", {}),
        ("a wrong limit", 422, "GET", "/v1/tasks", {"params": {"limit": "101"}}),
        ("a cursor made up", 422, "GET", "/v1/tasks", {"params": {"cursor": "WyJ4Il0=.abc"}}),
        ("a state nobody knows", 422, "GET", "/v1/tasks", {"params": {"state": "done"}}),
        ("nothing acceptable", 406, "GET", "/v1/tasks", {"headers": {"Accept": "text/html"}}),
        ("climbing out", 400, "GET", "/v1/tasks/%2e%2e%2fclients", {}),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_served(world: World, what: str, status: int, method: str, path: str, sent: Any) -> None:
    problem = is_problem(world.ask(method, path, **{**sent, "headers": dict(sent.get("headers", {}))}), status)
    if status == 422:
        assert problem["errors"], f"{what}: no field is named"


def test_messages_come_in_vietnamese_and_in_english(world: World) -> None:
    vietnamese = is_problem(world.ask("GET", "/v1/nothing"), 404)
    english = is_problem(world.ask("GET", "/v1/nothing", headers={"Accept-Language": "en"}), 404)
    assert vietnamese["title"] == "Không tìm thấy"
    assert english["title"] == "Not found"
    assert vietnamese["type"] == english["type"]


def test_a_stale_version(world: World) -> None:
    first = world.ask("PATCH", world.task, json={"title": "Rà soát thiết bị, lần 1"}, headers={"If-Match": world.etag})
    assert first.status_code == 200
    is_problem(world.ask("PATCH", world.task, json={"title": "Rà soát thiết bị, lần 2"}, headers={"If-Match": world.etag}), 412)


def test_a_key_used_again_for_something_else(world: World) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"title": "Rà soát cơ sở dữ liệu"}
    first = world.ask("POST", "/v1/tasks", json=body, headers=dict(key))
    again = world.ask("POST", "/v1/tasks", json=body, headers=dict(key))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    is_problem(world.ask("POST", "/v1/tasks", json={"title": "Một việc khác"}, headers=dict(key)), 422)


def test_what_belongs_to_another_unit_is_not_there(world: World) -> None:
    """The same words as for an id that does not exist."""
    foreign = is_problem(world.ask("GET", world.task, as_=world.commune), 404)
    absent_id = str(uuid.uuid4())
    absent = is_problem(world.ask("GET", f"/v1/tasks/{absent_id}", as_=world.commune), 404)
    own_id = world.task.rpartition("/")[2]
    assert foreign["detail"].replace(own_id, "*") == absent["detail"].replace(absent_id, "*")
    is_problem(world.ask("POST", f"{world.task}/publish", as_=world.commune), 404)


def test_a_scope_that_was_not_given(world: World) -> None:
    is_problem(world.ask("GET", "/v1/ledger/entries", as_=world.commune), 403)


def _claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _forgeries(good: str) -> Iterator[tuple[str, str | None]]:
    header, claims = _claims(good)
    head, body, signature = good.split(".")
    stranger = Ed25519PrivateKey.generate()

    def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
        extra = {name: value for name, value in header.items() if name != "alg"}
        return jwt.encode(claims, stranger, algorithm="EdDSA", headers=extra)

    yield "none at all", None
    yield "not a token", "abc"
    yield "signed by a stranger", signed(header, claims)
    yield "not signed", f"{_part({**header, 'alg': 'none'})}.{body}."
    yield "another's signature", f"{head}.{_part({**claims, 'scope': 'clients:admin'})}.{signature}"
    yield "for another audience", signed(header, {**claims, "aud": "someone-else"})
    yield "expired", signed(header, {**claims, "iat": int(time.time()) - 9000, "exp": int(time.time()) - 8000})
    yield "a key that nobody has", signed({**header, "kid": "../../etc/passwd"}, claims)
    yield "10 KiB", f"{head}.{'A' * 10_000}.{signature}"


def test_tokens_that_are_not_good(world: World) -> None:
    for what, token in _forgeries(world.portal.bearer()):
        headers = {"Authorization": None if token is None else f"Bearer {token}"}
        answer = world.ask("GET", "/v1/tasks", headers=headers)
        assert answer.status_code == 401, f"{what}: {answer.status_code}"
        is_problem(answer, 401)
        assert "WWW-Authenticate" in answer.headers, what


def test_a_plan_of_another_kind(world: World) -> None:
    """The columns of another file: refused whole, with what was expected and what was found."""
    answer = world.ask(
        "POST",
        "/v1/imports",
        params={"kind": "tasks"},
        content="ten,so_luong\nBàn,3\n".encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert is_problem(answer, 422)["errors"]
