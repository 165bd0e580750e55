"""What the notifications service stores, and its read queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from common.domain import Actor
from common.errors import NotFound, Words
from common.mongo import Index, server_now
from common.repository import Reader, Store
from common.unit_of_work import UnitOfWork
from notifications.domain.notice import DUE_AT_ONCE, Notice
from notifications.domain.person import Contact, Person, may_see


def order_key(notice: Notice) -> str:
    """Where a notice stands in a list: by when it was made, then by id."""
    return f"{notice.created_at:%Y-%m-%dT%H:%M:%S}.{notice.created_at.microsecond // 1000:03d}/{notice.id}"


MAIL_IN_HAND: dict[str, Any] = {"mail.next_at": {"$gte": DUE_AT_ONCE}}

NOTICES = Store(
    Notice,
    "notices",
    (
        Index("recipient_id", "-_d.order"),
        Index("-_d.order"),
        Index("kind", "-_d.order"),
        Index("mail.state", "-_d.order"),
        Index("mail.next_at", "_id", partial=MAIL_IN_HAND),
    ),
    derive=lambda notice: {"order": order_key(notice)},
)
PEOPLE = Store(Person, "people", (Index("unit_id", "position", "active", "_id"), Index("position", "active", "_id")))
"""Copy of the people of the tasks service: id, unit, position, active."""
CONTACTS = Store(Contact, "contacts")
"""The one place of mail addresses. Erasing a person's document here erases them."""

STORES = (NOTICES, PEOPLE, CONTACTS)


# --- people ---


async def unit_heads(reader: Reader, unit_id: str) -> list[str]:
    """Ids of the active heads of a unit."""
    found = await reader.find(PEOPLE, {"unit_id": unit_id, "position": "unit_head", "active": True}, sort=("_id",))
    return [person.id for person in found]


async def holders(reader: Reader, positions: Sequence[str]) -> list[str]:
    """Ids of the active people who hold one of these positions, whatever their unit."""
    if not positions:
        return []
    found = await reader.find(PEOPLE, {"position": {"$in": list(positions)}, "active": True}, sort=("_id",))
    return [person.id for person in found]


async def visible_recipients(reader: Reader, actor: Actor) -> list[str] | None:
    """Ids of the persons whose notices the actor may see; None for everybody's."""
    if actor.kind == "person":
        return [actor.id]
    if actor.units is None:
        return None
    return [person.id for person in await reader.find(PEOPLE, {"unit_id": {"$in": sorted(actor.units)}})]


async def require_recipient(reader: Reader, actor: Actor, recipient_id: str) -> None:
    """Raises `NotFound`, in the same words, for a person who does not exist and for one who is not the actor's to see."""
    person = await reader.get(PEOPLE, recipient_id)
    known = person is not None or actor.kind == "person"
    if not known or not may_see(actor, recipient_id, person):
        raise NotFound(
            Words(
                f"Không có người «{recipient_id}», hoặc người gọi không được xem. Người vừa đăng ký sẽ có ở đây sau vài giây.",
                f"There is no person '{recipient_id}', or the caller may not see them. "
                "Somebody just registered is known here within seconds.",
            )
        )


async def erase_contact(uow: UnitOfWork, recipient_id: str) -> None:
    """Remove a person's address and choices; nothing of them is left in this service's other collections."""
    await uow.database.collection(CONTACTS.collection).delete_one({"_id": recipient_id}, session=uow.session)


# --- notices ---


async def visible_notice(reader: Reader, actor: Actor, notice_id: str) -> Notice:
    """The notice, for an actor who may see it. Raises `NotFound` alike when there is none and when they may not."""
    notice = await reader.get(NOTICES, notice_id)
    if notice is None or not may_see(actor, notice.recipient_id, await reader.get(PEOPLE, notice.recipient_id)):
        raise NotFound.of(Words(*Notice.noun), notice_id)
    return notice


async def newest_notices(
    reader: Reader, recipients: Iterable[str] | None, matching: dict[str, Any], after: str | None, limit: int
) -> list[Notice]:
    """Notices of these recipients (None: everybody's), newest first, behind the order key `after`."""
    query = dict(matching)
    if recipients is not None:
        query["recipient_id"] = {"$in": list(recipients)}
    if after is not None:
        query["_d.order"] = {"$lt": after}
    return await reader.find(NOTICES, query, sort=("-_d.order",), limit=limit)


# --- mail ---


async def due_mail(reader: Reader, limit: int) -> tuple[datetime | None, list[str]]:
    """Ids of notices whose mail is to be taken up, the longest due first, and the server's clock, which decides that.

    A mail whose sender's claim has run out is due as well.
    """
    rows = await reader.aggregate(
        NOTICES,
        [
            {"$match": MAIL_IN_HAND},
            {"$sort": {"mail.next_at": 1, "_id": 1}},
            {"$limit": limit},
            {"$match": {"$expr": {"$lte": [{"$toLong": "$mail.next_at"}, server_now()]}}},
            {"$project": {"now": "$$NOW"}},
        ],
    )
    return (rows[0]["now"] if rows else None), [row["_id"] for row in rows]


async def mail_in_hand(reader: Reader) -> tuple[int, datetime | None]:
    """How many mails wait or are being sent, and when the oldest of these notices was made."""
    pending = await reader.count(NOTICES, MAIL_IN_HAND)
    if not pending:
        return 0, None
    rows = await reader.aggregate(
        NOTICES, [{"$match": MAIL_IN_HAND}, {"$group": {"_id": None, "oldest": {"$min": "$created_at"}}}]
    )
    return pending, rows[0]["oldest"] if rows else None
