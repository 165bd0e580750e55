"""Stands in for the gateway: signs the tokens of callers and serves the public key that verifies them."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from common.http import INTERNAL_LIFETIME, INTERNAL_TYPE

SCOPES = "tasks:read tasks:write tasks:assign tasks:review people:write imports:write ledger:read"


class Signer:
    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        self._held: dict[str, tuple[str, float]] = {}

    def token(self, client: str, audience: str = "tasks") -> str:
        """A token that says that this is that client, with at least half of its life left."""
        held, until = self._held.get(client, ("", 0.0))
        if time.monotonic() < until:
            return held
        now = int(time.time())
        claims = {
            "iss": "roviec-gateway",
            "aud": audience,
            "sub": f"client:{client}",
            "iat": now,
            "exp": now + INTERNAL_LIFETIME,
        }
        claims |= {"jti": secrets.token_hex(16), "scope": SCOPES}
        made = jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": "rig", "typ": INTERNAL_TYPE})
        self._held[client] = made, time.monotonic() + INTERNAL_LIFETIME / 2
        return made

    def jwks(self) -> bytes:
        public: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(self._private.public_key()))
        return json.dumps({"keys": [{**public, "kid": "rig", "use": "sig", "alg": "EdDSA"}]}).encode()


class _Web(BaseHTTPRequestHandler):
    def __init__(self, body: bytes, *arguments: Any) -> None:
        self._body = body
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self._body)))
        self.end_headers()
        self.wfile.write(self._body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


def serve(body: bytes) -> tuple[str, Callable[[], None]]:
    """Answer every GET with this body; returns the address and what ends it."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Web, body))
    web.daemon_threads = True
    threading.Thread(target=web.serve_forever, daemon=True).start()

    def end() -> None:
        web.shutdown()
        web.server_close()

    return f"http://127.0.0.1:{web.server_port}/jwks.json", end
