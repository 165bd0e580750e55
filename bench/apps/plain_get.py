"""Starlette that answers GET by id from the store of the training service with the same bytes, and does nothing else.

Run: plain_get.py PORT MONGO_URI DATABASE
"""

from __future__ import annotations

import sys
from typing import Any

import orjson
import uvicorn
from motor.motor_asyncio import AsyncIOMotorClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PORT, MONGO, DATABASE = sys.argv[1:4]


async def show_course(request: Request) -> Response:
    found: dict[str, Any] | None = await courses().find_one({"_id": request.path_params["course_id"]})
    if found is None:
        return Response(status_code=404)
    shown = {"id": found["_id"], "title": found["title"], "topic": found["topic"], "source": found["source"]}
    return Response(orjson.dumps(shown), media_type="application/json")


_client: list[Any] = []


def courses() -> Any:
    """The collection, by a client that is made in the loop that uses it."""
    if not _client:
        _client.append(AsyncIOMotorClient(MONGO, maxPoolSize=64))
    return _client[0][DATABASE]["courses"]


app = Starlette(routes=[Route("/v1/courses/{course_id}", show_course)])

if __name__ == "__main__":
    uvicorn.run(app, port=int(PORT), log_level="error", access_log=False, http="httptools", loop="uvloop", lifespan="off")
