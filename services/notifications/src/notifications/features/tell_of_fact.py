"""Make the notices of a fact: one handler for each row of the table of reactions."""

from __future__ import annotations

from types import GenericAlias

from common.contracts.base import Event, Message
from common.unit_of_work import Handler, UnitOfWork
from notifications.domain.notice import DUE_AT_ONCE, Mail, Notice, notice_id
from notifications.domain.person import mail_objection
from notifications.domain.reactions import (
    REACTIONS,
    Reaction,
    about,
    offices_told,
    recipients,
    unit_whose_heads_are_told,
    words,
)
from notifications.store import CONTACTS, NOTICES, PEOPLE, holders, unit_heads


async def tell(reaction: Reaction, message: Message[Event], uow: UnitOfWork) -> None:
    """Write the notice of everybody who is to be told, and with it the intent to mail it to those who want that."""
    unit = unit_whose_heads_are_told(reaction, message.event)
    heads = [] if unit is None else await unit_heads(uow, unit)
    officials = await holders(uow, offices_told(reaction, message.event))
    for recipient in recipients(reaction, message.event, [*heads, *officials]):
        if await uow.get(NOTICES, notice_id(message.envelope.id, recipient, reaction.kind)) is None:
            uow.save(NOTICES, await _notice(reaction, message, recipient, uow))


async def _notice(reaction: Reaction, message: Message[Event], recipient: str, uow: UnitOfWork) -> Notice:
    objection = mail_objection(await uow.get(PEOPLE, recipient), await uow.get(CONTACTS, recipient), reaction.kind)
    mail = Mail(state="waiting", next_at=DUE_AT_ONCE) if objection is None else Mail(state="none", reason_code=objection)
    title, body = words(reaction, message.event)
    return Notice(
        id=notice_id(message.envelope.id, recipient, reaction.kind),
        recipient_id=recipient,
        kind=reaction.kind,
        fact_id=message.envelope.id,
        about=about(reaction, message.event),
        title=title,
        body=body,
        created_at=uow.now,
        mail=mail,
        correlation_id=message.envelope.correlation_id,
        traceparent=message.envelope.traceparent,
    ).create()


def _handler(reaction: Reaction) -> Handler:
    async def handle(message: Message[Event], uow: UnitOfWork) -> None:
        await tell(reaction, message, uow)

    handle.__annotations__["message"] = GenericAlias(Message, reaction.event)  # the consumer reads the type from here
    return handle


HANDLERS: tuple[Handler, ...] = tuple(_handler(reaction) for reaction in REACTIONS)
