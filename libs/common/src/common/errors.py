"""Words for failures: every one has a stable slug, speaks Vietnamese and English, and says what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

LANGUAGE: ContextVar[str] = ContextVar("language", default="vi")
"""The language of the answer being made: `vi` unless the caller's Accept-Language prefers `en`."""


class Words(NamedTuple):
    """One text in both languages; `str()` gives it in the language of the answer being made."""

    vi: str
    en: str

    def __str__(self) -> str:
        return self.en if LANGUAGE.get() == "en" else self.vi


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field, and how to mend it. `quote` holds the very words that caused it, if words did."""

    field: str
    code: str
    message: Words
    repair: Words
    quote: str | None = None


class DomainError(Exception):
    """Base of all expected failures. `status` is its HTTP status, `slug` its stable name, `title` its kind in words."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[Words]

    def __init__(self, detail: Words, errors: Sequence[FieldProblem] = (), *, retry_after: int | None = None) -> None:
        super().__init__(f"{self.slug}: {detail.en}")
        self.detail, self.errors, self.retry_after = detail, tuple(errors), retry_after


class BadRequest(DomainError):
    status, slug = 400, "bad-request"
    title = Words("Yêu cầu không đọc được", "The request cannot be read")


class Unauthenticated(DomainError):
    status, slug = 401, "unauthenticated"
    title = Words("Chưa xác thực", "Not authenticated")


class Forbidden(DomainError):
    status, slug = 403, "forbidden"
    title = Words("Không được phép", "Not allowed")


class NotFound(DomainError):
    status, slug = 404, "not-found"
    title = Words("Không tìm thấy", "Not found")

    @classmethod
    def of(cls, what: Words, key: str) -> NotFound:
        return cls(
            Words(
                f"Không có {what.vi} «{key}», hoặc người gọi không được xem.",
                f"There is no {what.en} '{key}', or the caller may not see it.",
            )
        )


class MethodNotAllowed(DomainError):
    status, slug = 405, "method-not-allowed"
    title = Words("Phương thức không được dùng ở đây", "Method not allowed here")


class NotAcceptable(DomainError):
    status, slug = 406, "not-acceptable"
    title = Words("Không có dạng trả lời được yêu cầu", "No such form of answer")


class Conflict(DomainError):
    status, slug = 409, "conflict"
    title = Words("Mâu thuẫn với trạng thái hiện tại", "In conflict with the present state")


class RuleBroken(DomainError):
    """A rule of the field forbids it now; `errors` lists every reason at once, each with its repair."""

    status, slug = 409, "rule-broken"
    title = Words("Trái quy tắc nghiệp vụ", "Against a rule of the field")


class StaleVersion(DomainError):
    status, slug = 412, "stale-version"
    title = Words("Phiên bản đã cũ", "Stale version")


class TooLarge(DomainError):
    status, slug = 413, "too-large"
    title = Words("Nội dung quá lớn", "Body too large")


class UnsupportedMedia(DomainError):
    status, slug = 415, "unsupported-media-type"
    title = Words("Kiểu nội dung không được hỗ trợ", "Unsupported media type")


class Invalid(DomainError):
    status, slug = 422, "invalid"
    title = Words("Dữ liệu không hợp lệ", "Invalid data")


class KeyReused(DomainError):
    status, slug = 422, "idempotency-key-reused"
    title = Words("Khóa chống lặp đã dùng cho nội dung khác", "Idempotency-Key was used for another body")


class TooMany(DomainError):
    status, slug = 429, "too-many-requests"
    title = Words("Quá nhiều yêu cầu", "Too many requests")


class HeadersTooLarge(DomainError):
    status, slug = 431, "headers-too-large"
    title = Words("Phần đầu yêu cầu quá lớn", "Request headers too large")


class Unexpected(DomainError):
    status, slug = 500, "unexpected"
    title = Words("Lỗi ngoài dự kiến", "Unexpected failure")


class BadGateway(DomainError):
    status, slug = 502, "bad-gateway"
    title = Words("Dịch vụ phía sau trả lời sai", "The service behind answered wrongly")


class Unavailable(DomainError):
    status, slug = 503, "unavailable"
    title = Words("Tạm thời không phục vụ được", "Temporarily unavailable")


class GatewayTimeout(DomainError):
    status, slug = 504, "gateway-timeout"
    title = Words("Dịch vụ phía sau không trả lời kịp", "The service behind did not answer in time")


ALL: tuple[type[DomainError], ...] = (
    BadRequest, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, Conflict, RuleBroken, StaleVersion,
    TooLarge, UnsupportedMedia, Invalid, KeyReused, TooMany, HeadersTooLarge, Unexpected, BadGateway, Unavailable,
    GatewayTimeout,
)  # fmt: skip


def database_away() -> Unavailable:
    return Unavailable(
        Words(
            "Cơ sở dữ liệu không trả lời. Hãy gửi lại với cùng Idempotency-Key: việc chỉ được ghi một lần.",
            "The database does not answer. Send it again with the same Idempotency-Key: it takes effect once.",
        ),
        retry_after=2,
    )
