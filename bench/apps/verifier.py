"""Answers nginx's `auth_request`: 204 for a good token, 401 for any other. Run: verifier.py PORT JWKS ISSUER AUDIENCE"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jwt
import uvicorn

PORT, JWKS, ISSUER, AUDIENCE = sys.argv[1:5]
KEYS = {key["kid"]: jwt.PyJWK(key) for key in json.loads(Path(JWKS).read_text())["keys"]}


def status_for(authorization: bytes) -> int:
    kind, _, token = authorization.decode("latin-1").partition(" ")
    if kind.lower() != "bearer":
        return 401
    try:
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, algorithms=["EdDSA"], issuer=ISSUER, audience=AUDIENCE)
    except (jwt.PyJWTError, KeyError):
        return 401
    return 204


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    status = status_for(dict(scope["headers"]).get(b"authorization", b""))
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")] * (status == 401)})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(app, port=int(PORT), log_level="error", access_log=False, http="httptools", lifespan="off")
