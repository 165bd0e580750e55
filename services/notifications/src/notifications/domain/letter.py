"""The mail that a notice becomes: the same notice gives the same bytes every time, Message-ID included.

So a mail that goes out twice (a sender that died between the server's yes and its own note of it) is known as one.
"""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from notifications.domain.notice import Notice
from notifications.domain.text import one_line

SENDER_NAME = "Rõ Việc"
SUBJECT_LENGTH = 160


def letter(notice: Notice, to: str, sender: str, public_url: str) -> EmailMessage:
    """The mail of a notice, Vietnamese first. `to` and `sender` are bare addresses."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(SENDER_NAME, addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = one_line(notice.title.vi, SUBJECT_LENGTH)
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    message["Content-Language"] = "vi, en"
    link = public_url.rstrip("/") + notice.about
    text = (
        f"{notice.body.vi}\n\n{link}\n\nThư tự động của hệ thống Rõ Việc, xin không trả lời.\n\n"
        f"-- English --\n{notice.title.en}\n\n{notice.body.en}\n\nAn automatic mail of Rõ Việc; please do not reply.\n"
    )
    message.set_content(text, cte="quoted-printable")
    return message
