"""A run of cheap parts as a process: what dies comes back, what is told to end ends, nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from deploy.local.parts import free_port

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def wait_for(what: str, check: Callable[[], T | None], seconds: float = 20.0) -> T:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (found := check()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"after {seconds:.0f} s still not so: {what}")


class Started:
    """A run of `fake_run.py` and its output."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder, self.out = folder, folder.with_suffix(".out")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOCAL_DIR": str(folder), "PORT": str(free_port()), **variables}
        for name in ("KAFKA_BOOTSTRAP", "MONGO_URI"):
            environment.pop(name, None)
        with self.out.open("ab") as out:
            command = [sys.executable, str(Path(__file__).with_name("fake_run.py"))]
            self.process = subprocess.Popen(command, env=environment, cwd=folder.parent, stdout=out, stderr=out)

    def state(self) -> Any:
        """What run.json says, or None when it is not there. Half a file would raise."""
        try:
            return json.loads((self.folder / "run.json").read_text("utf-8"))
        except FileNotFoundError:
            return None

    def ready(self) -> Any:
        return wait_for(f"run.json is written; {self.said()}", self.state)

    def said(self) -> str:
        return self.out.read_text("utf-8")

    def family(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Started]:
    started = Started(folder, **variables)
    try:
        yield started
    finally:
        family = started.family() if started.process.poll() is None else []
        started.process.kill()
        started.process.wait()
        for process in family:  # a child's own children outlive a supervisor that is killed
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "local"


def pid_of(state: Any, name: str) -> int:
    return next(int(one["pid"]) for one in state["processes"] if one["name"] == name)


def test_a_killed_part_comes_back_and_run_json_names_its_new_process(folder: Path) -> None:
    with running(folder) as run:
        before = run.ready()
        victim = pid_of(before, "gateway")
        os.kill(victim, signal.SIGKILL)

        def renewed() -> Any:
            state = run.state()
            return state if pid_of(state, "gateway") != victim else None

        after = wait_for("run.json has another process", renewed)
        assert psutil.pid_exists(pid_of(after, "gateway"))
        others = {one["name"]: one["pid"] for one in before["processes"] if one["name"] != "gateway"}
        assert others == {one["name"]: one["pid"] for one in after["processes"] if one["name"] != "gateway"}
        wait_for("it is said", lambda: "was killed by SIGKILL; started again" in run.said() or None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_leaves_no_process_not_even_a_deaf_one_or_its_child(folder: Path, number: signal.Signals) -> None:
    with running(folder) as run:
        run.ready()
        family = run.family()
        assert len(family) == 4  # three parts, and the child of one
        started = time.monotonic()
        run.process.send_signal(number)
        assert run.process.wait(10) == 0, run.said()
        assert time.monotonic() - started < 10
        wait_for("nothing is left", lambda: not any(alive(process.pid) for process in family) or None, 2.0)
        assert run.state() is None


def test_the_second_ctrl_c_kills_at_once(folder: Path) -> None:
    with running(folder) as run:
        run.ready()
        family = run.family()
        run.process.send_signal(signal.SIGINT)
        wait_for("the end has begun", lambda: "ending" in run.said() or None)
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(3) in (0, 130)
        wait_for("nothing is left", lambda: not any(alive(process.pid) for process in family) or None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_a_killed_supervisor_takes_its_parts_with_it(folder: Path) -> None:
    with running(folder) as run:
        state = run.ready()
        run.process.kill()
        run.process.wait()
        pids = [one["pid"] for one in state["processes"]]
        wait_for("the parts are gone", lambda: not any(alive(pid) for pid in pids) or None)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_second_run_in_the_same_folder_is_told_so_and_the_next_goes_on_with_its_secrets(folder: Path) -> None:
    with running(folder) as first:
        first.ready()
        second = Started(folder)
        assert second.process.wait(20) == 1
        assert f"roviec: another `make run` uses {folder}" in second.said()
        first.process.terminate()
        assert first.process.wait(10) == 0
    secrets, ports = ((folder / name).read_text() for name in ("secrets.json", "ports.json"))
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600
    with running(folder) as again:
        again.ready()
        assert ((folder / "secrets.json").read_text(), (folder / "ports.json").read_text()) == (secrets, ports)

    def made_anew() -> bool | None:
        file = folder / "secrets.json"
        return True if file.exists() and file.read_text() not in ("", secrets) else None

    with running(folder, FRESH="1"):
        wait_for("secrets are made anew", made_anew)


def test_a_taken_gateway_port_is_one_clear_line(folder: Path) -> None:
    with running(folder) as first:
        port = first.ready()["gateway"].rpartition(":")[2]
        second = Started(folder.with_name("other"), PORT=port)
        assert second.process.wait(20) == 1
        assert second.said() == f"roviec: port {port} is taken by another program, or reserved; choose another one with PORT=\n"


def test_a_part_that_ends_while_starting_is_told_with_the_last_lines_of_its_log(folder: Path) -> None:
    with running(folder, FAKE_BROKEN="1") as run:
        assert run.process.wait(20) == 1
        assert "roviec: training ended while starting" in run.said()
        assert "this is what went wrong" in run.said()
        assert run.state() is None
