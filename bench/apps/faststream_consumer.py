"""A consumer in FastStream as its own pages show one: a model a message, one insert each.

Run: faststream_consumer.py BOOTSTRAP TOPIC MONGO_URI DATABASE COLLECTION
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import BaseModel
from pymongo import AsyncMongoClient

BOOTSTRAP, TOPIC, MONGO, DATABASE, COLLECTION = sys.argv[1:6]


class TaskAccepted(BaseModel):
    task_id: str
    title: str
    lead_unit_id: str | None = None


broker = KafkaBroker(BOOTSTRAP)
app = FastStream(broker)
client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(MONGO, w="majority", journal=True)
effects = client[DATABASE][COLLECTION]


@broker.subscriber(TOPIC, group_id="faststream-peer", auto_offset_reset="latest")  # type: ignore[untyped-decorator, unused-ignore]
async def on_accepted(event: TaskAccepted, message: KafkaMessage) -> None:
    await effects.insert_one({"_id": message.headers["ce_id"], "of": event.task_id})


if __name__ == "__main__":
    asyncio.run(app.run())
