"""What may pass the door, and where a path leads."""

from __future__ import annotations

import pytest

from common.errors import BadRequest, HeadersTooLarge
from gateway import hygiene, routes
from gateway.hygiene import check, check_target, clean_reply, sort
from gateway.roles import ROLES
from gateway.routes import EVERY_SCOPE, ROWS, find, is_scope

HOST = (b"host", b"gateway")


@pytest.mark.parametrize(
    "path",
    [b"/v1/../ops", b"/v1/tasks/..", b"/v1/tasks/%2e%2e/x", b"/v1/tasks/.%2E/x", b"/v1/./tasks", b"/v1//tasks", b"//v1/tasks",
     b"/v1/tasks%2fx", b"/v1/tasks%2Fx", b"/v1/tasks%5cx", b"/v1/tasks\\x", b"/v1/tasks%00", b"/v1/tasks/%", b"/v1/tasks/%zz",
     b"/v1/tasks/\xc3\xa0", b"/v1/tasks x", b"v1/tasks", b"*", b"/v1/tasks\x7f", b"/v1/tasks#x", b"/v1/<tasks>"],
)  # fmt: skip
def test_a_path_that_can_be_read_in_two_ways_is_refused(path: bytes) -> None:
    with pytest.raises(BadRequest):
        check_target(path, b"")


@pytest.mark.parametrize(
    "path",
    [b"/v1/units/vn:commune:00694@2025-07-01", b"/v1/preferences/per-1", b"/v1/tasks/a..b", b"/v1/tasks/%C3%A0", b"/docs",
     b"/.well-known/jwks.json", b"/v1/tasks/...", b"/v1/tasks/"],
)  # fmt: skip
def test_honest_paths_pass(path: bytes) -> None:
    check_target(path, b"q=r%C3%A0&as_of=2026-01-01")


def test_a_query_must_be_ascii() -> None:
    with pytest.raises(BadRequest):
        check_target(b"/v1/tasks", "q=rà".encode())


def test_what_a_caller_must_not_say_does_not_pass() -> None:
    forged = [
        b"x-forwarded-for", b"x-forwarded-host", b"forwarded", b"x-real-ip", b"x-internal-actor", b"x-user-id", b"x_user_id",
        b"x_forwarded_for", b"idempotency_key", b"authorization", b"proxy-authorization", b"connection", b"keep-alive", b"te",
        b"trailer", b"upgrade", b"transfer-encoding", b"content-length", b"expect", b"cookie", b"x-request-id", b"traceparent",
        b"x-original-url", b"x-http-method-override",
    ]  # fmt: skip
    found = sort([HOST, (b"accept", b"*/*"), (b"if-match", b'"1"'), *((name, b"x") for name in forged)])
    assert found.kept == [(b"accept", b"*/*"), (b"if-match", b'"1"')]


def test_headers_named_by_connection_do_not_pass() -> None:
    found = sort([HOST, (b"connection", b"close, X-Secret , Idempotency-Key"), (b"x-secret", b"1"), (b"idempotency-key", b"k")])
    assert found.kept == []
    assert not found.has_key


@pytest.mark.parametrize("hosts", [0, 2])
def test_exactly_one_host(hosts: int) -> None:
    with pytest.raises(BadRequest):
        check(sort([HOST] * hosts))


def test_two_authorizations_are_refused() -> None:
    with pytest.raises(BadRequest):
        check(sort([HOST, (b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]))


def test_both_framings_are_refused() -> None:
    with pytest.raises(BadRequest):
        check(sort([HOST, (b"content-length", b"5"), (b"transfer-encoding", b"chunked")]))


def test_too_many_or_too_long_headers() -> None:
    check(sort([HOST, *((b"x-%d" % n, b"v") for n in range(99))]))
    with pytest.raises(HeadersTooLarge):
        check(sort([HOST, *((b"x-%d" % n, b"v") for n in range(100))]))
    with pytest.raises(HeadersTooLarge):
        check(sort([HOST, (b"x", b"v" * hygiene.MAX_HEADER_BYTES)]))


def test_an_answer_says_nothing_of_its_server() -> None:
    answer = [
        (b"server", b"uvicorn"), (b"set-cookie", b"a=b"), (b"connection", b"keep-alive, x-inner"), (b"x-inner", b"1"),
        (b"transfer-encoding", b"chunked"), (b"x-request-id", b"inner"), (b"etag", b'"3"'),
        (b"content-type", b"application/json"),
    ]  # fmt: skip
    assert clean_reply(answer) == [(b"etag", b'"3"'), (b"content-type", b"application/json")]


# --- routes ---


@pytest.mark.parametrize(
    ("path", "service"),
    [(b"/v1/tasks", "tasks"), (b"/v1/tasks/1/publish", "tasks"), (b"/v1/courses/", "training"),
     (b"/v1/ledger/entries", "audit"),
     (b"/v1/preferences/p", "notifications"), (b"/v1/clients", "gateway"), (b"/v1/tasks/an/endpoint/that/is/new", "tasks")],
)  # fmt: skip
def test_a_noun_leads_to_its_service(path: bytes, service: str) -> None:
    route = find(path)
    assert route is not None
    assert route.row.service == service


@pytest.mark.parametrize(
    "path", [b"/", b"/v1", b"/v1/", b"/v1/taskss", b"/v1/Tasks", b"/v1/%74asks", b"/v2/tasks", b"/metrics", b"/livez"]
)
def test_other_paths_lead_nowhere(path: bytes) -> None:
    assert find(path) is None


def test_no_noun_belongs_to_two_services() -> None:
    nouns = [noun for row in ROWS for noun in row.nouns]
    assert len(nouns) == len(set(nouns))


def test_imports_may_be_larger_and_have_a_limit_of_their_own() -> None:
    imports, tasks = find(b"/v1/imports"), find(b"/v1/tasks")
    assert imports is not None
    assert tasks is not None
    assert (imports.body_limit, tasks.body_limit) == (16 * routes.MIB, routes.MIB)
    assert (imports.route_class("POST"), tasks.route_class("POST"), tasks.route_class("GET")) == ("import", "write", "read")


def test_scopes() -> None:
    assert all(is_scope(scope) for scope in EVERY_SCOPE)
    assert is_scope("tasks:archive")  # a verb that a service invents later
    assert not any(
        is_scope(text) for text in ("tasks", "tasks:", "planets:read", "tasks:Read", "tasks:read write", ":read", "")
    )


def test_positions_hold_only_scopes_that_exist_and_leaders_see_everything() -> None:
    for role in ROLES.values():
        assert role.scopes <= EVERY_SCOPE
    assert ROLES["officer"].scopes < ROLES["unit_head"].scopes < ROLES["standing_agency"].scopes
    assert {scope for scope in EVERY_SCOPE if scope.endswith(":read")} <= ROLES["committee_leader"].scopes
    assert [name for name, role in ROLES.items() if role.all_units] == ["standing_agency", "committee_leader"]
    assert not any("clients:admin" in role.scopes for role in ROLES.values())
