"""What the timed jobs share: a page of documents in one transaction, without waiting for who works on one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from common.errors import Conflict
from common.unit_of_work import UnitOfWork, Units

Step = Callable[[UnitOfWork, list[str]], Awaitable[None]]
"""What is done with the documents of these ids."""


async def apart(units: Units, step: Step, ids: list[str]) -> bool:
    """Do a page at once; one by one when somebody works on one of them meanwhile, so that the others are not held up. False
    when one was left out, which the next run of the job finds again.
    """
    try:
        await units.run(lambda uow: step(uow, ids), units.system())
    except Conflict:
        if len(ids) == 1:
            return False
        return all([await apart(units, step, [key]) for key in ids])
    return True
