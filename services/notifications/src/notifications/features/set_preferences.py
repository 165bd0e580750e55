"""Say where a person's mail goes, and of what."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Response
from pydantic import Field, StrictBool

from common.errors import StaleVersion, Words
from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from notifications.domain.person import Contact
from notifications.features.kinds import Kind
from notifications.features.preferences_view import PreferencesView, preferences_view
from notifications.store import CONTACTS, require_recipient

routes = Routes("preferences")


class Preferences(Command):
    """Replaces what stood before."""

    address: str | None = Field(
        None, max_length=254, description="E-mail address; null: no mail", examples=["name@office.gov.vn"]
    )
    mail: dict[Kind, StrictBool] = Field({}, description="By kind of notice; a kind that is not named is on")


async def handle(command: Preferences, uow: UnitOfWork, *, recipient: str, expected: int | None = None) -> Contact:
    """The person's preferences. Raises `NotFound`, `StaleVersion`, `Invalid`."""
    await require_recipient(uow, uow.actor, recipient)
    contact = await uow.get(CONTACTS, recipient) or Contact(id=recipient)
    if expected is not None and contact.version != expected:
        raise StaleVersion(
            Words(
                "Tùy chọn đã được thay đổi. Hãy đọc lại rồi gửi với ETag mới.",
                "The preferences have changed. Read them again and send their new ETag.",
            )
        )
    contact.choose(command.address, command.mail)
    return uow.save(CONTACTS, contact)


@routes.put("/preferences/{recipient}", response_model=PreferencesView)
async def set_preferences(
    recipient: str, command: Preferences, effect: Annotated[Effect, writes("preferences:write")]
) -> Response:
    """A new address serves later notices; those made before it existed stay without mail.

    A PUT is the same however often it is sent: it needs no Idempotency-Key, and its answer, which holds the address, is
    remembered nowhere.
    """
    work = partial(handle, command, recipient=recipient, expected=effect.if_match)
    contact = await effect.units.run(work, effect.cause())
    return effect.one(preferences_view(contact), contact.version)
