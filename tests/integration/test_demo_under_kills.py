"""`make demo` while every process of the platform is killed once: nothing lost, doubled or out of order at the end.

The demo holds the ledger against the outboxes, inboxes against what was done, and each repeated Idempotency-Key against
its first answer; here each process dies at a moment of its own (kill -9), and `make run` starts it again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from deploy.local.bootstrap import ROOT
from tests.integration.platforms import MakeRun

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("platform")]

PROCESSES = ("tasks", "training", "notifications", "audit", "gateway", "kafka", "mongo")


def start_demo(run: MakeRun, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        command = [sys.executable, "-m", "deploy.local.demo", "--run", str(run.file)]
        return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)


def ready_again(run: MakeRun, name: str, before: int) -> bool:
    """True when another process has taken the place of the one that was killed, and serves."""
    process = next(one for one in run.now()["processes"] if one["name"] == name)
    if process["pid"] == before:
        return False
    if process["metrics"] is None:
        return True
    try:
        return bool(httpx2.get(process["metrics"].replace("/metrics", "/readyz"), trust_env=False, timeout=2).is_success)
    except httpx2.TransportError:
        return False


def test_the_main_job_survives_the_death_of_every_process(make_run: MakeRun, tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", time.time()))
    dice = random.Random(seed)
    left = list(PROCESSES)
    dice.shuffle(left)
    story = [f"seed {seed}"]
    for number in range(4):
        log = tmp_path / f"demo-{number}.log"
        demo = start_demo(make_run, log)
        started = time.monotonic()
        next_kill = started + dice.uniform(1.0, 4.0)
        while demo.poll() is None:
            assert time.monotonic() - started < 300, f"the demo hangs; {story}\n{log.read_text(errors='replace')[-3000:]}"
            if left and time.monotonic() > next_kill:
                name = left.pop()
                pid = make_run.pid(name)
                os.kill(pid, signal.SIGKILL)
                story.append(f"demo {number} at {time.monotonic() - started:.1f} s: kill -9 {name}")
                until = time.monotonic() + 60
                while not ready_again(make_run, name, pid):
                    assert time.monotonic() < until, f"{name} did not come back; {story}"
                    time.sleep(0.1)
                next_kill = time.monotonic() + dice.uniform(1.0, 4.0)
            time.sleep(0.05)
        assert demo.returncode == 0, f"{story}\n{log.read_text(errors='replace')[-6000:]}"
        if not left:
            return
    pytest.fail(f"the demo ended before everything was killed: {left} lived on")
