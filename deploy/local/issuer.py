"""The local run's OpenID Connect provider: stands in for the province's, so that people come in by the same code path.

`python -m deploy.local.issuer --port 8090 --key-file .local/issuer.pem`; the key is made on the first run. Whoever can
reach it may be anybody (`POST /token` with `person_id=`): it listens on this machine's own address alone.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

HOST = "127.0.0.1"
AUDIENCE = "roviec-people"
LIFETIME = 3600
MAX_FORM = 4096
ALGORITHM = "ES256"


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The signing key of this file; made there, readable by its owner alone, when there is none.

    Raises ValueError for a file that is no P-256 private key, OSError for a place that cannot be read or written.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = ec.generate_private_key(ec.SECP256R1())
        content = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
        unfinished.replace(path)  # whole or not at all, should the run be cut off here
    key = load_pem_private_key(content, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError(f"{path} holds no P-256 private key")
    return key


@dataclass(frozen=True)
class Issuer:
    """Makes the tokens of one provider."""

    key: ec.EllipticCurvePrivateKey
    name: str
    audience: str = AUDIENCE
    lifetime: int = LIFETIME

    @property
    def kid(self) -> str:
        digest = Hash(SHA256())
        digest.update(self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return digest.finalize().hex()[:16]

    def mint(self, person_id: str) -> str:
        """A token that says: this is that person."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "sub": person_id,
            "aud": self.audience,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode(claims, self.key, ALGORITHM, headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        public = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": ALGORITHM}]}

    def configuration(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, what of it applies."""
        return {
            "issuer": self.name,
            "jwks_uri": f"{self.name}/jwks.json",
            "token_endpoint": f"{self.name}/token",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }


def mint(person_id: str, key_file: Path, issuer: str, audience: str = AUDIENCE, lifetime: int = LIFETIME) -> str:
    """A person's token, signed with the key of this file: for whoever starts the local run. Raises as `load_key`."""
    return Issuer(load_key(key_file), issuer, audience, lifetime).mint(person_id)


class Web(BaseHTTPRequestHandler):
    """Three addresses, for this machine alone: a page of another origin that resolves to it is turned away."""

    server_version, sys_version = "issuer", ""

    def __init__(self, issuer: Issuer, *arguments: Any) -> None:
        self._issuer = issuer
        super().__init__(*arguments)

    def do_GET(self) -> None:
        known = {"/.well-known/openid-configuration": self._issuer.configuration, "/jwks.json": self._issuer.jwks}
        made = known.get(urlsplit(self.path).path)
        if not self._is_for_us():
            self._answer(421, {"error": "for this machine only"})
        elif made is None:
            self._answer(404, {"error": f"there is {', '.join(known)} and POST /token"})
        else:
            self._answer(200, made())

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self._is_for_us() or self.headers.get("Origin") is not None:  # a web page has no business here
            self._answer(421, {"error": "for this machine only"})
        elif urlsplit(self.path).path != "/token":
            self._answer(404, {"error": "there is POST /token"})
        elif not length.isdigit() or int(length) > MAX_FORM:
            self._answer(413, {"error": f"a form of at most {MAX_FORM} bytes, with its Content-Length"})
        else:
            persons = parse_qs(self.rfile.read(int(length)).decode(errors="replace")).get("person_id", [])
            if len(persons) != 1:
                self._answer(400, {"error": "invalid_request", "error_description": "send person_id, once"})
            else:
                token = self._issuer.mint(persons[0])
                self._answer(200, {"id_token": token, "token_type": "Bearer", "expires_in": self._issuer.lifetime})

    def _is_for_us(self) -> bool:
        host = self.headers.get("Host", "")
        return (host.rpartition(":")[0] or host) in (HOST, "localhost")

    def _answer(self, status: int, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing: who came in stays out of the log."""


def serve(issuer: Issuer, port: int) -> Callable[[], None]:
    """Start answering; returns what ends it. Raises OSError when the port cannot be had."""
    web = ThreadingHTTPServer((HOST, port), partial(Web, issuer))
    web.daemon_threads = True
    threading.Thread(target=web.serve_forever, daemon=True).start()

    def end() -> None:
        web.shutdown()
        web.server_close()

    return end


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.issuer", description="A provider of people's tokens")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key-file", type=Path, required=True, help="the signing key; made when it is not there")
    parser.add_argument("--issuer", help="its name in tokens; its own address unless given")
    parser.add_argument("--audience", default=AUDIENCE)
    parser.add_argument("--lifetime", type=int, default=LIFETIME, help="of a token, in seconds")
    given = parser.parse_args()
    name = given.issuer or f"http://{HOST}:{given.port}"
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        end = serve(Issuer(load_key(given.key_file), name, given.audience, given.lifetime), given.port)
    except (OSError, ValueError) as error:
        sys.exit(f"issuer: {error}")
    print(f"issuer: ready, {name}/.well-known/openid-configuration", flush=True)
    stop.wait()
    end()


if __name__ == "__main__":
    main()
