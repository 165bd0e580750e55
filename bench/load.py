"""Load by `wrk`, and what the benches with processes of their own have in common."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.measure import Meter, Missing, Sample
from deploy.local.parts import Part

ROOT = Path(__file__).resolve().parents[1]


def program(name: str, package: str | None = None) -> str:
    """Where a program is. Raises `Missing` with the Debian package that has it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Missing(f"{name} is not on this machine (Debian: {package or name})")
    return found


class _Bad(Exception):
    """A run that measured something else than good answers."""


@dataclass(frozen=True)
class Wrk:
    """One thread, `connections` kept open, `seconds` long. Every answer must be good."""

    path: str
    seconds: float
    connections: int

    @classmethod
    def find(cls, seconds: float, connections: int) -> Wrk:
        return cls(program("wrk"), max(2.0, seconds), connections)

    async def load(self, url: str, token: str, processes: Sequence[int], *options: str) -> Sample:
        """Requests a second, and the processor time of each in these processes.

        A run in which an answer was not good, or none came, counts for nothing: it is taken again, for longer, and the
        sample says so. Raises AssertionError when that happens three times: it is then no accident of a busy machine.
        """
        seen: list[str] = []
        for times in (1, 2, 4):
            try:
                sample = await self._once(times * self.seconds, url, token, processes, options)
                return replace(sample, again=len(seen))
            except _Bad as bad:
                seen.append(str(bad))
        raise AssertionError("\n".join(seen))

    async def _once(self, seconds: float, url: str, token: str, processes: Sequence[int], options: Sequence[str]) -> Sample:
        command = [self.path, "-t1", f"-c{self.connections}", f"-d{seconds:.0f}s", "--timeout", "30s", *options]
        command += ["-H", f"Authorization: Bearer {token}", "-H", f"Idempotency-Key: {secrets.token_hex(8)}"]
        command += ["-H", "Content-Type: application/json", url]
        with Meter(*processes) as meter:
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            out, _ = await process.communicate()
        text = out.decode()
        if "Non-2xx" in text or "Socket errors" in text:
            raise _Bad(f"not every answer was good at {url}:\n{text}")
        rate, requests = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"(\d+) requests in", text)
        if rate is None or requests is None:
            raise AssertionError(f"wrk said something else of {url}:\n{text}")
        if requests[1] == "0":
            raise _Bad(f"no answer at {url} in {seconds:.0f} s")
        return Sample(float(rate[1]), meter.cpu / int(requests[1]) * 1e6)


@asynccontextmanager
async def running(*parts: Part) -> AsyncIterator[None]:
    """These processes, ready; ended afterwards."""
    try:
        for part in parts:
            part.start()
        await asyncio.gather(*(part.wait_ready() for part in parts))
        yield
    finally:
        await asyncio.gather(*(part.stop(5) for part in parts))


def pid(part: Part) -> int:
    """The process of a part that runs."""
    assert part.pid is not None
    return part.pid
