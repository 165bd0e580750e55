"""The service behind all gateways: answers every request with the same bytes, as raw ASGI under uvicorn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn

BODY = b'{"items":[' + b",".join([b'{"id":"019a8f2e-6d52-7cc0-b2a4-3f0a51c9d001"}'] * 22) + b'],"next_cursor":null}'
"""1 KiB."""


class Same:
    """An application that has one answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


if __name__ == "__main__":
    body = Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else BODY
    uvicorn.run(Same(body), port=int(sys.argv[1]), log_level="error", access_log=False, http="httptools", lifespan="off")
