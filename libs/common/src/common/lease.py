"""A named right that one process holds at a time: relay buckets, timed jobs, the ledger's single writer.

The server's clock decides (`$$NOW` in one pipeline update), so that machines whose clocks differ cannot both believe
that they hold it. The holder stops using it a third before it ends, by its own monotonic clock, counted from
before the request was sent. A process that was paused in between can still act late: what it does must be guarded
further on (readers apply events by their sequence, documents by their version).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from common.mongo import Database, DuplicateKeyError, PyMongoError, server_now

LEASES = "leases"


@dataclass
class Lease:
    database: Database
    name: str
    seconds: float
    epoch: int = 0
    _until: float = 0.0
    _expires: int = 0

    def held(self) -> bool:
        """True while at least a third of it is left."""
        return time.monotonic() < self._until - self.seconds / 3

    async def take(self) -> bool:
        """Take or renew it. False when another process holds it."""
        before = time.monotonic()
        me = self.database.process_id
        free = {"$lte": [{"$ifNull": ["$expires", 0]}, server_now()]}
        gain = {"$or": [{"$eq": ["$owner", me]}, free]}
        taken_over = {"$and": [free, {"$ne": ["$owner", me]}]}
        next_epoch = {"$add": [{"$ifNull": ["$epoch", 0]}, 1]}
        end = {"$add": [server_now(), int(self.seconds * 1000)]}
        update = [
            {"$set": {"gain": gain, "epoch": {"$cond": [taken_over, next_epoch, {"$ifNull": ["$epoch", 1]}]}}},
            {"$set": {"owner": {"$cond": ["$gain", me, "$owner"]}, "expires": {"$cond": ["$gain", end, "$expires"]}}},
            {"$unset": "gain"},
        ]
        try:
            leases = self.database.collection(LEASES)
            lease = await leases.find_one_and_update({"_id": self.name}, update, upsert=True, return_document=True)
        except DuplicateKeyError:  # two processes created it at once
            return False
        if lease is None or lease["owner"] != me:  # None: created at once by two, and this server has told one of them so
            self.lost()
            return False
        self.epoch, self._until, self._expires = lease["epoch"], before + self.seconds, lease["expires"]
        return True

    async def release(self) -> None:
        """Hand it back at once, if it is still ours; when that cannot be done quickly, it ends by itself.

        Named by its end, it is not the lease that we may have taken anew by the time a slow server gets to this.
        """
        self.lost()
        query = {"_id": self.name, "owner": self.database.process_id, "expires": self._expires}
        with suppress(PyMongoError, TimeoutError):
            async with asyncio.timeout(2):
                await self.database.collection(LEASES).update_one(query, {"$set": {"expires": 0, "owner": None}})

    def lost(self) -> None:
        self.epoch, self._until = 0, 0.0


async def holders(database: Database, prefix: str) -> dict[str, str]:
    """Who holds the unexpired leases that carry this prefix, by their names."""
    query = {"_id": {"$gte": prefix, "$lt": prefix + "\uffff"}, "$expr": {"$gt": ["$expires", server_now()]}}
    rows = await database.collection(LEASES).find(query, {"owner": 1}).to_list(None)
    return {row["_id"]: row["owner"] for row in rows}


async def cut_off(running: Collection[asyncio.Task[Any]]) -> None:
    """Cancel what may go on no longer, and wait for it, but not for long."""
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=2.0)


def told_to_end() -> bool:
    """Whether this task was cancelled: a clean-up that fails takes the cancellation's place, and the task would go on."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
