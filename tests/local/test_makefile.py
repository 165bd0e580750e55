"""The verbs of the Makefile, and what a machine is told that lacks what they need."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.bootstrap import DATABASE, LOCK, PEERS, blocks, requirements

ROOT = Path(__file__).resolve().parents[2]
VERBS = {"run", "demo", "test", "check", "contracts", "bench", "faults", "faults-smoke", "soak", "fmt", "setup", "help"}


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What of a fresh clone the first rule of the Makefile needs."""
    (tmp_path / "deploy" / "local").mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "deploy/local/bootstrap.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_help_lists_every_verb_with_its_comment_in_eighty_columns() -> None:
    said = make(ROOT, "help").stdout
    assert set(re.findall(r"^  make (\S+) +\S", said, re.MULTILINE)) == VERBS
    assert max(map(len, said.splitlines())) <= 100
    assert make(ROOT).stdout == said


def test_a_missing_python_is_one_clear_line(clone: Path) -> None:
    said = make(clone, "run", "PYTHON=python-that-is-not-there")
    assert said.returncode != 0
    assert said.stderr.splitlines()[0].startswith("roviec: no python-that-is-not-there here; install Python 3.11 or newer")
    assert not (clone / ".venv").exists()


def test_a_python_that_is_too_old_is_one_clear_line(clone: Path) -> None:
    old = clone / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")  # what an older one answers when it is asked whether it is 3.11
    old.chmod(0o755)
    said = make(clone, "run", f"PYTHON={old}")
    assert said.returncode != 0
    assert said.stderr.splitlines()[0].startswith("roviec: Python 3.11 or newer is needed")
    assert not (clone / ".venv").exists()


def test_an_environment_that_cannot_be_written_is_one_clear_line(clone: Path) -> None:
    (clone / ".venv").symlink_to("/dev/null/nowhere")
    said = make(clone, "run", f"PYTHON={sys.executable}")
    assert said.returncode != 0
    assert "roviec: cannot write" in said.stderr
    assert "Traceback" not in said.stderr


def test_the_environments_share_the_lock_and_keep_its_hashes() -> None:
    whole = blocks(LOCK.read_text())
    ours, database, peers = (blocks(requirements(roots)) for roots in ((), DATABASE, PEERS))
    assert set(ours) | set(database) | set(peers) == set(whole)
    assert not set(ours) & set(DATABASE), "nothing of ours may import it"
    assert not set(ours) & set(PEERS)
    assert {"secantusdb", "pymongo", "dnspython"} <= set(database), "what a package needs comes with it"
    for name, lines in {**ours, **database, **peers}.items():
        assert lines == whole[name]
        assert all("--hash=sha256:" in line for line in lines)


def test_ci_runs_the_checks_and_the_suite_and_says_what_was_skipped() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    text = script.read_text()
    assert re.search(r"^make .*\bcheck$", text, re.MULTILINE)
    assert re.search(r"^make .*\btest ARGS=-rs", text, re.MULTILINE)
