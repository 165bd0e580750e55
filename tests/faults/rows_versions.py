"""Rows about versions side by side: an older one and today's, in both orders, and a writer that is newer than its readers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from common.outbox import DEAD_LETTER
from deploy.local.bootstrap import ROOT
from tests.faults.arena import Replica
from tests.faults.checker import Damage, Finding
from tests.faults.reading import READERS
from tests.faults.rows_limits import skipped
from tests.faults.stage import Stage
from tests.faults.waits import started_anew

OLDER = os.environ.get("RIG_OLDER", "HEAD~12")
"""The version that counts as the one before: a commit, or a tag once there are releases."""


def older_code(into: Path) -> list[Path] | None:
    """The source folders of the older version, laid out under `into`. None when the history does not reach that far."""
    into.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(["git", "archive", OLDER, "libs", "services"], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        return None
    subprocess.run(["tar", "-x"], input=packed.stdout, cwd=into, check=True)
    return sorted(into.glob("libs/*/src")) + sorted(into.glob("services/*/src"))


async def mixed_versions(stage: Stage, size: float) -> None:
    """Row 35: of each deployable one replica runs the older version beside today's, then the other one does, then none;
    then the writers are newer than their readers, by a field more in each event. Nothing becomes a dead letter.
    """
    folders = older_code(stage.arena.servers.folder / "older" / stage.arena.area)
    if not folders:
        skipped(stage, f"this clone has no {OLDER}: its history is too short")
        return
    older, newer = {"PYTHONPATH": os.pathsep.join(map(str, folders))}, {"PYTHONPATH": ""}
    first, second = stage.arena.replicas[::2], stage.arena.replicas[1::2]
    await started_anew(stage, first, older)
    await _run(stage, f"first replicas run {OLDER}, second ones today's", len(first), size)
    await started_anew(stage, first, newer)
    await started_anew(stage, second, older)
    await _run(stage, f"second replicas run {OLDER}, first ones today's", len(second), size)
    await started_anew(stage, second, newer)
    writers = [*stage.arena.of("tasks", "api"), *stage.arena.of("tasks")]
    for one in writers:
        one.part.command = _command(one, "newer")
    await started_anew(stage, writers, {})
    await _run(stage, "writers add a field to each event", len(writers), size)
    if letters := await asyncio.to_thread(_dead_letters, stage):
        stage.findings.append(Finding(Damage.WRONG, "dead letter between versions", letters))
    stage.figure("dead letters between versions", letters, 0)


async def _run(stage: Stage, what: str, number: int, size: float) -> None:
    stage.story.fault("other version", what, number)
    before = stage.callers.acknowledged
    await asyncio.sleep(6 * size)
    if stage.callers.acknowledged == before:
        stage.findings.append(Finding(Damage.STUCK, f"{what}: nothing was acknowledged"))


def _command(one: Replica, mode: str) -> list[str]:
    return [sys.executable, "-m", "tests.faults.saboteur", mode, one.module, "--role", one.role]


def _dead_letters(stage: Stage) -> int:
    outboxes = [stage.arena.database(name)["outbox"] for name in READERS]
    return sum(outbox.count_documents({"aggregatetype": DEAD_LETTER}) for outbox in outboxes)
