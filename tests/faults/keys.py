"""One key for the gateway, for tokens that it takes and for those that it makes: the rig can speak to it as a partner
system, and to a service as the gateway would; and a place that shows the public key to the services.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from common.http import INTERNAL_LIFETIME, INTERNAL_TYPE
from gateway.identity import ACCESS_AUDIENCE, ACCESS_SECONDS, ACCESS_TYPE
from gateway.keys import SigningKey

CLIENT = "rig-caller"
"""The partner system that all callers of the rig are."""
ISSUER = "http://gateway.roviec.example"
SCOPES = "tasks:read tasks:write tasks:assign tasks:review people:write imports:write ledger:read preferences:write"


class Signer:
    def __init__(self) -> None:
        private = Ed25519PrivateKey.generate()
        self.pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self._key = SigningKey(self.pem)
        self._held: dict[tuple[str, str], tuple[str, float]] = {}

    def token(self, client: str = CLIENT, audience: str = "tasks") -> str:
        """An internal token, as the gateway makes them for a service: this is that client."""
        return self._signed(
            {"iss": "roviec-gateway", "aud": audience, "sub": f"client:{client}"}, INTERNAL_TYPE, INTERNAL_LIFETIME
        )

    def access(self, client: str = CLIENT) -> str:
        """An access token, as the gateway gives them to a partner system and takes them again."""
        claims = {"iss": ISSUER, "aud": ACCESS_AUDIENCE, "sub": client, "client_id": client}
        return self._signed(claims, ACCESS_TYPE, ACCESS_SECONDS)

    def _signed(self, claims: dict[str, Any], kind: str, lifetime: int) -> str:
        """A token with at least half of its life left; the same one while that is so."""
        name = (str(claims["sub"]), str(claims["aud"]))
        held, until = self._held.get(name, ("", 0.0))
        if time.monotonic() < until:
            return held
        now = int(time.time())
        made = self._key.sign(
            {**claims, "iat": now, "exp": now + lifetime, "jti": secrets.token_hex(16), "scope": SCOPES}, kind
        )
        self._held[name] = made, time.monotonic() + lifetime / 2
        return made

    def jwks(self) -> bytes:
        return json.dumps({"keys": [self._key.public]}).encode()


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
