"""The gateway's signing key, and the public keys that go with it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from common.access import Jwks, unauthenticated


def thumbprint(jwk: dict[str, Any]) -> str:
    """The RFC 7638 thumbprint of a public key: an id that anybody can compute from the key."""
    needed = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in needed}, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


class SigningKey:
    """Signs what the gateway vouches for, EdDSA alone. Raises ValueError for a PEM that is no Ed25519 private key."""

    def __init__(self, pem: str) -> None:
        try:
            private = load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
        except (ValueError, TypeError) as error:
            raise ValueError("SIGNING_KEY is not an unencrypted PEM private key") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("SIGNING_KEY is not an Ed25519 key")
        self._private = private
        public: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(private.public_key()))
        self.kid = thumbprint(public)
        self.public = {**public, "kid": self.kid, "use": "sig", "alg": "EdDSA"}
        """The public key as a JWK."""

    def sign(self, claims: dict[str, Any], kind: str) -> str:
        """A token of this `typ` with these claims."""
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": self.kid, "typ": kind})


class FixedKeys(Jwks):
    """Public keys that are known beforehand: nobody is asked for them."""

    def __init__(self, keys: Iterable[dict[str, Any]]) -> None:
        super().__init__("")
        self.documents = list(keys)
        self._fixed = {str(key["kid"]): jwt.PyJWK(key) for key in self.documents}

    async def key(self, kid: str) -> jwt.PyJWK:
        try:
            return self._fixed[kid]
        except KeyError:
            raise unauthenticated("kid") from None


def earlier_keys(jwks: str | None) -> list[dict[str, Any]]:
    """The public keys of a JWKS document. Raises ValueError for what is none, or has a key without an id."""
    try:
        found = [] if jwks is None else list(json.loads(jwks)["keys"])
        FixedKeys(found)
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise ValueError("PREVIOUS_PUBLIC_KEYS is not a JWKS of public keys with ids") from error
    if any("d" in key or "k" in key for key in found):
        raise ValueError("PREVIOUS_PUBLIC_KEYS holds a key that is not public: it would be published")
    return found


def own_keys(signing: SigningKey, previous: str | None) -> FixedKeys:
    """What /.well-known/jwks.json publishes: the present key and those before it. Raises as `earlier_keys`."""
    return FixedKeys([signing.public, *(key for key in earlier_keys(previous) if key["kid"] != signing.kid)])
