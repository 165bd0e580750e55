"""A `make run` of cheap parts: the real `Run`, with processes that only answer on a port. Started by test_supervision.py.

One part is deaf to SIGTERM and has a child of its own: what the end of a run must not leave behind.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from deploy.local.parts import Part, answers
from deploy.local.run import Run, main

ANSWER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    server.accept()[0].close()
"""
DEAF = f"""
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
{ANSWER}
"""


BROKEN = "raise SystemExit('this is what went wrong')"


class FakeRun(Run):
    async def parts(self) -> list[Part]:
        odd = BROKEN if os.environ.get("FAKE_BROKEN") else DEAF
        return [
            self._part("kafka", ANSWER),
            self._part("gateway", ANSWER, "kafka"),
            self._part("training", odd, "kafka"),
        ]

    def _part(self, name: str, code: str, *needs: str) -> Part:
        ports = {**self.profile.ports, "training": self.profile.ports["training-api"], "gateway": self.profile.wanted.port}
        port = ports[name]

        async def ready() -> bool:
            return await answers(port)

        return Part(
            name=name,
            role="all",
            command=[sys.executable, "-c", code, str(port)],
            log=self.profile.log(name),
            ready=ready,
            needs=frozenset(needs),
            last_words=0.5,
        )

    def load(self) -> tuple[list[dict[str, Any]], str]:
        client = {"client_id": "cl-1", "client_secret": "-", "scopes": ["tasks:read"], "units": None}
        return [{"name": name, **client} for name in ("province-portal", "auditor")], "example"

    async def tokens(self) -> list[dict[str, str]]:
        return []


if __name__ == "__main__":
    sys.exit(main(FakeRun))
