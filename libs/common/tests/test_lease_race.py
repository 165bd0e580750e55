"""Two processes that create the same lease at the same moment: one has it, the other one has not, and neither fails."""

from __future__ import annotations

from typing import Any

import pytest

from common.lease import Lease
from common.mongo import DuplicateKeyError


class Server:
    """Answers the one question of a lease in this way."""

    process_id = "me"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def collection(self, _name: str) -> Server:
        return self

    async def find_one_and_update(self, *_: Any, **__: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "gained"),
    [
        ({"owner": "me", "epoch": 1, "expires": 1}, True),
        ({"owner": "another", "epoch": 1, "expires": 1}, False),
        (DuplicateKeyError("_id"), False),
        (None, False),  # a server of the Mongo wire that answers nothing to the one whose insert came second
    ],
)
async def test_who_comes_second_has_not_got_it(answer: Any, gained: bool) -> None:
    database: Any = Server(answer)
    lease = Lease(database, "relay/0", 15.0)
    assert await lease.take() is gained
    assert lease.held() is gained
