"""What of a request may go on to a service, and what of an answer may come back (docs: SECURITY, proxy hygiene)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from common.errors import BadRequest, DomainError, HeadersTooLarge, Words

Headers = list[tuple[bytes, bytes]]

MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024

HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
     b"transfer-encoding", b"upgrade")
)  # fmt: skip
_SET_BY_US = frozenset((b"host", b"authorization", b"x-request-id", b"traceparent", b"content-length"))
_NEVER = frozenset(
    (b"forwarded", b"x-real-ip", b"cookie", b"expect", b"x-original-url", b"x-rewrite-url", b"x-http-method-override",
     b"x-method-override", b"x-http-method", b"true-client-ip", b"x-client-ip", b"via")
)  # fmt: skip
_NEVER_FORWARDED = HOP_BY_HOP | _SET_BY_US | _NEVER
_NEVER_PREFIXES = (b"x-forwarded-", b"x-internal-", b"x-user-", b"x-original-")
_NEVER_RETURNED = HOP_BY_HOP | {b"server", b"date", b"set-cookie", b"x-powered-by", b"x-request-id", b"traceparent"}


class TooSlow(DomainError):
    status, slug = 408, "request-timeout"
    title: ClassVar[Words] = Words("Nội dung đến quá chậm", "The body came too slowly")


@dataclass(slots=True)
class Incoming:
    """A request's headers, sorted: what may be forwarded, and what the gateway itself needs to know."""

    kept: Headers = field(default_factory=list)
    count: int = 0
    size: int = 0
    hosts: int = 0
    authorizations: int = 0
    authorization: bytes | None = None
    request_id: bytes | None = None
    traceparent: bytes | None = None
    accept_language: bytes | None = None
    content_length: int = 0
    chunked: bool = False
    has_key: bool = False
    waits: bool = False
    """The caller asks first whether to send its body (`Expect: 100-continue`)."""

    @property
    def has_body(self) -> bool:
        return self.chunked or self.content_length > 0


def sort(headers: Iterable[tuple[bytes, bytes]]) -> Incoming:
    """Sort the headers of a request (names in lower case). Never fails: what is wrong, `check` says."""
    found = Incoming()
    named: set[bytes] = set()
    for name, value in headers:
        found.count += 1
        found.size += len(name) + len(value) + 4
        if name in _NEVER_FORWARDED:
            _note(found, name, value, named)
        elif b"_" not in name and not name.startswith(_NEVER_PREFIXES):
            found.kept.append((name, value))
            if name == b"accept-language":
                found.accept_language = value
            elif name == b"idempotency-key":
                found.has_key = True
    if named:
        found.kept = [(name, value) for name, value in found.kept if name not in named]
        found.has_key = found.has_key and b"idempotency-key" not in named
    return found


def _note(found: Incoming, name: bytes, value: bytes, named: set[bytes]) -> None:
    match name:
        case b"host":
            found.hosts += 1
        case b"authorization":
            found.authorizations += 1
            found.authorization = value
        case b"x-request-id":
            found.request_id = value
        case b"traceparent":
            found.traceparent = value
        case b"content-length":
            found.content_length = int(value) if value.isdigit() else 0
        case b"transfer-encoding":
            found.chunked = True
        case b"expect":
            found.waits = True
        case b"connection":
            named.update(token.strip().lower() for token in value.split(b","))


def check(found: Incoming) -> None:
    """Raise `HeadersTooLarge` or `BadRequest` for headers that no honest client sends."""
    if found.count > MAX_HEADERS or found.size > MAX_HEADER_BYTES:
        raise HeadersTooLarge(
            Words(
                f"Phần đầu yêu cầu tối đa {MAX_HEADERS} dòng và {MAX_HEADER_BYTES} byte.",
                f"A request's head may have {MAX_HEADERS} fields and {MAX_HEADER_BYTES} bytes.",
            )
        )
    if found.hosts != 1:
        raise BadRequest(Words("Cần đúng một dòng Host.", "There must be exactly one Host field."))
    if found.authorizations > 1:
        raise BadRequest(Words("Chỉ được một dòng Authorization.", "There may be one Authorization field only."))
    if found.chunked and found.content_length:
        raise BadRequest(
            Words("Không gửi cả Content-Length lẫn Transfer-Encoding.", "Send Content-Length or Transfer-Encoding, not both.")
        )


_PLAIN_PATH = re.compile(rb"/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*\Z")
_PLAIN_QUERY = re.compile(rb"[\x21-\x7e]*\Z")
_SLY = re.compile(rb"//|%2f|%5c|%00|%(?![0-9a-f]{2})|/(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE)


def check_target(path: bytes, query: bytes) -> None:
    """Raise `BadRequest` for a path that two parsers could read in two ways."""
    if not _PLAIN_PATH.match(path) or _SLY.search(path):
        raise BadRequest(
            Words(
                "Đường dẫn không được chứa «..», «//», «\\», %2f, %5c, %00; ký tự ngoài ASCII phải mã hóa phần trăm.",
                "A path must not hold '..', '//', '\\', %2f, %5c or %00; what is not ASCII must be percent-encoded.",
            )
        )
    if not _PLAIN_QUERY.match(query):
        raise BadRequest(Words("Phần truy vấn phải mã hóa phần trăm.", "What is not ASCII in a query must be percent-encoded."))


def clean_reply(headers: Headers) -> Headers:
    """The headers of a service's answer that its caller may see."""
    named = {token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")} - {
        b"close",
        b"keep-alive",
    }
    return [(name, value) for name, value in headers if name not in _NEVER_RETURNED and name not in named]
