"""A new secret goes to its owner once, and into no memory."""

from __future__ import annotations

import orjson
from fastapi import Response


def with_secret(answer: Response, secret: str) -> Response:
    """Put the secret into the first answer. A repeat (`Idempotency-Replayed`) stays as it is remembered: without."""
    if "idempotency-replayed" in answer.headers:
        return answer
    content = orjson.loads(bytes(answer.body)) | {"client_secret": secret, "client_secret_is": "shown"}
    headers = {name: value for name, value in answer.headers.items() if name in ("etag", "location")}
    return Response(orjson.dumps(content), answer.status_code, {**headers, "Cache-Control": "no-store"}, "application/json")
