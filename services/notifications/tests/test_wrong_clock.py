"""A notice that is written by a machine whose clock is wrong is mailed all the same, at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from common.contracts.base import Envelope, Message, Record
from common.contracts.tasks import TaskAssigned
from notifications.domain.notice import Notice
from notifications.domain.person import Contact, Person
from notifications.domain.reactions import REACTIONS
from notifications.features.notice_view import notice_view
from notifications.features.tell_of_fact import tell
from notifications.store import CONTACTS, PEOPLE

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class AnHourAhead:
    """Stands for a unit of work of a process whose clock is an hour ahead of the database's."""

    now = NOW + timedelta(hours=1)

    def __init__(self) -> None:
        self.saved: list[Notice] = []

    async def get(self, store: Any, key: str) -> Any:
        held: dict[str, Any] = {
            PEOPLE.collection: Person(id=key, unit_id="u1", position="officer"),
            CONTACTS.collection: Contact(id=key, address="lan@example.vn"),
        }
        return held.get(store.collection)

    def save(self, _: Any, notice: Notice) -> None:
        self.saved.append(notice)


async def test_the_clock_of_the_writer_does_not_hold_a_mail_back() -> None:
    event = TaskAssigned(task_id="t1", title="Rà soát", responsible_id="lan")
    envelope = Envelope("e1", "/roviec/tasks", event.type, "t1", NOW, 1, "system:tasks", "c1")
    uow: Any = AnHourAhead()
    await tell(REACTIONS[0], Message(event, envelope, Record("tasks-events", 0, 0, b"t1", event.data(), ())), uow)
    (notice,) = uow.saved
    assert notice.mail.state == "waiting"
    assert notice.mail.next_at < NOW, "the database's clock decides, and by it the mail is due"
    assert notice_view(notice).mail.next_at == uow.now, "callers are told of no day in 1970"
