"""The leased sender against a real mail server: taken, refused, away, killed, shared."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from common.outbox import OUTBOX, new_id
from common.repository import Reader
from common.service import Process
from common.testing import Area, eventually
from common.unit_of_work import UnitOfWork
from notifications.domain.notice import DUE_AT_ONCE, Mail, Notice, notice_id
from notifications.domain.person import Contact, Person
from notifications.domain.text import Bilingual
from notifications.features.deliver_mail import claim, deliver_mail
from notifications.service import service
from notifications.settings import NotificationsSettings
from notifications.smtp import MailServerAway
from notifications.store import CONTACTS, MAIL_IN_HAND, NOTICES, PEOPLE, erase_contact, mail_in_hand
from services.notifications.tests.mail_sink import Sink

pytestmark = pytest.mark.servers


async def tell(process: Process, *people: str) -> None:
    """Everybody has an address and a notice whose mail waits."""

    async def work(uow: UnitOfWork) -> None:
        for person in people:
            contact = Contact(id=person)
            contact.choose(f"{person}@example.vn", {})
            uow.put(PEOPLE, Person(id=person, unit_id="u", position="officer"))
            uow.save(CONTACTS, contact)
            text = Bilingual(vi="Giao nhiệm vụ: Rà soát", en="Task assigned: Rà soát")
            uow.save(NOTICES, Notice(
                id=notice_id("f", person, "task_assigned"), recipient_id=person, kind="task_assigned", fact_id="f",
                about="/v1/tasks/t", title=text, body=text, created_at=uow.now, mail=Mail(state="waiting", next_at=DUE_AT_ONCE),
                correlation_id="corr-1",
            ).create())  # fmt: skip

    await process.units.run(work, process.units.system())


async def mail_of(process: Process, person: str) -> Mail:
    notice = await Reader(process.database).get(NOTICES, notice_id("f", person, "task_assigned"))
    assert notice is not None
    return notice.mail


async def events_of(process: Process, person: str) -> list[str]:
    query = {"aggregateid": notice_id("f", person, "task_assigned")}
    rows = await process.database.collection(OUTBOX).find(query).sort([("aggseq", 1)]).to_list(None)
    return [row["type"].split(".")[2] for row in rows]


async def deliver(process: Process) -> None:
    await deliver_mail(process.units, settings_of(process))


def settings_of(process: Process) -> NotificationsSettings:
    assert isinstance(process.settings, NotificationsSettings)
    return process.settings


async def test_due_mail_is_found_by_the_index_and_not_among_all_notices(area: Area, sink: Sink) -> None:
    """Every server of the wire, the local one included, must see that the partial index answers this: two senders ask each
    second, of all the notices there ever were.
    """
    async with area.running(service, "api", **sink.settings()) as process:
        await tell(process, "waits")
        plan = await process.database.collection(NOTICES.collection).find(MAIL_IN_HAND).explain()
        assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])


async def test_each_answer_of_the_mail_server_has_its_state(area: Area, sink: Sink) -> None:
    sink.answers = {
        "gone@example.vn": "550 5.1.1 no gone@example.vn here",
        "grey@example.vn": "450 come again",
        "cut@example.vn": "close",
    }
    async with area.running(service, "api", **sink.settings()) as process:
        await tell(process, "fine", "gone", "grey", "cut", "last")
        await deliver(process)
        await deliver(process)

        assert sorted(to for to, _ in sink.taken) == ["fine@example.vn", "last@example.vn"]
        fine, gone, grey, cut = [await mail_of(process, who) for who in ("fine", "gone", "grey", "cut")]
        assert (fine.state, fine.attempts, fine.reason_code) == ("delivered", 1, None)
        assert fine.delivered_at is not None
        assert (gone.state, gone.attempts, gone.reason_code) == ("failed", 1, "smtp_550")
        assert (grey.state, grey.attempts, grey.reason_code) == ("failed", 3, "smtp_450")
        assert (cut.state, cut.attempts, cut.reason_code) == ("failed", 3, "connection_lost")
        assert await events_of(process, "fine") == ["created", "delivered"]
        assert await events_of(process, "gone") == ["created", "failed"]
        row = await process.database.collection(OUTBOX).find_one({"type": "notifications.notice.delivered.v1"})
        headers = {name: bytes(value) for name, value in row["headers"]}
        assert headers["ce_correlationid"] == b"corr-1"
        assert headers["ce_causationid"] == b"f"
        assert await mail_in_hand(Reader(process.database)) == (0, None)


async def test_a_machine_whose_clock_is_wrong_tries_again_after_the_pause_and_no_other(area: Area, sink: Sink) -> None:
    sink.answers = {"grey@example.vn": "450 come again"}

    def ahead() -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)

    async with area.running(service, "api", ahead, **sink.settings()) as process:
        await tell(process, "grey")
        await deliver(process)
        await deliver(process)
        assert ((await mail_of(process, "grey")).state, (await mail_of(process, "grey")).attempts) == ("failed", 3)


async def test_a_mail_server_that_is_away_costs_no_attempt(area: Area, sink: Sink) -> None:
    async with area.running(service, "api", **sink.settings()) as process:
        await tell(process, "a", "b")
        sink.stop()
        for _ in range(5):
            with pytest.raises(MailServerAway):
                await deliver(process)
        assert [(m.state, m.attempts, m.claim) for m in [await mail_of(process, "a")]] == [("waiting", 0, 0)]
        assert (await mail_in_hand(Reader(process.database)))[0] == 2
        sink.start()
        sink.answers = {"a@example.vn": "421 closing down", "b@example.vn": "421 closing down"}
        with pytest.raises(MailServerAway):
            await deliver(process)
        mails = [await mail_of(process, who) for who in "ab"]
        assert [(mail.state, mail.attempts) for mail in mails] == [("waiting", 0), ("waiting", 0)]
        sink.answers = {}
        await deliver(process)
        assert len(sink.taken) == 2
        assert (await mail_of(process, "a")).state == "delivered"


async def test_who_turned_away_meanwhile_is_not_mailed(area: Area, sink: Sink) -> None:
    async with area.running(service, "api", **sink.settings()) as process:
        await tell(process, "erased", "left", "off")

        async def change(uow: UnitOfWork) -> None:
            await erase_contact(uow, "erased")
            uow.put(PEOPLE, Person(id="left", unit_id="u", position="officer", active=False))
            off = await uow.load(CONTACTS, "off")
            off.choose(off.address, {"task_assigned": False})
            uow.save(CONTACTS, off)

        await process.units.run(change, process.units.system())
        await deliver(process)
        assert sink.taken == []
        mails = {who: await mail_of(process, who) for who in ("erased", "left", "off")}
        assert {who: (mail.state, mail.attempts, mail.reason_code) for who, mail in mails.items()} == {
            "erased": ("failed", 0, "no_address"),
            "left": ("failed", 0, "person_inactive"),
            "off": ("failed", 0, "mail_off"),
        }


async def test_replicas_share_the_work_and_send_nothing_twice(area: Area, sink: Sink) -> None:
    async with (
        area.running(service, "api", **sink.settings()) as one,
        area.running(service, "api", **sink.settings()) as two,
        area.running(service, "api", **sink.settings()) as three,
    ):
        people = [f"p{number}" for number in range(90)]
        await tell(one, *people)
        await asyncio.gather(*(deliver(process) for process in (one, two, three)))

        async def all_sent() -> bool:
            return await Reader(one.database).count(NOTICES, {"mail.state": "delivered"}) == 90

        await eventually("all are delivered", all_sent)
        assert Counter(to for to, _ in sink.taken) == Counter(f"{who}@example.vn" for who in people)


async def test_a_claim_runs_out_and_a_sender_told_to_stop_gives_back(area: Area, sink: Sink) -> None:
    settings = {**sink.settings(), "mail_claim_seconds": 20.0, "smtp_seconds": 0.9}  # one claim: it is cancelled while it sends
    async with area.running(service, "api", **settings) as process:
        await tell(process, "a")

        async def take(uow: UnitOfWork) -> list[Notice]:
            return (await claim(uow, seconds=2.0))[1]

        assert len(await process.units.run(take, process.units.system())) == 1
        assert (await mail_of(process, "a")).state == "sending"
        assert await process.units.run(take, process.units.system()) == []

        async def sent() -> bool:
            await deliver(process)
            return len(sink.taken) == 1

        await eventually("another sender takes it over", sent)
        assert (await mail_of(process, "a")).claim == 2

        await tell(process, *(f"q{number}" for number in range(15)))
        sender = asyncio.create_task(deliver(process))

        async def under_way() -> bool:
            return len(sink.taken) >= 3

        await eventually("it is under way", under_way)
        sender.cancel()
        await asyncio.wait({sender})
        states = Counter(notice.mail.state for notice in await Reader(process.database).find(NOTICES, {}))
        assert states["sending"] == 0
        assert states["delivered"] == len(sink.taken)


async def test_killed_between_the_servers_yes_and_our_note_the_same_mail_goes_again(area: Area, sink: Sink) -> None:
    settings = {**sink.settings(), "mail_claim_seconds": 3.0, "smtp_seconds": 1.4}
    async with area.running(service, "api", **settings) as process:
        await tell(process, "a")
        ours = settings_of(process)
        env = {
            "MONGO_URI": ours.mongo_uri.get_secret_value(), "DATABASE": ours.database, "KAFKA_BOOTSTRAP": ours.kafka_bootstrap,
            "TOPIC_PREFIX": ours.topic_prefix, "INTERNAL_JWKS_URL": ours.internal_jwks_url, "CURSOR_KEY": new_id(),
            "SMTP_HOST": ours.smtp_host, "SMTP_PORT": str(ours.smtp_port), "SMTP_TLS": "none", "SMTP_SECONDS": "1.4",
            "MAIL_FROM": ours.mail_from, "PUBLIC_URL": str(ours.public_url), "MAIL_CLAIM_SECONDS": "3",
            "ROVIEC_CRASH": "mail.after_send",
        }  # fmt: skip
        killed = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notifications.service", "--role", "worker",
            env={**os.environ, **env}, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert await asyncio.wait_for(killed.wait(), 60) == 137
        finally:
            if killed.returncode is None:
                killed.kill()
        assert len(sink.taken) == 1
        assert (await mail_of(process, "a")).state == "sending"

        async def sent_again() -> bool:
            await deliver(process)
            return len(sink.taken) == 2

        await eventually("it is sent again", sent_again)
        (_, first), (_, second) = sink.taken
        assert first["Message-ID"] == second["Message-ID"]
        assert first.as_bytes() == second.as_bytes()
        assert (await mail_of(process, "a")).state == "delivered"
        assert await events_of(process, "a") == ["created", "delivered"]
