"""The service behind both gateways: answers every request with the same bytes, as raw ASGI under uvicorn."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

BODY = b'{"items":[' + b",".join([b'{"id":"019a8f2e-6d52-7cc0-b2a4-3f0a51c9d001"}'] * 20) + b'],"next_cursor":null}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False, http="httptools", lifespan="off")
