"""What the gateway stores, answers and reacts to as any service does: table of contents of its own data."""

from __future__ import annotations

from common.service import Service
from gateway.features import (
    list_clients,
    on_person_changed,
    on_person_registered,
    register_client,
    revoke_client,
    rotate_secret,
)
from gateway.settings import GatewaySettings
from gateway.store import CLIENTS, PEOPLE

service = Service(
    name="gateway",
    title="Rõ Việc: gateway",
    settings=GatewaySettings,
    stores=[CLIENTS, PEOPLE],
    routes=[register_client.routes, list_clients.routes, rotate_secret.routes, revoke_client.routes],
    handlers=[on_person_registered.handle, on_person_changed.handle],
)
