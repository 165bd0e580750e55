"""What the gateway publishes: who may come in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import ClientId, Moment, UnitId

Scopes = Annotated[list[str], Field(examples=[["tasks:read", "tasks:write"]])]


class ClientRegistered(Event, type="gateway.client.registered.v1", key="client_id"):
    """A partner system was admitted, with scopes and, where it applies, the units that it may act for."""

    client_id: ClientId
    scopes: Scopes
    unit_ids: Annotated[list[UnitId] | None, Field(description="null: every unit")] = None
    expires_at: Moment | None = None


class ClientSecretRotated(Event, type="gateway.client.secret_rotated.v1", key="client_id"):
    """It has a new secret; the one before serves until `old_until`."""

    client_id: ClientId
    old_until: Moment


class ClientRevoked(Event, type="gateway.client.revoked.v1", key="client_id"):
    """It may not come in any more."""

    client_id: ClientId
