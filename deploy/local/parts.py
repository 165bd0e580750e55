"""One process of the local run: how it is started, when it is ready, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "roviec"
"""What is downloaded once for all clones: the broker's jars, the database server's environment."""


PORTS = range(20_000, 32_000)
"""Below what systems hand out to outgoing connections (32768 and more): a part that starts again finds its port free."""
INHERITED = (
    "PATH", "HOME", "USER", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH",
    "SYSTEMROOT",
)  # fmt: skip
"""What a part takes over from the caller's environment. Nothing else: a stray setting or secret is no part's business."""


class Trouble(Exception):
    """Something the reader can mend: said in one line, exit 1."""


def free_port(taken: Container[int] = ()) -> int:
    """A port on loopback that nobody listens on and that is not in `taken`. Raises `Trouble` when there is none."""
    for port in random.sample(PORTS, 200):
        if port not in taken and port_is_free(port):
            return port
    raise Trouble("no free port was found on this machine")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def answers(port: int) -> bool:
    """True when something accepts connections on the port."""
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def http_status(url: str) -> int | None:
    """The status of a GET, or None when nobody answers."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(name, int(port))
            writer.write(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            line = await reader.readline()
            writer.close()
            return int(line.split()[1])
    except (OSError, TimeoutError, ValueError, IndexError):
        return None


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Linux: should the supervisor be killed, its processes are killed with it and none is left behind."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Part:
    name: str
    role: str
    command: list[str]
    log: Path
    ready: Callable[[], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    needs: frozenset[str] = frozenset()
    """Names of parts that are ready before it starts, and end after it."""
    api: str | None = None
    metrics: str | None = None
    patience: float = 60.0
    last_words: float = 8.0
    """Seconds that it is given to end by itself."""
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        """Start the process, from the main thread: on Linux it dies with the thread that started it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        out: IO[bytes] = self.log.open("ab")
        with out:
            self.process = subprocess.Popen(
                self.command,
                env={**{name: os.environ[name] for name in INHERITED if name in os.environ}, **self.env},
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends the others in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call; the library was loaded before
            )
        self.starts += 1

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None else None

    async def wait_ready(self) -> None:
        """Raises `Trouble` with the log's last lines when it ends or takes too long."""
        until = time.monotonic() + self.patience
        while not await self.ready():
            if not self.alive:
                raise Trouble(f"{self.name} ended while starting.\n{self.tail()}")
            if time.monotonic() > until:
                raise Trouble(f"{self.name} was not ready after {self.patience:.0f} s.\n{self.tail()}")
            await asyncio.sleep(0.1)

    def tail(self, lines: int = 12) -> str:
        try:
            text = self.log.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            text = []
        return "\n".join(f"    {line[:300]}" for line in text) + f"\n  (whole log: {self.log})"

    def signal(self, number: int) -> None:
        if self.process is not None and self.alive:
            self.process.send_signal(number)

    async def stop(self, seconds: float | None = None) -> None:
        """SIGTERM, and SIGKILL for what does not hear it."""
        self.signal(signal.SIGTERM)
        until = time.monotonic() + (self.last_words if seconds is None else seconds)
        while self.alive and time.monotonic() < until:  # noqa: ASYNC110 - a child's end is asked for, not announced
            await asyncio.sleep(0.05)
        self.kill()
        if self.process is not None:
            await asyncio.to_thread(self.process.wait)

    def kill(self) -> None:
        """SIGKILL for the process and whatever it has started: it leads a group of its own."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
