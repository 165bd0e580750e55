"""A partner system as an administrator sees it: never its secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from common.errors import Forbidden, Words
from common.http import Call, View
from gateway.domain.client import Client, RateClass


class SecretView(View):
    created_at: datetime
    until: datetime | None = Field(description="When it stops serving; null: no end is set")


class ClientView(View):
    id: str
    name: str
    scopes: list[str]
    unit_ids: list[str] | None = Field(description="Units that it may act for; null: every unit")
    rate_class: RateClass
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    has_public_key: bool
    secrets: list[SecretView]

    @classmethod
    def of(cls, client: Client) -> Self:
        fields = client.model_dump(include=set(ClientView.model_fields) - {"secrets"})
        secrets = [SecretView(created_at=one.created_at, until=one.until) for one in client.secrets]
        return cls(**fields, has_public_key=client.public_jwk is not None, secrets=secrets)


class ClientWithSecret(ClientView):
    """The answer that may hold a secret. It is shown once: what is remembered for a repeat does not hold it."""

    client_secret: str | None = Field(description="Keep it now: it is stored nowhere and cannot be shown again")
    client_secret_is: Literal["shown", "shown_before", "none"] = Field(
        description="shown_before: this repeats an earlier answer, without the secret; rotate it should that answer be lost. "
        "none: the client has a public key instead"
    )

    @classmethod
    def of(cls, client: Client) -> Self:
        seen = ClientView.of(client)
        status: Literal["shown_before", "none"] = "shown_before" if client.secrets else "none"
        return cls(**seen.model_dump(), client_secret=None, client_secret_is=status)


def check_administers(call: Call) -> None:
    """Raise `Forbidden` for an administrator who is limited to some units: clients are the whole province's."""
    if call.actor.units is not None:
        raise Forbidden(
            Words(
                "Quản trị hệ thống đối tác cần quyền không giới hạn đơn vị.",
                "Administration of clients needs access that is not limited to units.",
            )
        )
