"""The partner systems, and one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import NotFound, Words
from common.http import Call, Items, Paged, Routes, reads
from gateway.domain.client import Client
from gateway.features.client_view import ClientView, check_administers
from gateway.store import CLIENTS

routes = Routes("clients")


@routes.get("/clients", response_model=Items[ClientView])
async def list_clients(call: Annotated[Call, reads("clients:admin")], listing: Paged) -> Response:
    """All of them by id, those too that were revoked."""
    check_administers(call)
    after = call.after(listing)
    query = {} if after is None else {"_id": {"$gt": after}}
    found = await call.reader.find(CLIENTS, query, sort=("_id",), limit=listing.limit + 1)
    return call.page(found, listing, lambda client: client.id, ClientView.of)


@routes.get("/clients/{client_id}", response_model=ClientView)
async def show_client(client_id: str, call: Annotated[Call, reads("clients:admin")]) -> Response:
    """One of them."""
    check_administers(call)
    client = await call.reader.get(CLIENTS, client_id)
    if client is None:
        raise NotFound.of(Words(*Client.noun), client_id)
    return call.one(ClientView.of(client), client.version)
