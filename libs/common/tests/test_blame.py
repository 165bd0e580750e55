"""When a transaction runs out of time: is it the record's fault, or the database's?"""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from common.consumer import Inbox
from common.errors import RuleBroken, Words, database_away
from common.mongo import OutOfTime, is_away

LATE = OutOfTime(Words("chậm", "late"))


class Transactions:
    """Stands for the units of a service: each transaction ends like this."""

    def __init__(self, end: Exception | None) -> None:
        self.end, self.tried = end, 0

    def system(self) -> None: ...

    async def run(self, *_: Any, **__: Any) -> None:
        self.tried += 1
        if self.end is not None:
            raise self.end


@pytest.mark.parametrize(
    ("error", "others", "away", "tried"),
    [
        (LATE, None, False, 1),  # another one gets through: the record's own work is slow
        (LATE, OutOfTime(Words("chậm", "late")), True, 1),  # a server may answer and still do nothing
        (LATE, database_away(), True, 1),
        (database_away(), None, True, 0),
        (RuleBroken(Words("không", "no")), None, False, 0),
        (RuntimeError("a fault of ours"), None, False, 0),
    ],
)
async def test_a_record_is_blamed_only_while_the_database_works(
    error: Exception, others: Exception | None, away: bool, tried: int
) -> None:
    units: Any = Transactions(others)
    assert await Inbox(units, {})._database_is_away(error) is away
    assert units.tried == tried


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (AutoReconnect("gone"), True),
        (OperationFailure("a restarted server has no such transaction", 251), True),
        (OperationFailure("killed with its session", 11601), True),
        (OperationFailure("shutting down", 91), True),
        (OperationFailure("no space left on its disk", 14031), True),
        (OperationFailure("somebody else was faster", 112), False),
        (OperationFailure("no such command", 59), False),
    ],
)
def test_a_commit_whose_outcome_is_not_known_is_the_databases_absence(error: Exception, away: bool) -> None:
    """Else the caller gets a 500 for what may be sent again with the same key, and a record is blamed for a restart."""
    assert is_away(error) is away
