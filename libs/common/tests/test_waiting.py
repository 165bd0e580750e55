"""Waiting in tests ends: with the answer, or with words about what did not come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from common.testing import eventually


async def test_the_answer_ends_the_wait() -> None:
    answers: Iterator[object] = iter([None, [], "there"])

    async def check() -> object:
        return next(answers)

    assert await eventually("it is there", check, 5) == "there"


async def test_what_does_not_come_is_named_with_the_last_answer() -> None:
    async def check() -> list[str]:
        return []

    with pytest.raises(AssertionError, match=r"it is there; last answer: \[\]"):
        await eventually("it is there", check, 0.2)


async def test_a_check_that_hangs_fails_at_the_deadline() -> None:
    async def check() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="it answers; last answer: None"):
        await eventually("it answers", check, 0.2)


async def test_a_checks_own_failure_is_not_taken_for_the_deadline() -> None:
    async def check() -> None:
        raise TimeoutError("the check's own")

    with pytest.raises(TimeoutError, match="the check's own"):
        await eventually("it answers", check, 5)
