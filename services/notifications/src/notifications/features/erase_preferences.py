"""Erase a person's address and choices (xóa dữ liệu cá nhân)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from notifications.store import erase_contact, require_recipient

routes = Routes("preferences")


async def handle(recipient: str, uow: UnitOfWork) -> None:
    """Raises `NotFound`. Mail that still waits for this person fails with `no_address`."""
    await require_recipient(uow, uow.actor, recipient)
    await erase_contact(uow, recipient)


@routes.delete("/preferences/{recipient}", status_code=204)
async def erase_preferences(recipient: str, effect: Annotated[Effect, writes("preferences:write")]) -> Response:
    """Erases the address: it is kept in one document, and that is gone. Notices stay; they name the opaque id alone."""
    await effect.units.run(partial(handle, recipient), effect.cause())
    return Response(status_code=204)
