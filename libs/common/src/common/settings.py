"""Settings come from the environment alone. No secret has a default: what is missing stops the process with its name."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What every service needs. A service adds its own in `<service>/settings.py`; both read the plain names, upper case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    host: str = "127.0.0.1"
    api_port: int = 0
    """Port of the API; 0 lets the machine choose (tests)."""
    ops_port: int = 0
    """Port of /livez, /readyz and /metrics; never public."""

    mongo_uri: SecretStr
    mongo_driver: Literal["motor", "pymongo"] = "motor"
    """Motor, or its successor, PyMongo's own asyncio client (docs/adr/0002)."""
    mongo_pool: int = 64
    database: str
    """Name of the service's own database."""
    transaction_seconds: float = 2.8
    """Budget of one HTTP request's transaction, retries included; beyond it the caller gets 503."""

    kafka_bootstrap: str
    kafka_security: Literal["PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca_file: str | None = None
    kafka_replication: int = 1
    """Replication factor of topics that this process creates."""
    topic_prefix: str = ""

    lease_seconds: float = 15.0
    session_seconds: float = 15.0
    """Kafka group session: a dead consumer's partitions are taken over about this long after its death."""

    internal_jwks_url: str
    """Where the public keys of the gateway's internal tokens are: the gateway's /.well-known/jwks.json."""
    internal_issuer: str = "roviec-gateway"
    cursor_key: SecretStr
    """Signs page cursors, so that a caller cannot make one up."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises SystemExit with one line for each setting that is missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
            raise SystemExit("settings are not complete:\n  " + "\n  ".join(lines)) from None
