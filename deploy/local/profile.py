"""What the local run consists of: its processes, their addresses, secrets and environment. Pure but for `Part`'s checks.

Every secret is made at random on the first run and kept in the run's folder; none stands in this repository.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local.bootstrap import ROOT
from deploy.local.database import uri
from deploy.local.parts import Part, Trouble, answers, http_status

HOST = "127.0.0.1"
SERVICES = ("tasks", "training", "notifications", "audit")
GATEWAY = "gateway"
MODULES = {**{name: f"{name}.service" for name in SERVICES}, GATEWAY: "gateway.app"}
PORT_NAMES = (
    "kafka", "kafka-controller", "mongo", "smtp", "mailbox", "issuer", "gateway-ops",
    *(f"{name}-{kind}" for name in SERVICES for kind in ("api", "ops")),
)  # fmt: skip
DEFAULT_PORT = 8080
ADMIN = "platform-admin"
AUDIENCE = "roviec-people"
"""Whom the issuer's tokens are for."""
PERSON_SECONDS = 43_200
"""Life of a person's token: 12 h locally, so that what stands in run.json stays of use."""
MAIL_FROM = "roviec@demo.roviec.example"


@dataclass(frozen=True)
class Wanted:
    """What the caller asked for by variables."""

    folder: Path
    port: int = DEFAULT_PORT
    fresh: bool = False
    kafka: str | None = None
    mongo: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str], root: Path = ROOT) -> Wanted:
        """Raises `Trouble` for a value that makes no sense."""
        port = environment.get("PORT") or str(DEFAULT_PORT)
        if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise Trouble(f"PORT={port} is no port; give a number from 1 to 65535")
        fresh = environment.get("FRESH", "").lower()
        if fresh not in ("", "0", "no", "1", "yes"):
            raise Trouble(f"FRESH={fresh} is neither 1 nor 0")
        kafka = environment.get("KAFKA_BOOTSTRAP") or None
        if kafka is not None and not re.fullmatch(r"[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*", kafka):
            raise Trouble("KAFKA_BOOTSTRAP must be host:port, or several with commas")
        mongo = environment.get("MONGO_URI") or None
        if mongo is not None and not mongo.startswith(("mongodb://", "mongodb+srv://")):
            raise Trouble("MONGO_URI must begin with mongodb:// or mongodb+srv://")
        folder = Path(environment.get("LOCAL_DIR") or root / ".local").expanduser()
        return cls(folder.absolute(), int(port), fresh in ("1", "yes"), kafka, mongo)

    @property
    def own_servers(self) -> bool:
        """True when broker and database are this run's alone."""
        return self.kafka is None and self.mongo is None


@dataclass(frozen=True, repr=False)
class Secrets:
    """Made at random on the first run. Has no readable form, so that no traceback shows them."""

    signing_key: str
    """Ed25519, PKCS#8 PEM: signs the gateway's tokens."""
    cursor_keys: dict[str, str]
    admin_secret: str
    area: str
    """Part of database and topic names on servers that others use too."""

    @classmethod
    def make(cls) -> Secrets:
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return cls(
            signing_key=key.decode(),
            cursor_keys={name: secrets.token_urlsafe(32) for name in (*SERVICES, GATEWAY)},
            admin_secret=secrets.token_urlsafe(32),
            area=secrets.token_hex(3),
        )

    @classmethod
    def load(cls, kept: Any) -> Secrets:
        """From what `kept` gave. Raises `Trouble` when it is something else."""
        try:
            return cls(**kept)
        except TypeError:
            raise Trouble("the kept secrets are of another version; `make run FRESH=1` starts anew") from None

    def kept(self) -> dict[str, Any]:
        return asdict(self)


def choose_ports(
    kept: Mapping[str, int], free: Callable[[int], bool], choose: Callable[[Container[int]], int]
) -> dict[str, int]:
    """A port for every name: the one of the last run when nobody has taken it since, else another."""
    found: dict[str, int] = {}
    for name in PORT_NAMES:
        port = kept.get(name)
        stays = port is not None and port not in found.values() and free(port)
        found[name] = port if stays and port is not None else choose(frozenset(found.values()))
    return found


