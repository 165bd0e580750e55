"""Shut a partner system out."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Response

from common.http import Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from gateway.features.client_view import check_administers
from gateway.store import CLIENTS

routes = Routes("clients")


async def handle(client_id: str, uow: UnitOfWork, *, expected: int | None = None) -> None:
    """Raises `NotFound`, `StaleVersion`. Who is revoked already stays so."""
    client = await uow.load(CLIENTS, client_id, expected=expected)
    if client.revoke(uow.now):
        uow.save(CLIENTS, client)


@routes.delete("/clients/{client_id}", status_code=204)
async def revoke_client(client_id: str, effect: Annotated[Effect, writes("clients:admin")]) -> Response:
    """It gets no more tokens, and those that it has are refused within 5 s. Its record stays."""
    check_administers(effect)
    await effect.units.run(partial(handle, client_id, expected=effect.if_match), effect.cause())
    return Response(status_code=204)
