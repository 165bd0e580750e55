"""Words for failures: every one has a stable slug, speaks Vietnamese and English, and says what to do about it.

The texts of this package's own refusals stand in `messages.toml`, by key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

LANGUAGE: ContextVar[str] = ContextVar("language", default="vi")
"""The language of the answer being made: `vi` unless the caller's Accept-Language prefers `en`."""


class Words(NamedTuple):
    """One text in both languages; `str()` gives it in the language of the answer being made."""

    vi: str
    en: str

    def __str__(self) -> str:
        return self.en if LANGUAGE.get() == "en" else self.vi


_MESSAGES = tomllib.loads(Path(__file__).with_name("messages.toml").read_text("utf-8"))
TEXTS = {key: Words(**languages) for key, languages in _MESSAGES.items()}
"""What `messages.toml` holds. A text that lacks a language stops the import."""


def text(key: str, /, **values: object) -> Words:
    """The text under a key with its placeholders filled, from `Words` in the language of each. Raises KeyError for a key or
    a placeholder that is not there.
    """
    vi = {name: value.vi if isinstance(value, Words) else value for name, value in values.items()}
    en = {name: value.en if isinstance(value, Words) else value for name, value in values.items()}
    return Words(TEXTS[key].vi.format(**vi), TEXTS[key].en.format(**en))


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field, and how to mend it. `quote` holds the very words that caused it, if words did."""

    field: str
    code: str
    message: Words
    repair: Words
    quote: str | None = None

    @classmethod
    def of(cls, field: str, code: str, /, **values: object) -> FieldProblem:
        """With the texts that stand under `problem.<code>`."""
        return cls(field, code, text(f"problem.{code}", **values), text(f"problem.{code}.repair", **values))


class DomainError(Exception):
    """Base of all expected failures. `status` is its HTTP status, `slug` its stable name, `title` its kind in words."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[Words]

    def __init_subclass__(cls, status: int | None = None, slug: str = "") -> None:
        if status is not None:
            cls.status, cls.slug, cls.title = status, slug, text(f"title.{slug}")

    def __init__(self, detail: Words, errors: Sequence[FieldProblem] = (), *, retry_after: int | None = None) -> None:
        super().__init__(f"{self.slug}: {detail.en}")
        self.detail, self.errors, self.retry_after = detail, tuple(errors), retry_after


class BadRequest(DomainError, status=400, slug="bad-request"):
    """The request cannot be read."""


class Unauthenticated(DomainError, status=401, slug="unauthenticated"):
    """Nobody is known to be calling."""


class Forbidden(DomainError, status=403, slug="forbidden"):
    """The caller may not do this."""


class NotFound(DomainError, status=404, slug="not-found"):
    """There is no such thing, or the caller may not know of it."""

    @classmethod
    def of(cls, what: Words, key: str) -> Self:
        return cls(text("no_such_item", what=what, key=key))


class MethodNotAllowed(DomainError, status=405, slug="method-not-allowed"):
    """The path is there, the method is not."""


class NotAcceptable(DomainError, status=406, slug="not-acceptable"):
    """The caller takes no form of answer that we give."""


class Conflict(DomainError, status=409, slug="conflict"):
    """The present state does not allow it; later it may."""


class RuleBroken(DomainError, status=409, slug="rule-broken"):
    """A rule of the field forbids it now; `errors` lists every reason at once, each with its repair."""


class StaleVersion(DomainError, status=412, slug="stale-version"):
    """The caller expected another version."""


class TooLarge(DomainError, status=413, slug="too-large"):
    """The body is larger than what is taken here."""


class UnsupportedMedia(DomainError, status=415, slug="unsupported-media-type"):
    """The body is of a kind that is not taken here."""


class Invalid(DomainError, status=422, slug="invalid"):
    """The request can be read, and its values are wrong."""


class KeyReused(DomainError, status=422, slug="idempotency-key-reused"):
    """The same Idempotency-Key came with another body."""


class TooMany(DomainError, status=429, slug="too-many-requests"):
    """The caller asks too often."""


class HeadersTooLarge(DomainError, status=431, slug="headers-too-large"):
    """The headers are larger than what is taken here."""


class Unexpected(DomainError, status=500, slug="unexpected"):
    """A fault of ours."""


class BadGateway(DomainError, status=502, slug="bad-gateway"):
    """The service behind answered wrongly."""


class Unavailable(DomainError, status=503, slug="unavailable"):
    """Something that is needed is away; asked again later, it may be back."""


class GatewayTimeout(DomainError, status=504, slug="gateway-timeout"):
    """The service behind did not answer in time."""


ALL: tuple[type[DomainError], ...] = tuple(DomainError.__subclasses__())


def database_away(kind: type[Unavailable] = Unavailable) -> Unavailable:
    return kind(text("database_away"), retry_after=2)