@dataclass(frozen=True)
class Profile:
    """The whole of one local run."""

    wanted: Wanted
    ports: Mapping[str, int]
    secrets: Secrets
    python: str = field(default=sys.executable)

    # --- addresses ---

    @property
    def home(self) -> Path:
        return self.wanted.folder

    @property
    def gateway(self) -> str:
        return f"http://{HOST}:{self.wanted.port}"

    @property
    def kafka(self) -> str:
        return self.wanted.kafka or f"{HOST}:{self.ports['kafka']}"

    @property
    def mongo(self) -> str:
        return self.wanted.mongo or uri(self.ports["mongo"])

    @property
    def mailbox(self) -> str:
        return self._url("mailbox")

    @property
    def issuer(self) -> str:
        return self._url("issuer")

    def api(self, name: str) -> str:
        return self.gateway if name == GATEWAY else self._url(f"{name}-api")

    def ops(self, name: str) -> str:
        return self._url(f"{name}-ops")

    def _url(self, port: str) -> str:
        return f"http://{HOST}:{self.ports[port]}"

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    # --- environments ---

    @property
    def _area(self) -> str:
        """Apart from other runs on servers that are not ours; plain names on our own."""
        return "" if self.wanted.own_servers else self.secrets.area

    def environment(self, name: str) -> dict[str, str]:
        """Everything that a deployable is told."""
        common = {
            "PYTHONUNBUFFERED": "1",
            "HOST": HOST,
            "API_PORT": str(self.wanted.port if name == GATEWAY else self.ports[f"{name}-api"]),
            "OPS_PORT": str(self.ports[f"{name}-ops"]),
            "MONGO_URI": self.mongo,
            "DATABASE": "_".join(filter(None, ("roviec", self._area, name))),
            "KAFKA_BOOTSTRAP": self.kafka,
            "TOPIC_PREFIX": self._area and f"{self._area}-",
            "INTERNAL_JWKS_URL": f"{self.gateway}/.well-known/jwks.json",
            "CURSOR_KEY": self.secrets.cursor_keys[name],
        }
        if name == "notifications":
            return common | {
                "SMTP_HOST": HOST,
                "SMTP_PORT": str(self.ports["smtp"]),
                "SMTP_TLS": "none",
                "MAIL_FROM": MAIL_FROM,
                "PUBLIC_URL": self.gateway,
            }
        if name == GATEWAY:
            return (
                common
                | {f"{service.upper()}_URL": self.api(service) for service in SERVICES}
                | {
                    "SIGNING_KEY": self.secrets.signing_key,
                    "PUBLIC_URL": self.gateway,
                    "OIDC_ISSUER": self.issuer,
                    "OIDC_JWKS_URL": f"{self.issuer}/jwks.json",
                    "OIDC_AUDIENCE": AUDIENCE,
                    "OIDC_MAX_LIFETIME": str(PERSON_SECONDS),
                    "BOOTSTRAP_CLIENT_ID": ADMIN,
                    "BOOTSTRAP_CLIENT_SECRET": self.secrets.admin_secret,
                }
            )
        return common

    # --- processes ---

    def servers(self) -> frozenset[str]:
        """Broker and database, when they are this run's own."""
        return frozenset(name for name, given in (("kafka", self.wanted.kafka), ("mongo", self.wanted.mongo)) if given is None)

    def parts(self) -> list[Part]:
        """Every process but broker and database, whose making takes downloads (`broker.py`, `database.py`)."""
        return [self._mailbox(), self._issuer(), *(self._deployable(name) for name in (*SERVICES, GATEWAY))]

    def _deployable(self, name: str) -> Part:
        ops, port = self.ops(name), self.wanted.port if name == GATEWAY else self.ports[f"{name}-api"]

        async def ready() -> bool:
            return await http_status(f"{ops}/readyz") == 200 and await answers(port)

        return Part(
            name=name,
            role="all",
            command=[self.python, "-m", MODULES[name], "--role", "all"],
            env=self.environment(name),
            cwd=self.home,
            needs=self.servers(),
            log=self.log(name),
            ready=ready,
            api=self.api(name),
            metrics=f"{ops}/metrics",
            last_words=5.0,
        )

    def _mailbox(self) -> Part:
        smtp, http = self.ports["smtp"], self.ports["mailbox"]

        async def ready() -> bool:
            return await answers(smtp) and await answers(http)

        command = ["--smtp-port", str(smtp), "--http-port", str(http), "--folder", str(self.home / "mail")]
        return self._helper("mailbox", "mail", command, ready, self.mailbox)

    def _issuer(self) -> Part:
        async def ready() -> bool:
            return await http_status(f"{self.issuer}/jwks.json") == 200

        command = ["--port", str(self.ports["issuer"]), "--key-file", str(self.home / "issuer.pem"), "--issuer", self.issuer]
        command += ["--audience", AUDIENCE, "--lifetime", str(PERSON_SECONDS)]
        return self._helper("issuer", "issuer", command, ready, self.issuer)

    def _helper(self, name: str, role: str, arguments: list[str], ready: Any, url: str) -> Part:
        return Part(
            name=name,
            role=role,
            command=[self.python, "-m", f"deploy.local.{name}", *arguments],
            env={"PYTHONUNBUFFERED": "1"},
            cwd=ROOT,
            log=self.log(name),
            ready=ready,
            api=url,
            last_words=3.0,
        )


def in_a_run(part: Part, profile: Profile) -> Part:
    """Broker or database as part of a whole that must end within 10 s."""
    return replace(part, cwd=profile.home, last_words=3.0)


def run_file(profile: Profile, parts: list[Part], clients: list[Any], people: list[Any]) -> dict[str, Any]:
    """`run.json`: where everything is, for tools that look for it, ask it or kill it."""
    return {
        "gateway": profile.gateway,
        "kafka": profile.kafka,
        "mongo": profile.mongo,
        "mailbox": profile.mailbox,
        "issuer": profile.issuer,
        "processes": [
            {"name": part.name, "role": part.role, "pid": part.pid, "api": part.api, "metrics": part.metrics} for part in parts
        ],
        "clients": clients,
        "people": people,
    }
