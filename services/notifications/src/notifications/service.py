"""Who is told what, by which channel, and whether it arrived: table of contents of the notifications service."""

from __future__ import annotations

from datetime import timedelta

from common.service import Job, Service
from notifications.features import (
    erase_preferences,
    get_notice,
    get_preferences,
    list_notices,
    on_person_changed,
    read_notice,
    set_preferences,
    tell_of_fact,
)
from notifications.features.deliver_mail import deliver_mail
from notifications.features.measure_mail import measure_mail
from notifications.settings import NotificationsSettings
from notifications.store import STORES

service = Service(
    name="notifications",
    title="Rõ Việc: notifications",
    settings=NotificationsSettings,
    stores=STORES,
    routes=[
        list_notices.routes,
        get_notice.routes,
        read_notice.routes,
        get_preferences.routes,
        set_preferences.routes,
        erase_preferences.routes,
    ],
    handlers=[on_person_changed.on_registered, on_person_changed.on_changed, *tell_of_fact.HANDLERS],
    jobs=[
        Job("deliver-mail", timedelta(seconds=1), deliver_mail, shared=True),
        Job("measure-mail", timedelta(seconds=10), measure_mail, shared=True),
    ],
)

if __name__ == "__main__":
    service.main()
