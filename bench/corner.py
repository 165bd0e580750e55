"""A corner of the servers for one bench: databases and topics of its own, and processes of services that use them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from jwt.algorithms import OKPAlgorithm

from bench.load import ROOT
from common.mongo import Database
from common.relay import ensure_topics
from common.service import Service
from common.settings import Settings
from common.testing import Area
from common.unit_of_work import Units
from deploy.local.parts import Part, answers, free_port, http_status

_numbers = count()


class Corner:
    def __init__(self, kafka: str, mongo: str) -> None:
        self.area = Area(f"bench{int(time.time())}{next(_numbers)}", kafka, mongo)

    @asynccontextmanager
    async def units(self, service: Service) -> AsyncIterator[tuple[Units, Settings]]:
        """Units of work of a service, with collections, indexes and topics made."""
        settings = self.area.settings(service)
        database = Database(settings, service.name)
        try:
            await database.prepare(service.collections())
            await ensure_topics(settings)
            yield Units(service.name, database, topic_prefix=settings.topic_prefix), settings
        finally:
            await database.close()

    def jwks(self) -> dict[str, Any]:
        """The public half of the key that signs this corner's internal tokens."""
        public = json.loads(OKPAlgorithm.to_jwk(self.area.keys._private.public_key()))
        return {"keys": [{**public, "kid": "test", "use": "sig", "alg": "EdDSA"}]}

    def process(self, service: Service, role: str, home: Path, *, jwks_url: str, port: int | None = None) -> Part:
        """A service as a process of its own, as a deployment runs it."""
        settings, ops = self.area.settings(service), free_port()
        environment = {
            "API_PORT": str(port or free_port({ops})), "OPS_PORT": str(ops), "MONGO_URI": self.area.mongo,
            "MONGO_DRIVER": settings.mongo_driver, "DATABASE": settings.database, "KAFKA_BOOTSTRAP": self.area.kafka,
            "TOPIC_PREFIX": settings.topic_prefix, "INTERNAL_JWKS_URL": jwks_url, "CURSOR_KEY": os.urandom(16).hex(),
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

        async def ready() -> bool:
            return (port is None or await answers(port)) and await http_status(f"http://127.0.0.1:{ops}/readyz") == 200

        command = [sys.executable, "-m", f"{service.name}.service", "--role", role]
        return Part(service.name, role, command, home / f"{service.name}.log", ready, env=environment, cwd=ROOT)
