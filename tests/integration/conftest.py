"""One `make run` and one bare platform for all tests of this folder that a worker gets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest

from deploy.local.bootstrap import ROOT
from deploy.local.parts import free_port
from tests.integration.platforms import Bare, MakeRun, bare_platform

SERVERS = ("KAFKA_BOOTSTRAP", "MONGO_URI")


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeRun]:
    """`make run` with servers of its own, since tests kill them; loads the sample province."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")[0].endswith("@platform"), "each worker would start a platform"
    folder = tmp_path_factory.mktemp("run")
    environment = {name: value for name, value in os.environ.items() if name not in SERVERS}
    log = folder.parent / "make-run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.run"],
            cwd=ROOT,
            env={**environment, "LOCAL_DIR": str(folder / "local"), "PORT": str(free_port())},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    run = MakeRun(folder / "local", process)
    until = time.monotonic() + 240
    while not run.file.exists():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            pytest.fail(f"make run did not come up:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.2)
    children = psutil.Process(process.pid).children(recursive=True)
    yield run
    process.send_signal(signal.SIGINT)
    process.wait(timeout=15)
    assert not run.file.exists(), "run.json outlived the run"
    left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert left == [], f"processes outlived the run: {left}"


@pytest.fixture(scope="session")
async def bare(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bare]:
    async with bare_platform(tmp_path_factory.mktemp("bare") / "local") as platform:
        yield platform
