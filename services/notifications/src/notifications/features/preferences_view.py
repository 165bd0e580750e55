"""How a person wants to be told, as callers see it."""

from __future__ import annotations

from pydantic import Field

from common.http import View
from notifications.domain.person import Contact
from notifications.domain.reactions import KINDS


class PreferencesView(View):
    """Where mail goes, and of what. The inbox gets every notice whatever stands here."""

    recipient_id: str
    address: str | None = Field(description="E-mail address; null: no mail", examples=["name@office.gov.vn"])
    mail: dict[str, bool] = Field(description="By kind of notice", examples=[{"task_assigned": True}])


def preferences_view(contact: Contact) -> PreferencesView:
    return PreferencesView(
        recipient_id=contact.id,
        address=contact.address,
        mail={kind: contact.mail.get(kind, True) for kind in KINDS},
    )
