"""In every test, each refusal is whole: it has words in both languages, and every field problem names its field, says what is
wrong and how to mend it.
"""

from __future__ import annotations

from typing import Any

from common.errors import DomainError, FieldProblem, Words


def whole(detail: Any, errors: Any) -> bool:
    words = [detail, *(part for one in errors for part in (one.message, one.repair))]
    named = all(isinstance(one, FieldProblem) and isinstance(one.field, str) and one.code for one in errors)
    return named and all(isinstance(one, Words) and one.vi and one.en for one in words)


def pytest_configure() -> None:
    begin = DomainError.__init__

    def watched(self: DomainError, detail: Words, errors: Any = (), *, retry_after: int | None = None) -> None:
        errors = tuple(errors)
        assert whole(detail, errors), f"a refusal that does not say everything: {detail} {errors}"
        begin(self, detail, errors, retry_after=retry_after)

    DomainError.__init__ = watched  # type: ignore[method-assign]
