"""A gateway in FastAPI with httpx or aiohttp behind it, all duties, in the way that tutorials show.

Run: fastapi_front.py PORT httpx|aiohttp UPSTREAM JWKS ISSUER AUDIENCE
"""

from __future__ import annotations

import json
import logging
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import httpx
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

PORT, CLIENT, UPSTREAM, JWKS, ISSUER, AUDIENCE = sys.argv[1:7]
KEYS = {key["kid"]: jwt.PyJWK(key) for key in json.loads(Path(JWKS).read_text())["keys"]}
QUOTA, WINDOW = 100_000_000, 60.0
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "authorization", "content-encoding"}
logger = logging.getLogger("front")
bearer = HTTPBearer(auto_error=False)
counters: dict[str, tuple[float, int]] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=UPSTREAM) as client, aiohttp.ClientSession(UPSTREAM) as session:
        app.state.httpx, app.state.aiohttp = client, session
        yield


app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def request_id_and_log(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.perf_counter()
    request.state.request_id = request.headers.get("x-request-id") or str(uuid.uuid4())
    response = await call_next(request)
    response.headers["X-Request-ID"] = request.state.request_id
    line = {
        "request_id": request.state.request_id,
        "method": request.method,
        "path": request.url.path,
        "status": response.status_code,
        "ms": round((time.perf_counter() - started) * 1000, 2),
    }
    logger.info(json.dumps(line))
    return response


def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
    if credentials is None:
        raise HTTPException(401, "no token")
    try:
        key = KEYS[jwt.get_unverified_header(credentials.credentials)["kid"]]
        claims = jwt.decode(credentials.credentials, key, algorithms=["EdDSA"], issuer=ISSUER, audience=AUDIENCE)
    except (jwt.PyJWTError, KeyError) as error:
        raise HTTPException(401, "bad token") from error
    return str(claims["sub"])


def limited(subject: Annotated[str, Depends(caller)]) -> str:
    now = time.monotonic()
    began, count = counters.get(subject, (now, 0))
    if now - began > WINDOW:
        began, count = now, 0
    if count >= QUOTA:
        raise HTTPException(429, "too many requests")
    counters[subject] = (began, count + 1)
    return subject


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def proxy(path: str, request: Request, subject: Annotated[str, Depends(limited)]) -> Response:
    headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
    headers |= {"X-Request-ID": request.state.request_id, "X-Subject": subject}
    body = await request.body()
    answer: Any
    if CLIENT == "httpx":
        answer = await request.app.state.httpx.request(
            request.method, f"/{path}", params=request.query_params, headers=headers, content=body
        )
        status, content = answer.status_code, answer.content
    else:
        async with request.app.state.aiohttp.request(
            request.method, f"/{path}", params=request.query_params, headers=headers, data=body
        ) as answer:
            status, content = answer.status, await answer.read()
    kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
    return Response(content, status, kept)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logger.setLevel(logging.INFO)
    uvicorn.run(app, port=int(PORT), log_level="warning", access_log=False)
