"""The local run's mail server: takes every mail, keeps it in a Maildir, and shows it over loopback HTTP.

`python -m deploy.local.mailbox --smtp-port 2525 --http-port 8025 --folder .local/mail`; `GET /` is a page to read,
`GET /messages.json?to=` the same for programs. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import json
import mailbox
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_binary_file, policy
from email.message import EmailMessage
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"
MAX_MAIL = 10 * 1024 * 1024
ON_PAGE = 200
"""Mails on the page; `messages.json` has them all."""


@dataclass(frozen=True)
class Mail:
    """One mail as it is shown. `to` is whom it was delivered to, which its own header need not say."""

    id: str
    to: str
    sender: str
    subject: str
    at: str
    text: str

    def public(self) -> dict[str, str]:
        shown = asdict(self)
        shown["from"] = shown.pop("sender")
        return shown


class Folder:
    """A Maildir: one file a mail, each written whole and flushed before the sender is told yes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._maildir = mailbox.Maildir(path, create=True)
        self._path = path

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        delivery = "".join(f"Delivered-To: {address}\r\n" for address in envelope.rcpt_tos)
        self._maildir.add(f"Return-Path: <{envelope.mail_from}>\r\n{delivery}".encode() + envelope.content)
        return "250 kept"

    def mails(self) -> Iterator[Mail]:
        """All mails, the newest first."""
        files = [file for part in ("new", "cur") for file in (self._path / part).iterdir()]
        for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True):
            with file.open("rb") as source:
                yield read(file, message_from_binary_file(source, policy=policy.default))


def read(file: Path, message: EmailMessage) -> Mail:
    """What a kept file says; what cannot be read of it is said to be so."""
    kept = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return Mail(
        id=file.name,
        to=_readable(lambda: ", ".join(message.get_all("Delivered-To", []))),
        sender=_readable(lambda: str(message.get("From", ""))),
        subject=_readable(lambda: str(message.get("Subject", ""))),
        at=kept.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        text=_readable(lambda: _text(message)),
    )


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    return "" if body is None else str(body.get_content())


def _readable(part: Callable[[], str]) -> str:
    try:
        return part()
    except Exception:  # a malformed header or character set makes the standard library raise all kinds
        return "(unreadable)"


def page(mails: list[Mail]) -> str:
    """The mails as one self-contained page. Everything that a mail says is escaped."""
    shown = "".join(
        f"<article><h2>{escape(mail.subject) or '&mdash;'}</h2>"
        f"<p class=about><b>{escape(mail.to)}</b> &larr; {escape(mail.sender)} &middot; <time>{escape(mail.at)}</time></p>"
        f"<pre>{escape(mail.text)}</pre></article>"
        for mail in mails[:ON_PAGE]
    )
    empty = "<p>Chưa có thư nào. / No mail yet.</p>"
    return (
        "<!doctype html><html lang=vi><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Rõ Việc: hộp thư thử</title><style>"
        "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1c2733}"
        "article{border:1px solid #ccd5de;border-radius:.5rem;padding:1rem;margin:1rem 0}"
        "h1{font-size:1.4rem}h2{font-size:1.05rem;margin:0}.about{color:#52606d;margin:.25rem 0}"
        "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.75rem 0 0}</style>"
        f"<h1>Hộp thư thử: {len(mails)} thư</h1>{shown or empty}</html>"
    )


class Web(BaseHTTPRequestHandler):
    """Two addresses, read only, for this machine alone: a page of another origin that resolves to it is turned away."""

    server_version, sys_version = "mailbox", ""

    def __init__(self, folder: Folder, *arguments: Any) -> None:
        self._folder = folder
        super().__init__(*arguments)

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        asked = urlsplit(self.path)
        if host not in (HOST, "localhost"):
            self._answer(421, "text/plain", "for this machine only\n")
        elif asked.path == "/":
            self._answer(200, "text/html", page(list(self._folder.mails())))
        elif asked.path == "/messages.json":
            wanted = parse_qs(asked.query).get("to", [None])[0]
            mails = [mail.public() for mail in self._folder.mails() if wanted is None or wanted in mail.to.split(", ")]
            self._answer(200, "application/json", json.dumps(mails, ensure_ascii=False))
        else:
            self._answer(404, "text/plain", "there is / and /messages.json?to=\n")

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing: addresses and subjects stay out of the log."""


def serve(folder: Path, smtp_port: int, http_port: int) -> Callable[[], None]:
    """Start both servers; returns what ends them. Raises OSError when a port cannot be had."""
    kept = Folder(folder)
    web = ThreadingHTTPServer((HOST, http_port), partial(Web, kept))
    web.daemon_threads = True
    smtp = Controller(kept, hostname=HOST, port=smtp_port, data_size_limit=MAX_MAIL, ident="Ro Viec local mailbox")
    try:
        smtp.start()
    except BaseException:
        web.server_close()
        raise
    threading.Thread(target=web.serve_forever, daemon=True).start()

    def end() -> None:
        web.shutdown()
        web.server_close()
        smtp.stop()

    return end


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.mailbox", description="A mail server that keeps everything")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="the Maildir; made when it is not there")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        end = serve(given.folder, given.smtp_port, given.http_port)
    except OSError as error:
        sys.exit(f"mailbox: {error}")
    print(f"mailbox: ready, smtp {HOST}:{given.smtp_port}, http://{HOST}:{given.http_port}/", flush=True)
    stop.wait()
    end()


if __name__ == "__main__":
    main()
