"""Give a partner system a new secret, while the old one serves on for a time."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import Response
from pydantic import Field

from common.http import Command, Effect, Routes, writes
from common.unit_of_work import UnitOfWork
from gateway.domain.client import Client
from gateway.features.client_view import ClientWithSecret, check_administers
from gateway.features.showing_secrets import with_secret
from gateway.oauth import hash_of, new_secret
from gateway.store import CLIENTS

routes = Routes("clients")


class RotateSecret(Command):
    keep_old_minutes: Annotated[
        int, Field(strict=True, ge=0, le=7 * 24 * 60, description="How long the old secret serves on; 0: not at all")
    ] = 24 * 60


async def handle(command: RotateSecret, uow: UnitOfWork, *, client_id: str, secret: str, expected: int | None = None) -> Client:
    """Raises `NotFound`, `StaleVersion`, and `RuleBroken` for a client that is revoked, expired, or has a public key."""
    client = await uow.load(CLIENTS, client_id, expected=expected)
    client.rotate_secret(hash_of(secret), timedelta(minutes=command.keep_old_minutes), uow.now)
    return uow.save(CLIENTS, client)


@routes.post("/clients/{client_id}/rotate-secret", response_model=ClientWithSecret)
async def rotate_secret(client_id: str, command: RotateSecret, effect: Annotated[Effect, writes("clients:admin")]) -> Response:
    """A new secret, in this answer alone. Of the older ones the newest serves on for the time that is asked for."""
    check_administers(effect)
    secret = new_secret(client_id)
    work = partial(handle, client_id=client_id, secret=secret, expected=effect.if_match)
    return with_secret(await effect.run(work, command, ClientWithSecret.of), secret)
