"""A reader of the rig's own: its effect is not idempotent by itself, so it shows what the inbox alone is good for.

Services of the product write under ids that come from the event; a second application would only fail there. This one
appends. It goes by the name of a service that the rig does not start, since a reader needs a row in the table of topics.
"""

from __future__ import annotations

from common.contracts.base import Message
from common.mongo import UpdateOne
from common.service import Service
from common.settings import Settings
from common.unit_of_work import UnitOfWork

NAME = "training"
APPLIED = "applied"


async def apply(message: Message[None], uow: UnitOfWork) -> None:
    """Append the event's number to what was applied of its stream."""
    append = {"$push": {"numbers": message.envelope.sequence}}
    uow.write_raw(APPLIED, UpdateOne({"_id": message.envelope.stream}, append, upsert=True))


service = Service(name=NAME, title="probe of the fault rig", settings=Settings, stores=[], handlers=[apply])

if __name__ == "__main__":
    service.main()
