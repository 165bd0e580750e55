"""The local run's mail server, as a process: takes mail, keeps it, shows it without believing it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import httpx2
from aiosmtplib import SMTP

from deploy.local.parts import free_port

EVIL = "<script>alert(1)</script>"


def start(folder: Path, smtp: int, http: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "deploy.local.mailbox"]
    ports = ["--smtp-port", str(smtp), "--http-port", str(http), "--folder", str(folder)]
    return subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_mail_is_kept_shown_and_escaped(tmp_path: Path) -> None:
    smtp_port, http_port = free_port(), free_port()
    process = start(tmp_path / "a" / "mail", smtp_port, http_port)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"mailbox: ready, smtp 127.0.0.1:{smtp_port}, http://127.0.0.1:{http_port}/\n"
        message = EmailMessage()
        message["From"], message["To"] = "a@example.vn", "b@example.vn"
        message["Subject"] = f"Nhắc việc {EVIL}"
        message.set_content(f"Nội dung {EVIL}\n")
        async with SMTP(hostname="127.0.0.1", port=smtp_port, start_tls=False, local_hostname="test") as smtp:
            await smtp.send_message(message, recipients=["b@example.vn", "c@example.vn"])
            broken = b"Subject: =?nonsense?b?x?=\r\nFrom: @@\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe\r\n"
            await smtp.sendmail("a@example.vn", ["d@example.vn"], broken)

        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{http_port}", trust_env=False) as web:
            found = (await web.get("/messages.json", params={"to": "c@example.vn"})).json()
            assert [(one["to"], one["from"], one["subject"]) for one in found] == [
                ("b@example.vn, c@example.vn", "a@example.vn", f"Nhắc việc {EVIL}")
            ]
            assert set(found[0]) == {"id", "to", "from", "subject", "at", "text"}
            assert found[0]["text"].strip() == f"Nội dung {EVIL}"
            assert len((await web.get("/messages.json")).json()) == 2
            page = await web.get("/")
            assert EVIL not in page.text
            assert "&lt;script&gt;" in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert (await web.get("/other")).status_code == 404
            assert (await web.get("/", headers={"Host": "evil.example"})).status_code == 421
        assert len(list((tmp_path / "a" / "mail" / "new").iterdir())) == 2
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0

    process = start(tmp_path / "a" / "mail", smtp_port, http_port)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        kept = json.loads(httpx2.get(f"http://127.0.0.1:{http_port}/messages.json", trust_env=False).text)
        assert len(kept) == 2
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for smtp, http in ((port, free_port()), (free_port(), port)):
            process = start(tmp_path / "mail", smtp, http)
            _, said = process.communicate(timeout=10)
            assert process.returncode == 1
            assert said.startswith("mailbox: ")
            assert said.count("\n") == 1
