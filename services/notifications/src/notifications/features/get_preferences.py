"""Read how a person wants to be told."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Call, Routes, reads
from notifications.domain.person import Contact
from notifications.features.preferences_view import PreferencesView, preferences_view
from notifications.store import CONTACTS, require_recipient

routes = Routes("preferences")


@routes.get("/preferences/{recipient}", response_model=PreferencesView)
async def get_preferences(recipient: str, call: Annotated[Call, reads("preferences:read")]) -> Response:
    """A person who has chosen nothing yet has no address and version 0."""
    await require_recipient(call.reader, call.actor, recipient)
    contact = await call.reader.get(CONTACTS, recipient) or Contact(id=recipient)
    return call.one(preferences_view(contact), contact.version)
