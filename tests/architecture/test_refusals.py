"""That a refusal which does not say everything is seen (`tests/refusal_watch.py`)."""

from __future__ import annotations

from typing import Any

import pytest

from common.errors import FieldProblem, RuleBroken, Words

SAID = Words("Không được.", "It may not be.")


@pytest.mark.parametrize(
    ("detail", "problems"),
    [
        (None, []),
        (Words("Không được.", ""), []),
        (SAID, [FieldProblem("f", "c", SAID, None)]),  # type: ignore[arg-type]
        (SAID, [FieldProblem("f", "c", Words("", "It may not be."), SAID)]),
        (SAID, [FieldProblem(None, "c", SAID, SAID)]),  # type: ignore[arg-type]
        (SAID, [FieldProblem("f", "", SAID, SAID)]),
        (SAID, [FieldProblem("f", "c", SAID, SAID), None]),
    ],
)
def test_a_refusal_that_does_not_say_everything_is_seen(detail: Any, problems: Any) -> None:
    with pytest.raises((AssertionError, AttributeError)):
        RuleBroken(detail, problems)


def test_a_whole_one_is_not() -> None:
    assert RuleBroken(SAID, [FieldProblem("f", "c", SAID, SAID)]).errors[0].code == "c"
